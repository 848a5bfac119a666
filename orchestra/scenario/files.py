"""Reading scenario files: bounded, as UTF-8, with one clear message for each way to fail."""

from __future__ import annotations

import codecs
from pathlib import Path

from ..errors import Problem, ScenarioError, UsageError
from ..text import one_line
from .excerpt import problem_at, split_lines, suggestion
from .nodes import MAX_BYTES

_ROOT_MARKS = ("pyproject.toml", ".git")
_UTF_8 = "save the file as UTF-8"


def read(path: Path) -> bytes:
    """The bytes of a file, one more than :data:`MAX_BYTES` at most; UsageError if it has none."""
    shown = one_line(str(path))
    try:
        if path.is_dir():
            raise UsageError(f"{shown}: is a folder, not a scenario file")
        if not path.exists():
            raise UsageError(f"{shown}: no such file" + _sibling(path))
        if not path.is_file():  # to open a pipe would wait for a writer
            raise UsageError(f"{shown}: is not a regular file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{shown}: cannot be read: {reason}") from None


def decode(data: bytes, file: str) -> str:
    """The text of a file; ScenarioError if it is too large or no UTF-8."""
    if len(data) > MAX_BYTES:
        raise ScenarioError([Problem(file=file, message="is larger than 1 MiB")])
    if _is_utf_16(data):
        raise ScenarioError([Problem(file=file, message="is UTF-16 text", hint=_UTF_8)])
    if b"\0" in data:
        raise ScenarioError([Problem(file=file, message="is not a text file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = split_lines(error.object[: error.start].decode())
        lines = split_lines(data.decode("utf-8-sig", "replace"))
        message = f"is not UTF-8 text: byte 0x{error.object[error.start]:02x}"
        place = len(before), len(before[-1]) + 1
        raise ScenarioError([problem_at(lines, file, *place, message, _UTF_8)]) from None


def _is_utf_16(data: bytes) -> bool:
    """By its mark, or by every other byte of the first few being zero."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    low, high = data[:8:2], data[1:8:2]
    pairs = ((low, high), (high, low))
    return len(data) >= 4 and any(not any(one) and all(two) for one, two in pairs)


def find_root(path: Path, root: Path | str | None) -> Path:
    """The given root, else the nearest project above the file, else the file's folder."""
    if root is not None:
        given = Path(root)
        if not given.is_dir():
            raise UsageError(f"{one_line(str(root))}: the root is no folder")
        return given.resolve()
    folder = path.absolute().parent
    for parent in (folder, *folder.parents):
        if any((parent / mark).exists() for mark in _ROOT_MARKS):
            return parent.resolve()
    return folder.resolve()


def nearest_file(path: Path, *, folders: bool = False) -> str:
    """``did you mean 'x.yaml'?`` for the file beside ``path`` with the nearest name."""
    try:
        beside = (it for it in path.parent.iterdir() if it.name != path.name)  # a link to itself
        names = [entry.name for entry in beside if folders or entry.is_file()]
    except OSError:
        return ""
    return suggestion(path.name, names)


def _sibling(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {one_line(str(path.parent))}"
    hint = nearest_file(path)
    return f"; {hint}" if hint else ""

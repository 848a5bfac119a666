"""Reading scenario files: bounded, as UTF-8, with one clear message for each way to fail."""

from __future__ import annotations

from pathlib import Path

from ..errors import Problem, ScenarioError, UsageError
from ..text import one_line
from .excerpt import suggestion
from .nodes import MAX_BYTES

_ROOT_MARKS = ("pyproject.toml", ".git")


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
    if b"\0" in data:
        raise ScenarioError([Problem(file=file, message="is not a text file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 text: byte 0x{data[error.start]:02x}"
        problem = Problem(file=file, line=line, message=message, hint="save the file as UTF-8")
        raise ScenarioError([problem]) from None


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
        names = [entry.name for entry in path.parent.iterdir() if folders or entry.is_file()]
    except OSError:
        return ""
    return suggestion(path.name, names)


def _sibling(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {one_line(str(path.parent))}"
    hint = nearest_file(path)
    return f"; {hint}" if hint else ""

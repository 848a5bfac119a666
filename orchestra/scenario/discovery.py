"""Finding scenario files in folders."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import ScenarioError, UsageError
from ..text import one_line
from .files import nearest_file
from .nodes import MAX_BYTES, compose

SKIPPED = {"node_modules", "__pycache__", "venv"}
"""Folders in which nobody looks for scenarios, beside those that begin with a dot."""
SCENARIO_FILE = re.compile(r".*(?<!\.golden)\.ya?ml", re.DOTALL)
_VERSION = re.compile(rb"^(version|'version'|\"version\")\s*:", re.MULTILINE)
_AGENTS = re.compile(rb"^(agents|'agents'|\"agents\")\s*:", re.MULTILINE)


def discover(paths: Iterable[str | Path]) -> list[Path]:
    """The files as given, and the scenarios in the folders, sorted; no file twice.

    UsageError for a path that does not exist, and for a folder without scenarios.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        for file in _expanded(path):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def is_scenario(path: Path) -> bool:
    """Whether a file is a scenario, by its name and its text: a broken one is one as well."""
    return bool(SCENARIO_FILE.fullmatch(path.name)) and path.is_file() and _is_scenario(path)


def _expanded(path: Path) -> list[Path]:
    shown = one_line(str(path))
    try:
        exists = path.exists()
    except OSError as error:
        raise UsageError(f"{shown}: cannot be read: {error.strerror}") from None
    if not exists:
        hint = nearest_file(path, folders=True)
        raise UsageError(f"{shown}: no such file or folder" + (f"; {hint}" if hint else ""))
    if not path.is_dir():
        return [path]
    files = sorted(_scenarios(path))
    if not files:
        hint = "a scenario is a *.yaml file with 'version' and 'agents' at its top level"
        raise UsageError(f"{shown}: no scenario in this folder; {hint}")
    return files


def _scenarios(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [it for it in folders if not it.startswith(".") and it not in SKIPPED]
        yield from filter(is_scenario, (Path(place, name) for name in files))


def _refuse(error: OSError) -> None:
    raise UsageError(f"{one_line(str(error.filename))}: cannot be read: {error.strerror}")


def _is_scenario(path: Path) -> bool:
    """By its text, so that a broken scenario is found, and its mistake told, too."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return True  # whoever loads it says why it cannot be read
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data[2:].replace(b"\0", b"")  # near enough, and loading it says what is wrong
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r", b"\n")
    if not data.lstrip().startswith(b"{"):
        return bool(_VERSION.search(data) and _AGENTS.search(data))
    try:
        document = compose(data.decode())
    except (ScenarioError, UnicodeDecodeError):
        return False
    return document.get("version") is not None and document.get("agents") is not None

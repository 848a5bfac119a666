"""What a suite has played, a line a case, written as it goes: so it can be gone on with.

The newest journal of a project tells as well which cases failed when they were last played: its
first line has those that the one before knew of. A few journals are left, the others removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedRandom
from pathlib import Path
from typing import Any

from ..text import whole_characters
from .keep import make_folder, open_new
from .lock import held, hold

VERSION = 1
_LEFT = 3  # journals of a project, beside the one that is written

Key = tuple[str, str]
"""A file, relative to the project, and the name of a case."""


@dataclass(slots=True)
class Past:
    """What an earlier suite has left. ``over``: it came to its end."""

    over: bool = True
    failed: dict[Key, bool] = field(default_factory=dict)
    _path: Path | None = None
    _at: dict[str, dict[str, int]] = field(default_factory=dict)  # by file and name
    _prints: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, str]:
        """The fingerprints of the files that were played."""
        return self._prints

    def names(self, file: str) -> frozenset[str]:
        """The cases of a file that were played."""
        return frozenset(self._at.get(file, ()))

    def read(self, key: Key) -> dict[str, Any] | None:
        """What was put of a case."""
        file, name = key
        at = self._at.get(file, {}).get(name)
        if self._path is None or at is None:
            return None
        try:
            with self._path.open("rb") as journal:
                journal.seek(at)
                line: dict[str, Any] = json.loads(journal.readline())
        except (OSError, ValueError):
            return None
        return line


class Journal:
    """Writes what is put, and reads it back in any order. Trouble with the folder ends no suite:

    ``say`` is told of it, and the lines go to a file that nobody else sees.
    """

    def __init__(self, folder: Path, past: Past, say: Callable[[str], object]) -> None:
        self._failed = {key for key, failed in past.failed.items() if failed}
        self._at: dict[int, int] = {}
        self._end = 0
        self.path: Path | None = None
        try:
            make_folder(folder)
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            self.path = folder / f"{now}-{os.getpid()}.jsonl"
            open_new(self.path).close()
            self._file: BufferedRandom = self.path.open("r+b")
            hold(self._file)
            _prune(folder, self.path)
        except OSError as error:
            where = error.filename or folder
            say(f"orchestra: --resume and --last-failed will not know of this suite: {where}: "
                f"{error.strerror}")  # fmt: skip
            self.path = None
            self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by close()
        head = {"type": "suite", "version": VERSION, "failed": sorted(self._failed)}
        self._write(head)

    def begin(self, file: str, fingerprint: str, names: Sequence[str]) -> None:
        """A file has been loaded; ``names`` are all its cases."""
        self._write({"type": "file", "file": file, "fingerprint": fingerprint, "names": [*names]})

    def put(self, line: Mapping[str, Any], number: int) -> None:
        """Write what is known of a case; ``number`` is its place among all."""
        self._at[number] = self._write({"type": "case", **line})

    def lines(self) -> Iterator[dict[str, Any]]:
        """What was put, by its numbers."""
        for number in sorted(self._at):
            self._file.seek(self._at[number])
            yield json.loads(self._file.readline())

    def close(self, *, over: bool) -> None:
        with contextlib.suppress(OSError):
            if over:
                self._write({"type": "end"})
            self._file.close()

    def _write(self, line: Mapping[str, Any]) -> int:
        data = whole_characters(json.dumps(line, ensure_ascii=False)).encode() + b"\n"
        at = self._end
        self._file.seek(at)
        self._file.write(data)
        self._file.flush()
        self._end = at + len(data)
        return at


def last(folder: Path) -> Past:
    """What the last suite of a project has left, as far as anybody can tell."""
    for path in reversed(_journals(folder)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return _read(path)
    return Past()


def _read(path: Path) -> Past:
    past = Past(over=False, _path=path)
    with path.open("rb") as file:
        if held(file):
            raise ValueError("somebody writes it")
        head = json.loads(file.readline())
        if head["type"] != "suite" or head["version"] != VERSION:
            raise ValueError("another version's")
        past.failed = dict.fromkeys(map(tuple, head["failed"]), True)
        at = file.tell()
        for data in iter(file.readline, b""):
            if not data.endswith(b"\n"):
                break  # it was killed while it wrote
            line = json.loads(data)
            if line["type"] == "end":
                past.over = True
                break
            key = line["file"], line.get("name", "")
            if line["type"] == "file":
                past._prints[key[0]] = line["fingerprint"]
                gone = {it for it in past.failed if it[0] == key[0]}
                for it in gone - {(key[0], name) for name in line["names"]}:
                    del past.failed[it]
            else:
                past.failed[key] = line["exit_code"] != 0
                past._at.setdefault(key[0], {})[key[1]] = at
            at = file.tell()
    return past


def _journals(folder: Path) -> list[Path]:
    """The oldest first."""
    try:
        return sorted(it for it in folder.iterdir() if it.suffix == ".jsonl")
    except OSError:
        return []


def _prune(folder: Path, own: Path) -> None:
    for path in [it for it in _journals(folder) if it != own][:-_LEFT]:
        with contextlib.suppress(OSError), path.open("rb") as file:
            if not held(file):
                path.unlink()

"""Reading: which runs there are, how each ended, and all that happened in one.

A process that is killed may leave half a line at the end of its file: that is no mistake. Anything
else that is not as it should be is one, and is reported with its line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from ..errors import UsageError
from ..events import Event, Header, RunFinished, RunStarted, Usage, loads, read
from ..text import nearest, one_line
from .lock import held, hold

LAST = "last"
SUFFIX = ".jsonl"
_HEADER = b'{"type":"header"'
_NEWBORN = 60  # seconds in which a file may be empty and not yet locked
_CHUNK = 1 << 16
_SHOWN = 5
_OFTEN = 1_000  # lines


@dataclass(frozen=True, slots=True)
class Head:
    """A kept run, as far as its first line tells. ``started`` is in seconds since the epoch."""

    path: Path
    header: Header
    started: float

    @property
    def id(self) -> str:
        return self.path.name.removesuffix(SUFFIX)


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept run, as far as its first and last lines tell.

    ``status`` is that of the run's end; without one it is ``running`` or ``killed``, or
    ``unfinished`` where nothing tells which. ``usage`` is None until the run is over.
    """

    head: Head
    status: str
    input: str = ""
    case: str | None = None
    duration: float = 0.0
    usage: Usage | None = None


def open_run(
    path: Path, told: Callable[[float], object] = lambda _: None
) -> tuple[Header, Iterator[Event]]:
    """A recorded run: its header, and its events as they are asked for.

    ``told`` is told now and then which share of the file has been read.

    Raises:
        UsageError: the file cannot be read; also later, at a line that is no event.
    """
    try:
        if not path.is_file():  # to open a pipe would wait for a writer
            reason = "is no file" if path.exists() else "no such file"
            raise UsageError(f"{path}: {reason}")
        with path.open("rb") as file:
            return _header(path, file.readline()), _events(path, told)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def find(folder: Path, name: str) -> Path:
    """The file of a run, by its id, the beginning of that, ``last``, or the file's own path.

    Raises:
        UsageError: there is none, or more than one.
    """
    if os.sep in name or name.endswith(SUFFIX):
        return Path(name)
    if name == LAST:
        if newest := heads(folder, lambda _: None):
            return newest[0].path
        raise UsageError(f"no runs are kept in {folder}")
    ids = sorted(path.name.removesuffix(SUFFIX) for path in _files(folder))
    found = [name] if name in ids else [it for it in ids if name and it.startswith(name)]
    if len(found) == 1:
        return folder / f"{found[0]}{SUFFIX}"
    if not found and Path(name).is_file():
        return Path(name)
    if found:
        shown = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        raise UsageError(f"{name!r} is the beginning of {len(found)} runs: {shown}")
    hint = nearest(name, [*ids, LAST]) or "'orchestra runs' lists them"
    raise UsageError(f"there is no run {name!r} in {folder}; {hint}")


def heads(folder: Path, say: Callable[[str], object]) -> list[Head]:
    """The runs of a folder, the newest first. Reads the first line of each file.

    ``say`` is told of files that hold no run, and of a folder that cannot be read.
    """
    found: list[tuple[float, Head]] = []
    for path in _files(folder):
        try:
            with path.open("rb") as file:
                header = _header(path, file.readline())
                changed = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            continue  # it has just been removed
        except OSError as error:
            say(f"{path}: cannot be read: {error.strerror}")
        except UsageError as error:
            say(str(error))
        else:
            found.append((changed, Head(path, header, _started(header) or changed)))
    found.sort(key=lambda it: (it[1].started, it[0]), reverse=True)
    return [head for _, head in found]


def look(head: Head) -> Kept:
    """How a run of a folder went. Reads its second line and its last one."""
    with head.path.open("rb") as file:
        file.readline()
        begun = _event(file.readline())
        last = _event(last_line(file)[0])
        alive = held(file)
        stat = os.fstat(file.fileno())
    begun = begun if isinstance(begun, RunStarted) else None
    case, text = (begun.case, begun.input) if begun else (head.header.case, "")
    if isinstance(last, RunFinished):
        return Kept(head, last.status, text, case, last.duration, last.usage)
    if stat.st_size == 0 and time.time() - stat.st_mtime < _NEWBORN:
        alive = True
    status = {True: "running", False: "killed", None: "unfinished"}[alive]
    return Kept(head, status, text, case, last.t if last else 0.0)


def remove(head: Head) -> bool:
    """Remove a run, unless it goes on. Raises OSError."""
    with head.path.open("rb") as file:
        if not hold(file):
            return False
        head.path.unlink()
    return True


def last_line(file: IO[bytes]) -> tuple[bytes, int]:
    """The last whole line of a file, and where it ends: what follows is torn."""
    size, chunk = file.seek(0, os.SEEK_END), _CHUNK
    while True:
        start = max(size - chunk, 0)
        file.seek(start)
        lines = file.read(size - start).splitlines(keepends=True)
        if start:
            del lines[0]  # its beginning may lie further ahead
        end = size
        for text in reversed(lines[-2:]):
            if text.endswith(b"\n") or _event(text):
                return text, end
            end -= len(text)
        if not start:
            return b"", 0
        chunk *= 8


def _files(folder: Path) -> Sequence[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from error


def _header(path: Path, text: bytes) -> Header:
    try:
        return read([text.decode()])[0]
    except ValueError as error:
        if not text.endswith(b"\n") and _HEADER.startswith(text[: len(_HEADER)]):
            return Header()  # killed before it came to anything
        raise UsageError(f"{path}: line 1: {_reason(error)}") from error


def _events(path: Path, told: Callable[[float], object]) -> Iterator[Event]:
    seen: dict[str, int] = {}
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for number, text in enumerate(file, 1):
            if not number % _OFTEN:
                told(min(file.tell() / size, 1.0) if size else 1.0)  # it may still be written
            if number == 1 or not text.strip():
                continue
            try:
                event = loads(text)
            except ValueError as error:
                if not text.endswith(b"\n"):
                    return
                raise UsageError(f"{path}: line {number}: {_reason(error)}") from error
            due = seen.get(event.run, event.seq - 1) + 1
            if event.seq != due:
                what = f"event {event.seq} where event {due} of the run belongs"
                raise UsageError(f"{path}: line {number}: {what}")
            seen[event.run] = due
            yield event


def _event(text: bytes) -> Event | None:
    try:
        return loads(text)
    except ValueError:
        return None


def _started(header: Header) -> float | None:
    try:
        return datetime.fromisoformat(header.started).astimezone(UTC).timestamp()
    except ValueError:
        return None


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return one_line(f"{where}: {first['msg']}" if where else first["msg"], 200)

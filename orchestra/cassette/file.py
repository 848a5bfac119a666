"""The file: read whole, written whole, so that a good one is never half of another.

While a recording goes on, its lines go into a file of their own beside it (``.part``), each as soon
as it is there. What breaks off leaves that, and the cassette as it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import OrchestraError, UsageError
from ..events import agent_of
from ..text import one_line
from .lines import FORMAT, Decided, Head, Heard, Line, Take, ToolTake, Voice, dumps, loads

SUFFIX = ".cassette.jsonl"
_ORDER: tuple[type[Line], ...] = (Heard, Take, ToolTake, Decided)


@dataclass(slots=True)
class Cassette:
    """What was recorded of a scenario, in all its cases."""

    path: Path
    head: Head = field(default_factory=Head)
    lines: list[Line] = field(default_factory=list)
    exists: bool = False
    _cases: dict[str, list[Line]] = field(default_factory=dict)
    _voices: dict[tuple[str, str], dict[str, Voice]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.lines:
            self._add(line)

    @classmethod
    def beside(cls, scenario: Path) -> Cassette:
        """That of a scenario file; empty if there is none. UsageError if it cannot be read."""
        return cls.at(scenario.with_name(f"{scenario.stem}{SUFFIX}"))

    @classmethod
    def at(cls, path: Path, *, broken_off: bool = False) -> Cassette:
        """The file at ``path``. Of one that was ``broken_off``, the last line may be half."""
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return cls(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"{path}: cannot be read: {reason}") from None
        made, whole = cls(path, exists=True), text.split("\n")
        if broken_off:
            del whole[-1]
        for number, told in enumerate(whole, 1):
            if told.strip():
                made._read(told, number)
        return made

    def _read(self, told: str, number: int) -> None:
        where = f"{self.path}:{number}"
        try:
            line = loads(told)
        except ValueError as error:
            reason = one_line(str(error).partition("\n")[2] or str(error), 120)
            raise UsageError(f"{where}: is no line of a cassette: {reason}") from None
        if isinstance(line, Head) != (number == 1):
            raise UsageError(f"{where}: a cassette has one header, and that is its first line")
        if not isinstance(line, Head):
            self.lines.append(line)
            self._add(line)
        elif line.format > FORMAT:
            newer = f"format {line.format} is newer than this orchestra's {FORMAT}"
            raise UsageError(f"{where}: {newer}")
        else:
            self.head = line

    def of(self, case: str) -> list[Line]:
        """The lines of one case."""
        return self._cases.get(case, [])

    def voice(self, agent: str, aside: str, model: str) -> Voice:
        """What was recorded of an agent's model; of the one called ``model``, if there are more."""
        spoke = self._voices.get((agent, aside), {})
        return spoke.get(model) or next(iter(spoke.values()), Voice(name=model))

    def _add(self, line: Line) -> None:
        self._cases.setdefault(line.case, []).append(line)
        if isinstance(line, Take):
            aside = line.call.rpartition("/")[2].partition(".")[2]
            spoke = self._voices.setdefault((agent_of(line.call), aside), {})
            spoke.setdefault(line.model.name, line.model)

    def write(self) -> None:
        """Save it, sorted, in place of what is there. UsageError if that cannot be done."""
        lines = [dumps(it) for it in (self.head, *sorted(self.lines, key=_place))]
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from None
        self.exists = True


def _place(line: Line) -> tuple[object, ...]:
    """Where a line stands: case by case, call by call, so that a diff shows what has changed."""
    number = line.turn if isinstance(line, Take | Heard) else 0
    attempt = line.attempt if isinstance(line, Take | ToolTake) else 0
    call = getattr(line, "call", "")
    return line.case, call, _ORDER.index(type(line)), number, attempt


def merged(old: Sequence[Line], new: Iterable[Line]) -> list[Line]:
    """The lines of both; of the same call, the newer one."""
    found = {(line.case, *line.key): line for line in old}
    found |= {(line.case, *line.key): line for line in new}
    return [*found.values()]


class Part:
    """A recording on its way. A line is the system's as soon as it is put: no kill takes it back.

    ``more``: what an earlier one has left stays. Else it goes when the first reply is there, and
    not before. Raises UsageError if the file cannot be written.
    """

    def __init__(self, cassette: Path, head: Head, *, more: bool = False) -> None:
        self.path = cassette.with_name(f"{cassette.name}.part")
        self.found = Cassette.at(self.path, broken_off=True) if more else Cassette(self.path)
        self._head = head
        self._waiting: list[Line] | None = [*self.found.lines]
        try:
            self.file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from None

    def put(self, line: Line) -> None:
        """Add a line. Raises OrchestraError if that cannot be done."""
        if self._waiting is None:
            self._write(dumps(line))
            return
        self._waiting.append(line)
        if isinstance(line, Take) and line.reply is not None:
            lines, self._waiting = self._waiting, None
            self._write(*map(dumps, (self._head, *lines)), anew=True)

    def _write(self, *lines: str, anew: bool = False) -> None:
        data = "".join(f"{line}\n" for line in lines).encode()
        try:
            if anew:
                self.file.truncate(0)
            while data:
                data = data[self.file.write(data) :]
        except OSError as error:
            raise OrchestraError(f"{self.path}: cannot be written: {error.strerror}") from None

    def close(self, left: Sequence[Line], *, done: bool) -> None:
        """The recording is over; what is ``left`` of it is not in the cassette.

        ``done``: some of it is. If not, and if there is nothing new, the file stays as it was.
        """
        if done and left:
            self._write(*map(dumps, (self._head, *left)), anew=True)
        with contextlib.suppress(OSError):
            empty = self.file.tell() == 0 and self.path.stat().st_size == 0
            self.file.close()
            if (done and not left) or empty:
                self.path.unlink(missing_ok=True)

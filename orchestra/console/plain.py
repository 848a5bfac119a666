"""A run as plain text, for pipes, logs and dumb terminals.

One speaker has the floor: its tokens flow through as they come. What the others say meanwhile is
held, and printed in the order in which they began when the floor is free, so that no message is
ever cut in two by another. Nothing is wrapped, nothing is an escape code, and a line on ``err``
never lands in the middle of a line on ``out``, though both be the same terminal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from ..events import RunFinished
from . import summary
from .narrator import Narrator
from .signs import signs
from .words import Block, Kind, Line, Speaker


@dataclass(slots=True, eq=False)
class _Unit:
    """What one speaker (None: the run) says in one piece.

    ``waiting`` holds what is not printed yet: fragments with the prefix of their lines, and whole
    lines, whose prefix is None.
    """

    speaker: Speaker | None
    waiting: list[tuple[str | None, str]] = field(default_factory=list)
    done: bool = False


class PlainDisplay(Narrator):
    def __init__(self, out: TextIO, err: TextIO, *, stats: bool) -> None:
        super().__init__()
        self._out, self._err, self._stats = out, err, stats
        self._signs = signs(out.encoding)
        self._queue: deque[_Unit] = deque()  # the first has the floor
        self._open: dict[Block, _Unit] = {}
        self._heard: Speaker | None = None  # whose heading stands above
        self._printed = False
        self._line_start = True
        self._prefix: str | None = None  # of the fragment before
        self._complaints: list[str] = []  # for err, until out is at the start of a line

    def note(self, line: Line) -> None:
        if line.look == "warning":
            self._complain(f"warning: {line.text}")
        else:
            self._lines(None, [line])

    def line(self, speaker: Speaker, line: Line) -> None:
        self._lines(speaker, [line])

    def opened(self, block: Block) -> None:
        pass  # the floor is taken by the first word, not by waiting for it

    def said(self, block: Block, kind: Kind, text: str) -> None:
        unit = self._open.get(block)
        if unit is None:
            unit = self._open[block] = _Unit(block.speaker)
            self._queue.append(unit)
        unit.waiting.append(("" if kind == "text" else f"{self._signs[kind]} ", text))
        if unit is self._queue[0]:
            self._drain()

    def calling(self, block: Block, index: int, name: str, args: str) -> None:
        pass  # shown whole, when it is whole

    def shut(self, block: Block, lines: Iterable[Line] = ()) -> None:
        unit = self._open.pop(block, None)
        if unit is None:
            self._lines(block.speaker, lines)
            return
        # The lines of a message stay with it, whoever waits in the queue behind it.
        unit.waiting += [(None, self._text(line)) for line in lines]
        unit.done = True
        self._drain()

    def tool_began(self, speaker: Speaker, tool_call_id: str, line: Line) -> None:
        pass

    def tool_ended(self, run: str, tool_call_id: str) -> None:
        pass

    def asked(self, interrupt_id: str) -> None:
        pass

    def answered(self, interrupt_id: str) -> None:
        pass

    def ended(self, finished: RunFinished, case: str) -> None:
        if self._stats:
            table = [*summary.lines(finished), summary.ending(finished)]
            self._queue.append(_Unit(None, [(None, text) for text in table], done=True))
            self._drain()
        if finished.status != "completed":
            verdict = summary.verdict(finished)
            self._complain(f"{case}: {verdict}" if case else verdict)

    def close(self) -> None:
        super().close()
        self._drain()

    def _lines(self, speaker: Speaker | None, lines: Iterable[Line]) -> None:
        texts: list[tuple[str | None, str]] = [(None, self._text(line)) for line in lines]
        if texts:
            self._queue.append(_Unit(speaker, texts, done=True))
            self._drain()

    def _text(self, line: Line) -> str:
        parts = (self._signs[line.look], line.text, line.detail, line.tail)
        return " ".join(part for part in parts if part)

    def _complain(self, text: str) -> None:
        self._complaints.append(text)
        self._drain()

    def _drain(self) -> None:
        """Print what the floor allows: the first in the queue, and the next when it is done."""
        wrote = False
        while self._queue:
            unit = self._queue[0]
            if unit.waiting:
                self._heading(unit.speaker)
                for prefix, text in unit.waiting:
                    self._write(prefix, text)
                unit.waiting.clear()
                wrote = True
            if not unit.done:
                break
            self._end_line()
            self._queue.popleft()
        if wrote:
            self._out.flush()
        if self._complaints and self._line_start:
            self._err.writelines(f"{text}\n" for text in self._complaints)
            self._err.flush()
            self._complaints.clear()

    def _heading(self, speaker: Speaker | None) -> None:
        if speaker == self._heard and self._printed:
            return
        if self._printed:
            self._write(None, "")
        if speaker:
            self._write(None, f"[{speaker.name}]")
        self._heard, self._printed = speaker, True

    def _write(self, prefix: str | None, text: str) -> None:
        if prefix is None or prefix != self._prefix:
            self._end_line()
        self._prefix = prefix
        if prefix is None:
            self._out.write(f"{text}\n")
            return
        if prefix:
            first = prefix if self._line_start else ""
            text = first + text[:-1].replace("\n", f"\n{prefix}") + text[-1:]
        self._out.write(text)
        self._line_start = text.endswith("\n")

    def _end_line(self) -> None:
        if not self._line_start:
            self._out.write("\n")
            self._line_start = True

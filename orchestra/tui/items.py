"""What a block of a pane is made of: running text, tool calls, notes. No widgets here."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..growing import Growing
from ..text import clean, one_line
from .wrap import safe_cut

LONG_LINE = 4_000  # characters; a longer line is cut in two, so that wrapping stays local
KEPT = 2_000  # characters kept of a tool's result or error: a pane shows a glimpse of it
_PENDING = 256  # chunks joined at once

_serials = itertools.count(1)
# Line and paragraph separators, vertical tab and form feed (already cleaned) act as newlines.
_LAYOUT = str.maketrans({"\t": "    ", "\u2028": "\n", "\u2029": "\n", "\x85": "\n"})


def tame(text: str) -> str:
    """``text`` of a stranger, in several lines: inert, and without tabs."""
    return clean(text.translate(_LAYOUT))


class State(StrEnum):
    """Of a call, an agent or the run; the value is the word people read."""

    WAIT = "wait"
    RUN = "run"
    ASK = "ask"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def glyph(self) -> str:
        return _GLYPHS[self]


_GLYPHS = {
    State.WAIT: "◌",
    State.RUN: "●",
    State.ASK: "⏸",
    State.DONE: "✔",
    State.FAILED: "✗",
    State.STOPPED: "■",
}


@dataclass(slots=True)
class Prose:
    """Text of a model as it comes: ``lines`` are whole lines of it, the last one still growing.

    Attributes:
        dropped: lines no longer kept; ``lines[0]`` is the line of that number.
        void: the message was aborted, the text does not count.
        final: nothing will change any more.
        cuts: the numbers of lines that go on with the one before: it was too long for one.
        growing: makes lines of an answer that is JSON.
        at: when it began, in seconds of the run.
    """

    message: str
    reasoning: bool = False
    lines: list[str] = field(default_factory=lambda: [""])
    dropped: int = 0
    void: bool = False
    final: bool = False
    version: int = 0
    pending: list[str] = field(default_factory=list)
    cuts: tuple[int, ...] = ()
    growing: Growing | None = None
    at: float = 0.0
    serial: int = field(default_factory=lambda: next(_serials))

    def add(self, text: str) -> bool:
        """Take a token; true if enough have come that they should be absorbed."""
        self.pending.append(text)
        return len(self.pending) >= _PENDING

    def absorb(self) -> tuple[int, int]:
        """Make the tokens that came into lines; the lines and characters that were added."""
        if not self.pending:
            return 0, 0
        text = "".join(self.pending)
        text = tame(self.growing.feed(text) if self.growing else text)
        self.pending.clear()
        before = len(self.lines)
        first, *rest = text.split("\n")
        self.lines[-1] += first
        self._cut_long()
        for line in rest:
            self.lines.append(line)
            self._cut_long()
        self.version += 1
        return len(self.lines) - before, len(text)

    def _cut_long(self) -> None:
        while len(line := self.lines[-1]) > LONG_LINE:
            cut = safe_cut(line, LONG_LINE) or LONG_LINE
            self.lines[-1:] = [line[:cut], line[cut:]]
            self.cuts += (self.dropped + len(self.lines) - 1,)

    def drop(self, count: int) -> int:
        """Forget the oldest lines, never the last; the characters that went."""
        count = min(count, len(self.lines) - 1)
        gone = sum(map(len, self.lines[:count]))
        del self.lines[:count]
        self.dropped += count
        self.cuts = tuple(it for it in self.cuts if it > self.dropped)
        self.version += 1
        return gone

    def whole(self, first: int = 0, after: int | None = None) -> list[str]:
        """``lines[first:after]``, but what was one line is one again."""
        found: list[str] = []
        for number, line in enumerate(self.lines[first:after], self.dropped + first):
            if found and number in self.cuts:
                found[-1] += line
            else:
                found.append(line)
        return found


@dataclass(slots=True)
class Tool:
    """A tool call. ``args`` is the tail of what streams, and the head of what is whole.

    ``open``: all that is kept of it is shown, and not just a line.
    """

    id: str
    name: str
    args: str = ""
    state: State = State.WAIT
    result: str = ""
    seconds: float | None = None
    streaming: bool = True
    void: bool = False
    final: bool = False
    open: bool = False
    at: float = 0.0
    version: int = 0
    serial: int = field(default_factory=lambda: next(_serials))

    def stream(self, fragment: str) -> None:
        self.args = (self.args + fragment)[-KEPT:]
        self.version += 1

    def whole(self, args: dict[str, Any]) -> None:
        self.args = arguments(args)
        self.streaming = False
        self.version += 1


class Tone(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(slots=True)
class Note:
    """A line of the viewer's own: a retry, a warning, an error, a question."""

    text: str
    tone: Tone = Tone.INFO
    final: bool = True
    at: float = 0.0
    version: int = 0
    serial: int = field(default_factory=lambda: next(_serials))


Item = Prose | Tool | Note


def arguments(args: dict[str, Any]) -> str:
    """``topic: "moon", n: 3``: the arguments as one line, cut."""
    parts = (
        f"{name}: {json.dumps(value, ensure_ascii=False, default=str)}"
        for name, value in args.items()
    )
    return one_line(", ".join(parts)[: KEPT * 2], KEPT)


def next_serial() -> int:
    return next(_serials)

"""What a block of a pane is made of: running text, tool calls, notes. No widgets here."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rich.cells import cell_len

from ..growing import Growing
from ..text import clean, one_line
from .wrap import safe_cut

LONG_LINE = 4_000  # characters; a longer line is cut in two, so that wrapping stays local
KEPT = 2_000  # characters kept of a tool's result or error: a pane shows a glimpse of it
_PENDING = 256  # chunks joined at once

_serials = itertools.count(1)
# Line and paragraph separators, vertical tab and form feed (already cleaned) act as newlines.
_BREAKS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\x85": "\n"})
TAB = 4  # columns from one tab stop to the next


def tame(text: str) -> str:
    """``text`` of a stranger, in several lines: inert, and without tabs."""
    return clean(text.translate(_BREAKS)).expandtabs(TAB)


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


ENDS = {
    "completed": State.DONE,
    "handed_off": State.DONE,
    "failed": State.FAILED,
    "cancelled": State.STOPPED,
    "interrupted": State.ASK,
}


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
        tabs: by the number of a line, where blanks stand for a tab, and how many; so that who
            copies it gets it back.
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
    tabs: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
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
        text = clean((self.growing.feed(text) if self.growing else text).translate(_BREAKS))
        self.pending.clear()
        before = len(self.lines)
        first, *rest = text.split("\n")
        added = self._append(first) + len(rest)
        for line in rest:
            self.lines.append("")
            added += self._append(line)
        self.version += 1
        return len(self.lines) - before, added

    def _append(self, text: str) -> int:
        if "\t" in text:
            text = self._expand(text)
        self.lines[-1] += text
        self._cut_long()
        return len(text)

    def _expand(self, text: str) -> str:
        """Blanks up to the next stop for each tab; where they stand is noted."""
        line, *parts = self.lines[-1], *text.split("\t")
        noted = self.tabs.setdefault(self.dropped + len(self.lines) - 1, [])
        column, made = cell_len(line) + cell_len(parts[0]), parts[0]
        for part in parts[1:]:
            width = TAB - column % TAB
            noted.append((len(line) + len(made), width))
            made += " " * width + part
            column += width + cell_len(part)
        return made

    def _cut_long(self) -> None:
        while len(line := self.lines[-1]) > LONG_LINE:
            cut = safe_cut(line, LONG_LINE) or LONG_LINE
            self.lines[-1:] = [line[:cut], line[cut:]]
            number = self.dropped + len(self.lines) - 1
            self.cuts += (number,)
            if tabs := self.tabs.pop(number - 1, None):
                self.tabs[number - 1] = [it for it in tabs if sum(it) <= cut]
                self.tabs[number] = [(at - cut, width) for at, width in tabs if at >= cut]

    def drop(self, count: int) -> int:
        """Forget the oldest lines, never the last; the characters that went."""
        count = min(count, len(self.lines) - 1)
        gone = sum(map(len, self.lines[:count]))
        del self.lines[:count]
        self.dropped += count
        self.cuts = tuple(it for it in self.cuts if it > self.dropped)
        if self.tabs:
            self.tabs = {line: it for line, it in self.tabs.items() if line >= self.dropped}
        self.version += 1
        return gone

    def whole(self, first: int = 0, after: int | None = None, *, tabs: bool = False) -> list[str]:
        """``lines[first:after]``, but what was one line is one again; ``tabs``: and a tab one."""
        found: list[str] = []
        for number, line in enumerate(self.lines[first:after], self.dropped + first):
            if tabs and number in self.tabs:
                line = tabbed(line, self.tabs[number])
            if found and number in self.cuts:
                found[-1] += line
            else:
                found.append(line)
        return found


def tabbed(text: str, tabs: Iterable[tuple[int, int]]) -> str:
    """``text`` with a tab again where blanks stand for one; those that are not in it are left."""
    for at, width in sorted(tabs, reverse=True):
        if at >= 0 and text[at : at + width] == " " * width:
            text = f"{text[:at]}\t{text[at + width :]}"
    return text


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

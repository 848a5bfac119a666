"""The rows of one item of a block at one width."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Protocol

from .blocks import Block
from .items import Note, Prose, Tool
from .rows import Span, Spans, head, note_rows, tool_rows
from .wrap import breaks, shown

BAR = "┊ "  # before reasoning
MIN_TEXT = 2  # columns: any grapheme fits

Key = tuple[int, ...]


class View(Protocol):
    """Rows ``0`` to ``height - 1``; keys differ whenever what they show differs."""

    serial: int
    height: int

    def sync(self, width: int, *, reasoning: bool, markdown: str = "") -> None: ...
    def key(self, row: int) -> Key: ...
    def spans(self, row: int) -> Spans: ...
    def mark(self, row: int) -> tuple[int, int]: ...
    def row_of(self, mark: tuple[int, int]) -> int: ...


class ProseView:
    """Wrapped text. Two flat arrays say which line, and where in it, each row begins: a pane of
    5,000 rows is then 40 kB on top of its text.
    """

    def __init__(self, prose: Prose) -> None:
        self.prose = prose
        self.serial = prose.serial
        self.height = 0
        self._line = array("i")
        self._start = array("i")
        self._version = -1
        self._width = 0
        self._collapsed = False

    def sync(self, width: int, *, reasoning: bool, markdown: str = "") -> None:  # noqa: ARG002 - of Prose
        prose = self.prose
        width = max(width - len(BAR) if prose.reasoning else width, MIN_TEXT)
        collapsed = prose.reasoning and not reasoning
        if (prose.version, width, collapsed) == (self._version, self._width, self._collapsed):
            return
        if width != self._width:
            del self._line[:], self._start[:]
            self._width = width
        self._version, self._collapsed = prose.version, collapsed
        self._forget()
        if not collapsed:
            self._wrap()
        # A message may begin with an empty line, and one that only calls tools says nothing.
        self.height = 1 if collapsed else len(self._line)

    def _forget(self) -> None:
        gone = bisect_left(self._line, self.prose.dropped)
        del self._line[:gone], self._start[:gone]

    def _wrap(self) -> None:
        """Wrap what came since, from the last row on."""
        prose, width = self.prose, self._width
        number, start = prose.dropped, 0
        if self._line:
            number, start = self._line.pop(), self._start.pop()
        last = prose.dropped + len(prose.lines) - 1
        for line in range(number, last + 1):
            text = prose.lines[line - prose.dropped]
            if line == last and not text and line:
                return  # nothing stands in it yet: no row for it
            rows = [start, *(breaks(text, width, start) if len(text) - start > width // 2 else ())]
            self._start.extend(rows)
            self._line.extend([line] * len(rows))
            start = 0

    def rows_of(self, first: int, after: int) -> tuple[int, int]:
        """The first row of line ``first``, and the one after all rows before line ``after``."""
        return bisect_left(self._line, first), bisect_left(self._line, after)

    def _text(self, row: int) -> tuple[int, int, int]:
        line, start = self._line[row], self._start[row]
        if row + 1 < len(self._line) and self._line[row + 1] == line:
            return line, start, self._start[row + 1]
        return line, start, len(self.prose.lines[line - self.prose.dropped])

    def key(self, row: int) -> Key:
        prose = self.prose
        if self._collapsed:
            return (self.serial, -1, len(prose.lines), prose.void)
        return (self.serial, *self._text(row), prose.void)

    def spans(self, row: int) -> Spans:
        prose = self.prose
        look = "void" if prose.void else "reasoning" if prose.reasoning else "text"
        if self._collapsed:
            count = prose.dropped + len(prose.lines)
            return (Span(f"{BAR}reasoning, {count} line{'s' * (count != 1)}", "folded"),)
        line, start, end = self._text(row)
        # Spaces at a break hang outside the width; those before more text do no harm.
        text = shown(prose.lines[line - prose.dropped][start:end].rstrip())
        if prose.reasoning:
            return (Span(BAR, "bar"), Span(text, look))
        return (Span(text, look),)

    def mark(self, row: int) -> tuple[int, int]:
        return (0, 0) if self._collapsed else (self._line[row], self._start[row])

    def glue(self, row: int) -> str:
        """What stands between the row before and this one."""
        number, start = self.mark(row)
        index = number - self.prose.dropped
        if not start and (not index or number not in self.prose.cuts):
            return "\n"
        before = self.prose.lines[index][:start] if start else self.prose.lines[index - 1]
        return before[len(before.rstrip(" ")) :]

    def tabs(self, row: int) -> list[tuple[int, int]]:
        """Where in the text of a row blanks stand for a tab, and how many."""
        if self._collapsed or not self.prose.tabs:
            return []
        line, start, _ = self._text(row)
        return [(at - start, width) for at, width in self.prose.tabs.get(line, ())]

    def row_of(self, mark: tuple[int, int]) -> int:
        if self._collapsed or not self._line:
            return 0
        line, offset = mark
        row = bisect_left(self._line, line)
        while (
            row + 1 < len(self._line)
            and self._line[row + 1] == line
            and self._start[row + 1] <= offset
        ):
            row += 1
        return row


class ItemView:
    """A tool call or a note: a few rows, made anew when it changes."""

    def __init__(self, item: Tool | Note) -> None:
        self.item = item
        self.serial = item.serial
        self.height = 0
        self._rows: list[Spans] = []
        self._state = (-1, 0)

    def sync(self, width: int, *, reasoning: bool, markdown: str = "") -> None:  # noqa: ARG002 - of Prose
        if self._state == (self.item.version, width):
            return
        self._state = (self.item.version, width)
        if isinstance(self.item, Tool):
            self._rows = tool_rows(self.item, width)
        else:
            self._rows = note_rows(self.item, width)
        self.height = len(self._rows)

    def key(self, row: int) -> Key:
        return (self.serial, self._state[0], row)

    def spans(self, row: int) -> Spans:
        return self._rows[row]

    def mark(self, row: int) -> tuple[int, int]:
        return (row, 0)

    def row_of(self, mark: tuple[int, int]) -> int:
        return mark[0]


class HeadView:
    """The header row of a block, with an empty row above it unless it is the first."""

    def __init__(self, block: Block, *, first: bool) -> None:
        self.block = block
        self.serial = block.serial
        self._rows: list[Spans] = []
        self.alone = False  # no other block is in the pane
        self._gap = 0 if first else 1
        self._shown: tuple[object, ...] = ()
        self._version = 0
        self.height = 0

    def sync(self, width: int, *, reasoning: bool, markdown: str = "") -> None:  # noqa: ARG002 - of Prose
        block = self.block
        dropped = bool(block.gone) or (
            bool(block.items) and isinstance(first := block.items[0], Prose) and first.dropped > 0
        )
        shown_ = (block.head, block.state, width, dropped, self.alone)
        if shown_ == self._shown:
            return
        self._shown = shown_
        self._version += 1
        self._rows = [()] * self._gap
        if block.head or block.ordinal:
            self._rows.append(head(block, width, alone=self.alone))
        if dropped:
            self._rows.append((Span("⋯ earlier text is no longer kept here", "folded"),))
        self.height = len(self._rows)

    def key(self, row: int) -> Key:
        return (self.serial, -self._version, row)

    def spans(self, row: int) -> Spans:
        return self._rows[row]

    def mark(self, row: int) -> tuple[int, int]:
        return (row, 0)

    def row_of(self, mark: tuple[int, int]) -> int:
        return mark[0]

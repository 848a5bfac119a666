"""Selecting text in a pane with the mouse: what is marked stays marked while more comes below it.

The terminal's own selection would run across the panes. A selection is between two places of the
text, not of the screen; it is as wide as what is shown, and copied without the breaks of the rows.
"""

from __future__ import annotations

import re
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType

from .canvas import Canvas
from .items import tabbed
from .transcript import Place, Transcript
from .wrap import graphemes, is_simple

_WORD = re.compile(r"\w+|\S")
_SCROLL = 1  # rows, for each move beyond the edge


class Spot(NamedTuple):
    """A cell of a row: where the row stands in the text, and how far right the cell is."""

    place: Place
    cell: int


class Selecting(Canvas):
    """A canvas whose rows below the first are lines of a transcript."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "unselect", "Unselect", id="pane.unselect", show=False),
    ]

    transcript: Transcript

    def __init__(self) -> None:
        super().__init__()
        self.selection: tuple[Spot, Spot] | None = None
        self._lines: list[int] = []  # that the rows show
        self._down: Spot | None = None  # where the button went down
        self._dragged = False

    @property
    def left(self) -> int:
        """Columns before the text."""
        raise NotImplementedError

    def action_scroll_rows(self, rows: int) -> None:
        raise NotImplementedError

    def action_unselect(self) -> None:
        if self.selection is not None:
            self.selection = None
            self.repaint()

    def picked(self, line: int) -> tuple[int, int] | None:
        """From which character to which a line is selected; None if it is not."""
        if self.selection is None:
            return None
        (first, start), (last, end) = self._ends()
        if not first <= line <= last:
            return None
        text = self.transcript.text(line)
        return _characters(
            text, start if line == first else 0, end if line == last else cell_len(text)
        )

    def selected(self) -> str:
        """The text of the selection; empty if there is none. Rows of one line are one line."""
        if self.selection is None:
            return ""
        (first, _), (last, _) = self._ends()
        parts: list[str] = []
        for line in range(first, last + 1):
            start, end = self.picked(line) or (0, 0)
            spans = self.transcript.spans(line)
            # What only says what kind of text it is stands before it, and is not of it.
            lead = len(spans[0].text) if spans and spans[0].look == "bar" else 0
            start = max(start, lead)
            tabs = [(at + lead - start, width) for at, width in self.transcript.tabs(line)]
            piece = tabbed("".join(span.text for span in spans)[start:end], tabs)
            glue = self.transcript.glue(line) if parts else ""
            if parts:
                parts[-1] = parts[-1].rstrip()
                piece = piece if glue == "\n" else piece.lstrip(" ")
            parts += [glue, piece]
        return "".join(parts).rstrip()

    def _ends(self) -> tuple[tuple[int, int], tuple[int, int]]:
        assert self.selection is not None  # noqa: S101 - its callers have looked
        one, two = ((self.transcript.line_of(it.place), it.cell) for it in self.selection)
        return min(one, two), max(one, two)

    def _spot(self, x: int, y: int) -> Spot | None:
        """The cell of the text at a point of the pane, the nearest if it is beside it."""
        if not self._lines:
            return None
        row = min(max(y - 1, 0), len(self._lines) - 1)
        return Spot(self.transcript.place(self._lines[row]), max(x - self.left, 0))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.action_unselect()
        self._dragged = False
        if event.button == 1 and event.y > 0:
            self._down = self._spot(event.x, event.y)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._down is None:
            return
        if event.y < 1:
            self.action_scroll_rows(-_SCROLL)
        elif event.y >= self.size.height:
            self.action_scroll_rows(_SCROLL)
        spot = self._spot(event.x, event.y)
        if spot is not None and spot != self._down:
            self._dragged = True
            self.selection = self._down, spot
            self.repaint()

    def on_mouse_up(self, event: events.MouseUp) -> None:  # noqa: ARG002 - Textual's
        self._down = None
        self.release_mouse()

    def pick(self, event: events.Click) -> bool:
        """Whether a click is part of a selection: its end, or the second or third on a word."""
        if self._dragged:
            return True
        spot = self._spot(event.x, event.y) if event.chain > 1 and event.y > 0 else None
        if spot is None:
            return False
        line = self.transcript.line_of(spot.place)
        text = self.transcript.text(line)
        at = _characters(text, spot.cell, spot.cell)[0]
        words = (it.span() for it in _WORD.finditer(text))
        start, end = next((it for it in words if it[0] <= at < it[1]), (at, at + 1))
        first = last = line
        if event.chain > 2:
            first, last = self._whole(line)
            start, end = 0, len(self.transcript.text(last))
        cells = (
            cell_len(self.transcript.text(first)[:start]),
            cell_len(self.transcript.text(last)[:end]),
        )
        self.selection = (
            Spot(self.transcript.place(first), cells[0]),
            Spot(self.transcript.place(last), max(cells[1] - 1, 0)),
        )
        self.repaint()
        return True

    def _whole(self, line: int) -> tuple[int, int]:
        """All rows of the line that a row is part of."""
        first = last = line
        while first > 0 and self.transcript.glue(first) != "\n":
            first -= 1
        while last + 1 < self.transcript.height and self.transcript.glue(last + 1) != "\n":
            last += 1
        return first, last


def _characters(text: str, first: int, last: int) -> tuple[int, int]:
    """The characters that stand in the cells from ``first`` to ``last``, whole ones."""
    if is_simple(text):
        return min(first, len(text)), min(last + 1, len(text))
    start = end = None
    at = cell = 0
    for grapheme in graphemes(text):
        after = cell + cell_len(grapheme)
        if start is None and after > first:
            start = at
        at += len(grapheme)
        if start is not None and cell <= last:
            end = at
        cell = after
    start = len(text) if start is None else start
    return start, start if end is None else end

"""Growing text, wrapped as it grows: adding to it costs what is added, not what is there.

Greedy wrapping never changes a row once the next has begun, so only the last row is open.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

# Chinese and Japanese may be cut between any two characters, but no row begins with a closing
# mark. Anything else is kept whole from space to space.
_WIDE = "\u2e80-\u303e\u3041-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\U00020000-\U0003fffd"
_CLOSING = "、。，．：；？！）】》」』〉〕”’…"
_PIECE = re.compile(rf"[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+|\s+")


def wrap(text: str, width: int) -> list[str]:
    """One paragraph as rows of at most ``width`` cells, with the spaces that they end in.

    Joined they give ``text`` again. Always at least one row.
    """
    if cell_len(text) <= width:
        return [text]
    rows, row, cells = [], "", 0
    for piece in _PIECE.findall(text):
        size = cell_len(piece)
        if piece.isspace():
            row, cells = row + piece, cells + size  # may hang over the edge, where none sees it
            continue
        if row and cells + size > width:
            rows.append(row)
            row, cells = "", 0
        if size > width:
            *whole, piece = chop_cells(piece, max(width, 2))
            rows += whole
            size = cell_len(piece)
        row, cells = row + piece, cells + size
    return [*rows, row]


class Flow:
    """Text that grows at its end, and its rows at some width."""

    __slots__ = ("_all", "_fresh", "_last", "_rows", "_width")

    def __init__(self) -> None:
        self._all: list[str] = []
        self._fresh: list[str] = []  # not wrapped yet
        self._rows: list[str] = []  # that will not change any more
        self._last = ""  # the row being written
        self._width = 0

    def add(self, text: str) -> None:
        self._all.append(text)
        self._fresh.append(text)

    def rows(self, width: int, count: int | None = None) -> list[str]:
        """The last ``count`` rows, at least 1 (None: all), without blank ones at the very end."""
        if width != self._width:
            self._width, self._rows, self._last = width, [], ""
            self._all = ["".join(self._all)]
            self._fresh = list(self._all)
        if self._fresh:
            *paragraphs, last = (self._last + "".join(self._fresh)).expandtabs(4).split("\n")
            self._fresh.clear()
            for paragraph in paragraphs:
                self._rows += wrap(paragraph, width)
            *settled, self._last = wrap(last, width)
            self._rows += settled
        end = len(self._rows)
        tail = [self._last] if self._last.strip() else []
        while end and not tail and not self._rows[end - 1].strip():
            end -= 1
        begin = 0 if count is None else max(end + len(tail) - count, 0)
        return [row.rstrip() for row in (*self._rows[begin:end], *tail)]

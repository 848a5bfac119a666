"""The rows of a message that is Markdown: plain while it streams, rendered once whole and seen."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from .items import Prose
from .rows import Spans
from .views import Key, ProseView

KEPT = 600  # rendered rows that a pane keeps: far more than it shows
_MARK = re.compile(r"[^\w\s]+")
_EQUAL = 1_024  # rows without a letter in a row that are told apart


class Allowance:
    """How much may be rendered until the next frame, so that no key waits for it.

    ``short``: something was left for later.
    """

    PER_FRAME = 3_000  # characters: about 8 ms

    def __init__(self) -> None:
        self.short = False
        self._left = self.PER_FRAME

    def renew(self) -> None:
        self.short, self._left = False, self.PER_FRAME

    def take(self, characters: int) -> bool:
        """Whether so much more may be rendered; the first of a frame always may."""
        if self._left <= 0:
            self.short = True
            return False
        self._left -= characters
        return True


@dataclass(slots=True)
class _Piece:
    first: int
    after: int
    marked: bool
    rows: list[Spans] | None = None
    inks: list[int] | None = None  # letters before each of the rows, once somebody asks
    used: int = 0

    def ink(self) -> list[int]:
        if self.inks is None:
            self.inks = _inks(self.rows or ())
        return self.inks


class DressedView:
    """A :class:`ProseView` some of whose lines are shown rendered.

    Attributes:
        waits: something of it could be rendered, and is not.
    """

    def __init__(self, prose: Prose) -> None:
        self.prose = prose
        self.serial = prose.serial
        self.plain = ProseView(prose)
        self.height = 0
        self.waits = False
        self._pieces: list[_Piece] = []
        self._ends: list[int] = []
        self._shape: tuple[int, str, int] = (0, "", -1)
        self._cut = False
        self._uses = 0

    def sync(self, width: int, *, reasoning: bool, markdown: str = "") -> None:
        self.plain.sync(width, reasoning=reasoning)
        prose = self.prose
        whole = prose.final and not prose.void and not prose.dropped
        theme = markdown if whole else ""
        if theme and not self._cut:
            from . import markdown as made  # here: no frame before the first waits for it

            self._cut = True
            self._pieces = [
                _Piece(first, after, made.is_marked("\n".join(prose.whole(first, after))))
                for first, after in made.pieces(prose.lines)
            ]
        if self._shape != (width, theme, prose.version):
            self._shape = (width, theme, prose.version)
            for piece in self._pieces:
                piece.rows = piece.inks = None
        self._measure()

    def _measure(self) -> None:
        if not self._shape[1]:
            self._ends, self.waits, self.height = [], False, self.plain.height
            return
        self._ends = list(accumulate(self._rows_of(piece) for piece in self._pieces))
        self.waits = any(piece.marked and piece.rows is None for piece in self._pieces)
        self.height = self._ends[-1] if self._ends else 0

    def _rows_of(self, piece: _Piece) -> int:
        if piece.rows is not None:
            return len(piece.rows)
        start, end = self.plain.rows_of(piece.first, piece.after)
        return end - start

    def _find(self, row: int) -> tuple[_Piece, int] | None:
        """The piece of a row, and which of its rows it is; None where all is plain."""
        if not self._ends:
            return None
        index = min(bisect_right(self._ends, row), len(self._ends) - 1)
        return self._pieces[index], row - (self._ends[index - 1] if index else 0)

    def dress(self, first: int, last: int, allowance: Allowance) -> bool:
        """Render what rows ``first`` to ``last`` show, as far as it may be; whether any was."""
        if not self._ends:
            return False
        self._uses += 1
        from .markdown import render

        width, theme, _ = self._shape
        changed = False
        start = bisect_right(self._ends, first)
        for piece in self._pieces[start : bisect_right(self._ends, last) + 1]:
            piece.used = self._uses
            if piece.rows is not None or not piece.marked:
                continue
            lines = self.prose.whole(piece.first, piece.after)
            if allowance.take(sum(map(len, lines))):
                piece.rows = render(lines, width, dark=theme == "dark")
                if piece is self._pieces[-1] and len(piece.rows) > 1 and not piece.rows[-1]:
                    piece.rows.pop()  # nothing of it comes after
                changed = True
        if changed:
            self._undress()
            self._measure()
        return changed

    def _undress(self) -> None:
        """Forget the rows that were not seen for longest, beyond what is kept."""
        dressed = sorted((it for it in self._pieces if it.rows), key=lambda it: it.used)
        total = sum(len(it.rows or ()) for it in dressed)
        for piece in dressed:
            if total <= KEPT or piece.used == self._uses:
                return
            total -= len(piece.rows or ())
            piece.rows = piece.inks = None

    def key(self, row: int) -> Key:
        found = self._find(row)
        if found is None:
            return self.plain.key(row)
        piece, offset = found
        if piece.rows is None:
            return self.plain.key(self._plain(piece, offset))
        return (self.serial, -2, piece.first, offset, self._shape[0], hash(self._shape[1]))

    def spans(self, row: int) -> Spans:
        found = self._find(row)
        if found is None:
            return self.plain.spans(row)
        piece, offset = found
        if piece.rows is None:
            return self.plain.spans(self._plain(piece, offset))
        return piece.rows[offset]

    def glue(self, row: int) -> str:
        """What stands between the row before and this one: what the text has there."""
        found = self._find(row)
        if found is None:
            return self.plain.glue(row)
        piece, offset = found
        if piece.rows is None:
            return self.plain.glue(self._plain(piece, offset))
        ink = piece.ink()[offset]
        from .markdown import unfenced

        source = unfenced(self.prose.whole(piece.first, piece.after))
        letters = [at for at, character in enumerate(source) if character.isalnum()]
        if not offset or not 0 < ink < len(letters):
            return "\n"
        before, after = letters[ink - 1], letters[ink]
        around = _letters(piece.rows[:offset])[-1:], _letters(piece.rows[offset:])[:1]
        gap = source[before + 1 : after]
        if "\n" in gap or around != (source[before], source[after]):
            return "\n"  # or something is shown in another order, as in a table
        text = "".join(span.text for span in piece.rows[offset] if span.look != "bar")
        mark = _MARK.match(text.lstrip())
        if mark and mark[0] in gap:  # the row begins with a bracket, or a comma
            gap = gap[: gap.rindex(mark[0])]
        return gap if gap.isspace() else " " * (" " in gap)

    def tabs(self, row: int) -> list[tuple[int, int]]:
        """As of :class:`ProseView`; of what is rendered, where a row shows a line as it is."""
        found = self._find(row)
        if found is None or found[0].rows is None:
            return self.plain.tabs(self._plain(*found) if found else row)
        (piece, _), prose = found, self.prose
        text = "".join(span.text for span in self.spans(row) if span.look != "bar").rstrip()
        if not prose.tabs or not text.strip():
            return []
        numbers = [it for it in range(piece.first, piece.after) if it in prose.tabs]
        alike = [it for it in numbers if prose.lines[it].startswith(text)]
        whole = [it for it in alike if prose.lines[it].rstrip() == text]
        return prose.tabs[(whole or alike)[0]] if alike else []

    def _plain(self, piece: _Piece, offset: int) -> int:
        return self.plain.rows_of(piece.first, piece.after)[0] + offset

    def mark(self, row: int) -> tuple[int, int]:
        """A line and a column; of rendered text its first line, and minus how much is before.

        How much: the letters, which are the same at any width, and rows since the last of them.
        """
        found = self._find(row)
        if found is None:
            return self.plain.mark(row)
        piece, offset = found
        if piece.rows is None:
            return self.plain.mark(self._plain(piece, offset))
        inks = piece.ink()
        ink = inks[offset]
        return piece.first, -1 - ink * _EQUAL - min(offset - bisect_left(inks, ink), _EQUAL - 1)

    def row_of(self, mark: tuple[int, int]) -> int:
        piece = next((it for it in self._pieces if it.first <= mark[0] < it.after), None)
        if piece is None:
            return self.plain.row_of(mark)
        start, end = self.plain.rows_of(piece.first, piece.after)
        if not self._ends:
            return start + self._plain_row(mark, start, end)
        index = self._pieces.index(piece)
        above = self._ends[index - 1] if index else 0
        if piece.rows is None:
            return above + self._plain_row(mark, start, end)
        ink, more = divmod(-1 - mark[1], _EQUAL)
        inks = piece.ink()
        if mark[1] >= 0:  # it stood in plain text
            row = self.plain.row_of(mark) - start
            ink, more = _inks(map(self.plain.spans, range(start, end)))[row], _EQUAL
        row = min(bisect_left(inks, ink) + more, bisect_right(inks, ink) - 1)
        return above + min(row, len(piece.rows) - 1)

    def _plain_row(self, mark: tuple[int, int], start: int, end: int) -> int:
        """Which of a piece's plain rows, ``start`` to ``end``, has what stood at a mark."""
        if mark[1] >= 0:
            return self.plain.row_of(mark) - start
        ink = (-1 - mark[1]) // _EQUAL
        inks = _inks(map(self.plain.spans, range(start, end)))
        return max(min(bisect_right(inks, ink) - 1, end - start - 1), 0)


def _inks(rows: Iterable[Spans]) -> list[int]:
    """How many letters stand before each row, and how many there are."""
    return [0, *accumulate(len(_letters([row])) for row in rows)]


def _letters(rows: Iterable[Spans]) -> str:
    return "".join(filter(str.isalnum, (it for row in rows for span in row for it in span.text)))

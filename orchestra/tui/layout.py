"""How much fits, and where: plain numbers, no widgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

NARROW = 100  # columns; below, one pane beside the list of agents
TINY = 60  # columns; below, the list stands above the pane
MIN_WIDTH, MIN_HEIGHT = 30, 7  # of a pane in a grid
MAX_GRID = 16
IDLE_HEIGHT = 3  # of who has not been called yet
CELL_WIDTH, CELL_HEIGHT = 14, 2  # of an agent in the wall, at least
WIDE = 120  # columns of the panes; below, the wall stands under the pane

_ASPECT = 2.2  # rows are about that much taller than columns are wide
_SMALL = 5.0  # the shape of a cell of the wall: a name, and a few words in each line
_READABLE = 44  # columns, of a pane that is pleasant to read


class Cell(NamedTuple):
    x: int
    y: int
    width: int
    height: int


def capacity(width: int, height: int) -> int:
    """How many panes a grid of this size can hold; at least one."""
    return max(1, min(MAX_GRID, max(1, width // MIN_WIDTH) * max(1, height // MIN_HEIGHT)))


def grid(count: int, width: int, height: int, sizes: Sequence[float] | None = None) -> list[Cell]:
    """Cells for ``count`` panes that cover the area: one or two side by side, more in a grid of
    roughly square cells, the last row stretched. ``sizes`` are how large each is beside the others
    of its row; a row is as high as the largest in it asks for.
    """
    if count <= 0:
        return []
    columns = count if count <= 2 else _columns(count, width, height)
    if width < columns * 2:
        columns = 1
    rows = math.ceil(count / columns)
    cells: list[Cell] = []
    sizes = sizes or [1.0] * count
    bands = [sizes[row * columns : (row + 1) * columns] for row in range(rows)]
    tops = _parts(height, [max(band, key=lambda it: abs(math.log(it))) for band in bands])
    for row, band in enumerate(bands):
        in_row = len(band)
        lefts = _parts(width, band)
        cells += [
            Cell(lefts[i], tops[row], lefts[i + 1] - lefts[i], tops[row + 1] - tops[row])
            for i in range(in_row)
        ]
    return cells


def tiles(
    idle: Sequence[bool], width: int, height: int, sizes: Sequence[float] | None = None
) -> list[Cell]:
    """As :func:`grid`, with those that are ``idle`` in a strip at the foot: they have next to
    nothing to show. All alike where nobody else is, or where the strip would be no gain.
    """
    waiting, sizes = sum(idle), sizes or [1.0] * len(idle)
    rows = math.ceil(waiting / max(width // MIN_WIDTH, 1))
    foot = rows * IDLE_HEIGHT
    if not 0 < waiting < len(idle) or foot * 2 > height or height - foot < MIN_HEIGHT:
        return grid(len(idle), width, height, sizes)
    busy = [size for size, waits in zip(sizes, idle, strict=True) if not waits]
    above = iter(grid(len(busy), width, height - foot, busy))
    columns = math.ceil(waiting / rows)
    below = iter(
        Cell(left, height - foot + row * IDLE_HEIGHT, right - left, IDLE_HEIGHT)
        for row in range(rows)
        for left, right in pairwise(_cuts(width, min(columns, waiting - row * columns)))
    )
    return [next(below if waits else above) for waits in idle]


def split(width: int, height: int, size: float = 1.0) -> tuple[Cell, Cell]:
    """The focused pane, and the wall beside it or below it; ``size``: how large beside it."""
    share = 2 * size / (2 * size + 3)
    if width >= WIDE:
        part = min(max(int(width * share), _READABLE), width - 2 * CELL_WIDTH)
        return Cell(0, 0, part, height), Cell(part, 0, width - part, height)
    part = min(max(int(height * share), MIN_HEIGHT), max(height - 3 * CELL_HEIGHT, MIN_HEIGHT))
    return Cell(0, 0, width, part), Cell(0, part, width, height - part)


def has_wall(width: int, height: int) -> bool:
    """Whether there is room for a wall beside a pane."""
    _, wall = split(width, height)
    return wall.width >= 2 * CELL_WIDTH and wall.height >= 3 * CELL_HEIGHT


def cells(count: int, width: int, height: int) -> list[Cell]:
    """Cells of a wall: as many of ``count`` as fit, all alike, as large as they can be."""
    most = max(width // CELL_WIDTH, 1), max(height // CELL_HEIGHT, 1)
    if count <= 0 or width < 1 or height < 1:
        return []
    columns = min(range(1, most[0] + 1), key=lambda it: _waste(count, it, width, height))
    rows = min(math.ceil(count / columns), most[1])
    columns = min(columns, count)
    lefts, tops = _cuts(width, columns), _cuts(height, rows)
    return [
        Cell(lefts[x], tops[y], lefts[x + 1] - lefts[x], tops[y + 1] - tops[y])
        for y in range(rows)
        for x in range(columns)
    ][:count]


def _waste(count: int, columns: int, width: int, height: int) -> tuple[int, float]:
    """First how many find no room, then how far the cells are from a shape that reads well."""
    rows = math.ceil(count / columns)
    room = max(height // CELL_HEIGHT, 1)
    left_out = max(count - columns * room, 0)
    return left_out, abs(math.log((width / columns) / (height / min(rows, room)) / _SMALL))


def _columns(count: int, width: int, height: int) -> int:
    def badness(columns: int) -> float:
        rows = math.ceil(count / columns)
        cell_width, cell_height = max(width / columns, 1), max(height / rows, 1)
        skew = abs(math.log(cell_width / cell_height / _ASPECT))
        ragged = (columns * rows - count) / columns
        cramped = max(0.0, _READABLE - cell_width) / 6 + max(0.0, MIN_HEIGHT - cell_height)
        return skew + 0.8 * ragged + cramped

    return min(range(1, count + 1), key=badness)


def _cuts(length: int, parts: int) -> list[int]:
    return [length * part // parts for part in range(parts + 1)]


def _parts(length: int, sizes: Sequence[float]) -> list[int]:
    """As :func:`_cuts`, into parts of these sizes."""
    if len(set(sizes)) == 1:
        return _cuts(length, len(sizes))
    whole, cuts = sum(sizes), [0, *accumulate(sizes)]
    return [round(length * cut / whole) for cut in cuts]


def outline_width(width: int) -> int:
    """Columns of the tree beside the panes."""
    return 34 if width >= 160 else 28 if width >= 120 else 24


def outline_height(height: int, entries: int) -> int:
    """Rows of the list above the pane, on a tiny terminal; 0 if there is no room for it."""
    return 0 if height < 12 else min(entries, height // 3)


def shares(needs: list[int], room: int) -> list[int]:
    """``room`` divided fairly: nobody gets more than it needs, what is left goes to the others."""
    given = [0] * len(needs)
    open_ = [i for i, need in enumerate(needs) if need]
    while room > 0 and open_:
        each = max(room // len(open_), 1)
        for i in open_:
            part = min(each, needs[i] - given[i], room)
            given[i] += part
            room -= part
        open_ = [i for i in open_ if given[i] < needs[i]]
    return given

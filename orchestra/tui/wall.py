"""All agents at once, each in a small cell: its name, how it stands, and its newest lines.

One widget paints all of them: a widget for each would cost more than its text, where 64 stream.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from rich.cells import cell_len
from textual import events
from textual.geometry import Region
from textual.message import Message

from ..text import one_line
from .blocks import Agent, Block
from .canvas import Canvas
from .items import Note, Prose, State
from .layout import Cell, cells
from .rows import NOTE_GLYPHS, Span, Spans, spread, tool_rows
from .wrap import breaks, fit, shown

_CACHED = 2_048  # lines: more than any wall shows


class Wall(Canvas):
    """Shows ``agents``; :meth:`update` takes in what is new of some of them.

    Where not all fit, the part around ``current`` is shown, and the last row says how many more
    there are.
    """

    DEFAULT_CSS = "Wall { width: 1fr; height: 1fr; display: none; }"

    class Picked(Message):
        """Somebody has clicked on an agent."""

        def __init__(self, agent: Agent) -> None:
            super().__init__()
            self.agent = agent

    def __init__(self) -> None:
        super().__init__()
        self.agents: list[Agent] = []
        self.current = ""
        self._cells: list[tuple[Agent, Cell]] = []
        self._bands: list[tuple[int, int, int]] = []  # of each row: first cell, after the last, top
        self._tails: dict[str, list[Spans]] = {}
        self._more = 0
        self._due: set[str] = set()
        self._calls = 0

    def show(self, agents: Sequence[Agent], current: str) -> None:
        """Show these agents, ``current`` among them."""
        self.agents, self.current = [*agents], current
        self._lay_out()
        self._due = {agent.name for agent in agents}
        self._take_in()

    def on_resize(self) -> None:
        self._lay_out()
        self._due = {agent.name for agent in self.agents}
        self._take_in()
        super().on_resize()

    def _lay_out(self) -> None:
        places = cells(len(self.agents), *self.size)
        index = next((i for i, it in enumerate(self.agents) if it.name == self.current), 0)
        fits = len(places)
        first = index // fits * fits if fits else 0
        page = self.agents[first : first + fits]
        self._more = len(self.agents) - len(page)
        self._cells = list(zip(page, places, strict=False))
        self._bands = []
        for number, (_, cell) in enumerate(self._cells):
            if not self._bands or self._bands[-1][2] != cell.y:
                self._bands.append((number, number + 1, cell.y))
            else:
                self._bands[-1] = (self._bands[-1][0], number + 1, cell.y)

    def update(self, names: set[str]) -> None:
        """Something is new of these agents: painted at every fourth call, 7.5 times a second.

        Whoever wants to see an agent write has it in a pane; the wall is for seeing that it does.
        """
        self._due |= names
        self._calls += 1
        if self._calls % 4 == 0:
            self._take_in()

    def _take_in(self) -> None:
        if not self.display or not self.size.width:
            return
        due, self._due = self._due, set()
        for agent, cell in self._cells:
            if agent.name in due:
                self._tails[agent.name] = tail(agent, cell.width - 2, cell.height - 1)
        self.repaint()

    @property
    def names(self) -> set[str]:
        return {agent.name for agent, _ in self._cells}

    def places(self) -> list[tuple[Agent, Region]]:
        """The agents that are shown, and where on the screen."""
        offset = self.region.offset
        return [(agent, Region(*cell).translate(offset)) for agent, cell in self._cells]

    def neighbour(self, dx: int, dy: int) -> Agent | None:
        """The agent whose cell lies next to the current one's in a direction."""
        at = next((i for i, (it, _) in enumerate(self._cells) if it.name == self.current), None)
        if at is None:
            return None
        band = next(i for i, (start, end, _) in enumerate(self._bands) if start <= at < end)
        start, end, _ = self._bands[band]
        if dx:
            return self._cells[at + dx][0] if start <= at + dx < end else None
        if not 0 <= band + dy < len(self._bands):
            return None
        over, after, _ = self._bands[band + dy]
        return self._cells[min(over + at - start, after - 1)][0]

    def keys(self) -> Sequence[Hashable]:
        rows: list[Hashable] = []
        for start, end, top in self._bands:
            band = self._cells[start:end]
            height = band[0][1].height
            names = tuple(agent.name for agent, _ in band)
            here = self.current if self.current in names else ""  # its edge is another
            titles = tuple((it.state, it.tool) for it, _ in band)
            rows.append((top, names, here, titles, self._more))
            for row in range(1, height):
                lines = (self._tails.get(name, ()) for name in names)
                rows.append((top + row, names, here, tuple(_line(it, row - 1) for it in lines)))
        rows += [("", y) for y in range(len(rows), self.size.height)]
        return rows[: self.size.height]

    def draw(self, row: int) -> tuple[Spans, str]:
        spans: list[Span] = []
        for start, end, top in self._bands:
            height = self._cells[start][1].height
            if top <= row < top + height:
                for agent, cell in self._cells[start:end]:
                    spans += self._piece(agent, cell, row - top)
        if self._more and row == self.size.height - 1:
            text = f" {self._more} more "
            return spread(spans, [Span(text, "chip")], self.size.width), "ground"
        return tuple(spans), "ground"

    def _piece(self, agent: Agent, cell: Cell, row: int) -> Iterator[Span]:
        """One row of one cell, as wide as the cell."""
        here = agent.name == self.current
        edge = Span("▌", "edge-focus") if here else Span("▏", "edge")
        if row == 0:
            state = agent.state
            left = [Span(f"{state.glyph} ", state), Span(agent.title, "name")]
            word = f" {agent.tool or state}" if state is not State.WAIT else ""
            right = [Span(fit(word, max(cell.width // 2, 1)), "tool-name" if agent.tool else state)]
            yield edge
            yield from spread(left, right if cell.width >= 18 else [], cell.width - 2)
            yield Span(" ", "")
            return
        yield edge
        yield from _padded(_line(self._tails.get(agent.name, ()), row - 1), cell.width - 1)

    def on_click(self, event: events.Click) -> None:
        for agent, cell in self._cells:
            inside = cell.x <= event.x < cell.x + cell.width
            if inside and cell.y <= event.y < cell.y + cell.height:
                self.post_message(self.Picked(agent))


def _line(lines: Sequence[Spans], index: int) -> Spans:
    return lines[index] if index < len(lines) else ()


# Most lines that a wall shows have only moved up since it was painted last.
@lru_cache(_CACHED)
def _padded(spans: Spans, width: int) -> Spans:
    return spread([*spans], [], width)


def tail(agent: Agent, width: int, rows: int) -> list[Spans]:
    """The newest ``rows`` lines of an agent, the oldest first: of who is at work if anybody is."""
    agent.settle()
    if width < 2 or rows < 1 or not agent.blocks:
        return []
    live = [block for block in agent.blocks if block.live]
    found: list[Spans] = []
    for lines in _backwards(live[-1] if live else agent.blocks[-1], width):
        found.append(lines)
        if len(found) == rows:
            break
    return found[::-1]


def _backwards(block: Block, width: int) -> Iterator[Spans]:
    """The lines of a call from the last to the first; only those that are asked for are made."""
    for item in reversed(block.items):
        if isinstance(item, Prose):
            look = "void" if item.void else "reasoning" if item.reasoning else "text"
            yield from _prose(item.lines, width, look)
        elif isinstance(item, Note):
            note = f"{NOTE_GLYPHS[item.tone]} {one_line(item.text)}"
            yield (Span(fit(note, width), f"note-{item.tone}"),)
        else:
            yield tool_rows(item, width)[0]


def _prose(lines: Sequence[str], width: int, look: str) -> Iterator[Spans]:
    for line in reversed(lines):
        if line and not line.isspace():  # there is no room for empty ones
            yield from reversed(_wrapped(line, width, look))


@lru_cache(_CACHED)
def _wrapped(line: str, width: int, look: str) -> tuple[Spans, ...]:
    cuts = [0, *breaks(line, width), len(line)] if cell_len(line) > width else [0, len(line)]
    return tuple((Span(shown(line[start:end].rstrip()), look),) for start, end in pairwise(cuts))

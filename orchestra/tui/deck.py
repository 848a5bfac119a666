"""Where the panes lie, and which of them."""

from __future__ import annotations

import re
from typing import Literal

from textual.app import ComposeResult
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from .blocks import Agent
from .board import Board
from .dressed import Allowance
from .items import State
from .layout import capacity, has_wall, split, tiles
from .pane import Pane
from .wall import Wall


class Tiles(Layout):
    """The displayed panes in the cells of :func:`layout.grid`; ``sizes`` are by agent."""

    name = "tiles"

    def __init__(self) -> None:
        self.sizes: dict[str, float] = {}

    def arrange(
        self,
        parent: Widget,  # noqa: ARG002 - Textual's signature
        children: list[Widget],
        size: Size,
        greedy: bool = True,  # noqa: ARG002 - as above
    ) -> ArrangeResult:
        panes = sorted(
            (child for child in children if isinstance(child, Pane)), key=lambda p: p.agent.index
        )
        walls = [child for child in children if isinstance(child, Wall)]
        if walls and len(panes) == 1:
            part = self.sizes.get(panes[0].agent.name, 1.0)
            places = zip(split(*size, part), [panes[0], walls[0]], strict=True)
            return [
                WidgetPlacement(Region(*cell), NULL_OFFSET, NULL_SPACING, it) for cell, it in places
            ]
        sizes = [self.sizes.get(pane.agent.name, 1.0) for pane in panes]
        return [
            WidgetPlacement(Region(*cell), NULL_OFFSET, NULL_SPACING, pane)
            for cell, pane in zip(tiles([*map(self.idle, panes)], *size, sizes), panes, strict=True)
        ]

    def idle(self, pane: Pane) -> bool:
        """Whether a pane needs little room; not so once somebody has changed its size."""
        return not pane.agent.blocks and pane.agent.name not in self.sizes


Shape = Literal["grid", "wall", "one"]
SHAPES: tuple[Shape, ...] = ("grid", "wall", "one")


class Deck(Widget):
    """Holds a pane for every agent that was ever shown, and displays those that fit.

    Attributes:
        current: the agent in focus; the page that holds it is shown.
        alone: show nothing but the current pane, by choice (zoom).
        shape: grid, wall or one pane; None: whatever suits the number of agents and the room.
        hidden: the names of the agents that are not to be shown, unless they ask something.
        narrow: show nothing but the current pane, for want of room.
    """

    DEFAULT_CSS = "Deck { width: 1fr; height: 1fr; overflow: hidden; }"

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._tiles = Tiles()
        self.board = board
        self.panes: dict[str, Pane] = {}
        self.current = ""
        self.alone = False
        self.shape: Shape | None = None
        self.hidden: set[str] = set()
        self.wall = Wall()
        self._pattern: re.Pattern[str] | None = None
        self.narrow = False
        self.reasoning = True
        self.markdown = True
        self.wrap = True
        self.times = False
        self.allowance = Allowance()
        self._idle: frozenset[str] = frozenset()  # of those on screen, who has not been called

    def compose(self) -> ComposeResult:
        yield self.wall

    @property
    def layout(self) -> Layout:
        return self._tiles

    @property
    def sizes(self) -> dict[str, float]:
        """How large the panes of agents are beside others: 1 unless somebody has changed it."""
        return self._tiles.sizes

    def places(self) -> list[tuple[Agent, Region]]:
        """The agents on screen, and where."""
        found = [(pane.agent, pane.region) for pane in self.shown()]
        if self.wall.display:
            found = [it for it in found if it[0].name not in self.wall.names]
            found += self.wall.places()
        return found

    def order(self) -> list[Agent]:
        """The agents with panes: composites have nothing to show, unless something went wrong."""
        return [
            it
            for it in self.board.agents.values()
            if (not it.silent or it.lines)
            and (it.name not in self.hidden or it.state is State.ASK or it.name == self.current)
        ]

    @property
    def shaped(self) -> Shape:
        """The shape that is shown now."""
        if self.narrow or self.alone:
            return "one"
        if self.shape == "wall" and not has_wall(*self.size):
            return "one"
        if self.shape is not None:
            return self.shape
        count = len(self.order())
        return "wall" if count > capacity(*self.size) and has_wall(*self.size) else "grid"

    def reshape(self) -> Shape:
        """On to the next shape, of those that there is room for."""
        order = [it for it in SHAPES if it != "wall" or has_wall(*self.size)]
        now = self.shaped
        self.alone = False
        self.shape = order[(order.index(now) + 1) % len(order)]
        return self.shape

    def shown(self) -> list[Pane]:
        """The panes on screen, in the order of the team."""
        shown = (pane for pane in self.panes.values() if pane.display)
        return sorted(shown, key=lambda pane: pane.agent.index)

    def pane(self, name: str) -> Pane:
        """The pane of an agent, made now if it was never shown."""
        if name not in self.panes:
            pane = self.panes[name] = Pane(self.board.agents[name])
            pane.allowance, pane.pattern = self.allowance, self._pattern
            self.mount(pane)
        return self.panes[name]

    def restart(self) -> None:
        """The board has begun anew: so do the panes."""
        for name, pane in list(self.panes.items()):
            if name in self.board.agents:
                pane.begin(self.board.agents[name])
            else:  # one that the run made up as it went
                pane.remove()
                del self.panes[name]

    def arrange_panes(self) -> None:
        """Display the panes that fit, the current one among them."""
        agents = self.order()
        if not agents:
            return
        if self.current not in self.board.agents:
            self.current = agents[0].name
        wanted = [agent.name for agent in self._page(agents)]
        for name in wanted:
            self.pane(name)
        walled = self.shaped == "wall"
        if self.wall.display != walled:
            self.wall.display = walled
        if walled:
            self.wall.show(agents, self.current)
        for name, pane in self.panes.items():
            if pane.display != (name in wanted):
                pane.display = name in wanted
        idle = frozenset(it.agent.name for it in self.shown() if self._tiles.idle(it))
        if idle != self._idle:
            self._idle = idle
            self.panes[wanted[0]].refresh(layout=True)
        self.update(set(wanted))

    def _page(self, agents: list[Agent]) -> list[Agent]:
        current = self.board.agents[self.current]
        if self.shaped != "grid":
            return [current]
        if current not in agents:  # a composite, looked up in the tree
            agents = sorted([*agents, current], key=lambda agent: agent.index)
        fits = capacity(*self.size)
        first = agents.index(current) // fits * fits
        return agents[first : first + fits]

    def update(self, names: set[str]) -> None:
        """Let the displayed panes of these agents take in what is new."""
        self.allowance.renew()
        for name in names.union(it.agent.name for it in self.panes.values() if it.unfinished):
            pane = self.panes.get(name)
            if pane is not None and pane.display:
                pane.reasoning, pane.markdown = self.reasoning, self.markdown
                pane.wrap, pane.times = self.wrap, self.times
                pane.update()
        self.wall.update(names)

    def highlight(self, pattern: re.Pattern[str] | None) -> None:
        self._pattern = pattern
        for pane in self.panes.values():
            pane.highlight(pattern)

    def retitle(self, now: float) -> None:
        for pane in self.shown():
            pane.now = now
            pane.retitle()

    def neighbour(self, dx: int, dy: int) -> Agent | None:
        """The agent whose pane lies next to the current one in a direction, if it is on screen."""
        if self.wall.display:
            return self.wall.neighbour(dx, dy)
        here = self.panes[self.current].region
        best: tuple[int, int, Pane] | None = None
        for pane in self.shown():
            there = pane.region
            if dx:
                ahead = (there.x - here.x) * dx
                overlap = min(there.bottom, here.bottom) - max(there.y, here.y)
                aside = abs(there.y - here.y)
            else:
                ahead = (there.y - here.y) * dy
                overlap = min(there.right, here.right) - max(there.x, here.x)
                aside = abs(there.x - here.x)
            if ahead > 0 and overlap > 0 and (best is None or (ahead, aside) < best[:2]):
                best = (ahead, aside, pane)
        return best[2].agent if best else None

"""The tree at the left: the team, and below each agent its calls, with their states."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from .blocks import Agent, Block
from .board import Board
from .canvas import Canvas
from .items import State
from .rows import Span, Spans, spread
from .wrap import fit

_CALLER = 12  # columns


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: an agent, or one of its calls. ``lines`` are the guides before it.

    ``caller`` tells the call from those of the same agent that others have made.
    """

    lines: str
    agent: Agent
    block: Block | None = None
    caller: str = ""

    @property
    def state(self) -> State:
        return self.block.state if self.block else self.agent.state

    @property
    def task(self) -> str:
        """What the call is asked; of an agent, where it has but one call, which has no row."""
        calls = self.agent.blocks
        asked = calls[0] if not self.block and len(calls) == 1 else self.block
        return asked.head if asked else ""


def entries(board: Board) -> list[Entry]:
    """Every agent once, below the first agent that leads to it; its calls before its subagents."""
    agents = board.agents
    below: dict[str, list[Agent]] = {}
    for agent in agents.values():
        for parent in dict.fromkeys(agent.parents):
            below.setdefault(parent, []).append(agent)
    roots = [agents[main] for main in board.mains if main in agents]
    roots += [a for a in agents.values() if not any(p in agents and p != a.name for p in a.parents)]
    seen: set[str] = set()
    found: list[Entry] = []
    for root in [*roots, *agents.values()]:  # the last: a ring of agents that nobody else calls
        if root.name not in seen:
            found += _branch(root, below, seen, "", "")
    return found


def _branch(
    agent: Agent, below: dict[str, list[Agent]], seen: set[str], lead: str, guide: str
) -> Iterator[Entry]:
    seen.add(agent.name)
    yield Entry(lead, agent)
    calls = agent.blocks if len(agent.blocks) > 1 else []
    under = []
    for child in below.get(agent.name, ()):
        if child.name not in seen:
            seen.add(child.name)
            under.append(child)
    callers = _callers(calls)
    for block in calls:
        caller = callers.get(block.call, "")
        yield Entry(guide + ("│ " if under else "  "), agent, block, caller)
    for child in under:
        last = child is under[-1]
        yield from _branch(
            child,
            below,
            seen,
            guide + ("└ " if last else "├ "),
            guide + ("  " if last else "│ "),
        )


def _callers(calls: Sequence[Block]) -> dict[str, str]:
    """What stands before the ordinal of each call: who made it, or ``#2.1.`` of the second's first,
    where those were of one name as well. Nothing where all are of one caller.
    """
    above = {it.call: it.call.split("/")[1:-1] for it in calls}
    if len(set(map(tuple, above.values()))) < 2 and len({it.caller for it in calls}) < 2:
        return {}
    signs = {it.call: "/" if it.ordinal else ">" for it in calls}  # as in its path
    named = {it.call: fit(it.caller, _CALLER) + signs[it.call] for it in calls}
    if len({named[it.call] + it.ordinal for it in calls}) == len(named):
        return named
    numbers = {call: [it.partition("#")[2] or it for it in path] for call, path in above.items()}
    return {call: "".join(["#", *(f"{it}." for it in path)]) for call, path in numbers.items()}


class Outline(Canvas, can_focus=True):
    """A list of entries with a cursor. The app calls :meth:`update` when the board's shape grew."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", id="tree.up", show=False),
        Binding("down", "move(1)", "Down", id="tree.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="tree.page-up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="tree.page-down", show=False),
        Binding("home", "move(-100000)", "First", id="tree.first", show=False),
        Binding("end", "move(100000)", "Last", id="tree.last", show=False),
        Binding("enter,space", "choose", "Show", id="tree.choose"),
    ]

    class Chosen(Message):
        """Someone wants to see an agent, or one of its calls."""

        def __init__(self, agent: Agent, block: Block | None) -> None:
            super().__init__()
            self.agent, self.block = agent, block

    def __init__(self, board: Board, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.board = board
        self.entries: list[Entry] = entries(board)
        self._cursor: tuple[str, int | None] = ("", None)
        self._top = 0

    @property
    def cursor(self) -> int:
        for index, entry in enumerate(self.entries):
            if self._identity(entry) == self._cursor:
                return index
        return 0

    @staticmethod
    def _identity(entry: Entry) -> tuple[str, int | None]:
        return entry.agent.name, entry.block.serial if entry.block else None

    def update(self) -> None:
        self.entries = entries(self.board)
        self._show_cursor()
        self.repaint()

    def point_at(self, agent: Agent) -> None:
        """Let the cursor stand on ``agent``, unless it stands on one of its calls."""
        if self._cursor[0] != agent.name:
            self._cursor = (agent.name, None)
            self._show_cursor()
            self.repaint()

    def _show_cursor(self) -> None:
        height = self.size.height
        if height:
            cursor = self.cursor
            self._top = max(min(self._top, cursor), cursor - height + 1, 0)
            self._top = min(self._top, max(len(self.entries) - height, 0))

    def on_resize(self) -> None:
        self._show_cursor()
        self.forget()

    def action_move(self, rows: int) -> None:
        if self.entries:
            cursor = max(0, min(self.cursor + rows, len(self.entries) - 1))
            self._cursor = self._identity(self.entries[cursor])
            self._show_cursor()
            self.repaint()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.size.height - 1, 1))

    def action_choose(self) -> None:
        if self.entries:
            entry = self.entries[self.cursor]
            self.post_message(self.Chosen(entry.agent, entry.block))

    def on_click(self, event: events.Click) -> None:
        beyond = self._beyond(event.y)
        if beyond and event.x >= self.size.width - cell_len(beyond):
            self._wheel(event, (self.size.height - 1) * (1 if event.y else -1))
            return
        index = self._top + event.y
        if index < len(self.entries):
            self._cursor = self._identity(self.entries[index])
            self.repaint()
            self.action_choose()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 3)

    def _wheel(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        self._top = max(0, min(self._top + rows, len(self.entries) - self.size.height))
        self.repaint()

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()

    def _too_long(self, named: int, word: Span) -> bool:
        """Whether a name fits, but not beside the word of its state; who asks keeps the word."""
        room = self.size.width
        return room - cell_len(word.text) < named <= room - 1 and word.look is not State.ASK

    def _beyond(self, row: int) -> str:
        """What a row at an edge says of those beyond it."""
        after = self._top + self.size.height
        if row == self.size.height - 1 and after < len(self.entries):
            below = self.entries[after:]
            asks = sum(it.block is None and it.state is State.ASK for it in below)
            return f" ↓ {len(below)}{f', {asks} ask' if asks else ' more'} "
        return f" ↑ {self._top} more " if self._top and row == 0 else ""

    def keys(self) -> Sequence[Hashable]:
        shown = self.entries[self._top : self._top + self.size.height]
        return [
            (
                entry.lines,
                self._identity(entry),
                entry.state,
                entry.agent.title,
                entry.task,
                entry.caller,
                self._identity(entry) == self._cursor and 1 + self.has_focus,
                self._beyond(row),
            )
            for row, entry in enumerate(shown)
        ]

    def draw(self, row: int) -> tuple[Spans, str]:
        entry = self.entries[self._top + row]
        state = entry.state
        here = self._identity(entry) == self._cursor
        left = [Span(" " + entry.lines, "edge"), Span(f"{state.glyph} ", state)]
        ordinal, dot, task = entry.task.partition(" · ")
        if entry.block is None:
            left.append(Span(entry.agent.title, "name" if state is not State.WAIT else ""))
        else:
            if entry.caller:
                left.append(Span(entry.caller, "figure"))
            if entry.caller.endswith("."):
                ordinal = ordinal.removeprefix("#")
            left.append(Span(ordinal, "ordinal"))
        named = sum(cell_len(span.text) for span in left)
        left.append(Span(f" {task}" if dot else "", "figure"))
        beyond = self._beyond(row)
        right = Span(beyond, "chip") if beyond else Span(f" {state} ", state)
        if not beyond and entry.block is None and self._too_long(named, right):
            left.pop()
            right = Span(" ", state)  # the glyph says it, too
        spans = spread(left, [right], self.size.width)
        if not here:
            return spans, "ground"
        return spans, "cursor-row-focus" if self.has_focus else "cursor-row"

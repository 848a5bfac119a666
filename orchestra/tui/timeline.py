"""Who worked when: a lane for each call, from the beginning of the run to now."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from .blocks import Block, Phase
from .board import Board
from .canvas import Canvas
from .figures import duration
from .rows import Span, Spans, spread
from .wrap import fit_end

# A character for each, as well as a colour.
_MARKS = {
    Phase.MODEL: Span("█", "run"),
    Phase.TOOL: Span("▒", "tool"),
    Phase.ASK: Span("?", "ask"),
    Phase.REST: Span("─", "edge"),
}
_LEGEND = "█ model  ▒ tool  ─ waits  ? asks"


class Timeline(Canvas, can_focus=True):
    """Hidden until it is wanted. The newest lanes are in sight unless someone scrolls."""

    DEFAULT_CSS = "Timeline { height: 8; display: none; dock: bottom; margin-bottom: 1; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", id="timeline.up", show=False),
        Binding("down", "move(1)", "Down", id="timeline.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="timeline.page-up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="timeline.page-down", show=False),
        Binding("home", "move(-100000)", "First", id="timeline.first", show=False),
        Binding("end", "move(100000)", "Last", id="timeline.last", show=False),
        Binding("enter", "choose", "Show", id="timeline.choose"),
    ]

    class Chosen(Message):
        """Somebody wants to see a call."""

        def __init__(self, block: Block) -> None:
            super().__init__()
            self.block = block

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board
        self.now = 0.0
        self._lanes: list[Block] = []
        self._cursor: int | None = None  # None: the newest
        self._top = 0

    @property
    def cursor(self) -> int:
        last = len(self._lanes) - 1
        return last if self._cursor is None else min(self._cursor, last)

    def update(self, now: float) -> None:
        """Bring it up to ``now``, in seconds of the run."""
        if not self.display:
            return
        self.now = now
        blocks = (block for agent in self.board.agents.values() for block in agent.blocks)
        self._lanes = sorted(blocks, key=lambda block: (block.started, block.serial))
        room = max(self.size.height - 1, 1)
        self._top = max(min(self._top, self.cursor), self.cursor - room + 1, 0)
        self.repaint()

    def action_move(self, by: int) -> None:
        if self._lanes:
            index = max(0, min(self.cursor + by, len(self._lanes) - 1))
            self._cursor = None if index == len(self._lanes) - 1 else index
            self.update(self.now)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.size.height - 2, 1))

    def action_choose(self) -> None:
        if self._lanes:
            self.post_message(self.Chosen(self._lanes[self.cursor]))

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - 1
        if event.y and index < len(self._lanes):
            self._cursor = index
            self.update(self.now)
            self.action_choose()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1)

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()

    @property
    def _names(self) -> int:
        return min(max(self.size.width // 4, 8), 32)

    def keys(self) -> Sequence[Hashable]:
        return [self._row(y) for y in range(self.size.height)]

    def draw(self, row: int) -> tuple[Spans, str]:
        return self._row(row)

    def _row(self, row: int) -> tuple[Spans, str]:
        width = self.size.width
        if row == 0:
            end = duration(max(self.now, self._end()))
            left = [Span(" timeline  ", "name"), Span(_LEGEND, "figure")]
            room, lanes = self.size.height - 1, len(self._lanes)
            part = f"calls {self._top + 1}–{min(self._top + room, lanes)} of {lanes}   "
            right = f"{part if lanes > room else ''}0 – {end} "
            return spread(left, [Span(right, "figure")], width), "bar-row"
        index = self._top + row - 1
        if index >= len(self._lanes):
            return (), "ground"
        block = self._lanes[index]
        here = index == self.cursor
        # Its path, but for the main agent, that all of them have.
        path = block.call.partition("/")[2] or block.call or block.agent
        name = fit_end(path, self._names - 4)
        left = [Span(f" {block.state.glyph} ", block.state)]
        left = [*spread([*left, Span(name, "name")], [], self._names), *self._bar(block)]
        ground = "cursor-row-focus" if self.has_focus else "cursor-row"
        return spread(left, [], width), ground if here else "ground"

    def _end(self) -> float:
        return max((block.ended or self.now for block in self._lanes), default=0.0)

    def _bar(self, block: Block) -> list[Span]:
        """A character for each stretch of time: what the call did at its middle."""
        columns = max(self.size.width - self._names - 1, 1)
        step = max(self._end(), 0.001) / columns
        until = self.now if block.ended is None else block.ended
        first = min(int(block.started / step), columns - 1)
        last = max(min(int(until / step), columns - 1), first)
        spans = [Span(" " * first, "")]
        for column in range(first, last + 1):
            mark = _MARKS[block.phase_at(max((column + 0.5) * step, block.started))]
            if spans[-1].look == mark.look:
                spans[-1] = Span(spans[-1].text + mark.text, mark.look)
            else:
                spans.append(mark)
        return spans

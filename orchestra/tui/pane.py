"""The view of one agent: a title row, and its calls as blocks below it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from . import rows
from .blocks import Agent, Block
from .dressed import Allowance
from .figures import duration
from .items import Item, Tool
from .rows import Span, Spans
from .selecting import Selecting
from .transcript import Place, Transcript

_TIME = 8  # columns of a time before the text
_WHEEL = 3  # rows
_TRIES = 3


class Pane(Selecting, can_focus=True):
    """Shows ``agent``; the app calls :meth:`update` when there is something new.

    It follows its newest text until someone scrolls up; then it stays where the reader is.
    """

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_rows(-1)", "Up", id="pane.up", show=False),
        Binding("down", "scroll_rows(1)", "Down", id="pane.down", show=False),
        Binding("pageup", "scroll_pages(-1)", "Page up", id="pane.page-up", show=False),
        Binding("pagedown", "scroll_pages(1)", "Page down", id="pane.page-down", show=False),
        Binding("home", "oldest", "Oldest", id="pane.oldest", show=False),
        Binding("end,s", "follow", "Follow", id="pane.follow", show=False),
        Binding("f", "fold", "Open or fold tools", id="pane.fold", show=False),
    ]

    class Picked(Message):
        """The pane got the focus."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    class ToolPicked(Message):
        """Somebody has clicked on the line of a tool call."""

        def __init__(self, pane: Pane, block: Block, tool: Tool) -> None:
            super().__init__()
            self.pane, self.block, self.tool = pane, block, tool

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        self.pattern: re.Pattern[str] | None = None  # what is looked for
        self.reasoning = True
        self.markdown = True
        self.wrap = True
        self.times = False
        self.allowance = Allowance()
        self.now = 0.0
        self._title: Spans = ()
        self.begin(agent)

    def begin(self, agent: Agent) -> None:
        """Show this agent, from its first line on."""
        self.agent = agent
        self.transcript = Transcript(agent)
        self.following = True
        self.missed = 0
        self.unfinished = False  # something in sight is rendered in the next frame
        self.selection = None
        self._lines = []
        self._idle: Sequence[Spans] = ()  # shown before there are lines
        self._shape = -1  # of the agent, when the title was made
        self._anchor: Place | None = None  # what the top row shows, while not following
        self._aimed: Block | None = None  # the call that somebody went to

    @property
    def left(self) -> int:
        return 2 + (_TIME if self.times else 0)

    @property
    def room(self) -> int:
        """Columns for the text."""
        return max(self.size.width - self.left - 1, 2)

    @property
    def body_height(self) -> int:
        return max(self.size.height - 1, 0)

    def update(self) -> None:
        """Take in what is new of the agent, and paint it."""
        width, _ = self.size
        if not width or not self.display:
            return
        theme = ("dark" if self.app.current_theme.dark else "light") if self.markdown else ""
        added = self.transcript.sync(
            self.room, reasoning=self.reasoning, markdown=theme, wrap=self.wrap
        )
        if not self.following:
            self.missed += max(added, 0)
        self._idle = () if self.agent.blocks else rows.idle(self.agent, self.room)
        self._place()
        if self.agent.shape != self._shape:
            self._shape = self.agent.shape
            self._make_title()
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted and self.markdown:
            self.update()  # a dark theme has other colours for code than a light one

    def retitle(self) -> None:
        """Bring the figures up to date."""
        before = self._title
        self._make_title()
        if self._title != before:
            self.repaint()

    def _make_title(self) -> None:
        self._title = rows.title(self.agent, self.now, max(self.size.width - 2, 0))

    def on_resize(self) -> None:
        # More or fewer lines than before are the width's doing: nobody missed any.
        missed, self._shape, self.selection = self.missed, -1, None
        self._painted = []
        self.update()
        self.missed = missed

    def show_reasoning(self, *, visible: bool) -> None:
        if visible != self.reasoning:
            missed, self.reasoning = self.missed, visible
            self.update()
            self.missed = missed

    def show_markdown(self, *, rendered: bool) -> None:
        if rendered != self.markdown:
            missed, self.markdown = self.missed, rendered
            self.update()
            self.missed = missed

    def show_lines(self, *, wrap: bool, times: bool) -> None:
        """Lines wrapped or cut, with or without the time at which each item began."""
        if (wrap, times) != (self.wrap, self.times):
            missed, self.wrap, self.times, self.selection = self.missed, wrap, times, None
            self._strips.clear()  # the same lines look otherwise
            self._painted = []
            self.update()
            self.missed = missed

    def action_fold(self) -> None:
        """Open all tool calls of the call in sight; fold them if all are open."""
        block = self.block_shown()
        tools = [it for it in block.items if isinstance(it, Tool)] if block else []
        self.open_tools(block, tools, open_=not all(it.open for it in tools))

    def open_tools(self, block: Block | None, tools: Sequence[Tool], *, open_: bool) -> None:
        """Show all of these tool calls, or a line of each; the reader stays where they are."""
        if block is None or not tools:
            return
        missed, self.selection = self.missed, None
        for tool in tools:
            tool.open = open_
            tool.version += 1
        block.version += 1
        self.transcript.renew(block)
        self.update()
        self.missed = missed

    def show_block(self, block: Block, *, aim: bool = False) -> None:
        """Scroll to where ``block`` begins; stay following if all of it is in sight.

        ``aim``: let it be the one that :meth:`block_shown` names, where several are in sight.
        """
        self.update()
        self._aimed = block if aim else None
        start = self.transcript.start_of(block)
        if start is not None and not (self.following and start in self._lines):
            self._go_to(start)

    def show_line(self, block: Block, item: Item, mark: tuple[int, int]) -> None:
        """Scroll until a line of an item is in sight, in the middle if it was not."""
        self.update()
        self._aimed = block
        line = self.transcript.line_of(Place(block.serial, item.serial, mark))
        if line not in self._lines:
            self._go_to(max(line - self.body_height // 2, 0))
            if line not in self._lines:  # what is rendered there has other rows than it had
                line = self.transcript.line_of(Place(block.serial, item.serial, mark))
                self._go_to(max(line - self.body_height // 2, 0))

    def block_shown(self) -> Block | None:
        """The call that the reader looks at: one they went to, else the one at the top or end."""
        blocks = self.agent.blocks
        if self._aimed is not None and self._aimed in blocks:
            return self._aimed
        if not self._lines:
            return blocks[-1] if blocks else None
        return self.transcript.block_at(self._lines[-1 if self.following else 0])

    def highlight(self, pattern: re.Pattern[str] | None) -> None:
        self.pattern = pattern
        self.forget()

    def _place(self) -> None:
        """Decide which lines the rows show, and let them be rendered."""
        self._choose()
        for _ in range(_TRIES):  # what is rendered takes other room, and more comes into sight
            if not self.transcript.dress(self._lines, self.allowance):
                break
            self._choose()
        self.unfinished = self.allowance.short

    def _choose(self) -> None:
        room = self.body_height
        if self.following:
            self._lines = self.transcript.tail(room)
            return
        top = self.transcript.line_of(self._anchor) if self._anchor else 0
        top = max(min(top, self.transcript.height - room), 0)
        self._lines = list(range(top, min(top + room, self.transcript.height)))

    def _go_to(self, line: int) -> None:
        transcript, room = self.transcript, self.body_height
        end = max(transcript.height - room, 0)
        top = max(line, 0)
        # While calls share the pane its end is not what it shows: only End goes back to that.
        if top >= end and (top > end or not self._shared()):
            self.action_follow()
            return
        if self.following:
            self.missed = 0
        self.following = False
        self._anchor = transcript.place(min(top, end)) if transcript.height else None
        self._place()
        self.repaint()

    def _shared(self) -> bool:
        lines = self.transcript.tail(self.body_height)
        return bool(lines) and lines[-1] - lines[0] >= len(lines)

    def action_scroll_rows(self, rows: int) -> None:
        self._aimed = None
        top = self._lines[0] if self._lines else 0
        self._go_to(top + rows)

    def action_scroll_pages(self, pages: int) -> None:
        self.action_scroll_rows(pages * max(self.body_height - 1, 1))

    def action_oldest(self) -> None:
        if self.transcript.height > self.body_height:
            self._go_to(0)

    def action_follow(self) -> None:
        self.following, self.missed, self._anchor = True, 0, None
        self._place()
        self.repaint()

    def keys(self) -> Sequence[Hashable]:
        key = self.transcript.key
        focus, height = self.has_focus, self.size.height
        body: list[Hashable] = [(key(line), focus) for line in self._lines]
        if self.selection is not None:
            ranges = map(self.picked, self._lines)
            body = [(*row, it) for row, it in zip(body, ranges, strict=True)]  # type: ignore[misc] # keys are tuples here
        body += [(spans, focus) for spans in self._idle]
        body += [("", focus)] * (height - 1 - len(body))
        if body and not self.following:
            body[-1] = (body[-1], self.missed)
        return [(self._title, focus), *body][:height]

    def draw(self, row: int) -> tuple[Spans, str]:
        edge = Span("▌", "edge-focus") if self.has_focus else Span("▏", "edge")
        if row == 0:
            return (
                edge,
                *self._title,
                Span(" ", ""),
            ), "bar-row-focus" if self.has_focus else "bar-row"
        index = row - 1
        text: Spans = ()
        if index < len(self._lines):
            text = self._line(self._lines[index])
        elif index < len(self._idle):
            text = self._idle[index]
        spans = (edge, Span(" ", ""), *text)
        if not self.following and row == self.size.height - 1:
            spans = self._chip(spans)
        return spans, "ground"

    def _line(self, line: int) -> Spans:
        spans = self.transcript.spans(line)
        if self.pattern is not None:
            spans = rows.marked(spans, self.pattern)
        if (chosen := self.picked(line)) is not None:
            spans = rows.picked(spans, *chosen)
        if not self.wrap:
            spans = rows.clipped(spans, self.room)
        if not self.times:
            return spans
        at = self.transcript.opening(line)
        time = "" if at is None else duration(at)
        return (Span(f"{time:>{_TIME - 1}} ", "figure"), *spans)

    def _chip(self, spans: Spans) -> Spans:
        """The row with how much is new at its right end."""
        below = self.transcript.height - 1 - (self._lines[-1] if self._lines else 0)
        text = f" ↓ {self.missed} new " if self.missed else f" ↓ {below} below "
        return rows.spread(list(spans), [Span(text, "chip"), Span(" ", "")], self.size.width)

    def on_focus(self) -> None:
        self.repaint()
        self.post_message(self.Picked(self))

    def on_blur(self) -> None:
        self.selection = None
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1
        if self.pick(event):
            return
        if event.y == self.size.height - 1 and not self.following:  # "n new"
            self.action_follow()
        elif 0 <= index < len(self._lines):
            block, item = self.transcript.at(self._lines[index])
            if isinstance(item, Tool):
                self.post_message(self.ToolPicked(self, block, item))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_rows(-_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_rows(_WHEEL)

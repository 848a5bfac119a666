"""The one screen: header, tree, panes, footer, and what the keys do to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from . import layout
from .asking import Asking
from .bars import Footer, Header, Trouble
from .blocks import Agent
from .board import Board
from .canvas import Looks
from .deck import Deck
from .outline import Outline
from .pane import Pane
from .player import Player
from .questions import Questions
from .room import Room
from .timeline import Timeline
from .wall import Wall

_NUMBERS = "123456789"


class Split(Asking, Room):
    """Everything of the viewer but the run. :meth:`refresh_from_board` brings it up to date."""

    DEFAULT_CSS = """
    Split {
        #body { height: 1fr; layout: horizontal; }
        Outline { height: 1fr; }
        &.-above #body { layout: vertical; }
        &.-above Outline { width: 1fr; }
        &.-replay Timeline { margin-bottom: 2; }
        &.-replay Trouble, &.-replay Find { margin-bottom: 2; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "step(1)", "Next", id="focus.next", key_display="tab"),
        Binding("question_mark", "app.help", "Help", id="app.help", key_display="?"),
        Binding("q", "app.leave", "Quit", id="app.quit"),
        Binding("shift+tab", "step(-1)", "Previous", id="focus.previous", show=False),
        Binding("h,left", "go(-1, 0)", "Left", id="focus.left", show=False),
        Binding("l,right", "go(1, 0)", "Right", id="focus.right", show=False),
        Binding("k", "go(0, -1)", "Up", id="focus.up", show=False),
        Binding("j", "go(0, 1)", "Down", id="focus.down", show=False),
        *(Binding(n, f"number({n})", f"Agent {n}", id=f"focus.{n}", show=False) for n in _NUMBERS),
        Binding("z", "zoom", "Zoom", id="view.zoom"),
        Binding("space", "reshape", "Layout", id="view.layout"),
        Binding("v", "hide", "Hide", id="view.hide", show=False),
        Binding("V", "show_all", "Show all", id="view.show-all", show=False),
        Binding("b", "tree", "Tree", id="view.tree"),
        Binding("T", "timeline", "Timeline", id="view.timeline", show=False),
        Binding("r", "reasoning", "Reasoning", id="view.reasoning"),
        Binding("o", "app.console", "Console", id="view.console"),
        Binding("m", "markdown", "Markdown", id="view.markdown", show=False),
    ]

    AUTO_FOCUS = ""

    def __init__(
        self,
        title: str,
        board: Board,
        questions: Questions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(questions, clock)
        self.board = board
        self.header = Header(title, board)
        self.outline = Outline(board, id="tree")
        self.deck = Deck(board)
        self.timeline = Timeline(board)
        self.trouble = Trouble()
        self.tree_wanted = True
        self.footer = Footer()
        self.player = Player()
        self.printed = False  # something that the console has
        self._shape = -1

    def compose(self) -> ComposeResult:
        yield Looks()
        yield self.header
        with Container(id="body"):
            yield self.outline
            yield self.deck
        yield self.timeline
        yield self.prompt
        yield self.editor
        yield self.finder
        yield self.player
        yield self.trouble
        yield self.footer

    def on_mount(self) -> None:
        self._lay_out()
        self.deck.arrange_panes()
        self._focus_current()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Which parts are shown at this size, and how large the tree is."""
        width, height = self.app.size
        above = width < layout.TINY
        self.set_class(above, "-above")
        self.deck.narrow = width < layout.NARROW
        rows = layout.outline_height(height, len(self.outline.entries)) if above else height
        self.outline.display = self.tree_wanted and rows > 0
        self.outline.styles.height = rows if above else "1fr"
        self.outline.styles.width = "1fr" if above else layout.outline_width(width)
        self.trouble.fit_to(width, height)
        self.deck.call_after_refresh(self.deck.arrange_panes)

    def refresh_from_board(self, touched: set[str], now: float) -> None:
        """Show what is new: the text of these agents, and the tree if its shape changed."""
        if self.board.shape != self._shape:
            self._shape = self.board.shape
            before = len(self.deck.panes)
            self.outline.update()
            self.deck.arrange_panes()
            if len(self.deck.panes) != before and self.focused is None:
                self.call_after_refresh(self._focus_current)
            if self.has_class("-above"):
                self._lay_out()
        for name in touched:
            if name in self.deck.panes:
                self.deck.panes[name].now = now
        self.deck.update(touched)

    def restart(self) -> None:
        """The board has begun anew: so does all that shows it."""
        self.trouble.display = False
        self.header.held = self.header.cancelling = False
        self.deck.restart()

    def refresh_figures(self, now: float | None) -> None:
        """Seconds, tokens and rates, which change without any event."""
        self.header.elapsed = now
        self.header.update()
        self.deck.retitle(now or 0.0)
        self.timeline.update(now or 0.0)

    @property
    def current_pane(self) -> Pane | None:
        """The pane that the keys are about."""
        return self.deck.panes.get(self.deck.current)

    def show_agent(self, agent: Agent) -> Pane:
        """Bring the pane of ``agent`` on screen and give it the focus."""
        pane = self.bring(agent)
        self.set_focus(pane)
        return pane

    def bring(self, agent: Agent) -> Pane:
        self.deck.hidden.discard(agent.name)
        self.deck.current = agent.name
        self.deck.arrange_panes()
        self.outline.point_at(agent)
        return self.deck.pane(agent.name)

    def on_pane_picked(self, message: Pane.Picked) -> None:
        if self.focused is message.pane:  # it may have lost it since, to who asks
            self.deck.current = message.pane.agent.name
            self.outline.point_at(message.pane.agent)

    def on_outline_chosen(self, message: Outline.Chosen) -> None:
        pane = self.show_agent(message.agent)
        if message.block is not None:
            block = message.block
            # A pane that was hidden until now has no size yet, so no lines to scroll to.
            self.call_after_refresh(pane.show_block, block)

    def action_step(self, by: int) -> None:
        """Tab goes round: the tree, then every agent, also those on other pages."""
        stops: list[Agent | None] = [*self.deck.order()]
        if self.outline.display:
            stops.insert(0, None)
        if not stops:
            return
        here = None if self.focused is self.outline else self.board.agents.get(self.deck.current)
        at = stops.index(here) if here in stops else 0
        self._visit(stops[(at + by) % len(stops)])

    def _visit(self, stop: Agent | None) -> None:
        if stop is None:
            self.set_focus(self.outline)
        else:
            self.show_agent(stop)

    def action_go(self, dx: int, dy: int) -> None:
        """To the pane next to this one; left of the leftmost is the tree."""
        if not self.deck.panes:
            return
        if self.focused is self.outline:
            if dx > 0:
                self._focus_current()
            elif dy:
                self.outline.action_move(dy)
            return
        found = self.deck.neighbour(dx, dy)
        if found is not None:
            self.show_agent(found)
        elif dx < 0 and self.outline.display:
            self.set_focus(self.outline)
        elif dy and len(self.deck.shown()) == 1:
            order = self.deck.order()
            here = self.board.agents[self.deck.current]
            index = (order.index(here) if here in order else 0) + dy
            if 0 <= index < len(order):
                self.show_agent(order[index])

    def action_number(self, number: int) -> None:
        order = self.deck.order()
        if number <= len(order):
            self.show_agent(order[number - 1])

    def action_zoom(self) -> None:
        self.deck.alone = not self.deck.alone
        self.deck.arrange_panes()

    def action_reshape(self) -> None:
        if self.deck.narrow:
            self.footer.say("there is room for one pane only")
            return
        shape = self.deck.reshape()
        self.footer.say({"grid": "a grid", "wall": "a pane and the wall", "one": "one pane"}[shape])
        self.deck.arrange_panes()

    def action_hide(self) -> None:
        """Hide the agent in focus, and go to the next; the last one stays."""
        order = self.deck.order()
        here = self.board.agents.get(self.deck.current)
        if here not in order or len(order) < 2:
            return
        following = order[(order.index(here) + 1) % len(order)]
        self.deck.hidden.add(here.name)
        self.show_agent(following)
        self.footer.say(f"{here.title} is hidden: V shows all, the tree shows it")

    def action_show_all(self) -> None:
        self.deck.hidden.clear()
        self.deck.arrange_panes()

    def on_wall_picked(self, message: Wall.Picked) -> None:
        self.show_agent(message.agent)

    def action_tree(self) -> None:
        self.tree_wanted = not self.tree_wanted
        if self.focused is self.outline:
            self._focus_current()
        self._lay_out()

    def action_markdown(self) -> None:
        self.deck.markdown = not self.deck.markdown
        self.footer.say(
            "Markdown, rendered" if self.deck.markdown else "Markdown as it was written"
        )
        for pane in self.deck.shown():
            pane.show_markdown(rendered=self.deck.markdown)

    def action_timeline(self) -> None:
        """Show the timeline, and go there; or hide it."""
        self.timeline.display = shown = not self.timeline.display
        self.timeline.styles.height = min(max(self.app.size.height // 4, 3), 14)
        if shown:
            self.set_focus(self.timeline)
            self.call_after_refresh(self.timeline.update, self.board.time)
        else:
            self._focus_current()

    def on_timeline_chosen(self, message: Timeline.Chosen) -> None:
        self.show_call(message.block)

    def action_reasoning(self) -> None:
        self.deck.reasoning = not self.deck.reasoning
        for pane in self.deck.shown():
            pane.show_reasoning(visible=self.deck.reasoning)

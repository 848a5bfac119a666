"""Keys for who reads: search, copy, save, and the way from a call to those below and above it."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input

from .bars import Footer
from .blocks import Agent, Block
from .board import Board
from .deck import Deck
from .finding import Match, find, last_message, pattern_of, text_of
from .pane import Pane
from .typeahead import InOrder

_NAME = re.compile(r"[^\w.-]+")
_OSC_52 = 74_000  # bytes of text that every terminal takes


class Find(InOrder, Input):
    """The bar to type in what is looked for; hidden until then."""

    DEFAULT_CSS = """
    Find, Find:focus { dock: bottom; height: 3; margin-bottom: 1; display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.end_search", "End search", id="find.end"),
    ]

    def __init__(self) -> None:
        super().__init__(id="find", placeholder="Find: enter keeps it, n and N go on, esc ends")

    async def _on_key(self, event: Key) -> None:
        """Leave at once on enter: what is typed behind it in one go is no longer for the bar."""
        if self.screen.focused is not self:
            event.prevent_default()
        elif event.key == "enter" and isinstance(self.screen, Reading):
            event.prevent_default()
            event.stop()
            self.screen.leave_bar()


class Reading(Screen[None]):
    """A screen whose panes are read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search(False)", "Find", id="find.here", key_display="/"),
        Binding(
            "ctrl+underscore,ctrl+slash", "search(True)", "Find in all", id="find.all", show=False
        ),
        Binding("n", "match(1)", "Next match", id="find.next", show=False),
        Binding("N", "match(-1)", "Previous match", id="find.previous", show=False),
        Binding("c", "copy", "Copy", id="text.copy", show=False),
        Binding("C", "copy_pane", "Copy the pane", id="text.copy-pane", show=False),
        Binding("ctrl+s", "save", "Save the pane", id="text.save", show=False),
        Binding("w", "lines('wrap')", "Wrap", id="view.wrap", show=False),
        Binding("t", "lines('times')", "Times", id="view.times", show=False),
        Binding("left_square_bracket", "call(-1)", "Previous call", id="call.previous", show=False),
        Binding("right_square_bracket", "call(1)", "Next call", id="call.next", show=False),
        Binding("enter", "below", "To the call below", id="call.below", show=False),
        Binding("backspace", "above", "To the call above", id="call.above", show=False),
    ]

    board: Board
    deck: Deck
    footer: Footer

    def __init__(self) -> None:
        super().__init__()
        self.finder = Find()
        self.pattern: re.Pattern[str] | None = None
        self._everywhere = False
        self._at: tuple[int, int, int] | None = None  # the match that is shown

    def bring(self, agent: Agent) -> Pane:
        """Show the pane of an agent."""
        raise NotImplementedError

    def show_agent(self, agent: Agent) -> Pane:
        """The same, and give it the focus."""
        raise NotImplementedError

    # Search

    def action_search(self, everywhere: bool) -> None:
        self._everywhere = everywhere
        self.finder.border_title = "in all panes" if everywhere else None
        self.finder.display = True
        self.set_focus(self.finder)

    def on_input_changed(self, message: Input.Changed) -> None:
        if message.input is self.finder:
            self._look_for(message.value)

    def action_end_search(self) -> None:
        self.finder.clear()
        self._look_for("")
        self.leave_bar()

    def leave_bar(self) -> None:
        """Back to the pane; what was looked for stays, and ``n`` goes on."""
        self.finder.display = False
        if self.deck.current in self.board.agents:
            self.show_agent(self.board.agents[self.deck.current])

    def _look_for(self, words: str) -> None:
        self.pattern, self._at = pattern_of(words), None
        self.deck.highlight(self.pattern)
        if self.pattern is not None:
            self.action_match(-1 if not self._everywhere else 1)
        else:
            self.finder.border_subtitle = None

    def _matches(self) -> list[Match]:
        if self.pattern is None:
            return []
        here = self.board.agents.get(self.deck.current)
        agents = self.deck.order() if self._everywhere or here is None else [here]
        for agent in agents:
            agent.settle()
        return find(agents, self.pattern)

    def action_match(self, by: int) -> None:
        """On to the next match, or back; round at the ends. The first one is the newest."""
        if self.pattern is None:
            self.footer.say("nothing is looked for: / begins")
            return
        matches = self._matches()
        if not matches:
            self._tell(f"no {self.finder.value!r} here")
            return
        known = [match.identity for match in matches]
        index = (known.index(self._at) + by) if self._at in known else (-1 if by < 0 else 0)
        index %= len(matches)
        match = matches[index]
        self._at = match.identity
        panes = len({it.agent.name for it in matches})
        where = f" in {panes} panes" if self._everywhere else ""
        self._tell(f"{index + 1} of {len(matches)}{where}")
        self._go(match)

    def _tell(self, text: str) -> None:
        self.finder.border_subtitle = text.replace("[", r"\[")
        if not self.finder.has_focus:
            self.footer.say(text)

    def _go(self, match: Match) -> None:
        # Who types goes on typing.
        pane = (self.bring if self.finder.has_focus else self.show_agent)(match.agent)
        # A pane that was hidden until now has no size yet, so no lines to scroll to.
        self.call_after_refresh(pane.show_line, match.block, match.item, (match.line, match.column))

    # Out of the viewer

    def action_copy(self) -> None:
        """What is selected in the pane; else what its agent said last."""
        pane = self.deck.panes.get(self.deck.current)
        if pane is not None and (chosen := pane.selected()):
            self._copy(chosen, "the selection")
            return
        agent = self.board.agents.get(self.deck.current)
        text, call = last_message(agent) if agent else ("", "")
        if not text:
            self.footer.say("there is nothing to copy yet")
            return
        self._copy(text, f"the last message of {call}")

    def action_copy_pane(self) -> None:
        agent = self.board.agents.get(self.deck.current)
        if agent is not None:
            self._copy(text_of(agent), f"all that is kept of {agent.title}")

    def _copy(self, text: str, what: str) -> None:
        size = len(text.encode(errors="replace"))
        if size > _OSC_52:
            self.footer.say(f"{what} is {size:,} bytes, too long for a terminal: ctrl+s saves it")
            return
        self.app.copy_to_clipboard(text)
        if os.environ.get("TMUX"):  # it keeps what programs say to the clipboard to itself
            self.run_worker(_to_tmux(text), exit_on_error=False)
        self.footer.say(f"copied {what}: {len(text):,} characters")

    def action_save(self) -> None:
        """The pane as a text file in the current folder, never over another."""
        agent = self.board.agents.get(self.deck.current)
        if agent is None:
            return
        name = _NAME.sub("-", agent.name).strip("-.") or "agent"
        try:
            path = _save(name, text_of(agent))
        except OSError as error:
            self.footer.say(f"not saved: {error.strerror or error}")
            return
        self.footer.say(f"saved {path}")

    def action_lines(self, what: str) -> None:
        """Lines wrapped or cut at the edge; with the time at which each began, or without."""
        deck = self.deck
        setattr(deck, what, not getattr(deck, what))
        for pane in deck.shown():
            pane.show_lines(wrap=deck.wrap, times=deck.times)
        words = {"wrap": ("lines are cut", "lines are wrapped"), "times": ("no times", "times")}
        self.footer.say(words[what][getattr(deck, what)])

    # From call to call

    def _here(self) -> tuple[Pane, Block] | None:
        pane = self.deck.panes.get(self.deck.current)
        block = pane.block_shown() if pane else None
        return (pane, block) if pane and block else None

    def action_call(self, by: int) -> None:
        if (here := self._here()) is None:
            return
        pane, block = here
        blocks = pane.agent.blocks
        index = blocks.index(block) + by
        if 0 <= index < len(blocks):
            pane.show_block(blocks[index], aim=True)
        else:
            self.footer.say(f"{pane.agent.title} has no {'further' if by > 0 else 'earlier'} call")

    def action_below(self) -> None:
        """To the newest call that the call in sight has made."""
        if (here := self._here()) is None:
            return
        below = self.board.below(here[1].call)
        if below:
            self.show_call(below[-1])
        else:
            self.footer.say("this call has made no others")

    def action_above(self) -> None:
        """Back to the call that made this one, where it did."""
        if (here := self._here()) is None:
            return
        above = self.board.block(here[1].parent or "")
        if above is None:
            self.footer.say("nobody called this")
        else:
            self.show_call(above, here[1].tool_call_id)

    def show_call(self, block: Block, tool: str | None = None) -> None:
        """Bring a call on screen, and the line of one of its tool calls."""
        pane = self.show_agent(self.board.agents[block.agent])
        item = block.tool(tool) if tool else None
        if item is None:
            self.call_after_refresh(pane.show_block, block, aim=True)
        else:
            self.call_after_refresh(pane.show_line, block, item, (0, 0))

    def on_pane_tool_picked(self, message: Pane.ToolPicked) -> None:
        for block in self.board.below(message.block.call):
            if block.tool_call_id == message.tool.id:
                self.show_call(block)
                return
        message.pane.open_tools(message.block, [message.tool], open_=not message.tool.open)


def _save(name: str, text: str) -> Path:
    number = 1
    while True:
        path = Path(f"{name}.txt" if number == 1 else f"{name}-{number}.txt")
        try:
            with path.open("x", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except FileExistsError:
            number += 1
        else:
            return path


async def _to_tmux(text: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "tmux",
        "load-buffer",
        "-w",
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(text.encode(errors="replace"))

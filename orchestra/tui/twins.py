"""Two runs side by side: their calls in a list, and of the chosen one what each run did.

The first thing in which a call differs stands between two lines that say so, in both panes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..events import Event, RunStarted
from ..text import one_line
from ..trajectory import Comparison, Pair, Transcript, compare
from ..trajectory.compare import Fact
from .bars import Footer
from .blocks import Agent, Block
from .board import Board
from .canvas import Looks
from .comfort import CONTRAST_CSS, Comfort
from .help import Help
from .items import Item, Note, Prose, State, Tone, Tool
from .keymap import Keymap
from .pane import Pane
from .typeahead import TypeAhead
from .wrap import fit_end

_WIDE = 100  # columns from which on the list stands at the left, and the panes side by side
_NAMES = 8  # columns for the names of both runs; with fewer they are left out
_GLYPHS = {"equal": "=", "different": "≠", "only in A": "◧", "only in B": "◨"}
_LOOKS = {"equal": "$foreground 60%", "different": "bold $text-warning"}
_ALONE = "bold $text-accent"
_HERE = "≠ from here on the runs differ"
_NOWHERE = "not made in this run"


@dataclass(slots=True)
class Side:
    """One of the two runs: what it is called, and what it did."""

    name: str
    board: Board
    transcript: Transcript

    @classmethod
    def of(cls, name: str, events: Sequence[Event]) -> Side:
        begun = next((it for it in events if isinstance(it, RunStarted)), None)
        board = Board(begun.team if begun else ())
        for event in events:
            board.feed(event)
        for agent in board.agents.values():
            agent.settle()
        return cls(one_line(name, 300), board, Transcript.of(events))

    def call(self, letter: str, pair: Pair, fact: Fact | None) -> tuple[Agent, Note | None]:
        """The call alone, as an agent of its own, with the mark where it differs."""
        path, mark = pair.path, Note(_HERE, Tone.WARNING)
        found = next(
            (it for it in self.board.agents.values() if any(b.call == path for b in it.blocks)),
            None,
        )
        if found is None:
            blank = Block(path, path, "", "", _NOWHERE, 0.0, 0.0, state=State.WAIT)
            return Agent(path, f"{letter}  {path}", 0, blocks=[blank]), None
        blocks = [replace(it) for it in found.blocks if it.call == path]
        marked = pair.status == "different" and _mark(blocks, fact, mark)
        shown = replace(found, title=f"{letter}  {path}", blocks=blocks, unsettled={})
        return shown, mark if marked else None


def _mark(blocks: list[Block], fact: Fact | None, mark: Note) -> bool:
    """Put the mark in front of what differs; at the end where this run has nothing there."""
    for block in blocks:
        for at, item in enumerate(block.items):
            if fact is not None and fact.id and _is(item, fact):
                block.items = [*block.items[:at], mark, *block.items[at:]]
                return True
    if not blocks:
        return False
    if fact is not None and fact.what == "task":
        blocks[0].items = [mark, *blocks[0].items]
    else:
        blocks[-1].items = [*blocks[-1].items, mark]
    return True


def _is(item: Item, fact: Fact) -> bool:
    if isinstance(item, Tool):
        return item.id == fact.id
    return isinstance(item, Prose) and item.message == fact.id


class Twins(TypeAhead):
    """Shows run B beside run A. Returns when the user leaves."""

    TITLE = "orchestra"
    CSS = (
        CONTRAST_CSS
        + """
    #title, #told { height: auto; background: $panel; padding: 0 1; }
    #title, #told { text-wrap: nowrap; text-overflow: ellipsis; }
    #title { height: 1; }
    #told { dock: bottom; margin-bottom: 1; }
    #body, #sides { layout: vertical; height: 1fr; }
    #calls, #calls:focus {
        height: auto; max-height: 7; border: none; padding: 0; background: $background;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    .-wide #body, .-wide #sides { layout: horizontal; }
    .-wide #calls { width: 30%; max-width: 48; height: 1fr; max-height: 100%; }
    """
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "difference(1)", "Next difference", id="twins.next"),
        Binding("D", "difference(-1)", "Previous difference", id="twins.previous", show=False),
        Binding("tab", "screen.focus_next", "Next pane", id="focus.next", tooltip="The list, A, B"),
        Binding(
            "shift+tab",
            "screen.focus_previous",
            "Previous",
            id="focus.previous",
            show=False,
            tooltip="The same, back",
        ),
        Binding("r", "reasoning", "Reasoning", id="view.reasoning", show=False),
        Binding("m", "markdown", "Markdown", id="view.markdown", show=False),
        Binding("question_mark", "help", "Help", id="app.help", key_display="?"),
        Binding("q,escape", "leave", "Quit", id="app.quit", tooltip="Quit"),
        Binding("ctrl+c", "leave", "Quit", id="twins.cancel", priority=True, show=False),
    ]

    def __init__(
        self, a: tuple[str, Sequence[Event]], b: tuple[str, Sequence[Event]], comfort: Comfort
    ) -> None:
        super().__init__()
        comfort.dress(self)
        self.keymap = Keymap(comfort.keys)
        self.sides = (Side.of(*a), Side.of(*b))
        self.comparison: Comparison = compare(*(side.transcript for side in self.sides))
        self.panes = tuple(Pane(Agent("", side.name, 0)) for side in self.sides)

    def compose(self) -> ComposeResult:
        yield Looks()
        yield Static(id="title")
        with Container(id="body"):
            yield OptionList(*map(_option, self.comparison.pairs), id="calls")
            with Container(id="sides"):
                yield from self.panes
        yield Static(id="told")
        yield Footer()

    def on_mount(self) -> None:
        self._fit(self.size.width)
        self.calls.focus()
        pairs = self.comparison.pairs
        first = next((n for n, it in enumerate(pairs) if it.status != "equal"), 0)
        if pairs:
            self.calls.highlighted = first

    @property
    def calls(self) -> OptionList:
        return self.query_one("#calls", OptionList)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)  # the app's own size is still the one before

    def _fit(self, width: int) -> None:
        self.screen.set_class(width >= _WIDE, "-wide")
        self.query_one("#title", Static).update(self._title(width))

    def _title(self, width: int) -> Content:
        """In one row: the ends of the names, which are what they differ by, give way."""
        summary = self.comparison.summary
        room = max(width - cell_len(f" A    B    {summary} "), 0)
        a, b = (side.name for side in self.sides)
        mine = max(room // 2, room - cell_len(b))
        a, b = fit_end(a, mine), fit_end(b, room - min(mine, cell_len(a)))
        parts = ("A ", "bold"), f"{a}   ", ("B ", "bold"), f"{b}   "
        return Content.assemble(*(parts if room > _NAMES else ()), (summary, "bold"))

    def on_option_list_option_highlighted(self, message: OptionList.OptionHighlighted) -> None:
        self._show(self.comparison.pairs[message.option_index])

    def _show(self, pair: Pair) -> None:
        """That call in both panes, where it differs if it does."""
        self.query_one("#told", Static).update(_told(pair))
        sides = zip(self.panes, self.sides, "AB", pair.first, strict=True)
        for pane, side, letter, fact in sides:
            agent, mark = side.call(letter, pair, fact)
            pane.now = side.board.time
            pane.begin(agent)
            pane.forget()
            pane.update()
            # A pane that has no size yet has no lines to scroll to.
            if mark is None:
                self.call_after_refresh(pane.action_oldest)
            else:
                block = next(it for it in agent.blocks if mark in it.items)
                self.call_after_refresh(pane.show_line, block, mark, (0, 0))

    def action_difference(self, by: int) -> None:
        pairs, at = self.comparison.pairs, self.calls.highlighted or 0
        differing = [n for n, it in enumerate(pairs) if it.status != "equal"]
        if not differing:
            self.query_one(Footer).say(self.comparison.summary)
            return
        ahead = [n for n in differing if (n > at if by > 0 else n < at)]
        self.calls.highlighted = (ahead or differing)[0 if by > 0 else -1]

    def action_reasoning(self) -> None:
        for pane in self.panes:
            pane.show_reasoning(visible=not pane.reasoning)

    def action_markdown(self) -> None:
        for pane in self.panes:
            pane.show_markdown(rendered=not pane.markdown)

    def action_help(self) -> None:
        groups = [("Anywhere", self._bindings, self), ("In a pane", Pane._merged_bindings, None)]
        self.push_screen(Help(groups, self.keymap.fit(typing=False), self.comparison.summary))

    def action_leave(self) -> None:
        self.exit()

    async def action_quit(self) -> None:
        self.action_leave()


def _option(pair: Pair) -> Option:
    """Its state by glyph and word, then where it is: below the call that made it."""
    look = _LOOKS.get(pair.status, _ALONE)
    *above, name = pair.path.split("/")
    return Option(
        Content.assemble(
            (f" {_GLYPHS[pair.status]} {pair.status:<10}", look), "  " * len(above), one_line(name)
        )
    )


def _told(pair: Pair) -> Content:
    """What differs, and how it reads in each run."""
    if pair.status != "different":
        return Content(pair.line or f"{pair.path}: equal in both runs")
    what, a, b = pair.told
    return Content.assemble(
        (f"≠ {pair.path}: {what}", "bold $text-warning"), ("\nA ", "bold"), a, ("\nB ", "bold"), b
    )

"""The gallery: the scenarios that ship, each with what it shows; one is chosen to be run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..text import one_line
from .comfort import Comfort
from .keymap import Keymap
from .program import Program


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One scenario of the gallery."""

    name: str
    description: str
    tags: tuple[str, ...] = ()


class Gallery(Program[int]):
    """Returns the index of what was chosen; None if the user left.

    An app of its own, not a screen of the viewer: each run gets a viewer of its own, so that
    nothing of one run is left over in the next.
    """

    TITLE = "orchestra demo"
    CSS = """
    #title { height: 1; background: $panel; text-style: bold; padding: 0 1; }
    #list, #list:focus { height: 1fr; border: none; padding: 0 1; background: $background; }
    #notice { height: auto; max-height: 5; background: $panel; color: $text-error; padding: 0 1; }
    #keys { height: 1; background: $panel; padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "leave", "Quit", id="gallery.quit"),
        Binding("j", "list('cursor_down')", "Down", id="gallery.down", show=False),
        Binding("k", "list('cursor_up')", "Up", id="gallery.up", show=False),
        Binding("ctrl+c", "leave", "Quit", id="gallery.cancel", priority=True, show=False),
    ]

    def __init__(
        self,
        exhibits: Sequence[Exhibit],
        *,
        at: int = 0,
        notice: str = "",
        comfort: Comfort | None = None,
    ) -> None:
        super().__init__()
        comfort = comfort or Comfort()
        comfort.dress(self)
        self.keymap = Keymap(comfort.keys)
        self.exhibits = exhibits
        self._at = at
        self._notice = notice

    def compose(self) -> ComposeResult:
        count = len(self.exhibits)
        yield Static(Content(f"orchestra demo · {count} scenarios"), id="title")
        yield OptionList(*map(self._option, self.exhibits), id="list")
        if self._notice:
            yield Static(Content(f"✗ {one_line(self._notice, 600)}"), id="notice")
        yield Static(Content.assemble(*self._keys()), id="keys")

    @staticmethod
    def _option(it: Exhibit) -> Option:
        tags = f"  {one_line(', '.join(it.tags), 80)}" if it.tags else ""
        text = Content.assemble(
            (one_line(it.name, 60), "bold $text-accent"),
            (tags, "$foreground 60%"),
            "\n",
            one_line(it.description, 400),
            "\n",
        )
        return Option(text)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.focus()
        if self.exhibits:
            options.highlighted = min(self._at, len(self.exhibits) - 1)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.exit(message.option_index)

    def action_list(self, what: str) -> None:
        getattr(self.query_one(OptionList), f"action_{what}")()

    def action_leave(self) -> None:
        self.exit()

    async def action_quit(self) -> None:
        self.action_leave()

    def _keys(self) -> Iterator[tuple[str, str]]:
        """The keys as the viewer's footer has them, and as they are remapped."""
        quits = self.keymap.fit(typing=False).get("gallery.quit", "q").partition(",")[0]
        leave = self.get_key_display(Binding(quits, ""))
        for key, does in (("⏎", "run it"), ("↑ ↓", "choose"), ("^p", "palette"), (leave, "quit")):
            yield key, "bold $text-accent"
            yield f" {does}  ", "$foreground 60%"

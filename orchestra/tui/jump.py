"""Letters on the panes: one is pressed, and its agent has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Static

from .blocks import Agent

LETTERS = "asdfghjklqwertyuiopzxcvbnm"  # the home row first


def labels(count: int) -> list[str]:
    """That many labels: a letter each, or two where letters do not suffice."""
    if count <= len(LETTERS):
        return [*LETTERS[:count]]
    return ["".join(pair) for pair in product(LETTERS, LETTERS)][:count]


class Jump(ModalScreen[Agent | None]):
    """Shows a label at each place; what is typed chooses, any other key leaves."""

    DEFAULT_CSS = """
    Jump { background: transparent; }
    Jump Static {
        position: absolute; width: auto; height: 1; padding: 0 1;
        background: $accent; color: $background; text-style: bold;
    }
    Jump:ansi Static { text-style: bold reverse; }
    """

    BINDINGS: ClassVar = []

    def __init__(self, places: Sequence[tuple[Agent, Region]]) -> None:
        super().__init__()
        found = labels(len(places))
        self.places = dict(zip(found, places, strict=True))
        self._typed = ""

    def compose(self) -> ComposeResult:
        for label, (_, region) in self.places.items():
            chip = Static(Content(label))
            chip.absolute_offset = region.offset
            yield chip

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        self._typed += event.key
        if self._typed in self.places:
            self.dismiss(self.places[self._typed][0])
        elif not any(label.startswith(self._typed) for label in self.places):
            self.dismiss(None)

    def on_click(self) -> None:
        self.dismiss(None)

    def on_resize(self) -> None:
        if self._typed or self.app.size != self.size:
            self.dismiss(None)

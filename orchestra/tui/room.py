"""Keys for the room that panes take, and to go to one of many at once."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from .blocks import Agent
from .jump import Jump
from .reading import Reading

_STEP = 1.3  # a key makes a pane larger by so much, beside its neighbours
_MOST = 4.0


class Room(Reading):
    """A screen whose panes can be made larger and smaller."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "size(1)", "Larger", id="view.larger", show=False, key_display="+"),
        Binding("minus", "size(-1)", "Smaller", id="view.smaller", show=False, key_display="-"),
        Binding("equals_sign", "size(0)", "Even", id="view.even", show=False, key_display="="),
        Binding("ctrl+o", "jump", "Jump", id="focus.jump", show=False),
    ]

    def action_size(self, by: int) -> None:
        """The pane in focus larger or smaller than its neighbours; 0: all alike."""
        deck = self.deck
        if by == 0:
            deck.sizes.clear()
        elif deck.shaped == "one":
            self.footer.say("this pane has all the room there is")
            return
        else:
            size = deck.sizes.get(deck.current, 1.0) * _STEP**by
            deck.sizes[deck.current] = min(max(size, 1 / _MOST), _MOST)
        deck.arrange_panes()
        for pane in deck.shown():  # whoever holds them then forgets how they lay
            pane.refresh(layout=True)

    def action_jump(self) -> None:
        """A letter on every pane: the one that is pressed has the focus."""
        places = self.deck.places()
        if places:
            self.app.push_screen(Jump(places), self._jumped)

    def _jumped(self, agent: Agent | None) -> None:
        if agent is not None:
            self.show_agent(agent)

"""What is typed in one go is taken in its order, and reaches the bar that its first key opens.

Textual gives a key to whoever has the focus when it is read. Of ``/found``, written by a script, a
paste or a fast hand on a slow line, all goes to the pane; by the time the pane is asked about ``o``
the bar has the focus, and ``o`` would have opened the console.

In a bar itself a letter is written at once, while backspace, enter and tab wait until the app has
looked up what they do: of ``x``, backspace, ``y`` typed fast, backspace would take the ``y``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual.events import Event, Key
from textual.widget import Widget
from textual.widgets import Input, TextArea

from .program import Program


class TypeAhead(Program[None]):
    """An app that hands a key on which nobody took, to where the user types by now."""

    def __init__(self) -> None:
        super().__init__()
        self._given: WeakKeyDictionary[Key, Widget | None] = WeakKeyDictionary()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            self._given[event] = self.focused
        await super().on_event(event)

    def _on_key(self, event: Key) -> None:  # type: ignore[override] # the base's is called as well
        here = self.focused
        if isinstance(here, Input | TextArea) and self._given.get(event, here) is not here:
            event.prevent_default()
            here._forward_event(event.copy())


# Textual looks for the style of a widget along the first of its bases that is one.
if TYPE_CHECKING:
    _Base = Widget
else:
    _Base = object


class InOrder(_Base):
    """To be put before Input or TextArea: each key does what it does before the next one is looked
    at.
    """

    async def _on_key(self, event: Key) -> None:
        if self.screen.focused is not self:
            event.prevent_default()  # a key before it left for elsewhere: the app hands it on
            return
        active = None if event.is_printable else self.screen.active_bindings.get(event.key)
        if active is None or not active.enabled or self._writes(event.key):
            return
        if await self.app.run_action(active.binding.action, active.node):
            event.prevent_default()
            event.stop()

    def _writes(self, key: str) -> bool:
        """Whether a key that is no character is text here."""
        return isinstance(self, TextArea) and key == "enter"

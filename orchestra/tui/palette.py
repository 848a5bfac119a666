"""The palette has whatever the keys do: for the mouse, and for who knows no key but a word."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from rich.text import Text
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode
from textual.markup import escape

from .help import words_of

_NUMBERS = frozenset(f"focus.{n}" for n in range(1, 10))  # agents go by their names here
Deed = tuple[str, str, Any]
"""What it is called, its keys, and what does it."""


class Deeds(Provider):
    """Each key that does something where the user is, and what the app has beside them."""

    async def discover(self) -> Hits:
        for name, keys, do in sorted(self._deeds(), key=lambda it: it[0]):
            yield DiscoveryHit(Text(name), do, name, escape(keys))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, keys, do in self._deeds():
            score, offsets = matcher.fuzzy_search.match(query, name)
            if score > 0:
                shown = Text(name)
                for at in offsets:
                    shown.stylize("underline", at, at + 1)
                yield Hit(score, shown, do, name, escape(keys))

    def _deeds(self) -> Iterator[Deed]:
        found: dict[str, tuple[Binding, DOMNode, list[str]]] = {}
        for node, binding in self._bindings():
            if binding.id and binding.id not in _NUMBERS:
                keys = found.setdefault(binding.id, (binding, node, []))[2]
                keys.append(self.app.get_key_display(binding))
        for binding, node, keys in found.values():
            yield (
                _name(binding),
                " ".join(dict.fromkeys(keys)),
                partial(self.app.run_action, binding.action, node),
            )
        if not self.screen.is_modal:
            yield from self._own.deeds()

    @property
    def _own(self) -> Any:
        """The app, which is a :class:`~.program.Program`."""
        return self.app

    def _bindings(self) -> Iterator[tuple[DOMNode, Binding]]:
        """Those that do something now; also letters, where the user types them as text."""
        focused = self.screen.focused
        nodes = [*focused.ancestors_with_self] if focused else [self.screen, self.app]
        if self.screen.is_modal:
            nodes = nodes[: nodes.index(self.screen) + 1]
        pane = getattr(self.screen, "current_pane", None)
        if pane is not None and pane not in nodes:
            nodes.insert(1, pane)
        for node in nodes:
            bindings = node._bindings.copy()
            bindings.apply_keymap(self._own.keymap.fit(typing=False))
            for _, binding in bindings:
                if self.app._check_action_state(binding.action, node):
                    yield node, binding


def _name(binding: Binding) -> str:
    """``Zoom: only this pane, and back``."""
    what, words = binding.description, words_of(binding)
    if words.lower().startswith(what.lower()):
        return words
    lower = words[:1].lower() + words[1:] if words[1:2].islower() else words
    return f"{what}: {lower}"

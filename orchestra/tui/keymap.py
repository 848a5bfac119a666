"""Keys that a person remaps: ``ORCHESTRA_KEYS``, held against the bindings that there are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, TextArea

from ..errors import UsageError
from ..text import nearest, one_line

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())
_PACKAGE = __name__.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Place:
    """A binding and the class that has it."""

    owner: type[DOMNode]
    id: str
    key: str
    priority: bool

    @property
    def typed_over(self) -> bool:
        """Whether it would take a letter away from who types one."""
        return self.priority or issubclass(self.owner, Input | TextArea)


# Textual calls some characters otherwise than Unicode does, and does not know them by that name.
_UNICODE = {name: character for character, name in KEY_NAME_REPLACEMENTS.items()}


def is_text(key: str) -> bool:
    """Whether a key is a character to who types."""
    character = key_to_character(_UNICODE.get(key, key))
    return character is not None and character.isprintable()


class Keymap:
    """What the settings say of the keys, checked. Raises UsageError with what is wrong.

    Textual's own keymap would drop what clashes without a word; here it is told at once.
    """

    def __init__(self, wanted: Mapping[str, str]) -> None:
        places = list(_places())
        known = dict.fromkeys(place.id for place in places)
        self._map: dict[str, str] = {}
        for id_, keys in wanted.items():
            if id_ not in known:
                hint = nearest(id_, known) or f"there are {', '.join(sorted(known))}"
                raise _wrong(f"there is no binding {one_line(id_, 60)!r}; {hint}")
            self._map[id_] = ",".join(_key(id_, key) for key in keys.split(","))
        # Textual forgets the others of a key when one of them moves: they are told to stay.
        for place in [it for it in places if it.id in self._map]:
            for other in places:
                if (other.owner, other.key) == (place.owner, place.key):
                    kept = [it.key for it in places if it.id == other.id]
                    self._map.setdefault(other.id, ",".join(dict.fromkeys(kept)))
        self._defaults = {id_: [p.key for p in places if p.id == id_] for id_ in known}
        self._check_clashes(places, wanted)

    def __bool__(self) -> bool:
        return bool(self._map)

    def fit(self, *, typing: bool) -> dict[str, str]:
        """For :meth:`textual.app.App.set_keymap`. While someone types, no letter is a command:
        what was not on one before goes back to where it was.
        """
        if not typing:
            return dict(self._map)
        return {
            id_: keys
            for id_, keys in self._map.items()
            if not any(is_text(key) for key in keys.split(","))
            or all(is_text(key) for key in self._defaults[id_])
        }

    def _check_clashes(self, places: list[Place], wanted: Mapping[str, str]) -> None:
        now = {
            Place(it.owner, it.id, key, it.priority)
            for it in places
            for key in self._map.get(it.id, it.key).split(",")
        }
        for place in sorted(now, key=lambda it: (it.id, it.key)):
            if place.id not in wanted:
                continue
            if place.typed_over and is_text(place.key):
                raise _wrong(f"{place.id}: {place.key!r} is a letter that people type there")
            if place.key == App.COMMAND_PALETTE_BINDING:
                raise _wrong(f"{place.key!r} is the palette already; so {place.id} needs another")
            for other in sorted(now, key=lambda it: it.id):
                if self._always(place) and self._always(other):
                    continue  # whoever has the focus goes first
                if other.id != place.id and other.key == place.key and _meet(place, other):
                    raise _wrong(
                        f"{place.key!r} is {other.id} already; so {place.id} needs another"
                    )

    def _always(self, place: Place) -> bool:
        """Whether a key is where it would be without any wish."""
        return place.key in self._defaults[place.id]


def _places() -> Iterator[Place]:
    """Every binding with an id of every class of the viewer, one for each of its keys."""
    for owner in _classes(DOMNode):
        for binding in Binding.make_bindings(vars(owner).get("BINDINGS", ())):
            if binding.id and owner.__module__.startswith(f"{_PACKAGE}."):
                for key in binding.key.split(","):
                    yield Place(owner, binding.id, key.strip(), binding.priority)


def _classes(top: type[Any]) -> Iterator[type[Any]]:
    for found in top.__subclasses__():
        yield found
        yield from _classes(found)


def _meet(one: Place, other: Place) -> bool:
    """Whether both can be meant by one press: a pane's keys never meet those of the tree."""
    if any(issubclass(it, one.owner) and issubclass(it, other.owner) for it in _classes(DOMNode)):
        return True  # one thing has both, as the screen of the viewer has all that it is made of
    kinds = [_rank(it.owner) for it in (one, other)]
    if set(kinds) == {"app"}:  # the gallery, the viewer and the twins are never open at once
        return False
    if any(it.owner.__module__.endswith((".gallery", ".twins")) for it in (one, other)):
        return "screen" not in kinds and "modal" not in kinds  # they have no screens of ours
    return "app" in kinds or set(kinds) == {"screen", "widget"}


def _rank(owner: type[DOMNode]) -> str:
    if issubclass(owner, App):
        return "app"
    if issubclass(owner, ModalScreen):
        return "modal"
    return "screen" if issubclass(owner, Screen) else "widget"


def _key(id_: str, text: str) -> str:
    """A key by Textual's name: ``f2``, ``ctrl+k``, ``?``."""
    text = text.strip()
    *modifiers, key = text.split("+") if text != "+" else ["+"]
    if len(key) == 1 and not key.isalnum():
        name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
        key = KEY_NAME_REPLACEMENTS.get(name, name)
    if not key or not (len(key) == 1 or key in _NAMED or key_to_character(key)):
        hint = nearest(key, _NAMED) or "say f2, ctrl+k, home, question_mark …"
        raise _wrong(f"{id_}: there is no key {one_line(text, 40)!r}; {hint}")
    if unknown := [it for it in modifiers if it not in _MODIFIERS]:
        raise _wrong(f"{id_}: {one_line(unknown[0], 40)!r} is no ctrl, shift, alt or super")
    return "+".join([*modifiers, key])


def _wrong(message: str) -> UsageError:
    return UsageError(f"ORCHESTRA_KEYS: {message}")

"""Whether two requests are the same, and in what they differ first.

A request is what a model is asked: ``messages``, the ``tools`` that it may call, and how it may
choose. Ids of tool calls are ordinals in it, so nothing differs from run to run by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..text import one_line

HIDDEN = "***"  # in place of what came from the environment
_BEFORE, _SHOWN = 30, 90  # characters of a text: before the first that differs, and in all

Json = dict[str, Any]


def digest(request: Json) -> str:
    """A short name for a request."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def same(expected: Any, seen: Any) -> bool:
    """Whether a request is the recorded one. What was hidden in that may be anything now."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        return expected.keys() == seen.keys() and all(same(expected[k], seen[k]) for k in expected)
    if isinstance(expected, list) and isinstance(seen, list):
        return len(expected) == len(seen) and all(map(same, expected, seen))
    if isinstance(expected, str) and isinstance(seen, str) and HIDDEN in expected:
        return expected == seen or _fits(expected.split(HIDDEN), seen)
    return bool(expected == seen) and isinstance(expected, bool) == isinstance(seen, bool)


def _fits(parts: Sequence[str], text: str) -> bool:
    """Whether the parts stand in the text in order, with anything between them."""
    first, *middle, last = parts
    if not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, max(end, 0))
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


def difference(expected: Json, seen: Json) -> str | None:
    """The first thing in which a request differs from the recorded one, in one line."""
    if same(expected, seen):
        return None
    before, now = expected.get("messages") or [], seen.get("messages") or []
    for number, (old, new) in enumerate(zip(before, now, strict=False), 1):
        if not same(old, new):
            return f"message {number} ({new.get('role')}) differs{_message(old, new)}"
    if len(before) != len(now):
        longer, what = (now, "is new") if len(now) > len(before) else (before, "is missing")
        first = longer[min(len(before), len(now))]
        number = min(len(before), len(now)) + 1
        told = f"message {number} ({first.get('role')}) {what}: {_cut(_shown(first))}"
        return f"{told} (recorded: {len(before)} messages, now {len(now)})"
    return _tools(expected.get("tools") or [], seen.get("tools") or []) or _rest(expected, seen)


def _message(old: Json, new: Json) -> str:
    parts = [key for key in {**old, **new} if not same(old.get(key), new.get(key))]
    if parts == ["content"]:
        return _pair(old.get("content"), new.get("content"))
    told = parts[0]
    return f" in {told!r}{_pair(old.get(told), new.get(told))}"


def _tools(before: list[Json], now: list[Json]) -> str | None:
    old, new = ({str(it.get("name")): it for it in tools} for tools in (before, now))
    if [*old] != [*new]:
        return f"the tools differ: {_changed([*old], [*new])}"
    for name, tool in old.items():
        other = new[name]
        for part in {**tool, **other}:
            if not same(tool.get(part), other.get(part)):
                pair = _pair(tool.get(part), other.get(part))
                return f"the {part} of tool {name!r} differs{pair}"
    return None


def _changed(old: list[str], new: list[str]) -> str:
    """Of many tools only those that are not on both sides."""
    gone, come = ([it for it in one if it not in two] for one, two in ((old, new), (new, old)))
    if len(gone) == len(old) or (gone and come):
        return f"expected {_listed(gone)}, seen {_listed(come)}"
    if not gone and not come:
        return f"expected the order {_listed(old)}, seen {_listed(new)}"
    names, what = (come, "new") if come else (gone, "missing")
    return f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {what}"


def _rest(expected: Json, seen: Json) -> str:
    for key in {**expected, **seen}:
        if not same(expected.get(key), seen.get(key)):
            return f"{key!r} differs{_pair(expected.get(key), seen.get(key))}"
    return "they differ"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _pair(expected: Any, seen: Any) -> str:
    """Both, from shortly before the first character that differs."""
    one, two = _shown(expected), _shown(seen)
    common = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    at = min(len(one), len(two)) if common is None else common
    return f": expected {_cut(one, at)}, seen {_cut(two, at)}"


def _cut(text: str, at: int = 0) -> str:
    start = max(at - _BEFORE, 0) if len(text) > _SHOWN else 0
    part = text[start : start + _SHOWN]
    left, right = "…" * (start > 0), "…" * (start + _SHOWN < len(text))
    return repr(f"{left}{part}{right}")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(re.sub(r"\s+", " ", text))

"""How two goldens of one case differ: which calls, who began it, and in which lines.

What one agent does otherwise shows in all who asked it, and in all that they do next. So a call
comes first that did something else although it had been told the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from itertools import zip_longest
from typing import Any

from ..scenario.matcher import same
from ..trajectory.compare import natural
from .golden import Golden, dump, plain

_SHOWN = 24  # lines of a diff in a reason
_DID, _TOLD = "did", "told"
_RESULTS = ("result", "failed", "rejected")
_SECTION = re.compile(r"(\w+):")

Part = tuple[str, Any, Any]
"""Where something differs, what is expected and what is seen there."""


def difference(expected: Golden, seen: Golden) -> str | None:
    """Which calls differ, and the lines of those that began it; None if nothing does."""
    if same(expected, seen):  # as nearly always: what costs much need not be done to see it
        return None
    expected, seen = plain(expected), plain(seen)
    if same(expected, seen):
        return None
    differing = [*parts(expected, seen)]
    renamed = _renamed(differing)
    causes = _causes(expected, seen)
    shown = [it for it in differing if it[0] in causes] or [
        it for it in differing if it[0] not in {*renamed, *renamed.values()}
    ][:1]
    names = [name for name, _, _ in differing]
    told = f"{listed(names)} differ{'s' * (len(names) == 1)} from the golden file"
    lines = [
        f"{old} is {new} now, and does the same"
        for old, new in renamed.items()
        if old.rpartition("/")[2] != new.rpartition("/")[2]
    ]
    if shown and not lines:
        told += f"; {shown[0][0]}:"  # its lines are the next
    for at, (name, before, after) in enumerate(shown):
        lines += [f"{name}:"] * (at > 0 or bool(lines)) + diff(before, after)
    rest = len(lines) - _SHOWN
    more = [f"… and {rest} more lines"] if rest > 0 else []
    return "\n".join([told, *lines[:_SHOWN], *more])


def parts(expected: Golden, seen: Golden) -> Iterator[Part]:
    """What differs: of the calls each by itself, those that began it before all others."""
    old, new = _calls(expected), _calls(seen)
    causes = _causes(expected, seen)
    paths = [
        it
        for it in sorted(old.keys() | new.keys(), key=natural)
        if not same(old.get(it), new.get(it))
    ]
    for path in sorted(paths, key=lambda it: it not in causes):
        yield path, old.get(path), new.get(path)
    for key in ("status", "error", "output", "handoffs"):
        if not same(expected.get(key), seen.get(key)):
            yield f"the run's {key}", expected.get(key), seen.get(key)


def _calls(golden: Golden) -> dict[str, Any]:
    calls: dict[str, Any] = golden.get("calls") or {}
    return calls


def _causes(expected: Golden, seen: Golden) -> set[str]:
    """The calls that did something else, though up to there they had been told the same."""
    old, new = _calls(expected), _calls(seen)
    differing = {it for it in old.keys() | new.keys() if not same(old.get(it), new.get(it))}
    both = differing & old.keys() & new.keys()
    return {it for it in both if _began(it, old[it], new[it], old.keys() | new.keys(), differing)}


def _began(path: str, old: Any, new: Any, paths: Collection[str], differing: set[str]) -> bool:
    if old.get("task") != new.get("task"):
        return not re.search("[/>]", path)  # it is what the user said
    for one, two in zip_longest(_facts(path, old, paths), _facts(path, new, paths)):
        if not same(one, two):
            return _DID in (one or two or ())[:1]
    # What remains is how it ended, which those below it have decided, if they differ.
    return not any(it.startswith((f"{path}/", f"{path}>")) for it in differing)


def _facts(path: str, call: Any, paths: Collection[str]) -> Iterator[list[Any]]:
    """What a call did, and what other calls told it, in the order in which it happened."""
    for message in call.get("messages") or ():
        asked = message.get("tool_calls") or ()
        said = {key: value for key, value in message.items() if key != "tool_calls"}
        yield [_DID, said, [[it["tool"], it["args"]] for it in asked]]
        for it in asked:
            below = f"{path}/{it['tool']}#"
            delegated = any(other.startswith(below) for other in paths)
            yield [_TOLD if delegated else _DID, *(it.get(key) for key in _RESULTS)]


def _renamed(differing: Collection[Part]) -> dict[str, str]:
    """Calls that are now those of another agent, which does just the same."""
    gone = [(path, old) for path, old, new in differing if old is not None and new is None]
    come = {path: new for path, old, new in differing if old is None and new is not None}
    found = dict[str, str]()
    for path, call in gone:
        other = next((it for it in come if come[it] == call), None)
        if other is not None:
            found[path] = other
            del come[other]
    return found


def diff(before: Any, after: Any) -> list[str]:
    """The lines of two values in YAML, as in ``diff -u``; headed by the messages they are of."""
    old, new = lines_of(before), lines_of(after)
    of_old, of_new = _places(old), _places(new)
    if not old or not new:
        head = "no longer called" if old else "not called before"
        whole = isinstance(before or after, dict) and "messages" in (before or after)
        return [f"@@ {head} @@"] * whole + [*(f"-{it}" for it in old), *(f"+{it}" for it in new)]
    found = list[str]()
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(2):
        _, a, b, c, _ = next(it for it in group if it[0] != "equal")
        where = of_old[a] if a < b else of_new[c]
        found += [f"@@ {where} @@"] if where else []
        for tag, a, b, c, d in group:
            if tag == "equal":
                found += [f" {it}" for it in old[a:b]]
                continue
            found += [f"-{it}" for it in old[a:b]] + [f"+{it}" for it in new[c:d]]
    return found


def _places(lines: list[str]) -> list[str]:
    """Of each line of a call, in which message of it it is, or what else."""
    found, section, number = list[str](), "", 0
    for line in lines:
        if key := _SECTION.match(line):
            section = key[1]
        if section == "messages":
            number += line.startswith("- ")
        found.append(f"message {number}" if section == "messages" and number else section)
    return found


def lines_of(value: Any) -> list[str]:
    """A part as lines; none if it is not there."""
    if isinstance(value, dict):
        return dump(value).splitlines()
    return [] if value is None else str(value).splitlines() or [""]


def listed(names: list[str]) -> str:
    """Names, a few of them."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

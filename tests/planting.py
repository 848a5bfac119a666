"""Changes planted in made-up scenarios: what a team now does otherwise than its file expects.

Each changes the script, a tool or a decision in place, never the checks, and tells what has to be
read where the case fails. None: the scenario has no place for it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from made_up import Doc

NEW = 99_901  # a number that occurs nowhere


@dataclass(frozen=True)
class Plant:
    """``path`` is whose doing it is; ``named`` are words that have to be read, too."""

    path: str
    named: tuple[str, ...] = ()
    harmless: bool = False


def argument(doc: Doc, rng: random.Random) -> Plant | None:
    found = [
        (path, args, key)
        for path, _, calls in _asking(doc)
        for call in calls
        for _, args in _items(call)
        for key in args
        if key in ("n", "amount", "query") and _alone(doc, args.get("query"))
    ]
    if not found:
        return None
    path, args, key = rng.choice(found)
    old = args[key]
    args[key] = f"{old} {NEW}" if key == "query" else NEW
    return Plant(path, (str(old).split("\n")[0], str(NEW)))


def missing(doc: Doc, rng: random.Random) -> Plant | None:
    found = [it for it in _asking(doc) if _plain_tools(doc, it[2])]
    if not found:
        return None
    path, reply, calls = rng.choice(found)
    gone = calls.pop(rng.randrange(len(calls)))
    if not calls:
        doc["script"][path].remove(reply)
    (name, args), *_ = _items(gone)
    return Plant(path, (name, str(args.get("n"))))


def swapped(doc: Doc, rng: random.Random) -> Plant | None:
    found = [
        (path, one, two)
        for path, replies in doc["script"].items()
        for one, two in pairwise(replies)
        if _plain_tools(doc, one.get("tool_calls", ()))
        and _plain_tools(doc, two.get("tool_calls", ()))
    ]
    if not found:
        return None
    path, one, two = rng.choice(found)
    one["tool_calls"], two["tool_calls"] = two["tool_calls"], one["tool_calls"]
    ((name, _),) = _items(one["tool_calls"][0])
    return Plant(path, (name,))


def other_agent(doc: Doc, rng: random.Random) -> Plant | None:
    """One who is never asked, in the place of one who is: what is said stays the same."""
    found, last = [], dict[tuple[str, str], tuple[int, Doc]]()
    for path, _, calls in _asking(doc):
        for call in calls:
            if isinstance(call, dict):
                (name,) = call
                last[path, name] = last.get((path, name), (0, {}))[0] + 1, call
    for (path, name), (nth, call) in last.items():
        others = _agent(doc, path).get("subagents", ())
        key = f"{path}/{name}#{nth}"
        spec = doc["agents"].get(name)
        plain = [*_below(doc, key)] == [key] and "approve" not in spec
        idle = [it for it in others if f"{path}/{it}#1" not in doc["script"]]
        alike = [it for it in idle if plain and doc["agents"][it] == spec]
        found += [(path, call, name, key, it) for it in alike]
    if not found:
        return None
    path, call, name, key, other = rng.choice(found)
    call[other] = call.pop(name)
    doc["script"][f"{path}/{other}#1"] = doc["script"].pop(key)
    return Plant(path, (name, other))


def output(doc: Doc, rng: random.Random) -> Plant | None:
    found = [(path, it) for path, it in _replies(doc) if _says(doc, path, it)]
    if not found:
        return None
    path, reply = rng.choice(found)
    old, reply["text"] = reply["text"], f"words {NEW}"
    return Plant("" if "inputs" in doc else path, (old, str(NEW)))  # of the main agent by itself


def structured(doc: Doc, rng: random.Random) -> Plant | None:
    found = [(path, it["structured"]) for path, it in _replies(doc) if "structured" in it]
    if not found:
        return None
    path, answer = rng.choice(found)
    old, answer["answer"] = answer["answer"], f"words {NEW}"
    return Plant(path, (old, str(NEW)))


def tokens(doc: Doc, rng: random.Random) -> Plant | None:
    limit = _budget(doc, "tokens")
    found = [it["usage"] for _, it in _replies(doc) if "usage" in it]
    if not found or limit is None:
        return None
    usage = rng.choice(found)
    usage["output_tokens"] += 100_000
    return Plant("", (f"tokens: expected at most {limit:g}", f"{limit + 100_000:,}"))


def slower(doc: Doc, rng: random.Random) -> Plant | None:
    limit = _budget(doc, "seconds")
    if limit is None:
        return None
    path, reply = rng.choice([*_replies(doc)])
    reply["first_token"] = 50 + reply.get("first_token", 0)
    several = len(doc["script"]) > 1  # else there is nobody to be told apart
    return Plant(path if several else "", ("seconds: expected at most",))


def lost_handoff(doc: Doc, rng: random.Random) -> Plant | None:
    found = [
        (path, reply, call.removeprefix("transfer_to_"))
        for path, reply, calls in _asking(doc)
        for call in calls
        if isinstance(call, str) and call.startswith("transfer_to_")
    ]
    if not found:
        return None
    path, reply, to = rng.choice(found)
    del reply["tool_calls"]
    reply["text"] = f"words {NEW}"
    sibling = f"{path}>{to}" if "/" in path else to
    for key in [*_below(doc, sibling)]:
        del doc["script"][key]
    doc["decisions"] = [
        it for it in doc.get("decisions", []) if not it["agent"].startswith(sibling)
    ]
    return Plant(path, (f"transfer_to_{to}",))


def extra_call(doc: Doc, rng: random.Random) -> Plant | None:
    found = [it for it in _asking(doc) if _plain_tools(doc, it[2])]
    if not found:
        return None
    path, _, calls = rng.choice(found)
    ((name, _),) = _items(calls[0])
    calls.append({name: {"topic": "north", "n": NEW}})
    return Plant(path, (name, str(NEW)))


def failing(doc: Doc, rng: random.Random) -> Plant | None:
    """A tool fails, for one topic that it has been asked for."""
    found = [
        (path, given)
        for path, _, calls in _asking(doc)
        if _plain_tools(doc, calls)
        for call in calls
        for name, args in _items(call)
        for given in doc["tools"][name]["returns"]
        if "value" in given and given["when"]["topic"] == args["topic"]
    ]
    if not found:
        return None
    path, given = rng.choice(found)
    old = given.pop("value")
    given["error"] = f"out of order {NEW}"
    return Plant(path, (old, str(NEW)))


def renamed(doc: Doc, rng: random.Random) -> Plant | None:
    """The team and its script say another name; the checks still the old one."""
    expect = doc.pop("expect")
    old = rng.choice([name for name in doc["agents"] if any(name in key for key in doc["script"])])
    new = f"{old}x"
    whole = _renamed(doc, re.compile(rf"(?<![\w]){old}(?![\w])"), new)
    doc.clear()
    doc.update(whole, expect=expect)
    return Plant("", (old,))


def decision(doc: Doc, rng: random.Random) -> Plant | None:
    golden = {"golden": True} in doc["expect"]
    found = [it for it in doc.get("decisions", []) if it["decide"] == "approve"]
    if not found or not golden:
        return None
    decided = rng.choice(found)
    decided |= {"decide": "reject", "message": f"no {NEW}"}
    return Plant(decided["agent"], (str(NEW),))


def reordered(doc: Doc, rng: random.Random) -> Plant | None:
    """Calls of one message have no order, but in a golden file; nor has who is faster."""
    if {"golden": True} in doc["expect"]:
        found = [reply for path, reply in _replies(doc) if "/" in path]
        if not found or _budget(doc, "seconds") is not None:
            return None
        for reply in found:
            reply["first_token"] = rng.random()
        return Plant("", harmless=True)
    some = [calls for _, _, calls in _asking(doc) if len(calls) > 1 and _plain_tools(doc, calls)]
    if not some:
        return None
    rng.choice(some).reverse()
    return Plant("", harmless=True)


PLANTS: dict[str, Callable[[Doc, random.Random], Plant | None]] = {
    it.__name__: it
    for it in (
        decision, other_agent, lost_handoff, structured, swapped, missing, extra_call, failing,
        reordered, argument, tokens, slower, output, renamed,
    )
}  # fmt: skip


# What there is to change.


def _replies(doc: Doc) -> Iterator[tuple[str, Doc]]:
    for path, replies in doc["script"].items():
        for reply in replies:
            yield path, reply


def _asking(doc: Doc) -> Iterator[tuple[str, Doc, list[Any]]]:
    for path, reply in _replies(doc):
        if "tool_calls" in reply:
            yield path, reply, reply["tool_calls"]


def _items(call: Any) -> list[tuple[str, Doc]]:
    return [(call, {})] if isinstance(call, str) else [*call.items()]


def _agent(doc: Doc, path: str) -> Doc:
    name = re.split(r"[/>]", path)[-1].partition("#")[0]
    return doc["agents"][name]


def _plain_tools(doc: Doc, calls: Any) -> bool:
    """Whether these are calls of canned tools that ask nobody."""
    asking = {tool for it in doc["agents"].values() for tool in it.get("approve", [])}
    tools = {name for name, it in doc.get("tools", {}).items() if "returns" in it} - asking
    return bool(calls) and all(name in tools for call in calls for name, _ in _items(call))


def _says(doc: Doc, path: str, reply: Doc) -> bool:
    """Whether it is words that nothing goes by."""
    words = "text" in reply and reply["text"] != "APPROVED" and "tool_calls" not in reply
    return words and "route" not in _agent(doc, path) and _alone(doc, reply["text"])


def _alone(doc: Doc, text: str | None) -> bool:
    """Whether no reply waits for it."""
    return not any(it.get("match") == {"equals": text} for _, it in _replies(doc))


def _below(doc: Doc, path: str) -> Iterator[str]:
    for key in doc["script"]:
        if key == path or key.startswith((f"{path}/", f"{path}>")):
            yield key


def _budget(doc: Doc, what: str) -> float | None:
    limits = [
        it["max"][what] for it in doc["expect"] if "agent" not in it and what in it.get("max", {})
    ]
    return min(limits, default=None)


def _renamed(value: Any, old: re.Pattern[str], new: str) -> Any:
    if isinstance(value, str):
        return old.sub(new, value)
    if isinstance(value, list):
        return [_renamed(it, old, new) for it in value]
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(it, old, new) for key, it in value.items()}
    return value

"""Who names whom: the agents that an agent of the document lists, wherever it may list them.

Works on the document instead of the models, so that names are checked also when something else
in the file is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .agents import COMPOSITES, composite_of
from .nodes import Node

CALLS = ("subagents", *COMPOSITES, "join", "default")  # of these, the one named is called
UNCONDITIONAL = ("sequence", "parallel", "loop", "join")


class Reference(NamedTuple):
    """One agent named by another: by which key, and where it stands below the agent."""

    key: str
    name: str
    where: tuple[str | int, ...]
    at_key: bool = False


def keys(node: Node | None) -> list[str]:
    """The keys of a mapping, if it is one."""
    return list(node.value) if node and isinstance(node.value, dict) else []


def items(node: Node | None, key: str) -> list[tuple[int, str]]:
    """The texts in the list at a key, with their indexes."""
    return [(at, it.value) for at, it in entries(node, key) if isinstance(it.value, str)]


def entries(node: Node | None, key: str) -> list[tuple[int, Node]]:
    """What is in the list at a key, with the indexes."""
    found = node.get(key) if node else None
    if found is None or not isinstance(found.value, list):
        return []
    return list(enumerate(found.value))


def text(node: Node | None, key: str) -> str | None:
    """The text at a key, if it is one."""
    found = node.get(key) if node else None
    return found.value if found and isinstance(found.value, str) else None


def references(agent: Node | None) -> Iterator[Reference]:
    """Every agent that ``agent`` names, in the order of its keys."""
    if agent is None or not isinstance(agent.value, dict):
        return
    kind = composite_of(agent.value)
    if kind is None:
        for key in ("subagents", "handoffs"):
            for at, name in items(agent, key):
                yield Reference(key, name, (key, at))
        return
    if kind == "route":
        yield from _route(agent.value["route"].node)
        yield from _step(agent, "default")
        return
    for at, node in entries(agent, kind):
        yield from _named(kind, node, (kind, at))
    yield from _step(agent, "map") if kind == "map" else ()
    yield from _step(agent, "join") if kind in ("parallel", "map") else ()


def _step(agent: Node, key: str) -> Iterator[Reference]:
    node = agent.get(key)
    if node is not None:
        yield from _named(key, node, (key,))


def _named(key: str, node: Node, where: tuple[str | int, ...]) -> Iterator[Reference]:
    """A step: a name, or a mapping with ``agent``."""
    if isinstance(node.value, str):
        yield Reference(key, node.value, where)
    elif (agent := text(node, "agent")) is not None:
        yield Reference(key, agent, (*where, "agent"))


def _route(route: Node) -> Iterator[Reference]:
    for name in keys(route):
        yield Reference("route", name, ("route", name), at_key=True)
    if not isinstance(route.value, list):
        return
    for at, option in enumerate(route.value):
        if {*keys(option)} & {"when", "to"}:
            if (to := text(option, "to")) is not None:
                yield Reference("route", to, ("route", at, "to"))
            continue
        for name in keys(option):
            yield Reference("route", name, ("route", at, name), at_key=True)

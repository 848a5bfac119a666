"""Checks of composites that types cannot express: their templates, and steps in a circle."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ..errors import Problem
from .agents import composite_of
from .excerpt import quoted, suggestion
from .nodes import Node
from .references import UNCONDITIONAL, entries, references, text
from .source import Source, Where

_PLACE = re.compile(r"\{\{([^{}]*)\}\}")


def composite_problems(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    """What is wrong in the composites of the document."""
    for name in agents:
        agent = source.find(("agents", name))[1]
        if isinstance(agent.value, dict) and (kind := composite_of(agent.value)):
            yield from _templates(source, ("agents", name), agent, kind)
    yield from _circles(source, agents)


def fill_template(template: str, values: dict[str, str]) -> str:
    """``template`` with ``{{input}}`` and the like filled in; nothing in a value is a template."""
    return _PLACE.sub(lambda found: values.get(found[1].strip(), ""), template)


def _templates(source: Source, where: tuple[str, ...], agent: Node, kind: str) -> Iterator[Problem]:
    steps = list(entries(agent, kind))
    names = [text(node, "agent") or str(node.value) for _, node in steps]
    for at, node in steps:
        if "{{" not in (text(node, "input") or ""):
            continue
        # In a loop every step has spoken before, from the second round on.
        earlier = {"sequence": names[:at], "loop": names}.get(kind, [])
        before = kind == "loop" or (kind == "sequence" and at > 0)
        yield from _template(source, (*where, kind, at, "input"), node, earlier, previous=before)
    if kind == "map" and (worker := agent.get("map")):
        yield from _template(source, (*where, "map", "input"), worker, [], previous=False)
    if kind in ("parallel", "map") and (join := agent.get("join")):
        yield from _template(source, (*where, "join", "input"), join, names, previous=True)


def _template(
    source: Source, where: Where, step: Node, earlier: list[str], *, previous: bool
) -> Iterator[Problem]:
    template = text(step, "input")
    if not template or "{{" not in template:
        return
    known = ["input", *["previous"][:previous], *(f"steps.{name}" for name in earlier)]
    for found in _PLACE.findall(template):
        place = found.strip()
        if place not in known:
            places = ", ".join(f"{{{{{it}}}}}" for it in dict.fromkeys(known[:8]))
            hint = suggestion(place, known) or f"here there are {places}"
            yield source.problem(where, f"nothing is called {quoted('{{' + place + '}}')}", hint)


def _circles(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    """Composites that are steps of one another without end; what a model decides may end."""
    steps = {
        name: [
            it.name
            for it in references(source.find(("agents", name))[1])
            if it.key in UNCONDITIONAL and it.name in agents
        ]
        for name in agents
    }
    done: set[str] = set()
    for name in agents:
        chain: list[str] = [name]
        # Depth first, without recursion: a file may chain thousands of composites.
        pending = [iter(steps[name])] if name not in done else []
        while pending:
            step = next(pending[-1], None)
            if step is None:
                pending.pop()
                done.add(chain.pop())
            elif step in chain:
                circle = [*chain[chain.index(step) :], step]
                shown = circle if len(circle) < 10 else [*circle[:8], "…", step]
                said = " → ".join(map(quoted, shown))
                message = f"the steps call one another without end: {said}"
                yield source.problem(("agents", circle[-2]), message, at_key=True)
                done.update(chain)
                break
            elif step not in done:
                chain.append(step)
                pending.append(iter(steps[step]))

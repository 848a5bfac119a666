"""Whether a scenario's names name something: agents, tools, models, and the keys of its script.

Works on the document instead of the models, so that it tells its findings also when something
else in the file is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ..errors import Problem
from ..text import clean
from .agents import RESPONSE, TRANSFER, ModelSpec, composite_of
from .composites import composite_problems
from .excerpt import hidden, quoted, suggestion
from .kinds import accepts, child, wanted
from .middleware import BRINGS, MIDDLEWARE, REFUSED, middleware_named, snake_case
from .model import Scenario
from .model_names import model_problems
from .nodes import Node
from .references import CALLS, entries, items, keys, references, text
from .scripted import decision_problems, expect_problems, script_problems, unknown_hint
from .shape import UNQUOTE, wrong_kind
from .source import Source, Where

LONGEST_TOOL = 64  # characters of a tool's name, on the wire


@dataclass(frozen=True, slots=True)
class Names:
    """What a file defines; None for a section that is no mapping, or misspelt: who knows."""

    agents: Collection[str] | None
    tools: Collection[str] | None
    models: Collection[str] | None

    @classmethod
    def of(cls, document: Node) -> Names:
        return cls(*(_defined(document, section) for section in ("agents", "tools", "models")))


def name_problems(source: Source) -> Iterator[Problem]:
    """Every name that is unknown, doubled or ambiguous, but for ``main`` when it is not given."""
    names = Names.of(source.node)
    yield from _lines(source)
    yield from _input(source)
    yield from _doubled(source, ("tags",), items(source.node, "tags"))
    if names.agents is not None:
        yield from _mains(source, names.agents)
        for agent in names.agents:
            yield from _agent(source, names, agent)
        yield from composite_problems(source, names.agents)
        yield from script_problems(source, names.agents)
        yield from decision_problems(source, names.agents)
        yield from expect_problems(source, names.agents)
    if names.models is not None:
        yield from model_problems(source, names.models)
    for section in ("models", "agents"):
        for name in keys(source.node.get(section)):
            where = (section, name, "model")[: 2 if section == "models" else 3]
            yield from _settings(source, where)


def main_candidates(document: Node) -> list[str]:
    """The agents that no other agent calls; of several, those that nobody hands over to."""
    agents = document.get("agents")
    named: dict[bool, set[str]] = {True: set(), False: set()}
    for name in keys(agents):
        for reference in references(agents and agents.get(name)):
            if reference.name != name:
                named[reference.key in CALLS].add(reference.name)
    free = [name for name in keys(agents) if name not in named[True]]
    first = [name for name in free if name not in named[False]]
    return first if len(free) > 1 and len(first) == 1 else free


def main_problem(source: Source) -> Problem | None:
    """Why there is no default for ``main``, if there is none and it is needed."""
    candidates = main_candidates(source.node)
    if source.node.get("main") or not keys(source.node.get("agents")) or len(candidates) == 1:
        return None
    some = ", ".join(map(quoted, candidates[:8])) + (", …" if len(candidates) > 8 else "")
    message = (
        f"several agents could be the main one: {some}"
        if candidates
        else "every agent is called by another, so none is the main one"
    )
    return source.problem(("agents",), message, "name it with 'main:'", at_key=True)


def _defined(document: Node, section: str) -> Collection[str] | None:
    node = document.get(section)
    if node is not None:
        return node.value.keys() if isinstance(node.value, dict) else None
    fields = Scenario.model_fields
    misspelt = (suggestion(key, fields) for key in keys(document)[:100] if key not in fields)
    return None if any(repr(section) in hint for hint in misspelt) else ()


def _unknown(
    source: Source,
    where: Where,
    kind: str,
    name: str,
    known: Collection[str],
    hint: str = "",
    *,
    at_key: bool = False,
) -> Problem:
    hint = hint or unknown_hint(kind, name, known)
    return source.problem(where, f"unknown {kind} {quoted(name)}", hint, at_key=at_key)


def _lines(source: Source) -> Iterator[Problem]:
    """Names are shown in terminals and written to reports: one line, no control characters.

    A person also asks for them by name, but for titles, so they have nothing that is not seen.
    """
    document = source.node
    places: list[tuple[Where, str | None]] = [(("name",), text(document, "name"))]
    places += [(("tags", at), tag) for at, tag in items(document, "tags")]
    for key in ("turns", "inputs"):
        named = [(at, text(item, "name")) for at, item in entries(document, key)]
        places += [((key, at, "name"), name) for at, name in named]
    asked = len(places)
    agents = document.get("agents")
    for name in keys(agents):
        places.append((("agents", name, "title"), text(agents and agents.get(name), "title")))
    for number, (where, line) in enumerate(places):
        if line is None:
            continue
        if clean(line) != line or "\n" in line or "\t" in line:
            yield source.problem(where, "must be one line, without control characters")
        elif number < asked and (found := hidden(line)):
            message = f"{quoted(line)} holds the invisible character {found}"
            yield source.problem(where, message, "remove it")


def _input(source: Source) -> Iterator[Problem]:
    given = [key for key in keys(source.node) if key in ("input", "turns", "inputs")]
    if len(given) > 1:
        message = f"{quoted(given[0])} is given too"
        yield source.problem(given[1:2], message, "keep one of them", at_key=True)
    asks = source.node.get("interactive")
    if asks is not None and asks.value is True and "inputs" in given:
        message = "each of 'inputs' is a run by itself: nobody is asked for further turns"
        yield source.problem(("interactive",), message, "write 'turns' or 'input'", at_key=True)
    seen: set[str] = set()
    for at, item in entries(source.node, "inputs"):
        name = text(item, "name")
        if name and name in seen:
            yield source.problem(("inputs", at, "name"), f"{quoted(name)} is the name of two cases")
        seen.add(name or str(at))


def _mains(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    main = text(source.node, "main")
    if main is not None and main not in agents:
        yield _unknown(source, ("main",), "agent", main, agents)
    listed = items(source.node, "main")
    for at, name in listed:
        if name not in agents:
            yield _unknown(source, ("main", at), "agent", name, agents)
    yield from _doubled(source, ("main",), listed)


def _agent(source: Source, names: Names, name: str) -> Iterator[Problem]:
    agents, tools = names.agents or (), names.tools
    agent = source.find(("agents", name))[1]
    place: tuple[str | int, ...] = ("agents", name)
    for key, called, where, at_key in references(agent):
        if called not in agents:
            hint = _meant(key, called, agents, tools or ())
            yield _unknown(source, (*place, *where), "agent", called, agents, hint, at_key=at_key)
        elif called == name and key == "handoffs":
            yield source.problem((*place, *where), "an agent cannot hand over to itself")
    if isinstance(agent.value, dict) and composite_of(agent.value):
        return
    listed = items(agent, "tools")
    for at, tool in listed:
        if tools is not None and tool not in tools:
            hint = "it is an agent: list it under 'subagents'" if tool in agents else ""
            yield _unknown(source, (*place, "tools", at), "tool", tool, tools, hint)
    for key in ("tools", "subagents", "handoffs", "approve"):
        yield from _doubled(source, (*place, key), items(agent, key))
    yield from _wire_names(source, names, place, agent)
    yield from _approve(source, place, agent, tools)
    yield from _middleware(source, place, agent)


def _meant(key: str, called: str, agents: Collection[str], tools: Collection[str]) -> str:
    """What was meant by the name of no agent, if that is known."""
    if key == "subagents" and called in tools:
        return "it is a tool: list it under 'tools'"
    if key == "handoffs" and (name := called.removeprefix(TRANSFER)) in agents:
        return f"write {name!r}: {TRANSFER!r} is put before it"
    if key == "route" and called in ("when", "to", "if", "then"):
        return "rules stand in a list: 'route: [{when: …, to: name}]'"
    return ""


def _wire_names(
    source: Source, names: Names, place: tuple[str | int, ...], agent: Node
) -> Iterator[Problem]:
    """A model knows its tools, its subagents and its handoffs by one set of names."""
    taken = {tool: "tool" for _, tool in items(agent, "tools") if tool in (names.tools or ())}
    if agent.get("response_format"):
        taken[RESPONSE] = "structured answer"
    told: set[str] = set()
    for key, prefix in (("subagents", ""), ("handoffs", TRANSFER)):
        for at, called in items(agent, key):
            wire, where = prefix + called, (*place, key, at)
            if called not in (names.agents or ()) or wire in told:
                continue
            told.add(wire)
            if wire in taken:
                message = f"{quoted(wire)} is also a {taken[wire]} of this agent"
                yield source.problem(where, message, "rename one: a model knows both by name")
            elif len(wire) > LONGEST_TOOL:
                message = f"the name is too long to hand over to: {TRANSFER}… has {len(wire)}"
                yield source.problem(where, message, f"at most {LONGEST_TOOL} characters")
            else:
                taken[wire] = "subagent"


def _approve(
    source: Source, place: tuple[str | int, ...], agent: Node, tools: Collection[str] | None
) -> Iterator[Problem]:
    own = [name for key in ("tools", "subagents") for _, name in items(agent, key)]
    own += [TRANSFER + name for _, name in items(agent, "handoffs")]
    # Methods of a class, and tools of middleware, are known only once they are loaded.
    python = any(
        isinstance(source.find(("tools", tool))[1].value, dict)
        and source.find(("tools", tool))[1].get("python") is not None
        for _, tool in items(agent, "tools")
    )
    layers = entries(agent, "middleware")
    for _, layer in layers:
        named = [layer.value] if isinstance(layer.value, str) else keys(layer)
        own += [BRINGS[it] for it in map(middleware_named, named) if it in BRINGS]
    if python or tools is None:
        return
    for at, name in items(agent, "approve"):
        if name not in own:
            hint = suggestion(name, own) or (
                f"its tools are {', '.join(map(quoted, own[:8]))}" if own else "it has no tools"
            )
            message = f"{quoted(name)} is no tool of this agent"
            yield source.problem((*place, "approve", at), message, hint)


def _middleware(source: Source, place: tuple[str | int, ...], agent: Node) -> Iterator[Problem]:
    for at, node in entries(agent, "middleware"):
        named = [node.value] if isinstance(node.value, str) else keys(node)
        if len(named) != 1 or middleware_named(named[0]):
            continue
        name = named[0]
        at_key = not isinstance(node.value, str)
        where = (*place, "middleware", at, *([name] if at_key else []))
        if (why := REFUSED.get(snake_case(name[:100]))) is not None:
            message = f"the middleware {quoted(name)} cannot be named in a file"
            yield source.problem(where, message, why, at_key=at_key)
        else:
            hint = (
                suggestion(snake_case(name[:100]), MIDDLEWARE) or f"one of {', '.join(MIDDLEWARE)}"
            )
            message = f"unknown middleware {quoted(name)}"
            yield source.problem(where, message, hint, at_key=at_key)


def _settings(source: Source, where: Where) -> Iterator[Problem]:
    """A setting of every model that stands in ``model_kwargs``, where no type is checked."""
    found, model, _ = source.find((*where, "model_kwargs"))
    if len(found) <= len(where):
        return
    for key in keys(model):
        node, kind = model.get(key), child(ModelSpec, key)
        if kind is None or node is None or not isinstance(node.value, str) or "${" in node.value:
            continue
        message, hint = wrong_kind(wanted(kind), node)
        if not accepts(kind, node) and hint != UNQUOTE:  # the provider's SDK reads numbers, too
            hint = "it is a setting of the model itself: write it beside 'model_kwargs'"
            yield source.problem((*where, "model_kwargs", key), message, hint)


def _doubled(
    source: Source, where: tuple[str | int, ...], listed: list[tuple[int, str]]
) -> Iterator[Problem]:
    seen: set[str] = set()
    for at, name in listed:
        if name in seen:
            yield source.problem((*where, at), f"{quoted(name)} is listed twice")
        seen.add(name)

"""Whether a scenario's names name something: agents, tools, models, and the keys of its script.

Works on the document instead of the models, so that it tells its findings also when something
else in the file is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ..errors import Problem
from ..text import clean
from .excerpt import quoted, suggestion
from .model import ECHO, SCRIPTED, Scenario
from .nodes import Node
from .script import MAX_SEGMENTS, ScriptKey, ties
from .source import Source, Where

_Report = Callable[[str, str], Problem]


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
    yield from _doubled(source, ("tags",), _items(source.node, "tags"))
    if names.agents is not None:
        main = _text(source.node, "main")
        if main is not None and main not in names.agents:
            yield _unknown(source, ("main",), "agent", main, names.agents)
        for agent in names.agents:
            yield from _agent(source, names, agent)
        yield from _script(source, names.agents)
        yield from _expect(source, names.agents)
    if names.models is not None:
        for agent in names.agents or ():
            yield from _model(source, names.models, ("agents", agent, "model"))
        yield from _models(source, names.models)


def main_candidates(document: Node) -> list[str]:
    """The agents that no other agent lists as a subagent."""
    agents = document.get("agents")
    called = {
        subagent
        for name in _keys(agents)
        for _, subagent in _items(agents and agents.get(name), "subagents")
        if subagent != name
    }
    return [name for name in _keys(agents) if name not in called]


def main_problem(source: Source) -> Problem | None:
    """Why there is no default for ``main``, if there is none and it is needed."""
    candidates = main_candidates(source.node)
    if source.node.get("main") or not _keys(source.node.get("agents")) or len(candidates) == 1:
        return None
    message = (
        f"several agents could be the main one: {_list(candidates)}"
        if candidates
        else "every agent is another's subagent, so none is the main one"
    )
    return source.problem(("agents",), message, "name it with 'main:'", at_key=True)


def _keys(node: Node | None) -> list[str]:
    return list(node.value) if node and isinstance(node.value, dict) else []


def _items(node: Node | None, key: str) -> list[tuple[int, str]]:
    """The texts in the list at a key, with their indexes."""
    items = node.get(key) if node else None
    if items is None or not isinstance(items.value, list):
        return []
    return [(at, it.value) for at, it in enumerate(items.value) if isinstance(it.value, str)]


def _text(node: Node | None, key: str) -> str | None:
    found = node.get(key) if node else None
    return found.value if found and isinstance(found.value, str) else None


def _defined(document: Node, section: str) -> Collection[str] | None:
    node = document.get(section)
    if node is not None:
        return node.value.keys() if isinstance(node.value, dict) else None
    fields = Scenario.model_fields
    misspelt = (suggestion(key, fields) for key in _keys(document)[:100] if key not in fields)
    return None if any(repr(section) in hint for hint in misspelt) else ()


def _list(names: Collection[str]) -> str:
    return ", ".join(map(quoted, list(names)[:8])) + (", …" if len(names) > 8 else "")


def _hint(kind: str, name: str, known: Collection[str]) -> str:
    if not known:
        return f"the file has no {kind}s"
    return suggestion(name, known) or f"the {kind}s are {_list(known)}"


def _unknown(
    source: Source, where: Where, kind: str, name: str, known: Collection[str], hint: str = ""
) -> Problem:
    hint = hint or _hint(kind, name, known)
    return source.problem(where, f"unknown {kind} {quoted(name)}", hint)


def _lines(source: Source) -> Iterator[Problem]:
    """Names are shown in terminals and written to reports: one line, no control characters."""
    document = source.node
    places: list[tuple[Where, str | None]] = [(("name",), _text(document, "name"))]
    places += [(("tags", at), tag) for at, tag in _items(document, "tags")]
    agents = document.get("agents")
    for name in _keys(agents):
        title = _text(agents and agents.get(name), "title")
        places.append((("agents", name, "title"), title))
    for where, text in places:
        if text is not None and (clean(text) != text or "\n" in text or "\t" in text):
            yield source.problem(where, "must be one line, without control characters")


def _input(source: Source) -> Iterator[Problem]:
    given = [key for key in _keys(source.node) if key in ("input", "turns")]
    if len(given) > 1:
        message = f"{quoted(given[0])} is given too"
        yield source.problem(given[1:], message, "keep one of them", at_key=True)


def _agent(source: Source, names: Names, name: str) -> Iterator[Problem]:
    agents, tools = names.agents or (), names.tools
    agent = source.find(("agents", name))[1]
    listed, called = _items(agent, "tools"), _items(agent, "subagents")
    for at, tool in listed:
        if tools is not None and tool not in tools:
            hint = "it is an agent: list it under 'subagents'" if tool in agents else ""
            yield _unknown(source, ("agents", name, "tools", at), "tool", tool, tools, hint)
    own = {tool for _, tool in listed if tool in (tools or ())}
    for at, subagent in called:
        where = ("agents", name, "subagents", at)
        if subagent not in agents:
            hint = "it is a tool: list it under 'tools'" if subagent in (tools or ()) else ""
            yield _unknown(source, where, "agent", subagent, agents, hint)
        elif subagent in own:
            message = f"{quoted(subagent)} is also a tool of this agent"
            yield source.problem(where, message, "rename one: a model knows both by name")
            own.discard(subagent)
    yield from _doubled(source, ("agents", name, "tools"), listed)
    yield from _doubled(source, ("agents", name, "subagents"), called)


def _doubled(
    source: Source, where: tuple[str, ...], items: list[tuple[int, str]]
) -> Iterator[Problem]:
    seen: set[str] = set()
    for at, name in items:
        if name in seen:
            yield source.problem((*where, at), f"{quoted(name)} is listed twice")
        seen.add(name)


def _models(source: Source, names: Collection[str]) -> Iterator[Problem]:
    for name in names:
        if name in (SCRIPTED, ECHO):
            message = f"{quoted(name)} is built in"
            yield source.problem(("models", name), message, "choose another name", at_key=True)
        yield from _model(source, names, ("models", name))
    done: set[str] = set()
    for name in names:
        chain: dict[str, None] = {}
        step = name
        while step in names and step not in done:
            done.add(step)
            chain[step] = None
            step = _text(source.node.get("models"), step) or ""
        if step in chain:
            circle = [*chain][[*chain].index(step) :]
            said = " → ".join(map(quoted, [*circle[:8], *["…"][: len(circle) > 8], step]))
            yield source.problem(("models", step), f"the models name one another: {said}")


def _model(source: Source, names: Collection[str], where: tuple[str, ...]) -> Iterator[Problem]:
    found, node, _ = source.find(where)
    if len(found) < len(where):
        return
    if isinstance(node.value, dict):
        # It is handed to the provider as it is: it cannot build on a name of 'models'.
        where, names = (*where, "model"), ()
        node = node.get("model") or Node()
    model = node.value
    if not isinstance(model, str) or "${" in model or model in names or model in (SCRIPTED, ECHO):
        return
    provider, colon, name = model.partition(":")
    if not colon:
        known = [*names, SCRIPTED, ECHO]
        hint = suggestion(model, known) or f"a model is 'provider:name', or one of {_list(known)}"
        yield source.problem(where, f"unknown model {quoted(model)}", hint)
    elif not provider.strip() or not name.strip():
        yield source.problem(where, f"{quoted(model)} is not 'provider:name'")


def _script(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    sound: list[str] = []
    for text in _keys(source.node.get("script")):
        problem = _path(text, agents, _reporter(source, ("script", text), at_key=True))
        if problem is not None:
            yield problem
        else:
            sound.append(text)
    order = {text: at for at, text in enumerate(sound)}
    for one, two, both in ties(sound):
        message = f"{quoted(one)} and {quoted(two)} could both speak for one call"
        hint = f"add the key {quoted(both)} to decide it"
        later = max(one, two, key=order.__getitem__)
        yield source.problem(("script", later), message, hint, at_key=True)


def _expect(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    checks = source.node.get("expect")
    if checks is None or not isinstance(checks.value, list):
        return
    for at, check in enumerate(checks.value):
        agent = _text(check, "agent")
        if agent is not None:
            problem = _path(agent, agents, _reporter(source, ("expect", at, "agent")))
            if problem is not None:
                yield problem
        for name in _keys(check.get("calls")):
            if name not in agents:
                hint = _hint("agent", name, agents)
                report = _reporter(source, ("expect", at, "calls", name), at_key=True)
                yield report(f"unknown agent {quoted(name)}", hint)


def _reporter(source: Source, where: Where, *, at_key: bool = False) -> _Report:
    return lambda message, hint: source.problem(where, message, hint, at_key=at_key)


def _path(text: str, agents: Collection[str], report: _Report) -> Problem | None:
    """What is wrong with a call path or the tail of one, if anything is."""
    try:
        key = ScriptKey.parse(text)
    except ValueError as error:
        return report(f"{quoted(text)}: {error}", suggestion(text, agents))
    if len(key.segments) > MAX_SEGMENTS:
        return report(f"{quoted(text)}: more than {MAX_SEGMENTS} agents in one key", "shorten it")
    for segment in key.segments:
        if segment.name not in agents:
            hint = _hint("agent", segment.name, agents)
            return report(f"unknown agent {quoted(segment.name)}", hint)
    return None

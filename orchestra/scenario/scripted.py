"""Checks of what refers to calls: the script, the person's decisions, the expectations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from ..errors import Problem
from .agents import TRANSFER, composite_of
from .excerpt import quoted, suggestion
from .middleware import ASIDES, middleware_named
from .nodes import Node
from .references import entries, items, keys, text
from .script import MAX_SEGMENTS, ScriptKey, ties
from .source import Source, Where

_Report = Callable[[str, str], Problem]


def script_problems(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    """Keys that fit no call, fit one as well as another, or speak for what has no voice."""
    sound: list[str] = []
    for key in keys(source.node.get("script")):
        where = ("script", key)
        problem = path_problem(key, agents, _reporter(source, where, at_key=True))
        problem = problem or _voice(source, where, ScriptKey.parse(key))
        if problem is not None:
            yield problem
        else:
            sound.append(key)
            yield from _replies(source, key)
    order = {text: at for at, text in enumerate(sound)}
    for one, two, both in ties(sound):
        message = f"{quoted(one)} and {quoted(two)} could both speak for one call"
        hint = f"add the key {quoted(both)} to decide it"
        later = max(one, two, key=order.__getitem__)
        yield source.problem(("script", later), message, hint, at_key=True)


def _voice(source: Source, where: Where, key: ScriptKey) -> Problem | None:
    """A composite says nothing itself, and an agent's middleware only if it has it."""
    last = key.segments[-1]
    agent = source.find(("agents", last.name))[1]
    kind = composite_of(agent.value) if isinstance(agent.value, dict) else None
    report = _reporter(source, where, at_key=True)
    if kind and kind != "route":
        hint = "write the replies under the names of its steps"
        return report(f"{quoted(last.name)} is a {kind}: it says nothing itself", hint)
    if not last.aside:
        return None
    listed = {middleware_named(name) or name for name in _middleware(agent)}
    own = [name for name in ASIDES if name in listed]
    if last.aside in own:
        return None
    hint = suggestion(last.aside, own) or (
        f"there are {', '.join(map(quoted, own))}" if own else f"some has: {', '.join(ASIDES)}"
    )
    return report(f"{quoted(last.name)} has no middleware {quoted(last.aside)} that speaks", hint)


def _middleware(agent: Node) -> Iterator[str]:
    for _, node in entries(agent, "middleware"):
        yield from [node.value] if isinstance(node.value, str) else keys(node)


def _replies(source: Source, key: str) -> Iterator[Problem]:
    last = ScriptKey.parse(key).segments[-1]
    agent = source.find(("agents", last.name))[1]
    for at, reply in entries(source.node.get("script"), key):
        structured = reply.get("structured")
        if structured is None or last.aside or agent.get("response_format"):
            continue
        message = f"the agent {quoted(last.name)} has no 'response_format' to answer"
        yield source.problem(("script", key, at, "structured"), message, at_key=True)


def decision_problems(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    """Decisions on what no agent asks."""
    for at, decision in entries(source.node, "decisions"):
        path, tool = text(decision, "agent"), text(decision, "tool")
        if path is None:
            continue
        where = ("decisions", at, "agent")
        if problem := call_problem(path, agents, _reporter(source, where)):
            yield problem
            continue
        name = ScriptKey.parse(path).segments[-1].name
        agent = source.find(("agents", name))[1]
        asks = _asks(agent)
        if tool is not None and tool not in asks:
            near = suggestion(tool, asks)
            if not near and _has_code(source, agent):
                continue  # which may ask by itself
            hint = near or (
                f"it asks for {', '.join(map(quoted, asks))}" if asks else "list it in 'approve'"
            )
            message = f"the agent {quoted(name)} does not ask for approval of {quoted(tool)}"
            yield source.problem(("decisions", at, "tool"), message, hint)


def _asks(agent: Node) -> list[str]:
    """The tools that an agent asks about: by ``approve``, or by middleware of whatever name."""
    asks = [it for _, it in items(agent, "approve")]
    for _, node in entries(agent, "middleware"):
        for args in (node.get(each) for each in keys(node)):
            asks += keys(args.get("interrupt_on")) if args else []
    return asks


def _has_code(source: Source, agent: Node) -> bool:
    tools = source.node.get("tools")
    listed = (tools.get(it) for _, it in items(agent, "tools")) if tools else ()
    return any(it is not None and it.get("python") is not None for it in listed)


def expect_problems(source: Source, agents: Collection[str]) -> Iterator[Problem]:
    """Checks on agents that are not there, at the top and in every case and turn."""
    yield from _checks(source, ("expect",), source.node, agents)
    for key in ("turns", "inputs"):
        for at, item in entries(source.node, key):
            yield from _checks(source, (key, at, "expect"), item, agents)


def _checks(
    source: Source, where: tuple[str | int, ...], node: Node, agents: Collection[str]
) -> Iterator[Problem]:
    for at, check in entries(node, "expect"):
        yield from _check(source, (*where, at), check, agents)


def _check(
    source: Source, where: tuple[str | int, ...], check: Node, agents: Collection[str]
) -> Iterator[Problem]:
    """The names in one check, and in the one that it negates."""
    calls: list[tuple[str, tuple[str | int, ...]]] = []
    if (agent := text(check, "agent")) is not None:
        calls.append((agent, ("agent",)))
    for key in ("order", "parallel"):
        calls += [(path, (key, n)) for n, path in items(check, key)]
    for path, place in calls:
        if problem := call_problem(path, agents, _reporter(source, (*where, *place))):
            yield problem
    named: list[tuple[str, tuple[str | int, ...]]] = [
        (name, ("calls", name)) for name in keys(check.get("calls"))
    ]
    named += [(name, ("handoffs", n)) for n, name in items(check, "handoffs")]
    for name, place in named:
        if name not in agents:
            report = _reporter(source, (*where, *place), at_key=place[0] == "calls")
            yield report(f"unknown agent {quoted(name)}", unknown_hint("agent", name, agents))
    yield from _tool_names(source, where, check, agents)
    if (inner := check.get("not")) is not None:
        yield from _check(source, (*where, "not"), inner, agents)


def _tool_names(
    source: Source, where: tuple[str | int, ...], check: Node, agents: Collection[str]
) -> Iterator[Problem]:
    """Tools that are misspelt. Others that are not in the file may be a tool of its code."""
    known = [*keys(source.node.get("tools")), *agents, *(TRANSFER + name for name in agents)]
    named: list[tuple[str, Where]] = [
        (name, (*where, "forbidden_tools", n)) for n, name in items(check, "forbidden_tools")
    ]
    result = check.get("tool_result")
    if result is not None and (tool := text(result, "tool")) is not None:
        named.append((tool, (*where, "tool_result", "tool")))
    for name, place in named:
        if name not in known and (near := suggestion(name, known)):
            yield source.problem(place, f"unknown tool {quoted(name)}", near)


def unknown_hint(kind: str, name: str, known: Collection[str] | Mapping[str, object]) -> str:
    """What to write instead of a name that nothing has."""
    if not known:
        return f"the file has no {kind}s"
    some = ", ".join(map(quoted, list(known)[:8])) + (", …" if len(known) > 8 else "")
    return suggestion(name, known) or f"the {kind}s are {some}"


def path_problem(path: str, agents: Collection[str], report: _Report) -> Problem | None:
    """What is wrong with a call path or the tail of one, if anything is."""
    try:
        key = ScriptKey.parse(path)
    except ValueError as error:
        return report(f"{quoted(path)}: {error}", suggestion(path, agents))
    if len(key.segments) > MAX_SEGMENTS:
        return report(f"{quoted(path)}: more than {MAX_SEGMENTS} agents in one key", "shorten it")
    for segment in key.segments:
        if segment.name not in agents:
            hint = unknown_hint("agent", segment.name, agents)
            return report(f"unknown agent {quoted(segment.name)}", hint)
    return None


def call_problem(path: str, agents: Collection[str], report: _Report) -> Problem | None:
    """As :func:`path_problem`, of what only an agent does: its middleware has no calls."""
    problem = path_problem(path, agents, report)
    if problem is None and (aside := ScriptKey.parse(path).segments[-1].aside):
        return report(f"{quoted(path)}: {aside} is middleware, and no agent", "")
    return problem


def _reporter(source: Source, where: Where, *, at_key: bool = False) -> _Report:
    return lambda message, hint: source.problem(where, message, hint, at_key=at_key)

"""What is hardly meant in a script, in the person's decisions and in the checks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..errors import Problem
from .agents import ECHO, RESPONSE, SCRIPTED, TRANSFER, AgentSpec, RouteSpec, steps_of
from .excerpt import quoted, suggestion
from .model import Scenario
from .replies import Reply, ScriptedCall
from .script import ScriptKey, Segment
from .team import choose, speaks
from .tools import CannedTool, PythonTool, is_schema

Place = tuple[str | int, ...]


def script_advice(scenario: Scenario, reachable: Collection[str]) -> Iterator[Problem]:
    """Warnings of everything that names calls."""
    yield from _mute(scenario)
    for key, replies in scenario.script.items():
        parsed = ScriptKey.parse(key)
        yield from _path(scenario, ("script", key), parsed, at_key=True)
        yield from _voice(scenario, key, parsed)
        yield from _spent(scenario, key, parsed)
        speaker = parsed.segments[-1]
        if speaker.aside:
            continue
        for at, reply in enumerate(replies):
            for number, call in enumerate(reply.tool_calls):
                where = ("script", key, at, "tool_calls", number)
                yield from _call(scenario, where, speaker.name, call)
    yield from _decisions(scenario, reachable)
    yield from _expect(scenario)


def _mute(scenario: Scenario) -> Iterator[Problem]:
    """Agents that are sure to be called, and have nothing to say."""
    last = (ScriptKey.parse(key).segments[-1] for key in scenario.script)
    said = {it.name for it in last if not it.aside}
    for name in _called(scenario):
        spec = scenario.agents[name]
        if speaks(spec) and name not in said and choose(scenario, name).model == SCRIPTED:
            message = f"the script has no reply for {quoted(name)}"
            hint = f"add 'script: {{{name}: [{{text: …}}]}}', or name a 'model'"
            yield scenario.source.problem(("agents", name), message, hint, at_key=True)


def _called(scenario: Scenario) -> list[str]:
    """The main agents, the steps that they are sure to take, and whoever their script calls."""
    found, todo = dict[str, None](), [*reversed(scenario.mains)]
    calls = _script_calls(scenario)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = None
        spec = scenario.agents[name]
        if not isinstance(spec, AgentSpec | RouteSpec):
            todo += reversed(steps_of(spec))
        elif choose(scenario, name).model != ECHO:
            todo += calls.get(name, ())
    return list(found)


def _script_calls(scenario: Scenario) -> dict[str, list[str]]:
    """The agents that each agent's replies call or hand over to, where nothing can come between."""
    found = dict[str, list[str]]()
    for key, replies in scenario.script.items():
        speaker = ScriptKey.parse(key).segments[-1]
        spec = scenario.agents[speaker.name]
        if speaker.aside or not isinstance(spec, AgentSpec) or spec.middleware:
            continue
        for reply in replies:
            if reply.fault is None:
                found.setdefault(speaker.name, []).extend(_called_by(spec, reply))
    return found


def _called_by(spec: AgentSpec, reply: Reply) -> Iterator[str]:
    """The agents that a reply calls, and the first of those that it hands over to."""
    transfers = [it.name for it in reply.tool_calls if it.name.startswith(TRANSFER)]
    for call in reply.tool_calls:
        if call.name in spec.approve:
            continue  # a person may refuse it
        if call.name in spec.subagents and call.args.keys() == {"query"}:
            yield call.name
        name = call.name.removeprefix(TRANSFER)
        if name in spec.handoffs and [call.name] == transfers[:1]:
            yield name


def _voice(scenario: Scenario, key: str, parsed: ScriptKey) -> Iterator[Problem]:
    """A script for an agent that never asks it. (`test` asks it for every other model.)"""
    name = parsed.segments[-1].name
    if speaks(scenario.agents[name]):
        if choose(scenario, name).model == ECHO:
            message = f"{quoted(name)} speaks with the model 'echo', which asks no script"
            yield scenario.source.problem(("script", key), message, at_key=True)
    elif not parsed.segments[-1].aside:
        message = f"{quoted(name)} is a route by rules alone: no model is asked"
        yield scenario.source.problem(("script", key), message, at_key=True)


def _spent(scenario: Scenario, key: str, parsed: ScriptKey) -> Iterator[Problem]:
    """Replies behind one that ends every call: each call begins at its key's first reply."""
    speaker, replies = parsed.segments[-1], scenario.script[key]
    spec = scenario.agents[speaker.name]
    own = _members(scenario, scenario.mains) | {
        name for it in scenario.agents.values() if isinstance(it, AgentSpec) for name in it.handoffs
    }
    if speaker.aside or speaker.name in own or not isinstance(spec, AgentSpec):
        return  # a conversation goes on with the next reply
    if spec.response_format is not None or spec.middleware:
        return  # it may be asked again
    for at, reply in enumerate(replies[:-1]):
        if reply.match is not None or reply.fault is not None:
            return
        if not reply.tool_calls:
            message = (
                f"no call comes to this reply: the one before it ends the call of {quoted(key)}"
            )
            hint = f"each call begins at its key's first reply; write a key for each, as {key}#2"
            yield scenario.source.problem(("script", key, at + 1), message, hint)
            return


def _path(
    scenario: Scenario, where: Place, key: ScriptKey, *, at_key: bool = False
) -> Iterator[Problem]:
    """A path that no call can have."""
    first = key.segments[0]
    if first.ordinal and not scenario.parents(first.name):
        message = f"nobody calls {quoted(first.name)}, so its call has no number"
        yield scenario.source.problem(where, message, at_key=at_key)
    if key.anchored and first.name not in _members(scenario, scenario.mains):
        message = f"{quoted(first.name)} is no main agent, as '/' says"
        yield scenario.source.problem(where, message, at_key=at_key)
    for before, after in zip(key.segments, key.segments[1:], strict=False):
        if not _leads(scenario, before, after):
            how = "never hands over to" if after.joint == ">" else "does not call"
            message = f"{quoted(before.name)} {how} {quoted(after.name)}"
            yield scenario.source.problem(where, message, at_key=at_key)
            return
        if (
            after.joint == ">"
            and before.name == scenario.main
            and not scenario.parents(before.name)
        ):
            message = (
                f"in the conversation of the only main agent, {quoted(after.name)} goes by its name"
            )
            yield scenario.source.problem(
                where, message, "leave out what stands before '>'", at_key=at_key
            )
            return


def _leads(scenario: Scenario, before: Segment, after: Segment) -> bool:
    if after.joint == ">":
        return after.name in _members(scenario, [before.name])
    return after.name in steps_of(scenario.agents[before.name])


def _members(scenario: Scenario, agents: Collection[str]) -> set[str]:
    """Agents, and whoever may get their conversation."""
    found, todo = set[str](), list(agents)
    while todo:
        name = todo.pop()
        spec = scenario.agents[name]
        if name not in found and isinstance(spec, AgentSpec):
            todo += spec.handoffs
        found.add(name)
    return found


def _call(scenario: Scenario, where: Place, agent: str, call: ScriptedCall) -> Iterator[Problem]:
    spec = scenario.agents[agent]
    own = tools_of(scenario, agent)
    if own is None or call.name == RESPONSE:
        return
    if call.name not in own:
        hint = suggestion(call.name, own) or (
            f"its tools are {', '.join(map(quoted, own[:8]))}" if own else "it has no tools"
        )
        message = f"{quoted(call.name)} is no tool of {quoted(agent)}"
        yield scenario.source.problem(where, message, hint)
    elif isinstance(spec, AgentSpec) and call.name in spec.subagents:
        yield from _arguments(scenario, where, call, {"query"}, {"query"})
    elif isinstance(tool := scenario.tools.get(call.name), CannedTool) and tool.parameters:
        schema = tool.parameters
        known, needed = {*schema}, {*schema}
        if is_schema(schema):
            properties, required = schema.get("properties"), schema.get("required")
            known = {*properties} if isinstance(properties, dict) else set()
            needed = (
                {it for it in required if isinstance(it, str)}
                if isinstance(required, list)
                else set()
            )
        yield from _arguments(scenario, where, call, known, needed)


def _arguments(
    scenario: Scenario, where: Place, call: ScriptedCall, known: set[str], needed: set[str]
) -> Iterator[Problem]:
    """The tool would refuse the call."""
    for name in sorted(needed - {*call.args}):
        message = f"{quoted(call.name)} is called without its {quoted(name)}"
        yield scenario.source.problem((*where, call.name), message)
    for name in call.args:
        if known and name not in known:
            message = f"{quoted(call.name)} takes no {quoted(name)}"
            place = (*where, call.name, name)
            yield scenario.source.problem(place, message, suggestion(name, known), at_key=True)


def tools_of(scenario: Scenario, agent: str) -> list[str] | None:
    """The names by which an agent's model knows its tools; None if only running it tells.

    A Python class may have any methods, and middleware may bring tools of its own.
    """
    spec = scenario.agents[agent]
    if not isinstance(spec, AgentSpec):
        return []
    if spec.middleware or any(isinstance(scenario.tools[it], PythonTool) for it in spec.tools):
        return None
    return [*spec.tools, *spec.subagents, *(TRANSFER + name for name in spec.handoffs)]


def _decisions(scenario: Scenario, reachable: Collection[str]) -> Iterator[Problem]:
    """What is asked without a decision, and decided without being asked."""
    asked = {
        (ScriptKey.parse(key).segments[-1].name, call.name)
        for key, replies in scenario.script.items()
        for reply in replies
        for call in reply.tool_calls
    }
    decided = set[tuple[str, str]]()
    for at, decision in enumerate(scenario.decisions):
        path = ScriptKey.parse(decision.agent)
        agent = path.segments[-1].name
        decided.add((agent, decision.tool))
        yield from _path(scenario, ("decisions", at, "agent"), path)
        if scenario.script and (agent, decision.tool) not in asked:
            message = f"the script never has {quoted(agent)} call {quoted(decision.tool)}"
            yield scenario.source.problem(("decisions", at), message)
    undecided = asked - decided
    for name, spec in scenario.agents.items():
        for at, tool in enumerate(spec.approve if isinstance(spec, AgentSpec) else ()):
            if name in reachable and (name, tool) in undecided:
                message = f"the script calls {quoted(tool)}, but 'decisions' has none on it"
                yield scenario.source.problem(("agents", name, "approve", at), message)


def _expect(scenario: Scenario) -> Iterator[Problem]:
    places: list[tuple[Place, Collection[object]]] = [(("expect",), scenario.expect)]
    for key, items in (("turns", scenario.turns), ("inputs", scenario.inputs)):
        for at, item in enumerate(items or ()):
            if not isinstance(item, str):
                places.append(((key, at, "expect"), item.expect))
    for where, checks in places:
        for at, check in enumerate(checks):
            if agent := getattr(check, "agent", None):
                yield from _path(scenario, (*where, at, "agent"), ScriptKey.parse(agent))

"""What to write instead of a key that nobody knows: the nearest one, or where it belongs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from .agents import COMPOSITES, AgentSpec, Limits, ModelSpec, RouteSpec, StepSpec
from .excerpt import suggestion
from .expect import Expectation
from .matcher import Matcher
from .model import Item, Scenario
from .nodes import Node
from .replies import Decision, Reply
from .running import RunLimits, RunSpec
from .slips import space_left_out
from .source import Source, Where
from .spec import keys_of
from .tools import CannedTool, Return

MERGE = "YAML 1.2 has no merge keys; 'use:' takes over an agent from a file"
KNOWN, TAKES = "known keys: ", ", which takes "
"""What a list of all keys begins with."""
OUTERMOST = "keys of the whole file begin in the first column"

# Words of other tools, and everyday ones, for keys of this language.
_MEANT: dict[Any, dict[str, str]] = {
    Scenario: {"title": "name", "prompt": "input", "task": "input", "tests": "expect"},
    AgentSpec: {
        **dict.fromkeys(
            ("prompt", "instructions", "instruction", "system", "role", "persona"), "system_prompt"
        ),
        **dict.fromkeys(("llm", "provider"), "model"),
        **dict.fromkeys(("agents", "delegates", "team"), "subagents"),
        **dict.fromkeys(("transfers", "handoff_to"), "handoffs"),
        **dict.fromkeys(("schema", "output_schema", "output_type"), "response_format"),
        **dict.fromkeys(("steps", "chain"), "sequence"),
        **dict.fromkeys(("approval", "interrupt_on"), "approve"),
        "functions": "tools",
        "name": "title",
    },
    CannedTool: {
        **dict.fromkeys(("args", "arguments", "inputs"), "parameters"),
        **dict.fromkeys(("result", "results", "output", "answers", "responses"), "returns"),
    },
    Return: {
        "if": "when",
        **dict.fromkeys(("then", "return", "result", "output", "text"), "value"),
    },
    Reply: {
        **dict.fromkeys(("content", "say", "says", "message", "reply", "output"), "text"),
        **dict.fromkeys(("tools", "calls", "call"), "tool_calls"),
        **dict.fromkeys(("thinking", "thoughts"), "reasoning"),
        "delay": "first_token",
        "when": "match",
    },
    Decision: {"decision": "decide", "action": "decide", "reason": "message"},
    StepSpec: {
        "name": "agent",
        "step": "agent",
        **dict.fromkeys(("prompt", "message", "task"), "input"),
    },
    ModelSpec: {
        "name": "model",
        "temp": "temperature",
        "max_output_tokens": "max_tokens",
        "key": "api_key",
        **dict.fromkeys(("url", "endpoint"), "base_url"),
        "headers": "default_headers",
    },
    Matcher: {
        **dict.fromkeys(("regex", "regexp", "pattern"), "matches"),
        **dict.fromkeys(("includes", "text"), "contains"),
        "is": "equals",
        "schema": "json_schema",
    },
    Item: {
        **dict.fromkeys(("user", "content", "message", "question"), "input"),
        "id": "name",
        "text": "input",
        "prompt": "input",
        "checks": "expect",
    },
}
_IN_AN_AGENT = "it belongs to an agent: 'agents: {{name: {{{key}: …}}}}'"
_IN_A_MODEL = "it belongs to a model: 'model: {{model: …, {key}: …}}'"
# Keys of other mappings, for those that stand at the top or in an agent.
_HOMES: dict[Any, tuple[tuple[type[BaseModel], str], ...]] = {
    Scenario: (
        (AgentSpec, _IN_AN_AGENT),
        (RouteSpec, _IN_AN_AGENT),
        (RunSpec, "it belongs to 'run: {{{key}: …}}'"),
        (RunLimits, "it belongs to 'run: {{limits: {{{key}: …}}}}'"),
        (ModelSpec, "it belongs to a model: 'models: {{default: {{model: …, {key}: …}}}}'"),
    ),
    AgentSpec: (
        (ModelSpec, _IN_A_MODEL),
        (Limits, "it belongs to 'limits: {{{key}: …}}'"),
        (Scenario, "it belongs to a scenario, beside 'agents'"),
        (RunSpec, "it belongs to 'run', beside 'agents'"),
    ),
    RouteSpec: ((ModelSpec, _IN_A_MODEL),),
    Expectation: ((Matcher, "it belongs to 'output: {{{key}: …}}'"),),
    CannedTool: ((Return, "it belongs to an answer: 'returns: [{{{key}: …}}]'"),),
}
_NAMES = "list their names; what they are stands in '{}' at the top"
_NUMBER = (bool, int, float)
# What to write at a place instead of a value of another kind: str and int are any key and index.
_PLACES: tuple[tuple[tuple[object, ...], type | tuple[type, ...], str], ...] = (
    (("main",), _NUMBER, "write the name of an agent, in quotes if it is such a word"),
    (("models",), str, "write {default: …}"),
    (("input",), list, "several messages of one conversation are 'turns'"),
    (("agents",), str, "write 'name:' for each, and indent what belongs to it"),
    (("agents", str), str, "write {system_prompt: …}"),
    (("agents", str, "subagents"), dict, _NAMES.format("agents")),
    (("agents", str, "handoffs"), dict, _NAMES.format("agents")),
    (("agents", str, "tools"), dict, _NAMES.format("tools")),
    (("agents", str, "subagents", int), dict, "write its name alone"),
    (("agents", str, "handoffs", int), dict, "write its name alone"),
    (("agents", str, "tools", int), dict, "write its name alone"),
    (("agents", str, "map"), list, "it calls one agent: write its name alone"),
    (("agents", str, "route", int), str, "write {name: when to choose it}"),
    (("tools", str, "returns"), (str, *_NUMBER), "write [{value: …}]"),
    (("tools", str, "returns", int), (str, *_NUMBER), "write {value: …}"),
    (("script", str), str, "write [{text: …}]"),
    (("script", str, int), str, "write {text: …}"),
    (("script", str, int, "fault"), str, "write {error: …}"),
    (("expect", int), str, "write {output: …}"),
    (("run", "retry"), int, "write {attempts: …}"),
)


def place_hint(where: Where, value: object) -> str:
    """What to write where a value of another kind is asked for; empty if nothing special."""
    if len(where) == 2 and where[0] == "agents":
        if where[1] in AgentSpec.model_fields:
            return "if it is a key of an agent, indent it below the agent's name"
        if where[1] in Scenario.model_fields:
            return OUTERMOST
    return next(
        (
            hint
            for place, kinds, hint in _PLACES
            if _fits(where, place) and isinstance(value, kinds)
        ),
        "",
    )


def _fits(where: Where, place: tuple[object, ...]) -> bool:
    return len(where) == len(place) and all(
        isinstance(part, it) if isinstance(it, type) else part == it
        for part, it in zip(where, place, strict=True)
    )


def key_hint(source: Source, where: Where, model: Any) -> str:
    """What to do about the unknown key at a place, in a mapping that is read as ``model``."""
    key = str(where[-1])
    if key == "<<":
        return MERGE
    kind = next((kind for kind, spec in COMPOSITES.items() if spec is model), None)
    keys = [*keys_of(model)]
    if model is AgentSpec:
        keys += ["use", *COMPOSITES]
    elif kind is not None:
        keys.append("use")
    elif model is CannedTool:
        keys.append("python")  # without it, a tool is taken for a canned one
    if key.partition(":")[0] in keys and (write := space_left_out(key)):
        return f"a space is missing behind its ':': {write}"
    return (
        _composite(source, where, kind, keys)
        or _same(key, keys)
        or _elsewhere(key, model)
        or suggestion(key, keys)
        or _outermost(model, where[-2:-1])
        or f"{KNOWN}{', '.join(keys)}"
    )


def _outermost(model: Any, agent: Where) -> str:
    """Of a key in a section of the file that stands among the agents."""
    if model is AgentSpec and agent and agent[0] in Scenario.model_fields:
        return f"if {agent[0]!r} is no agent: {OUTERMOST}"
    return ""


def _composite(source: Source, where: Where, kind: str | None, keys: list[str]) -> str:
    """Of a key in a composite that other agents have."""
    key = str(where[-1])
    if kind == "route" and key in ("rules", "when", "to"):
        return "rules stand in its list: 'route: [{when: …, to: name}, {name: what for}]'"
    others = {
        *AgentSpec.model_fields,
        *(it for spec in COMPOSITES.values() for it in spec.model_fields),
    }
    if kind is None or key not in others:
        return ""
    agent = source.find(where[:-1])[1]
    file = _file(source, agent.get(kind))
    named = f" of {file}" if file != _file(source, agent.get(key)) else ""
    return f"it does not go with {kind!r}{named}{TAKES}{', '.join(keys)}"


def _file(source: Source, node: Node | None) -> str:
    return (node and node.file) or str(source.path)


def _same(key: str, keys: Iterable[str]) -> str:
    """The key of the same letters: in capitals, with a dash, as a singular or a plural."""
    known = {_letters(it): it for it in keys}
    found = known.get(_letters(key))
    return f"did you mean {found!r}?" if found else ""


def _letters(key: str) -> str:
    return key.casefold().replace("_", "").replace("-", "").replace(" ", "").rstrip("s")


def _elsewhere(key: str, model: Any) -> str:
    """Of a key that is another's, or that has another name here."""
    if meant := _MEANT.get(model, {}).get(key.casefold()):
        return f"did you mean {meant!r}?"
    if model is AgentSpec and (
        owners := [it for it, spec in COMPOSITES.items() if key in spec.model_fields]
    ):
        return f"it belongs to {' and '.join(map(repr, owners))}"
    homes = _HOMES.get(model, ())
    words = next((words for spec, words in homes if key in spec.model_fields), "")
    return words.format(key=key)

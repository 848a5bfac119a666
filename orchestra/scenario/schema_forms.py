"""What the models' own JSON Schema does not say: short forms, and which keys go together.

Each function corrects the definitions it is given, so that they describe the YAML as written. A
keyword that is for objects only says nothing of a text, so a short form is one more ``type``.
"""

from __future__ import annotations

from typing import Any

from .agents import COMPOSITES
from .expect import CHECKS
from .middleware import MIDDLEWARE
from .spec import NAME
from .tools import JSON_TYPES

Schema = dict[str, Any]

_NAME = NAME.strip("^$")
_SEGMENT = rf"{_NAME}(#[1-9][0-9]{{0,8}})?"
_CALL_PATH = rf"^/?{_SEGMENT}([/>]{_SEGMENT})*(\.[a-z][a-z_]{{0,63}})?$"
_NO_CALL_PATH = "expected the end of a call path, as 'writer' or 'editor/writer#2'"
_RANGE = r"^([0-9]{1,9}\.\.([0-9]{1,9})?|\.\.[0-9]{1,9})$"
# Editors read \w as ASCII only, Python's modules may be called 天气.
_PYTHON = "^[\\w.\u0080-\uffff]+:[\\w.\u0080-\uffff]+$"

USE: Schema = {
    "description": "The file of a reusable agent, relative to this one; keys given here override.",
    "type": "string",
    "minLength": 1,
    "examples": ["../agents/researcher.yaml"],
}


def corrected(parts: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions with everything below."""
    _short_forms(parts)
    _names(parts)
    _exclusions(parts)
    _json_schemas(parts)
    _tools(parts)
    _routes(parts)
    _agents(parts)
    return dict(sorted(parts.items()))


def ref(*names: str) -> Schema:
    """A definition, or a property of it."""
    return {"$ref": "/".join(["#/$defs", *names])}


def _has(*keys: str) -> Schema:
    return {"required": [*keys]}


def _any(*keys: str) -> Schema:
    return {"anyOf": [_has(key) for key in keys]}


def _without(*keys: str) -> Schema:
    return {"properties": dict.fromkeys(keys, False)}


def _at_most_one(*keys: str) -> Schema:
    """Of several keys; an editor then marks the second one, which it does not with ``oneOf``."""
    later = {key: keys[at:] for at, key in enumerate(keys[:-1], start=1)}
    return {"allOf": [{"if": _has(key), "then": _without(*rest)} for key, rest in later.items()]}


def _short_forms(parts: dict[str, Schema]) -> None:
    for name in ("ScriptedCall", "ExpectedCall", "Middleware"):
        parts[name] = {"description": parts[name]["description"], "anyOf": [_text(), _named()]}
    known = {"enum": [*MIDDLEWARE]}
    named = _named({name: _made_with(cls) for name, cls in MIDDLEWARE.items()})
    parts["Middleware"]["anyOf"] = [known, _text(), named]  # its other names are names, too
    parts["Matcher"] |= {"type": ["string", "object"], "minProperties": 1}
    parts["ToolCallsCheck"] |= {"type": ["array", "object"], "items": ref("ExpectedCall")}
    parts["Count"] = {
        "description": parts["Count"]["description"],
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _RANGE}],
    }


def _text() -> Schema:
    return {"type": "string"}


def _named(known: dict[str, Schema] | None = None) -> Schema:
    """``{name: {argument: value}}``, or nothing behind the name."""
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        **({"properties": known} if known else {}),
        "additionalProperties": {"type": ["object", "null"]},
    }


def _made_with(cls: str) -> Schema:
    return {"description": f"LangChain's {cls}, with these arguments.", "type": ["object", "null"]}


def _names(parts: dict[str, Schema]) -> None:
    scenario = parts["Scenario"]["properties"]
    path = {"pattern": _CALL_PATH, "patternErrorMessage": _NO_CALL_PATH}
    scenario["script"]["propertyNames"] = path
    for name in ("Decision", "Expectation"):
        parts[name]["properties"]["agent"] |= path
    parts["PythonTool"]["properties"]["python"]["pattern"] = _PYTHON
    parts["JsonPath"]["properties"]["path"] |= {"pattern": r"^\$", "maxLength": 1000}
    parts["Map"]["properties"]["over"] |= {"pattern": r"^(\$|$)", "maxLength": 1000}
    scenario["tags"]["uniqueItems"] = True
    scenario["main"]["oneOf"][1]["uniqueItems"] = True
    for key in ("tools", "subagents", "handoffs", "approve"):
        parts["Agent"]["properties"][key]["uniqueItems"] = True


def _exclusions(parts: dict[str, Schema]) -> None:
    parts["Return"] |= {**_any("value", "error"), **_at_most_one("value", "error")}
    parts["Expectation"] |= {**_any(*CHECKS), **_at_most_one(*CHECKS)}
    parts["Scenario"] |= _at_most_one("input", "turns", "inputs")
    parts["Reply"] |= {
        "if": _has("structured"),
        "then": {"properties": {"tool_calls": {"maxItems": 0}}},
    }
    parts["Decision"]["allOf"] = [
        {"if": _decides("edit"), "then": _has("args"), "else": _without("args")},
        {"if": _decides("respond"), "then": _has("message")},
        {"if": _decides("approve", "edit"), "then": _without("message")},
    ]


def _decides(*which: str) -> Schema:
    return {**_has("decide"), "properties": {"decide": {"enum": [*which]}}}


def _json_schemas(parts: dict[str, Schema]) -> None:
    parts["ObjectSchema"] = {
        "description": "A JSON Schema of an object.",
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"description": "Always object.", "const": "object"},
            "properties": {
                "description": "What the object has: a JSON Schema each.",
                "type": "object",
                "additionalProperties": {"type": ["object", "boolean"]},
            },
            "required": {
                "description": "Which of its properties it must have.",
                "type": "array",
                "items": {"type": "string"},
            },
        },
        "examples": [
            {
                "type": "object",
                "properties": {"headline": {"type": "string"}},
                "required": ["headline"],
            }
        ],
    }
    _behind(parts["Agent"]["properties"]["response_format"], ref("ObjectSchema"))
    _behind(
        parts["CannedTool"]["properties"]["parameters"],
        {
            "type": "object",
            "if": {**_has("type"), "properties": {"type": {"const": "object"}}},
            "then": ref("ObjectSchema"),
            "else": {"additionalProperties": {"enum": [*JSON_TYPES]}},
        },
    )


def _behind(property_: Schema, schema: Schema) -> None:
    """Put a schema in the place of what the model says, which keeps its description."""
    kept = {key: property_[key] for key in ("description", "examples") if key in property_}
    property_.clear()
    property_ |= kept | schema


def _tools(parts: dict[str, Schema]) -> None:
    parts["Tool"] = {
        "description": "A tool: code of the project by 'python', else canned answers.",
        "type": "object",
        # Named here so that an editor proposes it while none of the two is chosen.
        "properties": {"python": ref("PythonTool", "properties", "python")},
        "if": _has("python"),
        "then": ref("PythonTool"),
        "else": ref("CannedTool"),
    }
    _only_value(parts["Scenario"]["properties"]["tools"], ref("Tool"))


def _routes(parts: dict[str, Schema]) -> None:
    choices = {
        "type": "object",
        "patternProperties": {NAME: {"type": "string"}},
        "additionalProperties": False,
    }
    parts["Choices"] = {
        "description": "Agents, each with the words by which a model picks it.",
        **choices,
    }
    no_rule = {"propertyNames": {"not": {"enum": ["when", "to"]}}}
    option = {"anyOf": [ref("Rule"), {**ref("Choices"), **no_rule}]}
    parts["Route"]["properties"]["route"]["oneOf"] = [
        {**ref("Choices"), "minProperties": 1},
        {"type": "array", "minItems": 1, "items": option},
    ]


def _only_value(mapping: Schema, schema: Schema) -> None:
    mapping["patternProperties"] = {NAME: schema}


def _agents(parts: dict[str, Schema]) -> None:
    """Which kind of agent it is, its keys tell; what a used file says, nobody knows here.

    Keys of the composites stand also where no composite is: an editor proposes them there.
    """
    kinds = {kind: spec.__name__.removesuffix("Spec") for kind, spec in COMPOSITES.items()}
    every = {"agent": "Agent", **kinds}
    own = {name: [*parts[name]["properties"], "use"] for name in every.values()}
    used: Schema = {}
    for name in every.values():
        for key in parts[name]["properties"]:
            used.setdefault(key, ref(name, "properties", key))
    for name in every.values():
        parts[name]["properties"]["use"] = {**USE}
    parts["Agent"]["properties"] |= {
        kind: ref(name, "properties", kind) for kind, name in kinds.items()
    }
    parts["UsedAgent"] = {
        "description": "An agent of another file, with the keys that differ here.",
        "type": "object",
        "required": ["use"],
        "properties": {"use": {**USE}, **used},
        "additionalProperties": False,
        "anyOf": [{"propertyNames": {"enum": own[name]}} for name in every.values()],
    }
    parts["AnyAgent"] = {
        "description": "An agent, or a composite of agents: its keys tell which.",
        "type": "object",
        "allOf": [
            *({"if": _has(kind), "then": ref(name)} for kind, name in kinds.items()),
            {
                "if": _any(*kinds),
                "else": {"if": _has("use"), "then": ref("UsedAgent"), "else": ref("Agent")},
            },
        ],
    }
    _only_value(parts["Scenario"]["properties"]["agents"], ref("AnyAgent"))

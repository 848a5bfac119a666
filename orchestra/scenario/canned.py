"""Checks that types cannot express: JSON Schemas, and the conditions of canned answers."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Problem
from .excerpt import quoted, suggestion
from .nodes import Node
from .references import keys
from .schemas import unsound
from .shape import wrong_kind
from .source import Source
from .tools import JSON_TYPES, is_schema


def canned_problems(source: Source) -> Iterator[Problem]:
    """What is wrong in the parameters of canned tools, and in the ``when`` of their answers."""
    tools = source.node.get("tools")
    for name in tools.value if tools and isinstance(tools.value, dict) else ():
        parameters = source.find(("tools", name))[1].get("parameters")
        if parameters is None or not isinstance(parameters.value, dict):
            continue
        where = ("tools", name, "parameters")
        if is_schema(parameters.plain()):
            yield from _schema(source, where, parameters)
        else:
            for key, entry in parameters.value.items():
                yield from _short_form(source, (*where, key), entry.node)
        yield from _conditions(source, name, parameters)


def response_problems(source: Source) -> Iterator[Problem]:
    """What is wrong in the ``response_format`` of agents."""
    agents = source.node.get("agents")
    for name in keys(agents):
        where = ("agents", name, "response_format")
        schema = source.find(("agents", name))[1].get("response_format")
        if schema is None or not isinstance(schema.value, dict):
            continue
        kind = schema.get("type")
        if kind is None or kind.value != "object":
            hint = "as {type: object, properties: {headline: {type: string}}}"
            yield source.missing(where, "expected a JSON Schema with 'type: object'", hint)
        else:
            yield from _schema(source, where, schema)


def _short_form(source: Source, where: tuple[str, ...], parameter: Node) -> Iterator[Problem]:
    types = ", ".join(JSON_TYPES)
    if not isinstance(parameter.value, str):
        message, _ = wrong_kind("a type", parameter)
        hint = f"one of {types}; a JSON Schema has 'type: object' at its top"
        yield source.problem(where, message, hint)
    elif parameter.value not in JSON_TYPES:
        hint = suggestion(parameter.value, JSON_TYPES) or f"one of {types}"
        yield source.problem(where, f"unknown type {quoted(parameter.value)}", hint)


def _schema(source: Source, where: tuple[str | int, ...], schema: Node) -> Iterator[Problem]:
    """First what people get wrong, in words of our own; then whatever else is no JSON Schema."""
    problems = list(_properties(source, where, schema))
    if not problems and (found := unsound(schema.plain())):
        message = f"is no JSON Schema: {found.message}"
        problems.append(source.problem((*where, *found.where), message))
    yield from problems


def _properties(
    source: Source, where: tuple[str | int, ...], parameters: Node
) -> Iterator[Problem]:
    properties, required = parameters.get("properties"), parameters.get("required")
    if properties is not None and not isinstance(properties.value, dict):
        yield source.problem((*where, "properties"), *wrong_kind("a mapping", properties))
        return
    if required is None:
        return
    if not isinstance(required.value, list):
        yield source.problem((*where, "required"), *wrong_kind("a list", required))
        return
    if properties is None:
        return
    known = list(properties.value) if isinstance(properties.value, dict) else []
    for at, item in enumerate(required.value):
        if item.value not in known:
            message = f"{quoted(str(item.value))} is none of the properties"
            hint = suggestion(str(item.value), known)
            yield source.problem((*where, "required", at), message, hint)


def _conditions(source: Source, tool: str, parameters: Node) -> Iterator[Problem]:
    """An answer whose ``when`` names no parameter would never be given."""
    returns = source.find(("tools", tool))[1].get("returns")
    if returns is None or not isinstance(returns.value, list):
        return
    named = parameters.get("properties") if is_schema(parameters.plain()) else parameters
    if named is None or not isinstance(named.value, dict) or not named.value:
        return
    for at, answer in enumerate(returns.value):
        when = answer.get("when")
        for key in when.value if when and isinstance(when.value, dict) else ():
            if key not in named.value:
                where = ("tools", tool, "returns", at, "when", key)
                hint = suggestion(key, named.value) or f"its parameters: {', '.join(named.value)}"
                message = f"{quoted(key)} is no parameter of this tool"
                yield source.problem(where, message, hint, at_key=True)

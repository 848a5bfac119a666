"""What pydantic finds wrong, in the words of YAML and at its place in the file."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from ..errors import Problem
from ..text import nearest
from .excerpt import quoted
from .model import NAME, PYTHON, AgentSpec, Scenario
from .nodes import Node
from .source import Source, Where

A_NAME = "a name is a letter followed by letters, digits, '_' or '-', at most 64"

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_LIMITS = {
    "greater_than": ("gt", "must be greater than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
_MERGE = "YAML 1.2 has no merge keys; 'use:' takes over an agent from a file"
_PATTERNS = {NAME: A_NAME, PYTHON: "expected 'module:function'"}


def shape_problems(error: ValidationError, source: Source) -> Iterator[Problem]:
    """Every error of pydantic as a problem; those that only follow from another are left out."""
    for details in error.errors(include_url=False):
        place = _place(details["loc"], source)
        if place is not None and "<<" not in place.where[:-1]:
            problem = _problem(details, place, source)
            if problem is not None:
                yield problem


@dataclass(slots=True)
class _Place:
    where: list[str | int]
    kind: Any
    """The annotation of what should stand there."""
    parent: Any = Scenario
    is_key: bool = False
    misfit: bool = False
    """No member of a union is of the kind that was found."""


def _place(loc: Where, source: Source) -> _Place | None:
    """Where an error belongs: pydantic mixes keys with the names of union members.

    None if it tells why another member of a union did not fit than the one that was meant.
    """
    place = _Place([], Scenario)
    for part in loc:
        kind = _bare(place.kind)
        if part == "[key]":
            place.is_key = True
            continue
        if members := _members(kind):
            _, node, _ = source.find(place.where)
            fitting = [member for member in members if _accepts(member, node)]
            tagged = [member for member in members if _tag(member) == part]
            if not tagged and not fitting:
                place.misfit = True
                return place
            if not tagged and not any(_labelled(member, part) for member in fitting):
                return None
            place.kind = tagged[0] if tagged else fitting[0]
            continue
        place.parent = kind
        place.where.append(part)
        place.kind = _child(kind, part)
    return place


def _bare(kind: Any) -> Any:
    """An annotation without ``Annotated`` and ``| None``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
            continue
        if get_origin(kind) in (Union, types.UnionType):
            members = [member for member in get_args(kind) if member is not type(None)]
            if len(members) == 1:
                kind = members[0]
                continue
        return kind


def _members(kind: Any) -> list[Any]:
    if get_origin(kind) not in (Union, types.UnionType):
        return []
    return [member for member in get_args(kind) if member is not type(None)]


def _tag(member: Any) -> str | None:
    return next((it.tag for it in getattr(member, "__metadata__", ()) if isinstance(it, Tag)), None)


def _labelled(member: Any, label: str | int) -> bool:
    """Whether pydantic calls that member so: ``Spec``, or ``function-before[_short(), Spec]``."""
    name = getattr(_bare(member), "__name__", "")
    return label == name or str(label).endswith(f" {name}]")


def _child(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _wanted(kind: Any) -> str:
    """The kind of value that an annotation asks for, in YAML's words."""
    kind = _bare(kind)
    if get_origin(kind) in (tuple, list):
        return "a list"
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return "a mapping"
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(kind, "")


def _accepts(kind: Any, node: Node) -> bool:
    wanted = _wanted(kind)
    match node.value:
        case bool():
            return wanted == "true or false"
        case int():
            return wanted in ("a whole number", "a number")
        case float():
            return wanted == "a number"
        case str():
            return wanted == "text"
        case list():
            return wanted == "a list"
        case dict():
            return wanted == "a mapping"
    return False


def _problem(details: ErrorDetails, place: _Place, source: Source) -> Problem | None:
    where = place.where
    _, node, _ = source.find(where)
    if place.misfit:
        expected = " or ".join(dict.fromkeys(map(_wanted, _members(_bare(place.kind)))))
        return source.problem(where, *wrong_kind(expected, node))
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            key = str(where[-1])
            hint = _known_keys(key, place.parent)
            return source.problem(where, f"unknown key {quoted(key)}", hint, at_key=True)
        case "missing":
            hint = "begin the file with 'version: 1'" if where == ["version"] else ""
            return source.missing(where[:-1], f"missing key {quoted(str(where[-1]))}", hint)
        case "literal_error":
            return source.problem(where, *_not_allowed(get_args(_bare(place.kind)), node))
        case "string_pattern_mismatch":
            text = str(where[-1]) if place.is_key else str(node.value)
            words = _PATTERNS.get(str(context.get("pattern")), "does not fit its pattern")
            hint = _MERGE if text == "<<" else ""
            message = f"{quoted(text)}: {words}"
            return source.problem(where, message, hint, at_key=place.is_key)
        case "too_short" if isinstance(node.value, (list, dict)) and node.value:
            return None  # its items are wrong, and are reported
        case kind if kind in _EXPECTED:
            return source.problem(where, *wrong_kind(_EXPECTED[kind], node))
        case kind:
            return source.problem(where, _other(kind, details, node))


def _other(kind: str, details: ErrorDetails, node: Node) -> str:
    context = details.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{words} {context[name]:g}, found {node.value}"
    match kind:
        case "value_error":
            return str(context["error"])
        case "too_short":
            return "needs at least one item"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"is longer than {context['max_length']} characters"
    message = details["msg"]
    return message[:1].lower() + message[1:]


def _known_keys(key: str, model: Any) -> str:
    if key == "<<":
        return _MERGE
    keys = list(model.model_fields)
    if model is AgentSpec:
        keys.append("use")
    return nearest(key, keys) or f"the keys known here are {', '.join(keys)}"


def _not_allowed(allowed: tuple[Any, ...], node: Node) -> tuple[str, str]:
    words = [f"{value!r}" if isinstance(value, str) else str(value) for value in allowed]
    expected = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    hint = nearest(node.value, map(str, allowed)) if isinstance(node.value, str) else ""
    if isinstance(node.value, str) and not isinstance(allowed[0], str) and node.value in words:
        hint = "remove the quotes"
    return f"expected {expected}, found {_found(node)}", hint


def wrong_kind(expected: str, node: Node) -> tuple[str, str]:
    """Message and hint for a value of the wrong kind."""
    return f"expected {expected}, found {_found(node)}", _kind_hint(expected, node)


def _kind_hint(expected: str, node: Node) -> str:
    match expected, node.value:
        case "text" | "text or a mapping", bool() | int() | float():
            return "put it in quotes"
        case "text", None:
            return "leave the key out, or write ''"
        case "a list", str() as text:
            return f"write [{quoted(text)[1:-1]}]"
        case "a list", dict():
            return "begin each item with '- '"
        case "a list", None:
            return "write [] for an empty one"
        case "a mapping", None:
            return "write {} for an empty one"
        case "true or false", str():
            return "only true and false are, without quotes"
        case "a number" | "a whole number", str() as text if _is_number(text):
            return "remove the quotes"
    return ""


def _found(node: Node) -> str:
    match node.value:
        case None:
            return "nothing"
        case bool() as value:
            return str(value).lower()
        case int() | float() as value:
            return f"the number {value}"
        case str() as text:
            return f"the text {quoted(text)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

"""What pydantic finds wrong, in the words of YAML and at its place in the file."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import Problem
from ..text import one_line
from .excerpt import quoted, suggestion
from .hints import KNOWN, MERGE, TAKES, key_hint, place_hint
from .kinds import accepts, bare, child, labelled, members, optional, scalars, tag, wanted
from .model import Scenario
from .nodes import MAX_PROBLEMS, Node
from .slips import loose_block, space_left_out
from .source import Source, Where
from .spec import NAME, Named
from .tools import PYTHON

UNQUOTE = "remove the quotes"
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
_LONG = 40  # characters of a number that is shown
_SIMPLE_FIRST = ["text", "true or false", "a whole number", "a number", "a list", "a mapping", ""]
_UNIT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*[A-Za-z%]{1,9}")
_PATTERNS = {NAME: A_NAME, PYTHON: "expected 'module:function'"}


def shape_problems(error: ValidationError, source: Source) -> Iterator[Problem]:
    """Every error of pydantic as a problem; those that only follow from another are left out."""
    found = [
        (details, place)
        for details in islice(error.errors(include_url=False), MAX_PROBLEMS)
        if (place := _place(details["loc"], source)) is not None and "<<" not in place.where[:-1]
    ]
    misspelt: dict[Where, str] = {}
    for details, place in found:
        if details["type"] == "extra_forbidden":
            hint = key_hint(source, place.where, place.parent)
            where = tuple(place.where[:-1])
            misspelt[where] = misspelt.get(where, "") + hint
    told: set[Where] = set()  # the mappings whose keys were listed: once is enough
    for details, place in found:
        if details["type"] == "missing":
            hint = misspelt.get(tuple(place.where[:-1]), "")
            if f"mean '{place.where[-1]}'" in hint or "mean 'python'" in hint:
                continue  # it is there, misspelt
        problem = _problem(details, place, source)
        if problem is None:
            continue
        yield _listed_once(problem, tuple(place.where[:-1]), told)


def _listed_once(problem: Problem, mapping: Where, told: set[Where]) -> Problem:
    """The problem without a list of all keys where the mapping's keys were listed before."""
    before, listed, _ = problem.hint.partition(TAKES)
    if not listed and not before.startswith(KNOWN):
        return problem
    if mapping not in told:
        told.add(mapping)
        return problem
    return problem._replace(hint=before if listed else "")


def empty_problems(source: Source) -> Iterator[Problem]:
    """Keys with nothing behind them, where pydantic reads a null as if the key were not there."""
    if all(it is not None for it in scalars(source.node)):
        return
    todo = deque[tuple[list[str | int], Node, Any]]([([], source.node, Scenario)])
    while todo:
        where, node, kind = todo.popleft()
        options = [it for it in members(bare(kind)) or [bare(kind)] if accepts(it, node)]
        if any(issubclass(it, Named) for it in map(bare, options) if isinstance(it, type)):
            continue  # its key is a name, and no field
        match node.value:
            case dict() as entries:
                parts = [(key, entry.node) for key, entry in entries.items()]
            case list() as items:
                parts = list(enumerate(items))
            case _:
                continue
        for part, below in parts:
            kinds = [it for it in (child(bare(option), part) for option in options) if it]
            if below.value is None and any(map(optional, kinds)):
                expected = wanted(kinds[0]) or "a value"
                yield source.problem([*where, part], *wrong_kind(expected, below))
            todo += [([*where, part], below, it) for it in kinds[:1]]


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
        kind = bare(place.kind)
        if part == "[key]":
            place.is_key = True
            continue
        if options := members(kind):
            _, node, _ = source.find(place.where)
            fitting = [member for member in options if accepts(member, node)]
            tagged = [member for member in options if tag(member) == part]
            if not fitting:
                place.misfit = True
                return place
            if not tagged and not any(labelled(member, part) for member in fitting):
                return None
            place.kind = tagged[0] if tagged else fitting[0]
            continue
        place.parent = kind
        place.where.append(part)
        place.kind = child(kind, part)
    return place


def _problem(details: ErrorDetails, place: _Place, source: Source) -> Problem | None:
    where = place.where
    _, node, _ = source.find(where)
    if place.misfit:
        kinds = {wanted(member) for member in members(bare(place.kind))}
        expected = " or ".join(sorted(kinds, key=_SIMPLE_FIRST.index))
        return _wrong_kind(source, where, expected, node)
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            hint = key_hint(source, where, place.parent)
            return _bad_key(source, where, f"unknown key {quoted(str(where[-1]))}", hint)
        case "missing":
            hint = "begin the file with 'version: 1'" if where == ["version"] else ""
            return source.missing(where[:-1], f"missing key {quoted(str(where[-1]))}", hint)
        case "literal_error":
            message, hint = _not_allowed(get_args(bare(place.kind)), node)
            if where == ["version"] and hint != UNQUOTE and isinstance(node.value, str | None):
                hint = "write 'version: 1'"
            return source.problem(where, message, hint)
        case "string_pattern_mismatch":
            text = str(where[-1]) if place.is_key else str(node.value)
            words = _PATTERNS.get(str(context.get("pattern")), "does not fit its pattern")
            message = f"{quoted(text)}: {words}"
            if place.is_key:
                return _bad_key(source, where, message, MERGE if text == "<<" else "")
            return source.problem(where, message)
        case "too_short" if isinstance(node.value, (list, dict)) and node.value:
            return None  # its items are wrong, and are reported
        case kind if kind in _EXPECTED:
            return _wrong_kind(source, where, _EXPECTED[kind], node)
        case kind:
            return source.problem(where, _other(kind, details, node))


def _bad_key(source: Source, where: Where, message: str, hint: str) -> Problem:
    """A key that cannot be one; with blanks in it, it may be a line of a text above."""
    problem = source.problem(where, message, hint, at_key=True)
    if " " not in str(where[-1]):
        return problem
    found = loose_block(source.texts.get(problem.file, ()), problem.line)
    return problem._replace(message=found.message, hint=found.hint) if found else problem


def _other(kind: str, details: ErrorDetails, node: Node) -> str:
    context = details.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        bound = context[name]
        bound = int(bound) if bound == int(bound) else bound
        return f"{words} {bound}, found {one_line(str(node.value), _LONG)}"
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


def _not_allowed(allowed: tuple[Any, ...], node: Node) -> tuple[str, str]:
    words = [f"{value!r}" if isinstance(value, str) else str(value) for value in allowed]
    expected = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    hint = suggestion(node.value, map(str, allowed)) if isinstance(node.value, str) else ""
    if isinstance(node.value, str) and not isinstance(allowed[0], str) and node.value in words:
        hint = UNQUOTE
    return f"expected {expected}, found {_found(node)}", hint


def _wrong_kind(source: Source, where: Where, expected: str, node: Node) -> Problem:
    """A value of the wrong kind, with what this very place asks for if that is of more help."""
    message, hint = wrong_kind(expected, node)
    text = node.value if isinstance(node.value, str) and expected != "text" else ""
    if write := space_left_out(text):
        hint = f"a space is missing behind its ':': {write}"
    else:
        hint = place_hint(where, node.value) or hint
    return source.problem(where, message, hint)


def wrong_kind(expected: str, node: Node) -> tuple[str, str]:
    """Message and hint for a value of the wrong kind."""
    return f"expected {expected}, found {_found(node)}", _kind_hint(expected, node)


def _kind_hint(expected: str, node: Node) -> str:
    match expected, node.value:
        case _, str() as text:
            return _text_hint(expected, text)
        case "text" | "text or a mapping", bool() | int() | float():
            return "put it in quotes"
        case "text", None:
            return "leave the key out, or write ''"
        case "a list", dict():
            return "begin each item with '- '"
        case "a list", None:
            return "write [] for an empty one"
        case "a mapping", None:
            return "indent what belongs to it, or write {}"
        case "a mapping", list():
            return "write 'name:' instead of '- '"
    return ""


def _text_hint(expected: str, text: str) -> str:
    """Of a text where something else is asked for."""
    match expected:
        case "a list":
            several = ", or begin each item with '- '" if " " in text and "," not in text else ""
            return f"write [{quoted(text)[1:-1]}]{several}"
        case "true or false":
            return "only true and false are, without quotes"
        case "a number" | "a whole number" if _is_number(text):
            return UNQUOTE
        case "a number" | "a whole number" if unit := _UNIT.fullmatch(text):
            return f"write {unit[1]} alone, without a unit"
    return ""


def _found(node: Node) -> str:
    match node.value:
        case None:
            return "nothing"
        case bool() as value:
            return str(value).lower()
        case int() | float() as value:
            return f"the number {one_line(str(value), _LONG)}"
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

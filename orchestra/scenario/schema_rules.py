"""Keywords of JSON Schema, bounded: every one that is looked at counts.

Some of the library's own are replaced. They take Python's regular expressions, compare all items
of a list with each other, or gather what was evaluated without end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import attrs
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import lookup_recursive_ref

from .bounds import spend, spend_on
from .expressions import search

Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]

LONGEST = 1000  # characters of a message: one may hold all of a large value
_DEEP = {"const", "enum", "uniqueItems"}  # they look at all that is in a value


@lru_cache(maxsize=16)
def guarded(kind: Any) -> Any:
    """A class of validators like ``kind`` that cannot take for ever."""
    known = kind.VALIDATORS
    keywords = {**known, **{name: it for name, it in _OWN.items() if name in known}}
    counted = {name: _counted(name, it) for name, it in keywords.items()}
    made: Any = extend(kind, counted)  # type: ignore[no-untyped-call] # jsonschema's
    # The library's own would take another class where a part of a schema has a '$schema'.
    made.evolve = lambda self, **changes: attrs.evolve(self, **changes)
    return made


def _counted(name: str, keyword: Keyword) -> Keyword:
    def look(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if name in _DEEP:
            spend_on(value, instance)
        else:
            spend(1 + (_size(value) + _size(instance)) // 20)  # passing by a part is no keyword
        for error in keyword(validator, value, instance, schema) or ():
            spend(1 + len(error.message) // 100)
            error.message = error.message[:LONGEST]
            yield error

    return look


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0


def _pattern(validator: Any, expression: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not search(expression, instance):
        yield ValidationError(f"{instance!r} does not match {expression!r}")


def _pattern_properties(
    validator: Any, properties: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for expression, schema in properties.items():
            for key in _matching(expression, instance):
                yield from validator.descend(instance[key], schema, path=key)


def _matching(expression: str, keys: Iterable[str]) -> list[str]:
    found = []
    for key in keys:
        spend()
        if search(expression, key):
            found.append(key)
    return found


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    known = schema.get("properties", {})
    extras = [key for key in instance if key not in known]
    for expression in schema.get("patternProperties", {}):
        matching = set(_matching(expression, extras))
        extras = [key for key in extras if key not in matching]
    if allowed is False and extras:
        yield ValidationError(f"Additional properties are not allowed ({_unexpected(extras)})")
    elif allowed is not False:
        for key in extras:
            yield from validator.descend(instance[key], allowed, path=key)


def _unexpected(extras: list[Any]) -> str:
    verb = "was" if len(extras) == 1 else "were"
    return f"{', '.join(map(repr, extras))} {verb} unexpected"


def _unique_items(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if wanted and validator.is_type(instance, "array"):
        # As texts: what is equal can then be found without comparing each item with all others.
        seen = {json.dumps(_whole(item), sort_keys=True) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _whole(value: Any) -> Any:
    """The value with 1 for 1.0: in JSON Schema they are equal (but true is not 1)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {key: _whole(it) for key, it in value.items()} if isinstance(value, dict) else value


def _unevaluated_items(
    validator: Any, rest: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "array"):
        own = {key: it for key, it in schema.items() if key != "unevaluatedItems"}
        seen = _evaluated(validator, instance, own, _indexes)
        extras = [
            item
            for at, item in enumerate(instance)
            if at not in seen and any(validator.descend(item, rest, path=at))
        ]
        if extras:
            yield ValidationError(f"Unevaluated items are not allowed ({_unexpected(extras)})")


def _unevaluated_properties(
    validator: Any, rest: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        own = {key: it for key, it in schema.items() if key != "unevaluatedProperties"}
        seen = _evaluated(validator, instance, own, _keys)
        extras = [
            key
            for key, value in instance.items()
            if key not in seen and any(validator.descend(value, rest, path=key))
        ]
        if extras:
            told = f"Unevaluated properties are not allowed ({_unexpected(extras)})"
            yield ValidationError(told)


Looks = Callable[[Any, Any, Mapping[str, Any]], set[Any]]


def _evaluated(validator: Any, instance: Any, schema: Any, here: Looks) -> set[Any]:
    """The keys or indexes that a schema looks at, and those beside it: ``$ref``, ``allOf`` …."""
    if not isinstance(schema, dict):
        return set()
    spend(1 + _size(instance))
    found = here(validator, instance, schema)
    for other, beside in _beside(validator, instance, schema):
        found |= _evaluated(other, instance, beside, here)
    return found


def _beside(validator: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The schemas that look at the same value, as far as it fits them."""
    resolver = validator._resolver
    there = [resolver.lookup(schema[it]) for it in ("$ref", "$dynamicRef") if it in schema]
    if "$recursiveRef" in schema:
        there.append(lookup_recursive_ref(resolver))
    for it in there:
        yield validator.evolve(schema=it.contents, _resolver=it.resolver), it.contents

    def fits(it: Any) -> bool:
        return not any(validator.descend(instance, it))

    parts = [it for key in ("allOf", "oneOf", "anyOf") for it in schema.get(key, ()) if fits(it)]
    if "if" in schema:
        fitting = fits(schema["if"])
        parts += [schema["if"]] if fitting else []
        parts.append(schema.get("then" if fitting else "else", True))
    if isinstance(instance, dict):
        depending = schema.get("dependentSchemas", {}).items()
        parts += [it for key, it in depending if key in instance]
    yield from ((validator, it) for it in parts)


def _keys(_: Any, instance: Any, schema: Mapping[str, Any]) -> set[Any]:
    if "additionalProperties" in schema or "unevaluatedProperties" in schema:
        return set(instance)  # whichever it does not look at, others have
    found = schema.get("properties", {}).keys() & instance.keys()
    for expression in schema.get("patternProperties", ()):
        found.update(_matching(expression, instance))
    return set(found)


def _indexes(validator: Any, instance: Any, schema: Mapping[str, Any]) -> set[Any]:
    first, rest = schema.get("prefixItems", ()), schema.get("items")
    if isinstance(rest, list):  # before 2020-12
        first, rest = rest, schema.get("additionalItems")
    if rest is not None or "unevaluatedItems" in schema:
        return set(range(len(instance)))
    found = set(range(len(first)))
    if "contains" in schema:
        wanted = schema["contains"]
        found |= {
            at for at, item in enumerate(instance) if not any(validator.descend(item, wanted))
        }
    return found


_OWN: Mapping[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "unevaluatedItems": _unevaluated_items,
    "unevaluatedProperties": _unevaluated_properties,
}

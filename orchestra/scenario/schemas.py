"""JSON Schema, by the library ``jsonschema``: a scenario's own schemas, and what fits them.

Nothing is ever fetched: a ``$ref`` finds what stands in the schema itself. Few scenarios have a
schema, so the library is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .bounds import bounded
from .expressions import check

MOST = 200  # regular expressions of a schema that are looked at before it is used
STEPS = 300_000  # keywords that are looked at, and what they look at, for one value


@dataclass(frozen=True, slots=True)
class Unsound:
    """What is wrong with a schema, and where in it."""

    where: Sequence[str | int]
    message: str


def unsound(schema: Mapping[str, Any]) -> Unsound | None:
    """What makes this no JSON Schema, if anything does."""
    try:
        kind = _validator_class(schema)
        # Without formats: its expressions are of our dialect, and bounded.
        with bounded(STEPS):
            error = next(kind(kind.META_SCHEMA).iter_errors(schema), None)
        if error is not None:
            return Unsound(list(error.absolute_path), _brief(error.message))
        for expression in islice(_expressions(schema), MOST + 1):
            check(expression)
    except Exception as wrong:  # noqa: BLE001 - a regular expression, a reference, recursion
        return Unsound([], _brief(str(wrong)))
    return None


def _expressions(part: Any) -> Iterator[str]:
    """The regular expressions in a schema, wherever one may stand."""
    if isinstance(part, list):
        for item in part:
            yield from _expressions(item)
    elif isinstance(part, dict):
        if isinstance(pattern := part.get("pattern"), str):
            yield pattern
        if isinstance(named := part.get("patternProperties"), dict):
            yield from named
        for item in part.values():
            yield from _expressions(item)


def misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    """Why ``value`` does not fit, or None if it does."""
    from jsonschema.exceptions import best_match

    try:
        validator = _validator(schema)
        with bounded(STEPS):
            error = best_match(validator.iter_errors(value))
    except Exception as wrong:  # noqa: BLE001 - a reference to nowhere, a circle, recursion
        return _brief(f"the schema cannot be used: {wrong}")
    if error is None:
        return None
    where = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in error.absolute_path)
    return _brief(f"{where.lstrip('.')}: {error.message}" if where else error.message)


def _validator(schema: Mapping[str, Any]) -> Any:
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped] # has no types
    from referencing import Resource
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    name = resource.id() or ""
    # Gone through once: else it is gone through again for every '$ref' that is no path.
    known = REGISTRY.with_resource(name, resource).crawl()
    return _validator_class(schema)(schema, _resolver=known.resolver(name))


def _validator_class(schema: Mapping[str, Any]) -> Any:
    from jsonschema.validators import Draft202012Validator, validator_for

    from .schema_rules import guarded

    return guarded(validator_for(schema, default=Draft202012Validator))


def _brief(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= 200 else text[:199] + "…"

"""JSON Schema, by the library ``jsonschema``: a scenario's own schemas, and what fits them.

Nothing is ever fetched: a ``$ref`` finds what stands in the schema itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from .expressions import check, search

MOST = 200  # regular expressions of a schema that are looked at before it is used


@dataclass(frozen=True, slots=True)
class Unsound:
    """What is wrong with a schema, and where in it."""

    where: Sequence[str | int]
    message: str


def unsound(schema: Mapping[str, Any]) -> Unsound | None:
    """What makes this no JSON Schema, if anything does."""
    from jsonschema import FormatChecker  # here: few scenarios have a schema
    from jsonschema.exceptions import SchemaError

    try:
        # Without formats: its expressions are of our dialect, and bounded.
        _validator_class(schema).check_schema(schema, format_checker=FormatChecker(formats=()))
        for expression in islice(_expressions(schema), MOST + 1):
            check(expression)
    except SchemaError as error:
        return Unsound(list(error.absolute_path), _brief(error.message))
    except Exception as error:  # noqa: BLE001 - a regular expression, a reference, recursion
        return Unsound([], _brief(str(error)))
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
    from referencing import Registry

    try:
        validator = _validator_class(schema)(schema, registry=Registry())
        error = best_match(validator.iter_errors(value))
    except Exception as wrong:  # noqa: BLE001 - a reference to nowhere, a circle, recursion
        return _brief(f"the schema cannot be used: {wrong}")
    if error is None:
        return None
    where = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in error.absolute_path)
    return _brief(f"{where.lstrip('.')}: {error.message}" if where else error.message)


def _validator_class(schema: Mapping[str, Any]) -> Any:
    from jsonschema.validators import Draft202012Validator, validator_for

    return _guarded(validator_for(schema, default=Draft202012Validator))


@lru_cache(maxsize=16)
def _guarded(kind: Any) -> Any:
    """A validator whose regular expressions cannot take for ever, as Python's own can."""
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend

    def pattern(validator: Any, expression: str, instance: Any, _: Any) -> Iterator[Any]:
        if validator.is_type(instance, "string") and not search(expression, instance):
            yield ValidationError(f"{instance!r} does not match {expression!r}")

    def pattern_properties(
        validator: Any, properties: Mapping[str, Any], instance: Any, _: Any
    ) -> Iterator[Any]:
        if validator.is_type(instance, "object"):
            for expression, schema in properties.items():
                for key, value in instance.items():
                    if search(expression, key):
                        yield from validator.descend(value, schema, path=key)

    keywords = {"pattern": pattern, "patternProperties": pattern_properties}
    return extend(kind, keywords)  # type: ignore[no-untyped-call]


def _brief(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= 200 else text[:199] + "…"

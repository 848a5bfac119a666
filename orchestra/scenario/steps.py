"""The steps of a check on tool calls, and the matchers that may stand in their arguments."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import JsonValue, Strict, ValidationInfo, field_validator, model_validator

from ..text import nearest
from .expressions import check, search
from .matcher import same
from .spec import Named, Spec, spelled_out

MatchMode = Literal["strict", "unordered", "subset", "superset", "in_order"]
ArgsMode = Literal["exact", "subset", "ignore"]

_MATCHERS = ("$contains", "$matches", "$any")


class Step(Named):
    """One expected tool call; in YAML ``name`` (any arguments) or ``{name: {argument: value}}``."""

    what = "step"

    name: str
    """The tool, or the subagent."""
    args: dict[str, JsonValue] | None = None
    """What it is called with; without them, any arguments will do. A value may be a matcher:
    ``{$contains: text}``, ``{$matches: expression}`` or ``{$any: true}``."""

    @field_validator("args")
    @classmethod
    def _are_matchers(cls, args: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        todo: list[Any] = [args]
        while todo:
            value = todo.pop()
            if isinstance(value, dict):
                _check_matcher(value)
                todo += value.values()
            elif isinstance(value, list):
                todo += value
        return args


class ToolCallsCheck(Spec):
    """The tool calls an agent asked for. A bare list means strict."""

    match: MatchMode = "strict"
    """strict: the same calls in order (calls of one turn have none); unordered: the same calls;
    subset: no other calls than these; superset: at least these; in_order: at least these, in
    order."""
    args: ArgsMode = "exact"
    """How the arguments of a step are compared: all of them, those it names, or not at all."""
    steps: Annotated[tuple[Step, ...], Strict(strict=False)]
    """The calls: ``name``, or ``{name: {argument: value}}``."""

    # What a "before" validator returns is no longer JSON, and Python's strict mode wants a tuple
    # where JSON's takes a list: hence steps are not strict. The steps themselves are.
    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        if spelled_out(cls, value, info):
            return value
        if not isinstance(value, (list, dict)):
            raise ValueError("expected a list of steps, or a mapping with 'steps'")
        return {"steps": value} if isinstance(value, list) else value


def fits(expected: Any, seen: Any) -> bool:
    """Whether a value is as expected: equal as JSON, or what a matcher in its place asks for."""
    if isinstance(expected, dict):
        if matcher := next((it for it in expected if it in _MATCHERS), None):
            return _fits_matcher(matcher, expected[matcher], seen)
        return (
            isinstance(seen, dict)
            and expected.keys() == seen.keys()
            and all(fits(expected[key], seen[key]) for key in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(seen, list) and len(expected) == len(seen) and all(map(fits, expected, seen))
        )
    return same(expected, seen)


def has_matcher(expected: Any) -> bool:
    """Whether a matcher stands anywhere in a value."""
    if isinstance(expected, dict):
        return any(key in _MATCHERS or has_matcher(it) for key, it in expected.items())
    return isinstance(expected, list) and any(map(has_matcher, expected))


def _fits_matcher(matcher: str, given: Any, seen: Any) -> bool:
    if matcher == "$any":
        return True
    if matcher == "$contains" and isinstance(seen, list):
        return any(fits(given, it) for it in seen)
    text = seen if isinstance(seen, str) else json.dumps(seen, ensure_ascii=False)
    return given in text if matcher == "$contains" else bool(search(given, text))


def _check_matcher(value: dict[str, Any]) -> None:
    key = next((key for key in value if key in _MATCHERS), None)
    if key is None:
        # Other words with a $ may be arguments, as those of OData are.
        typo = next((it for it in value if it.startswith("$") and nearest(it, _MATCHERS)), None)
        if typo is not None:
            raise ValueError(f"no matcher {typo!r}; {nearest(typo, _MATCHERS)}")
        return
    if len(value) > 1:
        raise ValueError(f"{key!r} stands alone, as '{{{key}: …}}'")
    given = value[key]
    if key == "$any" and given is not True:
        raise ValueError("expected '$any: true'")
    if key != "$any" and not isinstance(given, str):
        raise ValueError(f"{key!r} takes a text")
    if key == "$matches":
        check(str(given))

"""Matchers: whether a text is as it should be, and why not.

One language for the output of a run, a loop's ``until``, a route's ``when`` and a reply's
``match``. A bare text means ``contains``.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from typing import Any

from pydantic import JsonValue, ValidationInfo, field_validator, model_validator

from ..text import one_line
from .expressions import check, search
from .paths import compiled, select
from .schemas import misfit, unsound
from .spec import Arguments, Spec, spelled_out

_SHOWN = 200  # characters of a text in a reason


class JsonPath(Spec):
    """What a JSONPath finds in the text, read as JSON."""

    path: str
    """A JSONPath of RFC 9535, as ``$.items[0].name``."""
    equals: JsonValue = None
    """What it must find; without it, finding anything will do."""

    @field_validator("path")
    @classmethod
    def _is_path(cls, path: str) -> str:
        compiled(path)
        return path

    def reason(self, text: str) -> str | None:
        try:
            document = read_json(text)
        except ValueError:
            return "expected JSON"
        try:
            found = select(self.path, document)
        except ValueError as error:
            return str(error)
        if not found:
            return f"{self.path} finds nothing"
        if "equals" not in self.model_fields_set or any(same(self.equals, it) for it in found):
            return None
        # No more than are shown: of values inside each other, all would be far more than the text.
        seen = ", ".join(json.dumps(it, ensure_ascii=False) for it in found[:_SHOWN])
        expected = json.dumps(self.equals, ensure_ascii=False)
        return f"{self.path}: expected {expected}, found {one_line(seen, _SHOWN)}"


class Matcher(Spec):
    """Of a text: all that is given must hold. A bare text means ``contains``."""

    contains: str | None = None
    """Is part of it."""
    equals: str | None = None
    """Is the whole of it."""
    matches: str | None = None
    """A regular expression that fits somewhere in it (``re.search``)."""
    json_schema: Arguments | None = None
    """A JSON Schema that it fits, read as JSON."""
    json_path: JsonPath | None = None
    """What a JSONPath finds in it, read as JSON."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        if spelled_out(cls, value, info):
            return value
        if not isinstance(value, (str, dict)):
            known = ", ".join(f"'{name}'" for name in cls.model_fields)
            raise ValueError(f"expected text, or a mapping with one of {known}")
        return {"contains": value} if isinstance(value, str) else value

    @field_validator("matches")
    @classmethod
    def _is_expression(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check(pattern)
        return pattern

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, schema: Arguments | None) -> Arguments | None:
        if schema is not None and (found := unsound(schema)):
            raise ValueError(f"is no JSON Schema: {found.message}")
        return schema

    @model_validator(mode="after")
    def _not_empty(self) -> Matcher:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            known = ", ".join(f"'{name}'" for name in type(self).model_fields)
            raise ValueError(f"needs one of {known}")
        return self

    def reason(self, text: str) -> str | None:
        """Why ``text`` does not fit, or None if it does."""
        return next(self._reasons(text), None)

    def fits(self, text: str) -> bool:
        return self.reason(text) is None

    def _reasons(self, text: str) -> Iterator[str]:
        seen = f"seen {one_line(text, _SHOWN)!r}" if text else "seen no text"
        if self.contains is not None and self.contains not in text:
            yield f"expected to contain {self.contains!r}, {seen}"
        if self.equals is not None and self.equals != text:
            yield f"expected {self.equals!r}, {seen}"
        if self.matches is not None:
            try:
                found = search(self.matches, text)
            except TimeoutError as error:
                yield str(error)
                return
            if not found:
                yield f"expected to match {self.matches!r}, {seen}"
        if self.json_schema is not None:
            yield from self._schema_reasons(text, self.json_schema, seen)
        if self.json_path is not None and (reason := self.json_path.reason(text)):
            yield f"{reason}, {seen}" if reason == "expected JSON" else reason

    def _schema_reasons(self, text: str, schema: Arguments, seen: str) -> Iterator[str]:
        try:
            document = read_json(text)
        except ValueError:
            yield f"expected JSON, {seen}"
            return
        if reason := misfit(schema, document):
            yield f"does not fit its JSON Schema: {reason}"


def read_json(text: str) -> Any:
    """The JSON in a model's answer, also where it stands in a fenced code block."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        bare = bare[bare.index("\n") : -3]
    try:
        return json.loads(bare)
    except RecursionError:
        raise ValueError("nests too deep") from None


def same_as(value: Any) -> Hashable:
    """What two JSON values have in common if they are the :func:`same`, and only then."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, dict):
        return frozenset((key, same_as(it)) for key, it in value.items())
    if isinstance(value, list):
        return tuple(map(same_as, value))
    plain: Hashable = value
    return plain


def same(expected: Any, seen: Any) -> bool:
    """Equal as JSON: 3 is 3.0, but True is not 1 (in Python it is)."""
    if isinstance(expected, bool) or isinstance(seen, bool):
        return expected is seen
    if isinstance(expected, dict) and isinstance(seen, dict):
        return expected.keys() == seen.keys() and all(same(expected[k], seen[k]) for k in seen)
    if isinstance(expected, list) and isinstance(seen, list):
        return len(expected) == len(seen) and all(map(same, expected, seen))
    return bool(expected == seen)

"""What the parts of the language are made of: the base of all models, and their common types.

Files are validated as JSON in strict mode: ``"40"`` is no number, and ``1`` is no text. The text
under a field is its documentation, and goes into the JSON Schema (see ``schema``).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"

Name = Annotated[str, StringConstraints(pattern=NAME)]
Arguments = dict[str, JsonValue]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Timeout = Annotated[float, Field(gt=0, le=86_400)]
Positive = Annotated[int, Field(gt=0, le=1_000_000_000)]
Tokens = Annotated[int, Field(ge=0)]


class Spec(BaseModel):
    """A part of a scenario: immutable, and without keys nobody knows."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        protected_namespaces=(),
        allow_inf_nan=False,
        defer_build=True,  # only the whole is ever asked to check anything
    )


def keys_of(cls: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by their keys in YAML: the names but where that is a word of Python."""
    return {field.alias or name: field for name, field in cls.model_fields.items()}


def spelled_out(cls: type[BaseModel], value: Any, info: ValidationInfo) -> bool:
    """Whether a value comes from Python, as an object or by the fields' names: no short form."""
    if info.mode == "json":
        return False
    return isinstance(value, cls) or (
        isinstance(value, dict) and keys_of(cls).keys() >= value.keys()
    )


class Named(Spec):
    """Something with arguments; in YAML ``name``, or ``{name: {argument: value}}``."""

    what: ClassVar[str]
    """What to call it in an error."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        if spelled_out(cls, value, info):
            return value
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1:
            ((name, args),) = value.items()
            if args is None:
                return {"name": name}
            if isinstance(args, dict):
                return {"name": name, "args": args}
            named = f"; its arguments need names, as {{{name}: {{argument: {args!r}}}}}"
            hint = named if isinstance(args, (str, int, float)) and len(str(args)) < 60 else ""
        else:
            hint = ""
        form = "'name' or '{name: {argument: value}}'"
        raise ValueError(f"expected one {cls.what}, as {form}{hint}")


def text_or(value: Any) -> str:
    """The tag of ``text | a mapping`` unions."""
    return "@text" if isinstance(value, str) else "@mapping"

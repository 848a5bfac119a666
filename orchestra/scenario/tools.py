"""The tools of a scenario: code of the project, and canned answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from .spec import Arguments, Seconds, Spec

PYTHON = r"^[\w.]+:[\w.]+$"
JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object")


class Return(Spec):
    """One answer of a canned tool."""

    when: Arguments = {}
    """Arguments that must be equal for this answer to fit."""
    value: JsonValue = None
    """The answer: text, or anything else that JSON knows."""
    error: str | None = None
    """The tool fails with this message, and the model is told so."""
    delay: Seconds = 0.0
    """Seconds before the answer."""
    times: Annotated[int, Field(gt=0)] | None = None
    """How often it may be given in one run; default: without end."""

    @model_validator(mode="after")
    def _one_answer(self) -> Return:
        if ("value" in self.model_fields_set) == ("error" in self.model_fields_set):
            raise ValueError("needs one of 'value' and 'error'")
        return self


class PythonTool(Spec):
    """A function, a LangChain tool or a class of a Python module of the project."""

    python: Annotated[str, StringConstraints(pattern=PYTHON)]
    """``module:name``, looked up beside the scenario and under its root. Of a class, one instance
    is made for each run, and its public methods are the tools."""
    args: Arguments = {}
    """What the class is called with."""
    mock: Annotated[tuple[Return, ...], Field(min_length=1)] | None = None
    """What a function answers in a test or a replay, where it is not run: the first that fits."""


class CannedTool(Spec):
    """A tool without code: deterministic answers, the first that fits is given."""

    description: str = ""
    """What the model reads."""
    parameters: Arguments = {}
    """Short form ``{city: string}``, or a JSON Schema of type ``object``."""
    returns: Annotated[tuple[Return, ...], Field(min_length=1)]
    """The answers; the first that fits is given."""


def is_schema(parameters: Arguments) -> bool:
    """Whether the parameters of a canned tool are a JSON Schema, and not the short form."""
    return parameters.get("type") == "object"


def _tool_tag(value: Any) -> str:
    python = "python" in value if isinstance(value, dict) else isinstance(value, PythonTool)
    return "@python" if python else "@canned"


ToolSpec = Annotated[
    Annotated[PythonTool, Tag("@python")] | Annotated[CannedTool, Tag("@canned")],
    Discriminator(_tool_tag),
]

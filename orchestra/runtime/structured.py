"""Structured answers: an agent's ``response_format``, as LangChain takes it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from ..scenario.agents import RESPONSE
from ..scenario.schemas import misfit
from ..scenario.spec import Arguments


def response_model(schema: Arguments) -> type[BaseModel]:
    """A type for ``create_agent(response_format=…)`` that holds an answer to a JSON Schema.

    LangChain takes a bare schema too, but then lets through whatever the model says. A type that
    refuses makes it ask the model again, with the reason.
    """

    class Response(BaseModel):
        model_config = ConfigDict(extra="allow", protected_namespaces=())

        @model_validator(mode="before")
        @classmethod
        def _fits(cls, value: Any) -> Any:
            if reason := misfit(schema, value):
                raise ValueError(reason)
            return value

        @classmethod
        def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG003
            return dict(schema)

    Response.__name__ = RESPONSE
    Response.__doc__ = str(schema.get("description") or "Gives the final answer.")
    return Response

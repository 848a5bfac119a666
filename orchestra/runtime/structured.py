"""Structured answers: an agent's ``response_format``, as LangChain takes it."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
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
        def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG003 - pydantic's
            return dict(schema)

    Response.__name__ = RESPONSE
    Response.__doc__ = str(schema.get("description") or "Gives the final answer.")
    return Response


def as_answer(message: AIMessage) -> AIMessage:
    """A recorded answer, whose text is its JSON, as the tool call that it was."""
    said, _, answer = message.text.rpartition("\n")  # what it said before stands on lines above
    try:
        args = json.loads(answer)
    except ValueError:
        return message
    if not isinstance(args, dict):
        return message
    call = ToolCall(id=f"{message.id}.1", name=RESPONSE, args=args, type="tool_call")
    return AIMessage(said, id=message.id, name=message.name, tool_calls=[call])


class Recorded(BaseChatModel):
    """Says one message, whole, that was said before."""

    message: AIMessage

    @property
    def _llm_type(self) -> str:
        return "orchestra-recorded"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - LangChain's signature
        return self

    def _generate(
        self,
        messages: list[BaseMessage],  # noqa: ARG002 - LangChain's signature
        stop: list[str] | None = None,  # noqa: ARG002 - as above
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.message)])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        return self._generate(messages, *args, **kwargs)

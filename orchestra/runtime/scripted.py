"""The keyless models: one that says what the script says, and one that echoes.

Both are real LangChain chat models that stream text, reasoning and tool-call fragments. They
hold no state: which reply is due comes from the run, so one instance serves any number of runs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import ensure_config

from ..errors import MissingReply
from ..scenario import Reply
from ..scenario.script import find
from . import clock
from .pieces import fragments, tokens
from .state import AGENT, CALL, MESSAGE, RUN, RunState

BREATH = 32  # pieces said at once before others get a turn


class ScriptedModel(BaseChatModel):
    """Answers each call path with the replies that the script gives it, in order.

    Outside a run of orchestra the call path is the agent's name (outside any agent: the script's
    first key), and the reply is chosen by the number of AI messages in the conversation.
    """

    script: Mapping[str, Sequence[Reply]] = {}
    rate: float = 0.0
    """Tokens per second of replies that give no rate of their own; 0 is at once."""

    @property
    def _llm_type(self) -> str:
        return "orchestra-scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - LangChain's signature
        """The script knows its tools; there is nothing to bind."""
        return self

    def reply(self, messages: list[BaseMessage]) -> Reply:
        """The reply that is due now. Raises MissingReply, naming call path and reply number."""
        call, turn = _place(messages)
        key = find(self.script, call) if call else next(iter(self.script), None)
        if key is None:
            keys = ", ".join(map(repr, self.script)) or "none"
            raise MissingReply(f"{call}: no key of 'script' fits this call (its keys: {keys})")
        replies = self.script[key]
        if turn >= len(replies):
            raise MissingReply(
                f"{call}: reply {turn + 1} was asked for, but script key {key!r} has {len(replies)}"
            )
        return replies[turn]

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - a script is said to its end
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports tokens
        **kwargs: Any,  # noqa: ARG002 - settings for a real model
    ) -> Iterator[ChatGenerationChunk]:
        reply = self.reply(messages)
        pace = clock.Pace(reply.first_token, self._rate(reply))
        for piece in _pieces(reply, messages):
            clock.block(pace.wait())
            yield piece

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - as above
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> AsyncIterator[ChatGenerationChunk]:
        reply = self.reply(messages)
        pace = clock.Pace(reply.first_token, self._rate(reply))
        for number, piece in enumerate(_pieces(reply, messages), 1):
            await clock.sleep(pace.wait())
            if number % BREATH == 0:
                await clock.breathe()
            yield piece

    def _rate(self, reply: Reply) -> float:
        return self.rate if reply.rate is None else reply.rate


class EchoModel(ScriptedModel):
    """Answers with the last message: wiring without a script."""

    @property
    def _llm_type(self) -> str:
        return "orchestra-echo"

    def reply(self, messages: list[BaseMessage]) -> Reply:
        return Reply(text=messages[-1].text if messages else "")


def _place(messages: list[BaseMessage]) -> tuple[str, int]:
    """The call path that asks, and the index of the reply that is due."""
    config = ensure_config()
    metadata = config.get("metadata", {})
    call = metadata.get(CALL) or metadata.get(AGENT) or ""
    state = config.get("configurable", {}).get(RUN)
    if isinstance(state, RunState):
        return call, state.turns[call]
    return call, sum(message.type == "ai" for message in messages)


def _pieces(reply: Reply, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
    message_id = ensure_config().get("metadata", {}).get(MESSAGE)
    said = sum(message.type == "ai" for message in messages)
    spoken = 0
    for token in tokens(reply.reasoning):
        spoken += 1
        yield _chunk(message_id, additional_kwargs={"reasoning_content": token})
    reasoned = spoken
    for token in tokens(reply.text):
        spoken += 1
        yield _chunk(message_id, content=token)
    for fragment in _call_fragments(reply, message_id or f"scripted:{said + 1}"):
        spoken += 1
        yield _chunk(message_id, tool_call_chunks=[fragment])
    yield _chunk(
        message_id,
        usage_metadata=_usage(reply, messages, spoken, reasoned),
        response_metadata={
            "finish_reason": reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop"),
            "model_name": "scripted",
            "model_provider": "orchestra",
        },
        chunk_position="last",
    )


def _chunk(message_id: str | None, content: str = "", **fields: Any) -> ChatGenerationChunk:
    message = AIMessageChunk(content=content, id=message_id, **fields)
    return ChatGenerationChunk(message=message)


def _call_fragments(reply: Reply, message_id: str) -> Iterator[ToolCallChunk]:
    """Tool calls as providers stream them: id and name first, then the arguments in pieces."""
    for index, call in enumerate(reply.tool_calls):
        call_id = f"{message_id}.{index + 1}"
        yield tool_call_chunk(name=call.name, args="", id=call_id, index=index)
        for part in fragments(json.dumps(call.args, ensure_ascii=False)):
            yield tool_call_chunk(name=None, args=part, id=None, index=index)


def _usage(reply: Reply, messages: list[BaseMessage], spoken: int, reasoned: int) -> UsageMetadata:
    """What the reply says of itself; else a token for each piece, and one per 4 characters read."""
    if (said := reply.usage) is not None:
        read, spoken, reasoned = said.input_tokens, said.output_tokens, said.reasoning_tokens
        cached = said.cached_tokens
    else:
        read, cached = sum(len(message.text) // 4 + 1 for message in messages), 0
    return UsageMetadata(
        input_tokens=read,
        output_tokens=spoken,
        total_tokens=read + spoken,
        input_token_details={"cache_read": cached},
        output_token_details={"reasoning": reasoned},
    )

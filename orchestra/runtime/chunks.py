"""The chunks that a scripted reply is streamed as, in the shapes of LangChain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import ensure_config
from pydantic import BaseModel

from ..scenario import Fault, Reply, ScriptedCall
from ..scenario.agents import RESPONSE
from .faults import COST, HALF, MalformedAnswerError, ScriptedFault
from .pieces import fragments, tokens
from .state import MESSAGE

Model = TypeVar("Model", bound=BaseModel)


def said(messages: list[BaseMessage]) -> int:
    """How many messages of a conversation are a model's."""
    return sum(message.type == "ai" for message in messages)


def broken(
    pieces: Iterator[ChatGenerationChunk], fault: Fault
) -> Iterator[ChatGenerationChunk | None]:
    """The first chunks of a stream, and then what goes wrong."""
    whole = list(pieces)[:-1]  # a fault comes before the end
    yield from whole[: fault.after]
    after = min(fault.after, len(whole))
    match fault.error:
        case "unfinished":
            if not after:  # a stream without a chunk would be an error of its own
                yield _chunk(None)
        case "stall":
            yield None
        case "malformed":
            raise MalformedAnswerError("the server sent what is not JSON, as scripted")
        case kind:
            raise ScriptedFault(kind, after)


def chunks(
    reply: Reply, messages: list[BaseMessage], answer: str, *, garbled: bool = False
) -> Iterator[ChatGenerationChunk]:
    """The chunks of a reply; ``garbled``: the arguments of its tool calls end too soon."""
    message_id = ensure_config().get("metadata", {}).get(MESSAGE)
    spoken = 0
    for token in tokens(reply.reasoning):
        spoken += 1
        yield _chunk(message_id, additional_kwargs={"reasoning_content": token})
    reasoned = spoken
    say = _sayer(message_id)
    for token in reply.chunks if reply.chunks is not None else tokens(reply.text):
        spoken += 1
        yield say(token)
    calls = list(reply.tool_calls)
    if reply.structured is not None:
        calls.append(ScriptedCall(name=answer or RESPONSE, args=reply.structured))
    own_id = message_id or f"scripted:{said(messages) + 1}"
    for fragment in _call_fragments(calls, own_id, garbled=garbled):
        spoken += 1
        yield _chunk(message_id, tool_call_chunks=[fragment])
    yield _chunk(
        message_id,
        usage_metadata=_usage(reply, messages, spoken, reasoned),
        response_metadata={
            "finish_reason": reply.finish_reason or ("tool_calls" if calls else "stop"),
            "model_name": "scripted",
            "model_provider": "orchestra",
            COST: reply.usage.cost if reply.usage else 0.0,
            **({HALF: [f"{own_id}.{at}" for at, _ in enumerate(calls, 1)]} if garbled else {}),
        },
        chunk_position="last",
    )


def _chunk(message_id: str | None, content: str = "", **fields: Any) -> ChatGenerationChunk:
    message = AIMessageChunk(content=content, id=message_id, **fields)
    return ChatGenerationChunk(message=message)


def _sayer(message_id: str | None) -> Callable[[str], ChatGenerationChunk]:
    """Makes chunks with a text and nothing else, as nearly all are.

    They are what ``model_copy`` makes of a chunk without a text, at a quarter of the cost; to
    validate each costs twice as much as that.
    """
    message, chunk = _makers()

    def say(text: str) -> ChatGenerationChunk:
        own: dict[str, Any] = {"content": text, "id": message_id}
        # What may be added to by whoever gets it.
        own["additional_kwargs"], own["response_metadata"] = {}, {}
        own["tool_calls"], own["invalid_tool_calls"], own["tool_call_chunks"] = [], [], []
        said = message(own)
        return chunk({"message": said, "text": text})

    return say


@cache
def _makers() -> tuple[Callable[..., BaseMessage], Callable[..., ChatGenerationChunk]]:
    """What makes the message of a chunk, and the chunk around it."""
    blank = _chunk(None)
    message = _copies(blank.message, "content", "additional_kwargs", "id")
    return message, _copies(blank, "message", "text")


def _copies(it: Model, *changed: str) -> Callable[[dict[str, Any]], Model]:
    """What ``it.model_copy(update=...)`` makes, by way of pickle's state."""
    state, kind = it.__getstate__(), type(it)
    fields, names = state["__dict__"], {*state["__pydantic_fields_set__"], *changed}
    extra = state["__pydantic_extra__"]

    def copy(changes: dict[str, Any]) -> Model:
        new = kind.__new__(kind)
        own: dict[str, Any] = {"__dict__": {**fields, **changes}}
        own["__pydantic_fields_set__"] = names.copy()
        own["__pydantic_extra__"] = None if extra is None else {**extra}
        new.__setstate__(state | own)
        return new

    return copy


def _call_fragments(
    calls: Sequence[ScriptedCall], message_id: str, *, garbled: bool
) -> Iterator[ToolCallChunk]:
    """Tool calls as providers stream them: id and name first, then the arguments in pieces."""
    for index, call in enumerate(calls):
        call_id = f"{message_id}.{index + 1}"
        yield tool_call_chunk(name=call.name, args="", id=call_id, index=index)
        args = json.dumps(call.args, ensure_ascii=False)
        for part in fragments(args[:-1] if garbled else args):
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

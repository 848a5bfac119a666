"""LangChain's messages and chunks as the plain JSON of a cassette, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk

from ..cassette.lines import Json, Piece
from ..scenario.agents import RESPONSE
from .dialects import REASONING
from .faults import COST, HALF, finish_reason
from .secrets import Filler
from .values import plain, usage_of
from .voice import Voice, words_of

_ROLES = {"human": "user", "ai": "assistant"}
_MADE = {"AIMessageChunk": "ai"}


# Requests.


def request_of(
    messages: Sequence[BaseMessage], tools: Sequence[Json], settings: Mapping[str, Any]
) -> Json:
    """What a model is asked, in a form that is the same in every run."""
    ids: dict[str, str] = {}
    request: Json = {"messages": [_message(message, ids) for message in messages]}
    if tools:
        request["tools"] = list(tools)
    request |= {key: it for key, it in settings.items() if it is not None and key != "stream"}
    made: Json = plain(request)
    return made


def _message(message: BaseMessage, ids: dict[str, str]) -> Json:
    def ordinal(given: str | None) -> str:
        return ids.setdefault(given or "", f"call_{len(ids) + 1}")

    role = _MADE.get(message.type, message.type)
    made: Json = {"role": _ROLES.get(role, role)}
    if message.name:
        made["name"] = message.name
    made["content"] = message.content
    if isinstance(message, AIMessage) and message.tool_calls:
        made["tool_calls"] = [
            {"id": ordinal(call["id"]), "name": call["name"], "args": call["args"]}
            for call in message.tool_calls
        ]
    if isinstance(message, ToolMessage):
        made["tool_call_id"] = ordinal(message.tool_call_id)
        if message.status == "error":
            made["status"] = "error"
    return made


# Chunks.


def piece_of(chunk: ChatGenerationChunk, message_id: str, *, first: bool = True) -> str | Json:
    """A chunk as it is written: its text, if that is all."""
    said: Any = chunk.message
    more = dict(said.additional_kwargs)
    words = {"content": said.content, "reasoning": more.pop(REASONING, None)}
    calls = [
        {key: it for key, it in call.items() if it is not None and key != "type"}
        for call in getattr(said, "tool_call_chunks", ())
    ]
    made: Json = {"additional_kwargs": more, "usage": said.usage_metadata}
    made["metadata"] = {**(chunk.generation_info or {}), **said.response_metadata}
    if not first and isinstance(said.content, str) and [*made["metadata"]] == ["model_provider"]:
        del made["metadata"]  # it says so with every chunk
    made["position"] = getattr(said, "chunk_position", None)
    if said.id and said.id != message_id and not said.id.startswith("lc_"):
        made["id"] = said.id
    kept: Json = plain({key: it for key, it in made.items() if it})
    if not (kept or calls or words["reasoning"]) and isinstance(said.content, str):
        return said.content
    # What is said may be cut in the middle of a character: it is looked at as a whole.
    kept |= {key: it for key, it in words.items() if it}
    return {**kept, "tool_calls": calls} if calls else kept


def chunk_of(piece: str | Json, message_id: str) -> ChatGenerationChunk:
    """The chunk that was written."""
    return ChatGenerationChunk(message=_said(piece, message_id))


def _said(piece: str | Json, message_id: str) -> AIMessageChunk:
    if isinstance(piece, str):
        return AIMessageChunk(content=piece, id=message_id or None)
    more = dict(piece.get("additional_kwargs") or {})
    if piece.get("reasoning"):
        more[REASONING] = piece["reasoning"]
    return AIMessageChunk(
        content=piece.get("content") or "",
        additional_kwargs=more,
        response_metadata=dict(piece.get("metadata") or {}),
        usage_metadata=piece.get("usage"),
        tool_call_chunks=[
            tool_call_chunk(
                name=it.get("name"), args=it.get("args"), id=it.get("id"), index=it.get("index")
            )
            for it in piece.get("tool_calls") or ()
        ],
        chunk_position=piece.get("position"),
        id=piece.get("id") or message_id or None,
    )


def whole_chunk(generation: ChatGeneration) -> ChatGenerationChunk:
    """A message that came whole, as the one chunk of a stream."""
    message: Any = generation.message
    asked = [*message.tool_calls, *message.invalid_tool_calls]
    calls = [
        tool_call_chunk(
            name=it["name"],
            args=it["args"] if isinstance(it["args"], str) else json.dumps(it["args"]),
            id=it["id"],
            index=at,
        )
        for at, it in enumerate(asked)
    ]
    said = AIMessageChunk(
        content=message.content,
        additional_kwargs={k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"},
        response_metadata={**(generation.generation_info or {}), **message.response_metadata},
        usage_metadata=message.usage_metadata,
        tool_call_chunks=calls,
        chunk_position="last",
        id=message.id,
    )
    return ChatGenerationChunk(message=said)


# The reply as a whole.


def reply_of(pieces: Sequence[str | Json]) -> Json:
    """What a person wants to read of a reply: all that its chunks come to."""
    message = _whole([_said(piece, "") for piece in pieces])
    reasoning, text = words_of(message)
    made: Json = {"text": text, "reasoning": reasoning}
    made["tool_calls"] = [
        {"name": call["name"], "args": call["args"]}
        for call in message.tool_calls
        if call["name"] != RESPONSE
    ]
    half = message.response_metadata.get(HALF) or ()
    made["invalid"] = [
        {"name": call["name"], "args": call.get("args")}
        for call in [*message.invalid_tool_calls, *message.tool_calls]
        if call.get("id") in half or call["type"] == "invalid_tool_call"
    ]
    answers = [call["args"] for call in message.tool_calls if call["name"] == RESPONSE]
    made["structured"] = answers[-1] if answers else None
    if usage := usage_of(message.usage_metadata):
        made["usage"] = {name: it for name, it in asdict(usage).items() if it}
    made["cost"] = message.response_metadata.get(COST)
    made["finish_reason"] = finish_reason(message)
    kept: Json = plain({key: it for key, it in made.items() if it})
    return kept


def _whole(chunks: Sequence[AIMessageChunk]) -> AIMessage:
    if not chunks:
        return AIMessage("")
    whole: Any = message_chunk_to_message(_joined(chunks))
    return whole if isinstance(whole, AIMessage) else AIMessage(whole.content)


def _joined(chunks: Sequence[AIMessageChunk]) -> AIMessageChunk:
    return add_ai_message_chunks(chunks[0], *chunks[1:])


# Secrets.


def hidden(said: Json, secrets: Filler) -> Json:
    """A reply and its chunks as they may be written: whole characters, and no secrets.

    A chunk holds what of it was said when it came, as the events have it.
    """
    pieces: list[Piece] = said["chunks"]
    cleaned = {**said, "chunks": _hidden(pieces, secrets)}
    for key in ("reply", "failed"):
        if key in said:
            cleaned[key] = secrets.clean(said[key])
    return cleaned


def _hidden(pieces: list[Piece], secrets: Filler) -> list[Piece]:
    if any(isinstance(it, dict) and isinstance(it.get("content"), list) for _, it in pieces):
        # Blocks of a provider's own kind. With a secret, whole, where it is in one place.
        told = plain([it for _, it in pieces])
        whole = _joined([_said(it, "") for it in told])
        if secrets.clean(plain(whole.content)) == plain(whole.content):
            return [(at, secrets.clean(it)) for (at, _), it in zip(pieces, told, strict=True)]
        joined = piece_of(ChatGenerationChunk(message=whole), "")
        return [(pieces[-1][0], secrets.clean(plain(joined)))]
    voices: dict[object, Voice] = {}
    made = [(at, _sayable(piece, voices, secrets)) for at, piece in pieces]
    rest = {key: text for key, voice in voices.items() if (text := voice.rest())}
    if rest:
        calls = [{"index": key, "args": it} for key, it in rest.items() if isinstance(key, int)]
        last: Json = {key: it for key, it in rest.items() if isinstance(key, str)}
        last |= {"tool_calls": calls} if calls else {}
        made.insert(len(made) - 1, (made[-1][0], last))
    return made


def _sayable(piece: str | Json, voices: dict[object, Voice], secrets: Filler) -> str | Json:
    def heard(key: object, text: str) -> str:
        return voices.setdefault(key, Voice(secrets)).hear(text)

    if isinstance(piece, str):
        return heard("content", piece)
    made: Json = {}
    for key, it in piece.items():
        if key in ("content", "reasoning") and isinstance(it, str):
            made[key] = heard(key, it)
        elif key == "tool_calls":
            made[key] = [
                {**call, "args": heard(call.get("index") or 0, call.get("args") or "")}
                for call in it
            ]
        else:
            made[key] = secrets.clean(it)
    return made

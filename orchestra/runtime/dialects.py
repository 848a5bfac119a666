"""What servers of OpenAI's chat API stream, made into what LangChain reads.

langchain-openai follows OpenAI's own specification. Other servers leave out what they think is not
needed (indices and ids of tool calls, the reason of the end), repeat what is said once (usage, the
reason of the end, ids) and add what OpenAI lacks (reasoning, in four places). Chunks here are the
JSON objects of the stream.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from .faults import HALF, UNSAID, is_cut
from .values import too_deep

Json = dict[str, Any]
REASONING = "reasoning_content"  # where all reasoning goes: DeepSeek's name for it
_META = ("id", "model", "system_fingerprint")


class Dialect:
    """Reads one answer: each chunk as it comes, then :meth:`end`.

    What is to be said once is held back until then: the usage, of which some servers say the sum so
    far with every chunk, and the reason of the end. ``taken`` are the ids of tool calls that the
    conversation has used; ``seed`` makes new ones.
    """

    def __init__(self, taken: Iterable[str], seed: str) -> None:
        self._calls = ToolCalls(set(taken), seed)
        self._choice: int | None = None
        self._reason: str | None = None
        self._usage: Json | None = None
        self._meta: Json = {}

    def read(self, chunk: Json) -> Json:
        """``chunk``, changed in place. Whatever it raises means that it cannot be read."""
        choice = self._chosen(chunk.get("choices") or ())
        self._usage = _usage(chunk, choice) or self._usage
        self._meta |= {key: chunk[key] for key in _META if isinstance(chunk.get(key), str)}
        chunk["usage"], chunk["choices"] = None, []
        if choice is not None:
            reason = choice.pop("finish_reason", None)
            if isinstance(reason, str) and reason and (not self._reason or is_cut(reason)):
                self._reason = reason
            choice["delta"] = self._delta(choice.get("delta") or {})
            chunk["choices"] = [choice]
        return chunk

    def end(self, *, done: bool) -> Json:
        """The last chunk. ``done``: the server said so, with ``[DONE]``."""
        half = self._calls.half()
        # Snowflake never gives a reason. Who has told the account and the end was not cut off.
        unsaid = self._reason is None and done and bool(self._usage) and not half
        choice = {"index": 0, "delta": {}, "finish_reason": self._reason}
        last = {"choices": [choice], "usage": self._usage, HALF: half, UNSAID: unsaid}
        return {**self._meta, **last}

    def _chosen(self, choices: Iterable[Json]) -> Json | None:
        """The one answer that is read, of several; they are told apart by their index."""
        found = {int(choice.get("index") or 0): choice for choice in reversed(list(choices))}
        if self._choice is None and found:
            self._choice = min(found)
        return None if self._choice is None else found.get(self._choice)

    def _delta(self, delta: Json) -> Json:
        text, reasoning = _words(delta)
        calls = delta.get("tool_calls") or ()
        if not calls and isinstance(old := delta.pop("function_call", None), dict):
            calls = [{"index": 0, "function": old}]
        delta["content"], delta[REASONING] = text, reasoning
        delta["tool_calls"] = [self._calls.next(call) for call in calls] or None
        return delta


def _words(delta: Json) -> tuple[str, str]:
    """Text and reasoning of a delta, wherever they stand."""
    content = delta.get("content")
    reasoning = delta.get(REASONING) or delta.get("reasoning")  # servers in between send both
    thought = reasoning if isinstance(reasoning, str) else ""
    if isinstance(content, list):  # Mistral's blocks
        thought += "".join(_thinking(it) for it in content)
        content = "".join(it["text"] for it in content if it.get("type") == "text")
    if not thought:
        details = delta.get("reasoning_details") or ()
        thought = "".join(it.get("text") or it.get("summary") or "" for it in details)
    audio = delta.get("audio") or {}
    said = (content, delta.get("refusal"), audio.get("transcript"))
    return "".join(it for it in said if isinstance(it, str)), thought


def _thinking(block: Json) -> str:
    found = block.get("thinking") or ""
    return found if isinstance(found, str) else "".join(it.get("text") or "" for it in found)


def _usage(chunk: Json, choice: Json | None) -> Json | None:
    """The tokens that a chunk reports, as OpenAI counts them: reasoning is output."""
    told = chunk.get("usage") or (choice or {}).get("usage")
    told = told or (chunk.get("x_groq") or {}).get("usage")
    if not isinstance(told, dict):
        return None
    asked, said = told.get("prompt_tokens") or 0, told.get("completion_tokens") or 0
    thought = (told.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    if thought and told.get("total_tokens") == asked + said + thought:  # xAI's way to count
        return {**told, "completion_tokens": said + thought}
    return told


@dataclass(slots=True)
class _Call:
    """A tool call as the server tells it: its index, its id, and its arguments so far."""

    index: int | None
    id: str | None
    args: list[str] = field(default_factory=list)
    given: str = ""
    """The id that it has here."""

    def goes_on(self, index: int | None, call_id: str | None, name: str | None) -> bool:
        """Whether a fragment with these marks may be one of this call."""
        if index is None:
            return self.id == call_id if call_id else name is None
        return index == self.index and (call_id is None or self.id in (None, call_id))

    def whole(self) -> bool:
        try:
            read = json.loads("".join(self.args))
            return isinstance(read, dict) and not too_deep(read)
        except (ValueError, RecursionError):
            return False


@dataclass(slots=True)
class ToolCalls:
    """Puts the fragments of one message's tool calls in order.

    Whichever way a server tells them apart (by index, by id, or not at all, each call whole), out
    come indices from 0, one id for each call, unlike all others of the conversation, and each
    name once.
    """

    taken: set[str]
    seed: str
    _calls: list[_Call] = field(default_factory=list)

    def next(self, fragment: Json) -> Json:
        """``fragment`` as it should have been."""
        function = fragment.get("function") or {}
        args = function.get("arguments")
        if args is not None and not isinstance(args, str):
            args = json.dumps(args, ensure_ascii=False)
        args, index = args or "", fragment.get("index")
        call_id, name = fragment.get("id") or None, function.get("name") or None
        ours = self._known(index, call_id, name, args)
        if ours is not None:
            self._calls[ours].args.append(args)
            return _fragment(ours, None, None, args)
        self._calls.append(_Call(index, call_id, [args]))
        ours = len(self._calls) - 1
        own = self._calls[ours].given = self._unique(call_id, ours)
        return _fragment(ours, own, name, args)

    def half(self) -> list[str]:
        """The ids of the calls whose arguments are no JSON."""
        return [call.given for call in self._calls if "".join(call.args) and not call.whole()]

    def _known(
        self, index: int | None, call_id: str | None, name: str | None, args: str
    ) -> int | None:
        """Which call a fragment goes on with; None if it begins one."""
        for ours, call in reversed(list(enumerate(self._calls))):
            if call.goes_on(index, call_id, name):
                # Some give all calls the same marks. A name and more after a whole is a new call.
                return None if name and args and call.whole() else ours
        return None

    def _unique(self, call_id: str | None, ours: int) -> str:
        if call_id is None or call_id in self.taken:
            # Nine letters and digits: Mistral takes nothing else.
            seed = f"{self.seed}.{ours}.{len(self.taken)}"
            call_id = hashlib.sha256(seed.encode()).hexdigest()[:9]
        self.taken.add(call_id)
        return call_id


def _fragment(index: int, call_id: str | None, name: str | None, args: str) -> Json:
    function = {"name": name, "arguments": args}
    return {"index": index, "id": call_id, "type": "function", "function": function}


def ids_in(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the tool calls in a request."""
    said = (message.get("tool_calls") or () for message in messages)
    return {cast(str, call.get("id") or "") for calls in said for call in calls}

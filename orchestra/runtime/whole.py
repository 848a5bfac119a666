"""Whether a model's message is whole: half a tool call must never be run."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage

from ..errors import BrokenStream
from ..scenario.agents import RESPONSE
from ..text import one_line, whole_characters
from .faults import HALF, MalformedAnswerError, ending, finish_reason
from .state import Place
from .values import plain


def is_kept(place: Place, message: AIMessage, model: Any) -> bool:
    """Refuse a message that did not end in good order; True if it is kept for what it says.

    A text that ran into the model's limit is whole as far as it goes. A tool call is not.
    """
    asked = [*message.tool_calls, *message.invalid_tool_calls]
    end = ending(message, model)
    if end == "orderly" or (end == "cut" and not asked):
        if message.invalid_tool_calls or message.response_metadata.get(HALF):
            _refuse_half_answer(message)
        return False
    told = "without a finish reason" if end == "missing" else f"with {finish_reason(message)!r}"
    told = f"{place.call}: the stream ended {told}" + (", in a tool call" if asked else "")
    if place.state.rules.on_broken_stream != "keep" or any(c["name"] == RESPONSE for c in asked):
        raise BrokenStream(told)
    message.tool_calls, message.invalid_tool_calls = [], []
    message.additional_kwargs.pop("tool_calls", None)
    if isinstance(message.content, list):  # some providers have their tool calls there
        message.content = message.text
    return True


def _refuse_half_answer(message: AIMessage) -> None:
    """A structured answer has to be JSON: LangChain completes half of it, and takes it for one."""
    half = message.response_metadata.get(HALF, ())
    wrong = [call for call in message.tool_calls if call["id"] in half]
    if any(call["name"] == RESPONSE for call in [*wrong, *message.invalid_tool_calls]):
        raise MalformedAnswerError("the structured answer is not JSON")


def mend(message: AIMessage, message_id: str) -> dict[str, str]:
    """Make the message fit to be acted on, and to be sent on with the next model call.

    Characters that came in halves are joined, and tool calls without an id of their own get one:
    a call path, and the answer, belong to an id. Calls whose arguments are no JSON become calls
    without arguments, which are answered instead of run; returned are their texts, by id.
    """
    if isinstance(message.content, str):
        message.content = whole_characters(message.content)
    half = set(message.response_metadata.pop(HALF, ()))
    garbled: dict[str, str] = {}
    taken: set[str] = set()
    invalid = message.invalid_tool_calls
    asked: list[Any] = [*message.tool_calls]
    asked += [
        {"name": it["name"] or "", "id": it["id"], "type": "tool_call", "raw": _shown(it["args"])}
        for it in invalid
    ]
    for number, call in enumerate(asked, 1):
        given = call["id"]
        raw = call.pop("raw", "" if given in half else None)
        own = given if given and given not in taken else f"{message_id}.{number}"
        call["id"] = own
        taken.add(own)
        if raw is None:
            call["args"] = plain(call["args"])
        else:
            call["args"], garbled[own] = {}, raw
    if invalid:
        message.tool_calls, message.invalid_tool_calls = asked, []
    return garbled


def _shown(args: str | None) -> str:
    return one_line(args or "", 100)

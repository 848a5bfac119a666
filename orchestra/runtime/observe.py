"""The innermost middleware of every agent: it reports model turns and tool calls as they are.

What LangGraph's stream cannot tell (when a model call began, that it failed, that a sibling was
cancelled) the agent itself knows. So the agent writes those events into the stream, where they
stand in order with its tokens, and only the tokens have to be read out of LangGraph's shapes.
Being innermost, it sees each attempt of a retry, and never a model call that middleware made
for its own purposes.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from .. import events
from ..errors import OrchestraError
from ..text import whole_characters
from . import clock
from .state import place_of
from .turns import ModelHandler, Turns
from .values import brief, plain

ToolHandler = Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]


class Observer(AgentMiddleware[Any, Any, Any]):
    """Reports one agent. ``turns`` takes its model turns; ``approve`` are the tools that wait."""

    def __init__(self, agent: str, turns: Turns, approve: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._agent = agent
        self._turns = turns
        self._approve = approve

    # The two hooks are plain functions that return a coroutine. LangChain has LangSmith trace them,
    # which moves every async one through a thread and a task of its own, twice, also where nothing
    # is traced: that costs a millisecond, and parallel tools would begin in any order.

    def awrap_model_call(
        self, request: ModelRequest[Any], handler: ModelHandler
    ) -> Coroutine[Any, Any, ModelResponse[Any]]:
        return self._turns.take(request, handler)

    def awrap_tool_call(
        self, request: ToolCallRequest, handler: ToolHandler
    ) -> Coroutine[Any, Any, ToolMessage | Command[Any]]:
        return self._tool_call(request, handler)

    async def _tool_call(
        self, request: ToolCallRequest, handler: ToolHandler
    ) -> ToolMessage | Command[Any]:
        place = place_of(request.runtime.config)
        place.state.spend(place.call, "tool_calls")
        call, write = request.tool_call, request.runtime.stream_writer
        if call["name"] in self._approve:  # better no run than one that nobody approved
            asks = f"{place.call}: {call['name']!r} waits for approval"
            raise OrchestraError(f"{asks}, and asking a person is not possible yet")
        who: dict[str, Any] = {
            "agent": self._agent,
            "call": place.call,
            "tool_call_id": call["id"],
            "name": call["name"],
        }
        write(events.ToolStarted(**who, args=plain(call["args"])))
        if (raw := place.state.garbled.pop((place.call, call["id"] or ""), None)) is not None:
            told = "not run: its arguments are not JSON" + (f": {raw}" if raw else "")
            write(events.ToolFailed(**who, error=told))
            return ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")
        started = clock.now()
        try:
            # A tool may change its arguments; the message in the history must not change.
            own = call.copy()
            own["args"] = copy.deepcopy(call["args"])
            result = await handler(request.override(tool_call=own))
        except GraphBubbleUp:  # an interrupt or a handoff: no end of the tool, and no failure
            raise
        except BaseException as error:
            place.state.blame(error, place.call)
            reason = brief(error)
            if isinstance(error, asyncio.CancelledError):
                reason = "cancelled" + (", but its thread runs on" * _in_thread(request.tool))
            write(events.ToolFailed(**who, error=reason, duration=clock.now() - started))
            raise
        failed, text = _tool_text(result)
        duration = clock.now() - started
        if failed:
            write(events.ToolFailed(**who, error=text, duration=duration))
        else:
            write(events.ToolFinished(**who, result=text, duration=duration))
        return result


def _in_thread(tool: Any) -> bool:
    """Whether a tool runs in a thread, which nothing can end: one that is not async."""
    return getattr(tool, "func", None) is not None and getattr(tool, "coroutine", None) is None


def _tool_text(result: ToolMessage | Command[Any]) -> tuple[bool, str]:
    """Whether a tool failed, and what it said."""
    if isinstance(result, Command):
        update = result.update if isinstance(result.update, dict) else {}
        said = [m for m in update.get("messages", ()) if isinstance(m, ToolMessage)]
        if not said:
            return False, ""
        result = said[-1]
    text = result.content if isinstance(result.content, str) else result.text
    return result.status == "error", whole_characters(text)

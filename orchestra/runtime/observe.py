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
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolCall, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from .. import events
from ..scenario.agents import TRANSFER
from ..scenario.middleware import BRINGS
from ..text import whole_characters
from . import clock
from .approval import OWN, answered, ask, give, noted, questions_of
from .lending import Anew, lend
from .state import Place, Writer, place_of
from .tool_takes import on_tape
from .turns import ModelHandler, Turns
from .values import brief, plain

ToolHandler = Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]


class Observer(AgentMiddleware[Any, Any, Any]):
    """Reports one agent.

    ``turns`` takes its model turns; ``approve`` are the tools that wait for a person, with what
    may be decided of each; ``delegates`` are its subagents. Where other middleware wraps its tool
    calls as well, it is not ``alone``, and :class:`Outermost` has to be around that.
    """

    def __init__(
        self,
        agent: str,
        turns: Turns,
        approve: Mapping[str, Sequence[str]] | None = None,
        delegates: frozenset[str] = frozenset(),
        *,
        alone: bool = True,
    ) -> None:
        super().__init__()
        self._alone = alone
        self._agent = agent
        self._turns = turns
        self._approve = approve or {}
        self._delegates = delegates

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
        work = self._tool_call(request, handler)
        return _falling(request, work) if self._alone else work

    async def _tool_call(
        self, request: ToolCallRequest, handler: ToolHandler
    ) -> ToolMessage | Command[Any]:
        """A tool call: asked about if a person has to approve it, else run, or answered."""
        place = place_of(request.runtime.config)
        call, write = request.tool_call, request.runtime.stream_writer
        decision = None
        if (came := place.state.past.result(place.call, call["id"] or "")) is not None:
            return await self._again(request, handler, came)
        await place.state.control.leave(place.call)
        place.state.spend(place.call, "tool_calls")
        if (raw := place.state.garbled.pop((place.call, call["id"] or ""), None)) is not None:
            told = "not run: its arguments are not JSON" + (f": {raw}" if raw else "")
            refusal = ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")
            return self._answered(place, call, refusal, write)
        if allowed := self._approve.get(call["name"]):
            decision = await ask(place, write, call, allowed)
            if (answer := answered(call, decision)) is not None:
                return self._answered(place, call, answer, write)
            if decision.args is not None:
                request = request.override(tool_call={**call, "args": decision.args})
        result = await self._run(place, request, handler)
        return noted(result, decision)

    async def _again(
        self,
        request: ToolCallRequest,
        handler: ToolHandler,
        told: events.ToolFinished | events.ToolFailed,
    ) -> ToolMessage | Command[Any]:
        """A tool that has answered before the run was resumed."""
        call = request.tool_call
        if call["name"] in BRINGS.values():  # it changes the agent's state, and nothing else
            return await handler(request)
        failed = isinstance(told, events.ToolFailed)
        return ToolMessage(
            told.error if isinstance(told, events.ToolFailed) else told.result,
            tool_call_id=call["id"],
            name=call["name"],
            status="error" if failed else "success",
        )

    def _answered(
        self, place: Place, call: ToolCall, answer: ToolMessage, write: Writer
    ) -> ToolMessage:
        """A call that is answered in the tool's place; it has its two events all the same."""
        who = self._begin(place, call, write)
        write(_end(who, answer, 0.0))
        return answer

    def _begin(self, place: Place, call: ToolCall, write: Writer) -> dict[str, Any]:
        """Tell that a tool call begins, unless it had begun before the run was resumed."""
        own = {"tool_call_id": call["id"], "name": call["name"]}
        who: dict[str, Any] = {"agent": self._agent, "call": place.call, **own}
        if place.state.past.open_tools.pop((place.call, call["id"] or ""), None) is None:
            write(events.ToolStarted(**who, args=plain(call["args"])))
        return who

    def _is_replayed(self, tool: str) -> bool:
        """Whether a cassette may answer for it: not where agents would vanish with it."""
        moves = tool.startswith(TRANSFER)
        return not (moves or tool in self._delegates or tool in BRINGS.values())

    async def _run(
        self, place: Place, request: ToolCallRequest, handler: ToolHandler
    ) -> ToolMessage | Command[Any]:
        call, write = request.tool_call, request.runtime.stream_writer
        who = self._begin(place, call, write)
        started = clock.now()
        try:
            result = await self._finished(place, request, handler)
        except GraphBubbleUp:  # an interrupt or a handoff: no end of the tool, and no failure
            raise
        except BaseException as error:
            place.state.blame(error, place.call)
            reason = brief(error)
            if isinstance(error, asyncio.CancelledError):
                reason = "cancelled" + (", but its thread runs on" * _in_thread(request.tool))
            write(events.ToolFailed(**who, error=reason, duration=clock.now() - started))
            raise
        write(_end(who, result, clock.now() - started))
        return result

    async def _finished(
        self, place: Place, request: ToolCallRequest, handler: ToolHandler
    ) -> ToolMessage | Command[Any]:
        """The tool's result, once all that it asks with ``interrupt()`` is answered."""
        call, answers = request.tool_call, list[str]()
        write = request.runtime.stream_writer
        if call["name"] not in self._delegates:
            lend(request.runtime.config, call["id"] or "", call["name"], write)
        while True:
            # A tool may change its arguments; the message in the history must not change.
            own = call.copy()
            own["args"] = copy.deepcopy(call["args"])
            work = partial(handler, request.override(tool_call=own))
            try:
                if self._is_replayed(call["name"]):
                    return await on_tape(place, call, work, asks=bool(answers))
                return await work()
            except GraphBubbleUp as error:
                asked = questions_of(error)
                if not asked or call["name"] in self._delegates:  # theirs have been asked already
                    raise
                decision = await ask(place, write, call, OWN, asked[0])
                answers.append(decision.message or "")
                write(Anew(place.call, call["id"] or ""))
                give(request.runtime.config, answers)


class Outermost(AgentMiddleware[Any, Any, Any]):
    """Around all middleware that wraps tool calls: it sees what none of them has caught."""

    def awrap_tool_call(
        self, request: ToolCallRequest, handler: ToolHandler
    ) -> Coroutine[Any, Any, ToolMessage | Command[Any]]:
        return _falling(request, handler(request))


async def _falling(
    request: ToolCallRequest, work: Awaitable[ToolMessage | Command[Any]]
) -> ToolMessage | Command[Any]:
    try:
        return await work
    except GraphBubbleUp:
        raise
    except Exception as error:
        place = place_of(request.runtime.config)
        place.state.fall(place.call, error)
        raise


def around(layers: Sequence[AgentMiddleware[Any, Any, Any]]) -> list[Outermost]:
    """What has to be around an agent's own middleware: nothing, if none of it wraps tool calls.

    LangChain has LangSmith trace each hook, at a hundredth of what a case costs: so not always.
    """
    plain_hook = AgentMiddleware.awrap_tool_call
    return [Outermost()] if any(type(it).awrap_tool_call is not plain_hook for it in layers) else []


def _end(
    who: dict[str, Any], result: ToolMessage | Command[Any], duration: float
) -> events.ToolFinished | events.ToolFailed:
    failed, text = _tool_text(result)
    if failed:
        return events.ToolFailed(**who, error=text, duration=duration)
    return events.ToolFinished(**who, result=text, duration=duration)


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

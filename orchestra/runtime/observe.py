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
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables.config import RunnableConfig, var_child_runnable_config
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from .. import events
from ..errors import OrchestraError
from ..scenario.agents import RESPONSE
from ..text import whole_characters
from . import clock
from .state import CALL, MESSAGE, RunState, state_of

Writer = Callable[[Any], None]
ModelHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
ToolHandler = Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
LONGEST = 400  # characters of an error; some servers answer with a page of HTML
# Finish reasons of a turn that was cut short, as the providers spell them.
_CUT = {"length", "max_tokens", "max_output_tokens", "content_filter", "incomplete"}


class Place(NamedTuple):
    """Where a model or tool runs: its run, its call path, and what else its config says."""

    state: RunState
    call: str
    config: RunnableConfig


class Observer(AgentMiddleware[Any, Any, Any]):
    """Reports one agent.

    ``model`` is what to call its model in the events, ``delegates`` are its subagents, and
    ``approve`` the tools that wait for a person.
    """

    def __init__(
        self,
        agent: str,
        model: str,
        delegates: frozenset[str] = frozenset(),
        approve: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self._approve = approve
        self._agent = agent
        self._model = model
        self._delegates = delegates

    # The two hooks are plain functions that return a coroutine. LangChain has LangSmith trace them,
    # which moves every async one through a thread and a task of its own, twice, also where nothing
    # is traced: that costs a millisecond, and parallel tools would begin in any order.

    def awrap_model_call(
        self, request: ModelRequest[Any], handler: ModelHandler
    ) -> Coroutine[Any, Any, ModelResponse[Any]]:
        return self._model_call(request, handler)

    def awrap_tool_call(
        self, request: ToolCallRequest, handler: ToolHandler
    ) -> Coroutine[Any, Any, ToolMessage | Command[Any]]:
        return self._tool_call(request, handler)

    async def _model_call(
        self, request: ModelRequest[Any], handler: ModelHandler
    ) -> ModelResponse[Any]:
        place = _place(get_config())
        place.state.spend(place.call, "model_calls")
        message_id, attempt = place.state.begin_turn(place.call)
        write = request.runtime.stream_writer
        metadata = place.config["metadata"]
        name = _model_name(request.model, self._model)
        write(
            events.ModelStarted(
                agent=self._agent,
                call=place.call,
                message_id=message_id,
                model=name,
                attempt=attempt,
                node=metadata.get("langgraph_node"),
                step=metadata.get("langgraph_step"),
            )
        )
        started = clock.now()
        # The id goes down with the call, so its chunks, and no other model's, carry it.
        below: RunnableConfig = {**place.config, "metadata": {**metadata, MESSAGE: message_id}}
        token = var_child_runnable_config.set(below)
        try:
            async with place.state.slots:
                response = await handler(request)
            message = next(m for m in reversed(response.result) if isinstance(m, AIMessage))
            _mend(message, message_id)
            finished = self._finished(place.call, message_id, message, clock.now() - started)
            place.state.finish_turn(place.call, finished.tool_calls, self._delegates)
        except BaseException as error:
            place.state.blame(error, place.call)
            write(self._aborted(place.call, message_id, error))
            raise
        finally:
            var_child_runnable_config.reset(token)
        write(finished)
        for call in message.invalid_tool_calls:
            told = f"{place.call}: the arguments of {call['name']!r} are not JSON; it was not run"
            write(events.Warned(agent=self._agent, call=place.call, message=told))
        if finished.usage is None:
            self._warn_of_no_usage(place.state, name, write)
        else:
            used = finished.usage.input_tokens + finished.usage.output_tokens
            place.state.spend(place.call, "tokens", used)
        return response

    async def _tool_call(
        self, request: ToolCallRequest, handler: ToolHandler
    ) -> ToolMessage | Command[Any]:
        place = _place(request.runtime.config)
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
            reason = "cancelled" if isinstance(error, asyncio.CancelledError) else brief(error)
            write(events.ToolFailed(**who, error=reason, duration=clock.now() - started))
            raise
        failed, text = _tool_text(result)
        duration = clock.now() - started
        if failed:
            write(events.ToolFailed(**who, error=text, duration=duration))
        else:
            write(events.ToolFinished(**who, result=text, duration=duration))
        return result

    def _warn_of_no_usage(self, state: RunState, model: str, write: Writer) -> None:
        """Say so once: zeros in the totals would look like figures."""
        if model not in state.unmetered:
            state.unmetered.add(model)
            write(events.Warned(message=f"{model} reports no usage; token counts are missing"))

    def _aborted(self, call: str, message_id: str, error: BaseException) -> events.ModelAborted:
        cancelled = isinstance(error, asyncio.CancelledError)
        return events.ModelAborted(
            agent=self._agent,
            call=call,
            message_id=message_id,
            reason="cancelled" if cancelled else "error",
            error=None if cancelled else brief(error),
        )

    def _finished(
        self, call: str, message_id: str, message: AIMessage, duration: float
    ) -> events.ModelFinished:
        said = message.response_metadata
        reason = said.get("finish_reason") or said.get("stop_reason") or said.get("status")
        return events.ModelFinished(
            agent=self._agent,
            call=call,
            message_id=message_id,
            text=whole_characters(message.text),
            tool_calls=tuple(
                events.ToolCall(id=c["id"] or "", name=c["name"], args=plain(c["args"]))
                for c in message.tool_calls
                if c["name"] != RESPONSE  # the answer itself, and no tool
            ),
            usage=_usage(message.usage_metadata),
            finish_reason=reason if isinstance(reason, str) else None,
            truncated=reason in _CUT,
            duration=duration,
        )


def _place(config: RunnableConfig) -> Place:
    return Place(state_of(config), config["metadata"][CALL], config)


def _model_name(model: Any, spec: str) -> str:
    """``provider:name`` of the model that speaks: filled in, and also where it is a fallback."""
    name = getattr(model, "model_name", None)
    return f"{spec.partition(':')[0]}:{name}" if isinstance(name, str) else spec


def _mend(message: AIMessage, message_id: str) -> None:
    """Make the message fit to be acted on, and to be sent on with the next model call.

    Characters that came in halves are joined, and tool calls without an id of their own get one:
    a call path, and the answer, belong to an id.
    """
    if isinstance(message.content, str):
        message.content = whole_characters(message.content)
    taken: set[str] = set()
    for number, call in enumerate(message.tool_calls, 1):
        given = call["id"]
        own = given if given and given not in taken else f"{message_id}.{number}"
        call["id"] = own
        taken.add(own)
        call["args"] = plain(call["args"])


def plain(value: Any) -> Any:
    """A deep copy of ``value`` made of JSON types only; what JSON lacks becomes its ``str``."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # odd keys, NaN, a circle
        text = json.dumps(_spelled(value), default=str, ensure_ascii=False)
    return json.loads(whole_characters(text))


def _spelled(value: Any, depth: int = 20) -> Any:
    if isinstance(value, dict) and depth:
        return {str(key): _spelled(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_spelled(item, depth - 1) for item in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def brief(error: BaseException) -> str:
    """An error in one short line, in the provider's own words where there are any."""
    if isinstance(error, OrchestraError):
        return str(error)
    status = getattr(error, "status_code", None)
    try:
        text = str(_said(getattr(error, "body", None)) or error)
    except Exception:  # noqa: BLE001 - a stranger's __str__ may do anything
        text = ""
    if (cause := _cause(error)) and status is None:
        text += f" ({cause})"
    text = whole_characters(" ".join(text.split()))
    if len(text) > LONGEST:
        # Between words, so that no part of a key is left, where it could not be told from others.
        text = text[: text.rfind(" ", 0, LONGEST) + 1] + "…"
    kind = type(error).__name__ + (f" ({status})" if isinstance(status, int) else "")
    return f"{kind}: {text}" if text else kind


def _said(body: Any) -> Any:
    """What a provider says in the body of its refusal; each has a place of its own for it."""
    if isinstance(body, dict):
        return body.get("message") or body.get("error") or body.get("detail") or body
    return body


def _cause(error: BaseException) -> str:
    """What lies behind an error that says as good as nothing, as a failed connection's does."""
    root = error
    for _ in range(10):  # an error may be its own cause
        root = root.__cause__ or root
    return "" if str(root) in str(error) else f"{type(root).__name__}: {root}"


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


def _usage(reported: UsageMetadata | None) -> events.Usage | None:
    if reported is None:
        return None
    return events.Usage(
        input_tokens=reported["input_tokens"],
        output_tokens=reported["output_tokens"],
        reasoning_tokens=reported.get("output_token_details", {}).get("reasoning") or 0,
        cached_tokens=reported.get("input_token_details", {}).get("cache_read") or 0,
    )

"""A model turn: its attempts, each of them visible, until one comes to a good end or none is left.

What ``run`` of the scenario says is done here: timeouts, retries, and what becomes of a stream
that breaks off. A message is looked at before anything acts on it: half a tool call, which
LangChain completes and runs, does not get out of here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, ToolCall
from langchain_core.runnables.config import RunnableConfig, merge_configs, var_child_runnable_config
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp

from .. import events
from ..errors import BrokenStream, MissingReply, ModelTimeout
from ..scenario import RunSpec
from ..scenario.agents import RESPONSE
from ..text import whole_characters
from . import clock
from .faults import COST, UNSAID, ending, failure_of, finish_reason, wait_before
from .models import name_of
from .state import MESSAGE, Place, numbered, place_of
from .structured import Recorded, as_answer
from .values import brief, plain, usage_of
from .voice import words_of
from .whole import is_kept, mend

ModelHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
BOUND = 600.0  # seconds for a try without streaming, where 'model_timeout' gives none


@dataclass(frozen=True, slots=True)
class _Next:
    """Another attempt: after how many seconds, and whether ``whole``: without streaming."""

    wait: float = 0.0
    whole: bool = False


class Turns:
    """The model turns of one agent.

    ``model`` is what to call its model in the events; ``delegates`` are its subagents, whose calls
    get their paths when a message that asks for them is whole. ``fallbacks`` is how many models
    middleware tries after the agent's own.
    """

    def __init__(
        self,
        agent: str,
        model: str,
        delegates: frozenset[str] = frozenset(),
        fallbacks: int = 0,
    ) -> None:
        self._agent = agent
        self._model = model
        self._delegates = delegates
        self._fallbacks = fallbacks

    async def take(self, request: ModelRequest[Any], handler: ModelHandler) -> ModelResponse[Any]:
        """The model's answer, fit to be acted on. Raises what the last attempt failed with."""
        place, write = place_of(get_config()), request.runtime.stream_writer
        if (said := place.state.past.message(place.call)) is not None:
            return await self._again(place, request, handler, said)
        place.state.go_on(place.call)
        whole, models = False, place.state.begin_model(place.call)
        number = 0
        while True:
            number += 1
            await place.state.control.leave(place.call)
            place.state.spend(place.call, "model_calls")
            started = self._started(place, request)
            async with place.state.slots:
                write(started)  # not before: who waits for a slot is at no model yet
                try:
                    return await self._attempt(place, started, request, handler, whole)
                except BaseException as error:
                    place.state.blame(error, place.call)
                    rules = place.state.rules
                    then = None if whole else _after(error, rules, number, started.message_id)
                    write(self._aborted(started, error, then, models <= self._fallbacks))
                    if then is None:
                        raise
            await clock.sleep(then.wait)
            whole = then.whole

    async def _again(
        self,
        place: Place,
        request: ModelRequest[Any],
        handler: ModelHandler,
        said: events.ModelFinished,
    ) -> ModelResponse[Any]:
        """A turn that was taken before the run was resumed."""
        if (reply := getattr(request.model, "reply", None)) is not None:
            with suppress(MissingReply):  # the next one of its script is then another
                reply(request.messages)
        calls = [
            ToolCall(id=asked.id, name=asked.name, args=asked.args, type="tool_call")
            for asked in said.tool_calls
        ]
        garbled = place.state.past.garbled
        place.state.garbled |= {key: it for key, it in garbled.items() if key[0] == place.call}
        runnable = [it for it in said.tool_calls if (place.call, it.id) not in garbled]
        place.state.finish_turn(place.call, runnable, self._delegates)
        message = AIMessage(said.text, id=said.message_id, name=self._agent, tool_calls=calls)
        if request.response_format is not None and not calls:
            # LangChain reads the answer, and asks again for one that does not fit, as it did.
            model = Recorded(message=as_answer(message))
            return await handler(request.override(model=model))
        return ModelResponse(result=[message])

    def _started(self, place: Place, request: ModelRequest[Any]) -> events.ModelStarted:
        message_id, attempt = place.state.begin_turn(place.call)
        metadata = place.config["metadata"]
        return events.ModelStarted(
            agent=self._agent,
            call=place.call,
            message_id=message_id,
            model=place.state.tape.model(place.call, *numbered(message_id))
            or name_of(request.model, self._model),
            attempt=attempt,
            node=metadata.get("langgraph_node"),
            step=metadata.get("langgraph_step"),
        )

    async def _attempt(
        self,
        place: Place,
        started: events.ModelStarted,
        request: ModelRequest[Any],
        handler: ModelHandler,
        whole: bool,
    ) -> ModelResponse[Any]:
        began = clock.now()
        response = await _timed(place, started.message_id, request, handler, whole)
        message = next(m for m in reversed(response.result) if isinstance(m, AIMessage))
        kept = is_kept(place, message, request.model)
        garbled = mend(message, started.message_id)
        finished = self._finished(started, message, clock.now() - began, kept=kept)
        runnable = [call for call in finished.tool_calls if call.id not in garbled]
        place.state.finish_turn(place.call, runnable, self._delegates)
        place.state.garbled |= {(place.call, id_): raw for id_, raw in garbled.items()}
        request.runtime.stream_writer(finished)
        for lacks in self._account(place, finished, message, request.model):
            told = f"{started.model} {lacks}"
            if told not in place.state.lacking:  # once is enough
                place.state.lacking.add(told)
                request.runtime.stream_writer(events.Warned(message=told))
        return response

    def _account(
        self, place: Place, finished: events.ModelFinished, message: AIMessage, model: Any
    ) -> Iterator[str]:
        """Count what the provider reports; what it should have reported, and did not."""
        if finished.usage is not None:
            used = finished.usage.input_tokens + finished.usage.output_tokens
            place.state.spend(place.call, "tokens", used)
        elif not finished.truncated:  # zeros in the totals would look like figures
            yield "reports no usage; token counts are missing"
        cost = message.response_metadata.pop(COST, None)
        if cost is not None:
            place.state.pay(cost)
        elif place.state.rules.limits.cost is not None and not getattr(
            model, "costs_nothing", False
        ):
            yield "reports no cost: run.limits.cost does not hold it"  # ours costs nothing
        if message.response_metadata.pop(UNSAID, False):
            yield "does not say why its answers end: one that was cut short would pass as whole"

    def _aborted(
        self, started: events.ModelStarted, error: BaseException, then: _Next | None, more: bool
    ) -> events.ModelAborted:
        aborted = events.ModelAborted(
            agent=self._agent,
            call=started.call,
            message_id=started.message_id,
            reason="cancelled",
        )
        if isinstance(error, asyncio.CancelledError | GraphBubbleUp):
            return aborted
        aborted = replace(aborted, reason="error", error=brief(error))
        if isinstance(error, BrokenStream):
            aborted = replace(aborted, reason="broken_stream")
        elif then is not None:
            aborted = replace(aborted, reason="retry")
        elif more:
            aborted = replace(aborted, reason="fallback")
        return aborted if then is None else replace(aborted, retry_in=then.wait)

    def _finished(
        self,
        started: events.ModelStarted,
        message: AIMessage,
        duration: float,
        *,
        kept: bool,
    ) -> events.ModelFinished:
        return events.ModelFinished(
            agent=self._agent,
            call=started.call,
            message_id=started.message_id,
            text=whole_characters(message.text),
            tool_calls=tuple(
                events.ToolCall(id=c["id"] or "", name=c["name"], args=plain(c["args"]))
                for c in message.tool_calls
                if c["name"] != RESPONSE  # the answer itself, and no tool
            ),
            usage=usage_of(message.usage_metadata),
            cost=message.response_metadata.get(COST),
            finish_reason=finish_reason(message),
            truncated=kept or ending(message, None) == "cut",
            duration=duration,
        )


def _after(error: BaseException, rules: RunSpec, number: int, seed: str) -> _Next | None:
    """What comes after the failed attempt ``number``; None if nothing does."""
    if isinstance(error, BrokenStream):
        return _Next(whole=True) if rules.on_broken_stream == "invoke" else None
    failure = failure_of(error)
    if failure == "timeout" and rules.on_timeout == "invoke":
        return _Next(whole=True)
    if failure in rules.retry.errors and number < rules.retry.attempts:
        return _Next(wait_before(error, rules.retry.backoff, number, seed))
    return None


async def _timed(
    place: Place,
    message_id: str,
    request: ModelRequest[Any],
    handler: ModelHandler,
    whole: bool,
) -> ModelResponse[Any]:
    """The model's answer, within the time that it may take. The id goes down with the call.

    So its chunks, and no other model's, carry it.
    """
    rules = place.state.rules
    limit = rules.model_timeout or (BOUND if whole else None)
    # A try without streaming has no first token.
    first = None if whole else rules.first_token_timeout
    metadata = {**place.config["metadata"], MESSAGE: message_id}
    below: RunnableConfig = {**place.config, "metadata": metadata}
    if whole:
        still = request.model.model_copy(update={"disable_streaming": True})
        request = request.override(model=still)
    try:
        async with asyncio.timeout(limit) as call, asyncio.timeout(first) as token:
            if first is not None:
                below = merge_configs(below, {"callbacks": [_FirstToken(token)]})
            kept = var_child_runnable_config.set(below)
            try:
                return await handler(request)
            finally:
                var_child_runnable_config.reset(kept)
    except TimeoutError:
        if token.expired():
            told = f"no token within {first:g} s (run.first_token_timeout)"
        elif call.expired():
            key = "run.model_timeout" if rules.model_timeout else "the bound without streaming"
            told = f"no whole answer within {limit:g} s ({key})"
        else:
            raise
        raise ModelTimeout(f"{place.call}: {told}") from None


class _FirstToken(AsyncCallbackHandler):
    """Stops the clock at the first text, reasoning or piece of a tool call."""

    run_inline = True

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout: asyncio.Timeout | None = timeout

    async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **_: Any) -> None:  # noqa: ARG002 - LangChain's
        message = getattr(chunk, "message", None)
        if self._timeout is None or not isinstance(message, AIMessageChunk):
            return
        if any(words_of(message)) or message.tool_call_chunks:
            self._timeout.reschedule(None)
            self._timeout = None

"""A chat model on tape: it records what another says, or says it again.

The team is the same in both cases, as is all that LangChain knows of the model, so a replay asks
what the recording asked. Recorded are the provider's own chunks, as they come and before anything
is made of them: streaming stays live, and a replay takes the same way through LangChain again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import ModelProfile
from langchain_core.language_models.chat_models import BaseChatModel, agenerate_from_stream
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableBinding, ensure_config
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.config import get_stream_writer
from pydantic import Field, PrivateAttr

from .. import events
from ..cassette import Asked, Played, Take, Voice
from ..cassette.requests import digest
from ..errors import MissingReply, OrchestraError
from ..scenario import ECHO, SCRIPTED
from . import clock
from .direct import Direct
from .faults import RecordedFault, failed_of
from .scripted import BREATH, ScriptedModel, place
from .state import MESSAGE, RunState, numbered
from .takes import chunk_of, hidden, piece_of, reply_of, request_of, whole_chunk

GRACE = 60.0  # seconds that a call which was cut off waits for what cuts it off again


class TapedModel(Direct, BaseChatModel):
    """Speaks for ``inner`` and has it recorded; without one, it replays. The tape is the run's."""

    inner: Any = None
    """A chat model, or one with its tools bound to it."""
    voice: Voice = Voice()
    aside: str = ""
    """The middleware of the agent that it speaks for; empty for the agent itself."""
    profile: ModelProfile | None = None
    offered: Sequence[dict[str, Any]] = ()
    """The tools that are bound, as the wire has them."""
    choosing: dict[str, Any] = Field(default_factory=dict)
    """How the model may choose among them."""
    _bound: tuple[list[Any], list[dict[str, Any]]] = PrivateAttr(default=([], []))

    @classmethod
    def around(cls, inner: BaseChatModel, voice: Voice, aside: str) -> TapedModel:
        return cls(inner=inner, voice=voice, aside=aside, profile=inner.profile)

    @classmethod
    def replaying(cls, voice: Voice, aside: str) -> TapedModel:
        profile = ModelProfile(max_input_tokens=voice.window) if voice.window else None
        return cls(voice=voice, aside=aside, profile=profile)

    @property
    def _llm_type(self) -> str:
        return self.voice.kind or "orchestra-taped"

    @property
    def spoken_name(self) -> str:
        return self.voice.name

    @property
    def says_why_it_ends(self) -> bool:
        return self.voice.ends

    @property
    def costs_nothing(self) -> bool:
        return self.voice.name in (SCRIPTED, ECHO)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop, **kwargs), "ls_provider": self.voice.provider}

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Counted in one way by both: the provider's own is not there in a replay."""
        return count_tokens_approximately(messages, tools=list(tools) if tools else None)

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        offered = self._wired(tools)
        bound = self.inner and self.inner.bind_tools(tools, **kwargs)
        kept = {
            key: it for key, it in kwargs.items() if it is not None and not key.startswith("ls_")
        }
        return self.model_copy(update={"inner": bound, "offered": offered, "choosing": kept})

    def _wired(self, tools: Sequence[Any]) -> list[dict[str, Any]]:
        """The tools as the wire has them. An agent binds the same ones for each of its answers."""
        before, offered = self._bound
        if len(before) != len(tools) or any(a is not b for a, b in zip(before, tools, strict=True)):
            wired = map(convert_to_openai_tool, tools)
            offered = [it.get("function", it) for it in wired]  # else a tool of the provider's own
            if not any(isinstance(it, dict) for it in tools):  # which somebody could change
                self._bound = [*tools], offered
        return offered

    def with_retry(self, **kwargs: Any) -> Any:
        """A script has nothing new to say the second time."""
        return self if isinstance(self.inner, ScriptedModel) else super().with_retry(**kwargs)

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:  # noqa: ARG002 - LangChain's
        raise OrchestraError("a model that is recorded, or replayed, is asked asynchronously")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports tokens
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._chunks(messages, stop, kwargs, whole=True))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(self._chunks(messages, stop, kwargs)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _chunks(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        *,
        whole: bool = False,
    ) -> Any:
        """Of the tape if they are on it, else of the model itself, which is then recorded."""
        call, state = place(self.aside)
        if state is None:
            raise OrchestraError("this model speaks only in orchestra.run()")
        message_id = "" if self.aside else ensure_config().get("metadata", {}).get(MESSAGE, "")
        turn, attempt = numbered(message_id) if message_id else (0, 1)
        settings = {**self.choosing, **kwargs, "stop": stop}
        request = state.secrets.clean(request_of(messages, self.offered, settings))
        who: Any = {"call": call, "turn": turn, "attempt": attempt}
        asked = Asked(**who, request=request, digest=digest(request))
        try:
            played = state.tape.play(asked)
        except MissingReply as error:
            # Some middleware would go on without an answer.
            state.error = state.error or error
            raise
        if played is not None:
            source = _replayed(played, asked, state, message_id)
        elif self.inner is None:
            raise MissingReply(f"{call}: nothing was recorded")
        else:
            own = _asked(self.inner, messages, stop, kwargs, whole=whole)
            source = _recorded(own, asked, self.voice, state, message_id)
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                yield chunk


async def _asked(
    model: Any, messages: list[BaseMessage], stop: list[str] | None, given: Any, *, whole: bool
) -> Any:
    """The chunks of the model itself; of one that does not stream, one."""
    kwargs = dict(given)
    while isinstance(model, RunnableBinding):
        kwargs, model = {**model.kwargs, **kwargs}, model.bound
    if not whole and model._should_stream(async_api=True, **{**kwargs, "stream": True}):
        async with aclosing(model._astream(messages, stop, **kwargs)) as chunks:
            async for chunk in chunks:
                yield chunk
        return
    result = await model._agenerate(messages, stop, **kwargs)
    yield whole_chunk(result.generations[0])


async def _recorded(
    source: Any, asked: Asked, voice: Voice, state: RunState, message_id: str
) -> Any:
    began, pieces = clock.now(), list[Any]()
    take: dict[str, Any] = {"cut": True}
    try:
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                at = round(clock.now() - began, 6)
                pieces.append((at, piece_of(chunk, message_id, first=not pieces)))
                yield chunk
        take = {"reply": reply_of([piece for _, piece in pieces])}
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except OrchestraError:  # ours: a limit, or a script that has ended
        take = {}
        raise
    except Exception as error:
        take = {"failed": failed_of(error)}
        raise
    finally:
        # What a person has broken off has not been said.
        if take and not (state.cancelled and "cut" in take):
            seconds = round(clock.now() - began, 6)
            said = hidden({**take, "chunks": pieces}, state.secrets)
            who: Any = {"call": asked.call, "turn": asked.turn, "attempt": asked.attempt}
            what: Any = {"request": asked.request, "digest": asked.digest, "model": voice}
            state.tape.keep(Take(**who, **what, **said, seconds=seconds))


async def _replayed(played: Played, asked: Asked, state: RunState, message_id: str) -> Any:
    take = played.take
    if played.drift is not None:
        call = asked.call.partition(".")[0]  # of the agent that middleware belongs to
        told = f"{asked.call}: {played.drift}"
        agent = events.agent_of(call)
        get_stream_writer()(
            events.Warned(
                agent=agent,
                call=call,
                message=state.redact(told),
                recorded_call=asked.call,
                replies=(take.turn,),
            )
        )
    began = clock.now()

    async def wait(until: float, number: int) -> None:
        if played.timed:
            late = clock.now() - began
            delay = state.schedule.delay(asked.call, asked.turn, number)
            await clock.sleep(max(until - late, 0.0) + delay)
        if number % BREATH == 0:
            await clock.breathe()

    for number, (at, piece) in enumerate(take.chunks, 1):
        await wait(at, number)
        yield chunk_of(piece, message_id)
    if take.cut:  # by a timeout, most often: what cut it then does so again
        await wait(take.seconds + GRACE, len(take.chunks) + 1)
        cut = f"was cut off after {take.seconds:.1f} s when it was recorded, and now by nothing"
        raise RecordedFault(f"this model call {cut}")
    await wait(take.seconds, len(take.chunks) + 1)
    if take.failed is not None:
        raise RecordedFault.of(take.failed)

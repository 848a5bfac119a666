"""The keyless models: one that says what the script says, and one that echoes.

Both are real LangChain chat models that stream text, reasoning and tool-call fragments. They
hold no state: which reply is due comes from the run, so one instance serves any number of runs.
"""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import ModelProfile
from langchain_core.language_models.chat_models import (
    BaseChatModel,
    agenerate_from_stream,
    generate_from_stream,
)
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import ensure_config
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from ..errors import MissingReply
from ..scenario import ECHO, SCRIPTED, Reply
from ..scenario.agents import RESPONSE
from ..scenario.script import find
from ..text import one_line
from . import clock
from .chunks import broken, chunks, said
from .direct import Direct
from .state import AGENT, CALL, RUN, RunState

BREATH = 32  # pieces said at once before others get a turn
_KEYS = 8  # of a script, in a reason


class ScriptedModel(Direct, BaseChatModel):
    """Answers each call path with the replies that the script gives it, in order.

    Outside a run of orchestra the call path is the agent's name (outside any agent: the script's
    first key), and the reply is chosen by the number of AI messages in the conversation.
    """

    script: Mapping[str, Sequence[Reply]] = {}
    rate: float = 0.0
    """Tokens per second of replies that give no rate of their own; 0 is at once."""
    aside: str = ""
    """The middleware of the agent that it speaks for; empty for the agent itself."""
    profile: ModelProfile | None = Field(
        default_factory=lambda: ModelProfile(max_input_tokens=100_000)
    )
    """What middleware wants to know of a model: fractions are of this."""
    answer: str = ""
    """The tool by which a structured answer is given."""
    says_why_it_ends: ClassVar[bool] = True
    costs_nothing: ClassVar[bool] = True
    spoken_name: ClassVar[str] = SCRIPTED
    """What to call it in the events, whomever it speaks for."""

    @property
    def _llm_type(self) -> str:
        return "orchestra-scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - LangChain's signature
        """The script knows its tools, but for the one by which a structured answer is given."""
        answer = ""
        if self.aside and tools:
            answer = str(convert_to_openai_tool(tools[-1])["function"]["name"])
        elif any(_name(tool) == RESPONSE for tool in tools):
            answer = RESPONSE
        return self.model_copy(update={"answer": answer}) if answer else self

    def with_retry(self, **kwargs: Any) -> Any:  # noqa: ARG002 - LangChain's signature
        """Middleware would try again, with real waits, what the script does not have."""
        return self

    def reply(self, messages: list[BaseMessage]) -> Reply:
        """The reply that is due now. Raises MissingReply, naming call path and reply number."""
        call, state = place(self.aside)
        key = find(self.script, call) if call else next(iter(self.script), None)
        if key is None:
            told = (
                f"{call}: no key of 'script' fits this call (its keys: {_keys(self.script, call)})"
            )
            hint = "" if self.script else "; 'orchestra record' keeps what a real model says"
            raise MissingReply(told + hint)
        replies = self.script[key]
        last = messages[-1].text if messages else ""

        def fitting(at: int) -> bool:
            match = replies[at].match
            return match is None or match.fits(last)

        if state is None:
            turn = said(messages)
            index = turn if turn < len(replies) and fitting(turn) else None
        else:
            turn = state.turns[call]
            index = state.reply(call, fitting, len(replies))
        if index is None:
            shown = last if state is None else state.redact(last)
            raise MissingReply(_missing(call, turn, key, len(replies), shown))
        if self.aside and state is not None:
            state.turns[call] += 1  # the agent counts its own turns; nobody those of its middleware
        return replies[index]

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
        for piece in self._pieces(reply, messages):
            clock.block(pace.wait() if piece else clock.FOREVER)
            if piece:
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
        delay = self._delays()
        for number, piece in enumerate(self._pieces(reply, messages), 1):
            wait = max(pace.wait(), 0.0) if piece else clock.FOREVER
            if (wait := wait + delay(number)) > 0:  # most come with others
                await clock.sleep(wait)
            if number % BREATH == 0:
                await clock.breathe()
            if piece:
                yield piece

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    def _pieces(
        self, reply: Reply, messages: list[BaseMessage]
    ) -> Iterator[ChatGenerationChunk | None]:
        """The chunks of a reply, broken by its fault if this is one of its attempts.

        None: nothing follows, and no end either.
        """
        fault = reply.fault
        if fault is None:
            return chunks(reply, messages, self.answer)
        call, state = place(self.aside)
        attempt = 1 if state is None else state.attempt(call)
        if attempt not in fault.attempts:
            return chunks(reply, messages, self.answer)
        garbled = fault.error == "malformed" and bool(reply.tool_calls or reply.structured)
        pieces = chunks(reply, messages, self.answer, garbled=garbled)
        return pieces if garbled else broken(pieces, fault)

    def _delays(self) -> Callable[[int], float]:
        """What the seed of the run has each piece of this turn wait for."""
        call, state = place(self.aside)
        if state is None:
            return lambda _: 0.0
        return partial(state.schedule.delay, call, state.turns[call])

    def _rate(self, reply: Reply) -> float:
        return self.rate if reply.rate is None else reply.rate


class EchoModel(ScriptedModel):
    """Answers with the last message: wiring without a script."""

    spoken_name: ClassVar[str] = ECHO

    @property
    def _llm_type(self) -> str:
        return "orchestra-echo"

    def reply(self, messages: list[BaseMessage]) -> Reply:
        return Reply(text=messages[-1].text if messages else "")


def place(aside: str = "") -> tuple[str, RunState | None]:
    """The call path of the model that is asked, and the run it belongs to.

    ``aside`` is the middleware of an agent that it speaks for.
    """
    config = ensure_config()
    metadata, own = config.get("metadata", {}), config.get("configurable", {})
    call = metadata.get(CALL) or own.get(CALL) or metadata.get(AGENT) or ""
    if aside and call:
        call = f"{call}.{aside}"
    state = own.get(RUN)
    return call, state if isinstance(state, RunState) else None


def _name(tool: Any) -> str:
    if isinstance(tool, dict):
        return str(tool.get("name", ""))
    return str(getattr(tool, "name", ""))


def _keys(script: Iterable[str], call: str) -> str:
    """The keys of a script; of many those that are most like what is looked for."""
    keys, agent = [*script], call.rpartition("/")[2].partition("#")[0]

    def like(key: str) -> tuple[bool, float]:
        mine = key.rpartition("/")[2].partition("#")[0] == agent
        return mine, difflib.SequenceMatcher(None, key, call).ratio()

    if len(keys) <= _KEYS:
        return ", ".join(map(repr, keys)) or "none"
    near = sorted(keys, key=like, reverse=True)[:_KEYS]
    return f"{', '.join(map(repr, near))} and {len(keys) - _KEYS} more"


def _missing(call: str, turn: int, key: str, count: int, last: str) -> str:
    if turn < count:
        shown = one_line(last, 100)
        return f"{call}: no unused reply of script key {key!r} fits the last message {shown!r}"
    return f"{call}: reply {turn + 1} was asked for, but script key {key!r} has {count}"

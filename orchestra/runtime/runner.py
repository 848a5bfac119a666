"""One execution of a scenario: the iterator of its events. And of a batch: one after another."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Literal

from langchain_core.messages import HumanMessage

from .. import events
from ..errors import OrchestraError, UsageError
from ..events import Event
from ..scenario import Case, Scenario
from ..scenario.script import unused, unused_line
from ..text import whole_characters
from .graph import Team, build
from .state import RUN, RunState
from .stream import MODES, Adapter
from .values import brief

Ask = Callable[[], Awaitable[str | None]]
"""Asks the user for a further turn; None ends the conversation."""


class Run:
    """A run of a team on one conversation. Iterate it once, to its ``run_finished``.

    A run does not raise when its agents fail: it ends with ``run_finished`` and says so there.
    """

    def __init__(
        self,
        team: Team,
        case: Case | Sequence[str] = (),
        *,
        ask: Ask | None = None,
        whole: bool = True,
        close_team: bool = False,
    ) -> None:
        """``case`` is one of the scenario's cases, or the user's messages; default: its only one.

        ``ask`` is called for further turns, once the given ones are done. A run that is not the
        ``whole`` of a scenario does not tell which replies it left over. Raises UsageError if
        there is nothing to say, or if the scenario has several cases.
        """
        self.id = secrets.token_hex(6)
        self.team = team
        self.case = _case(team.scenario, case, asked=ask is not None)
        run = team.scenario.run
        self._state = RunState(
            rules=run,
            slots=asyncio.Semaphore(run.max_concurrency),
            conversations={name: [] for name in team.scenario.mains},
            redact=team.secrets.redact,
        )
        self._ask = ask
        self._whole = whole
        self._close_team = close_team

    def cancel(self) -> None:
        """End the run: what is open is closed, and ``run_finished`` says ``cancelled``.

        To be called in the loop that iterates the run.
        """
        self._state.cancel()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        state, scenario = self._state, self.team.scenario
        adapter = Adapter(self.id, self.team.secrets)
        given = [turn.input for turn in self.case.turns]
        yield adapter.stamp(
            events.RunStarted(
                scenario=scenario.name,
                case=None if self.case.alone else self.case.name,
                main=scenario.main,
                team=self.team.members,
                input=whole_characters(given[0]) if given else "",
            )
        )
        seconds = scenario.run.timeout
        expire = seconds and asyncio.get_running_loop().call_later(seconds, state.expire, seconds)
        try:
            for warning in _not_in_effect(scenario):
                yield adapter.stamp(events.Warned(message=warning))
            turn = 0
            while (text := await self._next(given, turn)) is not None:
                turn += 1
                async with aclosing(self._turn(adapter, turn, text)) as happening:
                    async for event in happening:
                        yield event
                if state.stopped:
                    break
            for event in self._left_over():
                yield adapter.stamp(event)
            yield self._finished(adapter)
        finally:
            if expire:
                expire.cancel()
            if self._close_team:
                await self.team.aclose()

    async def _next(self, given: Sequence[str], turn: int) -> str | None:
        """The user's next message: of the case, then of the user."""
        if turn < len(given):
            return given[turn]
        if self._ask is None or self._state.stopped:
            return None
        asking = self._state.task = asyncio.ensure_future(self._ask())
        try:
            await asyncio.wait([asking])
        finally:  # also when the consumer walks away
            asking.cancel()
        return None if asking.cancelled() else asking.result()

    async def _turn(self, adapter: Adapter, turn: int, text: str) -> AsyncGenerator[Event, None]:
        state = self._state
        for messages in state.conversations.values():
            messages.append(HumanMessage(text))
        state.output = ""
        yield adapter.stamp(events.TurnStarted(turn=turn, input=whole_characters(text)))
        if not state.stopped:
            stream = self.team.graph.astream(
                {"turn": turn},
                {"configurable": {RUN: state}},
                stream_mode=MODES,
                subgraphs=True,
                version="v2",
            )
            try:
                async for part in stream:
                    for event in adapter.feed(part):
                        yield event
            except Exception as error:  # noqa: BLE001 - LangGraph's own failures end a run as well
                state.error = error
            finally:  # a consumer that walks away stops the agents
                with suppress(RuntimeError):  # the loop, at its end, may be closing it already
                    await stream.aclose()
        for event in adapter.close(*self._ending()):
            yield event
        yield adapter.stamp(events.TurnFinished(turn=turn, output=whole_characters(state.output)))

    def _ending(self) -> tuple[Literal["failed", "cancelled"], str | None]:
        return ("failed", self._error()) if self._state.error else ("cancelled", None)

    def _error(self) -> str | None:
        error = self._state.error
        if error is None:
            return None
        if isinstance(error, OrchestraError):
            return str(error)
        origin = self._state.origin(error)
        return f"{origin}: {brief(error)}" if origin else brief(error)

    def _left_over(self) -> Iterator[events.Warned]:
        """Replies that were never used; of a run cut short it would be no news."""
        state, script = self._state, self.team.script
        if self._whole and state.error is None and not state.cancelled:
            for key, numbers in unused(script, state.used).items():
                told = unused_line(key, numbers, len(script[key]))
                yield events.Warned(message=told, script_key=key, replies=numbers)

    def _finished(self, adapter: Adapter) -> Event:
        state = self._state
        error = self._error()
        failed = state.error is not None
        return adapter.stamp(
            events.RunFinished(
                status="failed" if failed else "cancelled" if state.cancelled else "completed",
                output=whole_characters(state.output),
                usage=adapter.totals.usage,
                totals=dict(adapter.totals.agents),
                duration=adapter.elapsed,
                error=error,
                error_type=type(state.error).__name__ if failed else None,
            )
        )


def _case(scenario: Scenario, given: Case | Sequence[str], *, asked: bool) -> Case:
    if isinstance(given, Case):
        return given
    if given or (asked and not scenario.cases):
        return scenario.case_of(*given)
    path = scenario.source.path
    if not scenario.cases:
        raise UsageError(f"{path}: there is no 'input'; give one with --input")
    if len(scenario.cases) > 1:
        raise UsageError(f"{path}: has {len(scenario.cases)} cases; each is a run of its own")
    return scenario.cases[0]


def _not_in_effect(scenario: Scenario) -> Iterator[str]:
    """What the file asks for, and this version does not do yet."""
    if scenario.run.limits.cost is not None:
        yield "run.limits.cost is not in effect yet"


class Batch:
    """The runs of several cases. They work side by side; their events come run by run.

    So whoever looks on sees one run after the other, and waits only for the slowest.
    """

    def __init__(self, team: Team, cases: Sequence[Case], *, close_team: bool = False) -> None:
        self.runs = [Run(team, case, whole=False) for case in cases]
        self._slots = asyncio.Semaphore(team.scenario.run.max_concurrency)
        self._team = team if close_team else None

    def cancel(self) -> None:
        """End all runs, as :meth:`Run.cancel` does."""
        for run in self.runs:
            run.cancel()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        queues: list[asyncio.Queue[Event | None]] = [asyncio.Queue() for _ in self.runs]
        works = [
            asyncio.create_task(self._work(run, queue))
            for run, queue in zip(self.runs, queues, strict=True)
        ]
        try:
            for work, queue in zip(works, queues, strict=True):
                while (event := await queue.get()) is not None:
                    yield event
                await work
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            if self._team:
                await self._team.aclose()

    async def _work(self, run: Run, queue: asyncio.Queue[Event | None]) -> None:
        try:
            async with self._slots, aclosing(aiter(run)) as happening:
                async for event in happening:
                    queue.put_nowait(event)
        finally:
            queue.put_nowait(None)


def run(
    scenario: Scenario,
    input: str | Sequence[str] | Case | None = None,  # noqa: A002 - the scenario's own word for it
    *,
    models: Mapping[str, str] | None = None,
    rate: float = 0.0,
    packages: Sequence[str] = (),
    trust: bool = False,
    ask: Ask | None = None,
) -> Run | Batch:
    """Build the team of ``scenario`` and run it once: ``async for event in run(scenario)``.

    ``input`` is a message, the messages of a conversation, or one of the scenario's cases, in
    place of all that the file gives; else each of ``inputs`` is a run of its own. For many runs of
    one scenario, :func:`build` once and make a :class:`Run` of each.

    Raises:
        UsageError, ScenarioError: the team cannot be built, or there is no input.
    """
    given = (input,) if isinstance(input, str) else input or ()
    team = build(scenario, models=models, rate=rate, packages=packages, trust=trust)
    if not given and scenario.inputs is not None:
        return Batch(team, scenario.cases, close_team=True)
    return Run(team, given, ask=ask, close_team=True)

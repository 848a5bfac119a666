"""One execution of a scenario: the iterator of its events."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Literal

from langchain_core.messages import HumanMessage

from .. import events
from ..cassette import Tape
from ..errors import OrchestraError, UsageError
from ..events import Event
from ..scenario import Case, Decision, Scenario
from ..scenario.script import unasked_line, unused, unused_line
from ..text import whole_characters
from .approval import Decide, Decider
from .graph import Team
from .past import Past
from .reading import Reading
from .schedule import Schedule
from .state import RUN, RunState
from .stream import Adapter, modes_of
from .tools import count_given
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
        decide: Decide | None = None,
        strict: bool = False,
        past: Past | None = None,
        whole: bool = True,
        close_team: bool = False,
        seed: int | None = None,
    ) -> None:
        """``case`` is one of the scenario's cases, or the user's messages; default: its only one.

        ``ask`` is called for further turns, once the given ones are done. ``decide`` answers where
        a tool waits for a person; without it, the scenario's ``decisions`` do, and what they leave
        open ends the run: as interrupted, or, if it is ``strict``, as failed. A run with a ``past``
        goes on from there, under the old id; only what is new is told. A run that is not the
        ``whole`` of a scenario does not tell which replies and decisions it left over. A ``seed``
        gives an order of what happens side by side, exact on a virtual clock.

        Raises UsageError if there is nothing to say, or if the scenario has several cases.
        """
        self.id = past.seen[0].run if past else secrets.token_hex(6)
        self.team = team
        self.tap: Callable[[Sequence[Event]], object] = nobody
        """Is given what happens together, all of it before whoever iterates gets any."""
        self.case = _case(team.scenario, case, asked=ask is not None)
        run, taping = team.scenario.run, team.taping
        self._tape = taping.tape(team.scenario.key_of(self.case)) if taping else Tape()
        self._state = RunState(
            rules=run,
            slots=asyncio.Semaphore(run.max_concurrency),
            conversations={name: [] for name in team.scenario.mains},
            past=past or Past(),
            canned=count_given(team.scenario, past) if past else Counter(),
            secrets=team.secrets,
            tape=self._tape,
            schedule=Schedule(seed),
            begin=team.begin,
        )
        person = None if decide is None else self._shown_to(decide)
        self._decider = Decider(
            team.scenario, person, strict=strict, tape=self._tape if taping else None
        )
        for question in self._state.past.answered():
            self._decider.take(question)
        self._state.decide = self._decider
        self._modes = modes_of(team.scenario)
        self._ask = ask
        self._whole = whole
        self._close_team = close_team

    def _shown_to(self, decide: Decide) -> Decide:
        """A person sees a question as everybody sees its event: without secrets."""

        async def ask(question: events.Interrupted) -> Decision | None:
            secrets = self.team.secrets
            shown = secrets.clean(question) if secrets.secrets else question
            return await decide(replace(shown, run=self.id))

        return ask

    def cancel(self, call: str | None = None) -> None:
        """End the run: what is open is closed, and ``run_finished`` says ``cancelled``.

        With a call path, end that call, and all below it: its ``agent_finished`` says
        ``cancelled``, its caller is told that it was called off, and the run goes on. A call that
        is over, or that is a tool's own, stays as it is. To be called in the loop that iterates
        the run, like :meth:`pause` and :meth:`resume`.
        """
        if call is None or [call] == [*self._state.conversations]:
            self._state.cancel()
        else:
            self._state.control.call_off(call)

    def pause(self) -> None:
        """Let no model call and no tool begin until :meth:`resume`; what is under way goes on.

        The time of the calls is not spent meanwhile; ``run.timeout`` is.
        """
        self._state.control.pause()

    def resume(self) -> None:
        self._state.control.resume()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        state, scenario = self._state, self.team.scenario
        adapter = Adapter(self.id, self.team.secrets, frozenset(scenario.agents))
        given = [*state.past.inputs]
        given += [turn.input for turn in self.case.turns[len(given) :]]
        if scenario.interactive:  # what the user was asked for when it was recorded
            given += self._tape.inputs[len(given) :]
        for event in self._tapped([*self._begin(adapter, given)]):
            yield event
        seconds = scenario.run.timeout
        expire = seconds and asyncio.get_running_loop().call_later(seconds, state.expire, seconds)
        try:
            turn = 0
            while (text := await self._next(given, turn)) is not None:
                turn += 1
                async with aclosing(self._turn(adapter, turn, text)) as happening:
                    async for together in happening:
                        for event in self._tapped(together):
                            yield event
                if state.stopped:
                    break
            left = [*map(adapter.stamp, self._left_over())]
            for event in self._tapped([*left, self._finished(adapter)]):
                yield event
        finally:
            if expire:
                expire.cancel()
            if self._close_team:
                await self.team.aclose()

    def _tapped(self, together: list[Event]) -> list[Event]:
        self.tap(together)
        return together

    def _begin(self, adapter: Adapter, given: Sequence[str]) -> Iterator[Event]:
        scenario = self.team.scenario
        if self._state.past.seen:
            yield from adapter.resume(self._state.past)
            return
        yield adapter.stamp(
            events.RunStarted(
                scenario=scenario.name,
                case=None if self.case.alone else self.case.name,
                main=scenario.main,
                team=self.team.members,
                input=whole_characters(given[0]) if given else "",
            )
        )

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

    async def _turn(
        self, adapter: Adapter, turn: int, text: str
    ) -> AsyncGenerator[list[Event], None]:
        state = self._state
        for messages in state.conversations.values():
            messages.append(HumanMessage(text))
        state.output = ""
        past = state.past
        if turn > past.turns + past.turn_open:
            state.tape.heard(turn, state.redact(whole_characters(text)))
            yield [adapter.stamp(events.TurnStarted(turn=turn, input=whole_characters(text)))]
        if not state.stopped:
            stream = self.team.graph.astream(
                turn,
                {"configurable": {RUN: state}},
                stream_mode=self._modes,
                subgraphs=True,
                version="v2",
            )
            reading = Reading(stream)
            try:
                while parts := await reading.more():
                    together: list[Event] = []
                    try:
                        for part in parts:
                            together += adapter.feed(part)
                    finally:  # what happened before something broke is told
                        yield together
            except Exception as error:  # noqa: BLE001 - LangGraph's own failures end a run as well
                state.error = error
            finally:  # a consumer that walks away stops the agents
                await reading.close()
        if state.waiting and not state.error and not state.cancelled:
            return  # the turn is not over, and those who wait have not ended
        if turn <= past.turns:
            return  # told before the run was resumed
        ends = [*adapter.close(*self._ending())]
        output = whole_characters(state.output)
        yield [*ends, adapter.stamp(events.TurnFinished(turn=turn, output=output))]

    @property
    def status(self) -> events.RunStatus:
        """How the run ended, or would end now."""
        if self._state.error is not None:
            return "failed"
        if self._state.cancelled:
            return "cancelled"
        return "interrupted" if self._state.waiting else "completed"

    def _ending(self) -> tuple[Literal["failed", "cancelled"], str | None]:
        return ("failed", self._error()) if self._state.error else ("cancelled", None)

    def _error(self) -> str | None:
        error = self._state.error
        if error is None:
            tools = ", ".join(str(asked["tool"]) for asked in self._state.waiting)
            return f"waits for a decision on {tools}" if self.status == "interrupted" else None
        if isinstance(error, OrchestraError):
            return str(error)
        origin = self._state.origin(error)
        return f"{origin}: {brief(error)}" if origin else brief(error)

    def _left_over(self) -> Iterator[events.Warned]:
        """Replies that were never used; of a run cut short it would be no news."""
        state, script = self._state, self.team.script
        if not state.stopped and not state.past.seen:
            for call, numbers in state.tape.left():
                told = f"cassette: {unasked_line(call, numbers)}"
                yield events.Warned(message=told, recorded_call=call, replies=numbers)
        # What a resumed run used before is not in its events.
        if self._whole and not state.stopped and not state.past.seen:
            for number in self._decider.unused:
                yield events.Warned(
                    message=f"decision {number} was never used", unused_decision=number
                )
            for key, numbers in unused(script, state.used).items():
                told = unused_line(key, numbers, len(script[key]))
                yield events.Warned(message=told, script_key=key, replies=numbers)

    def _finished(self, adapter: Adapter) -> Event:
        state = self._state
        state.tape.ended(self.status)
        return adapter.stamp(
            events.RunFinished(
                status=self.status,
                output=whole_characters(state.output),
                usage=adapter.totals.usage,
                totals=dict(adapter.totals.agents),
                duration=adapter.elapsed,
                error=self._error(),
                error_type=type(state.error).__name__ if state.error else None,
            )
        )


def nobody(together: Sequence[Event]) -> None:
    """Nobody listens."""


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

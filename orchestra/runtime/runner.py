"""One execution of a scenario: the iterator of its events."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Literal

from langchain_core.messages import HumanMessage

from .. import events
from ..errors import OrchestraError, UsageError
from ..events import Event
from ..scenario import Scenario
from ..scenario.script import unused
from ..text import whole_characters
from .graph import Team, build
from .observe import brief
from .state import RUN, RunState
from .stream import MODES, Adapter


class Run:
    """A run of a team on one conversation. Iterate it once, to its ``run_finished``.

    A run does not raise when its agents fail: it ends with ``run_finished`` and says so there.
    """

    def __init__(self, team: Team, inputs: Sequence[str] = (), *, close_team: bool = False) -> None:
        """``inputs`` are the user's messages in order; by default the scenario's own.

        Raises UsageError if there are none.
        """
        self.id = secrets.token_hex(6)
        self.team = team
        self.inputs = tuple(inputs) or team.scenario.inputs
        if not self.inputs:
            raise UsageError(
                f"{team.scenario.source.path}: there is no 'input'; give one with --input"
            )
        self._state = RunState()
        self._close_team = close_team

    def cancel(self) -> None:
        """End the run: what is open is closed, and ``run_finished`` says ``cancelled``.

        To be called in the loop that iterates the run.
        """
        self._state.cancel()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        adapter, state, scenario = Adapter(self.id), self._state, self.team.scenario
        yield adapter.stamp(
            events.RunStarted(
                scenario=scenario.name,
                main=scenario.main,
                team=self.team.members,
                input=whole_characters(self.inputs[0]),
            )
        )
        try:
            for turn, text in enumerate(self.inputs, 1):
                async with aclosing(self._turn(adapter, turn, text)) as happening:
                    async for event in happening:
                        yield event
                if state.error or state.cancelled:
                    break
            for warning in self._warnings():
                yield adapter.stamp(events.Warned(message=warning))
            yield self._finished(adapter)
        finally:
            if self._close_team:
                await self.team.aclose()

    async def _turn(self, adapter: Adapter, turn: int, text: str) -> AsyncGenerator[Event, None]:
        state = self._state
        state.messages = [*state.messages, HumanMessage(text)]
        state.output = ""
        yield adapter.stamp(events.TurnStarted(turn=turn, input=whole_characters(text)))
        if not state.cancelled:
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
                        yield self._redacted(event)
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

    def _redacted(self, event: Event) -> Event:
        """Errors may quote the request, and with it a key."""
        match event:
            case (
                events.ModelAborted(error=str(error))
                | events.ToolFailed(error=str(error))
                | events.AgentFinished(error=str(error))
            ):
                return replace(event, error=self.team.redact(error))
        return event

    def _error(self) -> str | None:
        error = self._state.error
        if error is None:
            return None
        if isinstance(error, OrchestraError):
            return self.team.redact(str(error))
        origin = self._state.origin(error)
        return self.team.redact(f"{origin}: {brief(error)}" if origin else brief(error))

    def _warnings(self) -> Iterator[str]:
        state = self._state
        if state.error is None and not state.cancelled:
            yield from unused(self.team.script, state.asked)

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


def run(
    scenario: Scenario,
    input: str | Sequence[str] | None = None,  # noqa: A002 - the scenario's own word for it
    *,
    models: Mapping[str, str] | None = None,
    rate: float = 0.0,
    trust: bool = False,
) -> Run:
    """Build the team of ``scenario`` and run it once: ``async for event in run(scenario)``.

    ``input`` is a message, or the messages of a conversation, in place of the scenario's own.
    For many runs of one scenario, :func:`build` once and make a :class:`Run` of each.

    Raises:
        UsageError, ScenarioError: the team cannot be built, or there is no input.
    """
    inputs = (input,) if isinstance(input, str) else tuple(input or ())
    team = build(scenario, models=models, rate=rate, trust=trust)
    return Run(team, inputs, close_team=True)

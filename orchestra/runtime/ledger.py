"""The books of a run: every event stamped, every beginning with its end.

What LangGraph does not report (a sibling that it cancelled, a tool that a dying agent leaves
behind) is ended here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, TypeVar

from .. import events
from ..events import BaseEvent, Event, ToolCall, Usage
from ..totals import Totals
from . import clock
from .past import Past
from .secrets import Filler
from .voice import Speech

E = TypeVar("E", bound=BaseEvent)


class Ledger:
    """Stamps the events of one run, pairs them, and closes what is left open."""

    def __init__(self, run: str, secrets: Filler | None = None) -> None:
        self.totals = Totals()
        self._secrets = secrets or Filler({})
        self._run = run
        self._now = clock.reader()
        self._began = self._now()
        self._seq = 0
        self._models: dict[str, Speech] = {}  # by message id
        # What has begun and not ended, in the order in which it began.
        self._agents: dict[str, events.AgentStarted] = {}
        self._tools: dict[tuple[str, str], events.ToolStarted] = {}
        self._asked: dict[tuple[str, str], ToolCall] = {}  # and not begun yet
        self._usage: dict[str, Usage] = {}  # of each open call
        self._told: set[tuple[str | None, str]] = set()

    def resume(self, past: Past) -> Iterator[Event]:
        """Go on from what has been told: its numbers, its time, and what is still open."""
        for event in past.seen:
            self.totals.feed(event)
            if isinstance(event, events.AgentStarted):
                self._usage[event.call or ""] = Usage()
            elif isinstance(event, events.ModelFinished) and event.usage:
                self._usage[event.call or ""] += event.usage
        last = past.seen[-1]
        self._run, self._seq = last.run, last.seq + 1
        self._began -= last.t
        self._told = past.warned
        self._agents = dict(past.open_agents)
        self._usage = {call: self._usage[call] for call in self._agents}
        self._tools = dict(past.open_tools)
        yield self.stamp(events.Resumed(interrupt_id=""))
        for begun in past.open_models.values():
            yield self.stamp(
                events.ModelAborted(
                    agent=begun.agent,
                    call=begun.call,
                    message_id=begun.message_id,
                    reason="cancelled",
                )
            )

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, to the microsecond."""
        return round(self._now() - self._began, 6)

    def stamp(self, event: E) -> E:
        """``event`` with run, number and time, counted in the totals."""
        if self._secrets.secrets:
            event = self._secrets.clean(event)
        stamped = replace(event, run=self._run, seq=self._seq, t=self.elapsed)
        self._seq += 1
        self.totals.feed(stamped)
        return stamped

    def close(self, status: Literal["failed", "cancelled"], error: str | None) -> Iterator[Event]:
        """Ends for all that never reported one, the innermost first."""
        for call, agent in list(self._agents.items()):
            end = events.AgentFinished(agent=agent.agent, call=call, status=status, error=error)
            yield from self._agent_finished(end, call)

    def _too_late(self, event: BaseEvent) -> bool:
        """Whether the call that reports it has ended: LangGraph waits for nothing it cancels.

        Or whether it was told before the run was resumed.
        """
        if isinstance(event, events.Warned):
            return (event.call, event.message) in self._told
        caller = event.parent if isinstance(event, events.AgentStarted) else event.call
        return caller is not None and caller not in self._agents

    def _shut(self, call: str) -> Iterator[Event]:
        """Ends for what is open in a call that ends, and in the calls below it."""
        for below in [path for path in self._agents if path.startswith(f"{call}/")]:
            if agent := self._agents.get(below):  # not ended along with a call between the two
                end = events.AgentFinished(agent=agent.agent, call=below, status="cancelled")
                yield from self._agent_finished(end, below)
        for message_id, model in list(self._models.items()):
            if model.started.call == call:
                del self._models[message_id]
                yield self.stamp(
                    events.ModelAborted(
                        agent=model.started.agent,
                        call=call,
                        message_id=message_id,
                        reason="cancelled",
                    )
                )
        self._asked = {key: asked for key, asked in self._asked.items() if key[0] != call}
        for key, tool in list(self._tools.items()):
            if key[0] == call:
                del self._tools[key]
                yield self.stamp(
                    events.ToolFailed(
                        agent=tool.agent,
                        call=call,
                        tool_call_id=tool.tool_call_id,
                        name=tool.name,
                        error="cancelled",
                        duration=self.elapsed - tool.t,
                    )
                )

    def _agent_finished(self, event: events.AgentFinished, call: str) -> Iterator[Event]:
        if call not in self._agents:
            return
        yield from self._shut(call)
        started = self._agents.pop(call)
        usage = self._usage.pop(call)
        yield self.stamp(replace(event, usage=usage, duration=self.elapsed - started.t))

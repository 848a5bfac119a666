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
from .opened import Opened
from .past import Past
from .secrets import Filler
from .voice import Speech

E = TypeVar("E", bound=BaseEvent)

_set = object.__setattr__


class Ledger:
    """Stamps the events of one run, pairs them, and closes what is left open."""

    def __init__(self, run: str, secrets: Filler | None = None) -> None:
        self.totals = Totals()
        self._secrets = secrets or Filler({})
        self._run = run
        self._now = clock.reader()
        self._began = self._now()
        self._seq = 0
        # What has begun and not ended, in the order in which it began: of each call its models by
        # message id, its callees by path, its tools by their ids, and those that have not begun.
        self._models = Opened[str, Speech](lambda _, it: it.started.call)
        self._agents = Opened[str, events.AgentStarted](lambda _, it: it.parent)
        self._tools = Opened[tuple[str, str], events.ToolStarted](lambda key, _: key[0])
        self._asked = Opened[tuple[str, str], ToolCall](lambda key, _: key[0])
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
        self._agents.take(past.open_agents)
        self._usage = {call: self._usage[call] for call in self._agents}
        self._tools.take(past.open_tools)
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
        """``event`` with run, number and time, counted in the totals.

        It gets them itself, frozen or not: nobody has seen it yet, and a copy would be a tenth of
        what a token costs.
        """
        if self._secrets.secrets:
            event = self._secrets.clean(event)
        _set(event, "run", self._run)
        _set(event, "seq", self._seq)
        _set(event, "t", self.elapsed)
        self._seq += 1
        self.totals.feed(event)
        return event

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
        for below in self._agents.of(call):
            agent = self._agents[below]
            end = events.AgentFinished(agent=agent.agent, call=below, status="cancelled")
            yield from self._agent_finished(end, below)
        for message_id in self._models.of(call):
            model = self._models.pop(message_id)
            yield self.stamp(
                events.ModelAborted(
                    agent=model.started.agent,
                    call=call,
                    message_id=message_id,
                    reason="cancelled",
                )
            )
        for asked in self._asked.of(call):
            del self._asked[asked]
        for key in self._tools.of(call):
            tool = self._tools.pop(key)
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

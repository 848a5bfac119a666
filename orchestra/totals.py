"""Figures of a run, per agent, added up from its events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .events import AgentStarted, AgentTotals, BaseEvent, ModelFinished, ToolStarted, Usage


@dataclass(slots=True)
class Totals:
    """Feed it every event of a run; ``agents`` holds the figures so far.

    Deltas are passed over: nothing here is a count of chunks.
    """

    agents: dict[str, AgentTotals] = field(default_factory=dict)
    _calls: set[tuple[str, str]] = field(default_factory=set)
    _first_tokens: dict[str, list[float]] = field(default_factory=dict)

    def feed(self, event: BaseEvent) -> None:
        agent = event.agent
        if agent is None:
            return
        match event:
            case AgentStarted(call=str(call)) if (event.run, call) not in self._calls:
                self._calls.add((event.run, call))
                self._set(agent, calls=self._of(agent).calls + 1)
            case ModelFinished():
                self._model_finished(agent, event)
            case ToolStarted():
                self._set(agent, tool_calls=self._of(agent).tool_calls + 1)
            case _:
                pass

    @property
    def usage(self) -> Usage:
        """Of all agents together."""
        return sum((totals.usage for totals in self.agents.values()), Usage())

    def _of(self, agent: str) -> AgentTotals:
        return self.agents.get(agent) or AgentTotals()

    def _set(self, agent: str, **changes: object) -> None:
        self.agents[agent] = replace(self._of(agent), **changes)  # type: ignore[arg-type] # its fields

    def _model_finished(self, agent: str, event: ModelFinished) -> None:
        firsts = self._first_tokens.setdefault(agent, [])
        if event.first_token is not None:
            firsts.append(event.first_token)
        before = self._of(agent)
        self._set(
            agent,
            model_calls=before.model_calls + 1,
            usage=before.usage + (event.usage or Usage()),
            first_token=sum(firsts) / len(firsts) if firsts else None,
            seconds=before.seconds + event.duration - (event.first_token or 0.0),
        )

"""What a run did, call by call: the checks look at this and at nothing else.

Made from events, so a live run and a recorded one are judged alike. Nothing in it depends on
the order of parallel calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..events import (
    AgentFinished,
    AgentStarted,
    Event,
    ModelFinished,
    ModelStarted,
    RunFinished,
    RunStarted,
    ToolCall,
)
from ..scenario.script import ScriptKey


@dataclass(slots=True)
class Call:
    """One conversation with an agent. ``turns`` holds the tool calls of each model message."""

    agent: str
    path: str
    parent: str | None = None
    status: str = "running"
    output: str = ""
    error: str | None = None
    begun: int = 0
    turns: list[tuple[ToolCall, ...]] = field(default_factory=list)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """All that it asked for, in order."""
        return [call for turn in self.turns for call in turn]


@dataclass(slots=True)
class Transcript:
    """A whole run. ``main`` is the main agent's call path; ``finished`` is None if it never was."""

    main: str = ""
    calls: dict[str, Call] = field(default_factory=dict)
    finished: RunFinished | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> Transcript:
        """The transcript of a recorded run."""
        transcript = cls()
        for event in events:
            transcript.feed(event)
        return transcript

    def feed(self, event: Event) -> None:
        """Take in the next event of the run."""
        match event:
            case RunStarted():
                self.main = event.main
            case AgentStarted(agent=str(agent), call=str(path)):
                call = self.calls.setdefault(path, Call(agent, path, event.parent))
                call.status = "running"
            case AgentFinished(call=str(path)) if path in self.calls:
                call = self.calls[path]
                call.status, call.output, call.error = event.status, event.output, event.error
            case ModelStarted(call=str(path)) if path in self.calls and event.attempt == 1:
                self.calls[path].begun += 1
            case ModelFinished(call=str(path)) if path in self.calls:
                self.calls[path].turns.append(event.tool_calls)
            case RunFinished():
                self.finished = event
            case _:
                pass

    @property
    def asked(self) -> dict[str, int]:
        """How many model turns each call began: what of a script was used."""
        return {path: call.begun for path, call in self.calls.items()}

    def find(self, agent: str | None) -> list[Call]:
        """The calls that ``agent`` means; None is the main agent's.

        As in a script, it is a name (all its calls) or the tail of a call path.
        """
        if agent is None:
            return [self.calls[self.main]] if self.main in self.calls else []
        key = ScriptKey.parse(agent)
        return [call for path, call in self.calls.items() if key.fits(path)]

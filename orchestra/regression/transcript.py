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
    RunFinished,
    RunStarted,
    RunStatus,
    ToolCall,
    TurnFinished,
    TurnStarted,
    Warned,
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
    turns: list[tuple[ToolCall, ...]] = field(default_factory=list)

    @property
    def delegated(self) -> bool:
        """Whether another agent called it: no main agent's call, and no handoff."""
        return self.parent is not None and ">" not in self.path.rpartition("/")[2]

    @property
    def tool_calls(self) -> list[ToolCall]:
        """All that it asked for, in order."""
        return [call for turn in self.turns for call in turn]


@dataclass(slots=True)
class Transcript:
    """A whole run, or one turn of it.

    ``mains`` are the main agents' call paths, ``turns`` the same of each turn alone, ``unused``
    what each script key has left over, ``undecided`` the decisions that were left. ``handoffs`` are
    the agents that had the conversation of each
    call, in order. ``finished`` is None if the run never was.
    """

    mains: tuple[str, ...] = ()
    calls: dict[str, Call] = field(default_factory=dict)
    turns: list[Transcript] = field(default_factory=list)
    unused: dict[str, Warned] = field(default_factory=dict)
    undecided: dict[int, Warned] = field(default_factory=dict)
    handoffs: dict[str, list[str]] = field(default_factory=dict)
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
                self.mains = (event.main,) if isinstance(event.main, str) else event.main
            case TurnStarted():
                self.turns.append(Transcript(self.mains))
            case TurnFinished() if self.turns:
                self.turns[-1]._end(event)
            case Warned(script_key=str(key)):
                self.unused[key] = event
            case Warned(unused_decision=int(number)):
                self.undecided[number] = event
            case RunFinished():
                self.finished = event
            case _:
                self._call(event)
                if self.turns:
                    self.turns[-1]._call(event)

    def _call(self, event: Event) -> None:
        match event:
            case AgentStarted(agent=str(agent), call=str(path)):
                call = self.calls.setdefault(path, Call(agent, path, event.parent))
                call.status = "running"
                chain = self.handoffs.setdefault(self._entry(call), [])
                if not chain or chain[-1] != agent:
                    chain.append(agent)
            case AgentFinished(call=str(path)) if path in self.calls:
                call = self.calls[path]
                call.status, call.output, call.error = event.status, event.output, event.error
            case ModelFinished(call=str(path)) if path in self.calls:
                self.calls[path].turns.append(event.tool_calls)
            case _:
                pass

    def _entry(self, call: Call) -> str:
        """The call whose conversation it is: its own, unless it was handed over."""
        head, slash, last = call.path.rpartition("/")
        if ">" in last:
            return head + slash + last.rpartition(">")[0]
        if call.parent is None and len(self.mains) == 1:
            return self.mains[0]  # of the only main agent, the siblings go by their names
        return call.path

    def moves(self, agent: str | None) -> list[tuple[str, list[str]]]:
        """The agents that had the conversation of each call that ``agent`` means, in order."""
        if agent is None:
            entries = [main for main in self.mains if main in self.handoffs]
        else:
            entries = list(dict.fromkeys(map(self._entry, self.find(agent))))
        return [(entry, self.handoffs[entry]) for entry in entries]

    def _end(self, event: TurnFinished) -> None:
        """A turn, as if it were all."""
        ends = [call.status for call in self.calls.values() if call.parent is None]
        status: RunStatus = "completed"
        if "failed" in ends:
            status = "failed"
        elif "cancelled" in ends:
            status = "cancelled"
        self.finished = RunFinished(status=status, output=event.output)

    @property
    def main(self) -> str:
        """What to call the main agents in a reason."""
        return ", ".join(self.mains)

    def find(self, agent: str | None) -> list[Call]:
        """The calls that ``agent`` means; None is the main agents'.

        As in a script, it is a name (all its calls) or the tail of a call path.
        """
        if agent is None:
            return [self.calls[main] for main in self.mains if main in self.calls]
        key = ScriptKey.parse(agent)
        return [call for path, call in self.calls.items() if key.fits(path)]

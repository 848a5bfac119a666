"""What a run did, call by call: the checks look at this and at nothing else.

Made from events, so a live run and a recorded one are judged alike. Nothing in it depends on
the order of parallel calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..events import (
    AgentFinished,
    AgentStarted,
    Event,
    Interrupted,
    ModelFinished,
    Resumed,
    RunFinished,
    RunStarted,
    RunStatus,
    ToolCall,
    ToolFailed,
    ToolFinished,
    TurnFinished,
    TurnStarted,
    Warned,
)
from ..scenario.script import ScriptKey

_AT_ONCE = ("parallel", "map")  # composites whose steps begin together


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one tool call: ``text`` is its result, or its error."""

    id: str
    name: str
    status: Literal["succeeded", "failed", "rejected"]
    text: str


@dataclass(slots=True)
class Call:
    """One conversation with an agent.

    ``messages`` are its model's answers, in order. ``asked`` is when its parent asked for it: in
    which of its turns or steps, from 0, and how many handoffs after that; calls of one turn have
    the same. ``seconds`` is how long it took, or None if it never ended.
    """

    agent: str
    path: str
    parent: str | None = None
    task: str = ""
    asked: tuple[int, int] = (0, 0)
    status: str = "running"
    output: str = ""
    structured: Any = None
    error: str | None = None
    messages: list[ModelFinished] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    seconds: float | None = None
    _turn_of: dict[str | None, int] = field(default_factory=dict)  # of each tool call's id
    _open: int = 0  # calls below it that have not ended
    _step: int = -1  # of a composite

    @property
    def delegated(self) -> bool:
        """Whether another agent called it: no main agent's call, and no handoff."""
        return self.parent is not None and ">" not in self.path.rpartition("/")[2]

    @property
    def turns(self) -> list[tuple[ToolCall, ...]]:
        """What each model message asked for."""
        return [message.tool_calls for message in self.messages]

    @property
    def tool_calls(self) -> list[ToolCall]:
        """All that it asked for, in order."""
        return [call for message in self.messages for call in message.tool_calls]

    def _say(self, message: ModelFinished) -> None:
        self._turn_of |= {call.id: len(self.messages) for call in message.tool_calls}
        self.messages.append(message)


@dataclass(slots=True)
class Transcript:
    """A whole run, or one turn of it.

    ``mains`` are the main agents' call paths, ``turns`` the same of each turn alone, ``warnings``
    what it warned of, of which ``unused`` is what each script key has left over and ``undecided``
    the decisions that were left, ``unasked`` the same of a cassette, and ``drift`` in what requests
    are not those that were recorded. ``handoffs`` are the agents that had the conversation of each
    call, in order. ``decisions`` are what a person decided, by call path. ``finished`` is None if
    the run never was.
    """

    mains: tuple[str, ...] = ()
    calls: dict[str, Call] = field(default_factory=dict)
    turns: list[Transcript] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unused: dict[str, Warned] = field(default_factory=dict)
    undecided: dict[int, Warned] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    handoffs: dict[str, list[str]] = field(default_factory=dict)
    decisions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    finished: RunFinished | None = None
    _kinds: dict[str, str] = field(default_factory=dict)
    _rejected: set[str] = field(default_factory=set)
    _began: float = 0.0

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
                self._kinds = {member.name: member.kind for member in event.team}
            case TurnStarted():
                self.turns.append(Transcript(self.mains, _kinds=self._kinds, _began=event.t))
            case TurnFinished() if self.turns:
                self.turns[-1]._end(event)
            case Warned():
                self._warn(event)
            case RunFinished():
                self.finished = event
            case _:
                self._call(event)
                if self.turns:
                    self.turns[-1]._call(event)

    def _warn(self, event: Warned) -> None:
        if event.script_key is not None:
            self.unused[event.script_key] = event
        elif event.unused_decision is not None:
            self.undecided[event.unused_decision] = event
        elif event.recorded_call is not None:
            (self.unasked if event.call is None else self.drift).append(event.message)
            if event.call is not None and self.turns:
                self.turns[-1].drift.append(event.message)
        self.warnings.append(event.message)
        left = event.script_key is not None or event.unused_decision is not None
        if self.turns and not (left or (event.recorded_call is not None and event.call is None)):
            self.turns[-1].warnings.append(event.message)

    def _call(self, event: Event) -> None:
        match event:
            case AgentStarted(agent=str(agent), call=str(path)):
                self._begin(agent, path, event)
            case AgentFinished(call=str(path)) if path in self.calls:
                self._finish(self.calls[path], event)
            case ModelFinished(call=str(path)) if path in self.calls:
                self.calls[path]._say(event)
            case ToolFinished(call=str(path)) if path in self.calls:
                result = ToolResult(event.tool_call_id, event.name, "succeeded", event.result)
                self.calls[path].results.append(result)
            case ToolFailed(call=str(path)) if path in self.calls:
                rejected = f"{path}?{event.tool_call_id}" in self._rejected
                status: Literal["failed", "rejected"] = "rejected" if rejected else "failed"
                result = ToolResult(event.tool_call_id, event.name, status, event.error)
                self.calls[path].results.append(result)
            case Interrupted(call=str(path)):
                self.decisions.setdefault(path, []).append({"tool": event.request.get("tool")})
            case Resumed(call=str(path)):
                self._decided(path, event)
            case _:
                pass

    def _begin(self, agent: str, path: str, event: AgentStarted) -> None:
        known = self.calls.get(path)
        call = known or Call(agent, path, event.parent, event.task)
        self.calls[path] = call
        chain = self.handoffs.setdefault(self._entry(call), [])
        if not chain or chain[-1] != agent:
            chain.append(agent)
        above = self.calls.get(event.parent or "")
        if known is None:
            call.asked = self._asked(call, above, event.tool_call_id, len(chain) - 1)
        if above is not None and (known is None or call.status != "running"):
            above._open += 1
        call.status = "running"

    def _asked(
        self, call: Call, above: Call | None, tool_call_id: str | None, moves: int
    ) -> tuple[int, int]:
        entry = self.calls.get(self._entry(call), call)
        if entry is not call:
            return entry.asked[0], moves
        if above is None:
            return 0, 0
        if tool_call_id in above._turn_of:
            return above._turn_of[tool_call_id], 0
        if above._open == 0 or self._kinds.get(above.agent) not in _AT_ONCE:
            above._step += 1
        return above._step, 0

    def _finish(self, call: Call, event: AgentFinished) -> None:
        call.output, call.error, call.structured = event.output, event.error, event.structured
        call.seconds = (call.seconds or 0.0) + event.duration
        if call.status == "running" and (above := self.calls.get(call.parent or "")):
            above._open -= 1
        call.status = event.status

    def _decided(self, path: str, event: Resumed) -> None:
        asked = self.decisions.setdefault(path, [])
        if open_ := next((it for it in asked if "decide" not in it), None):
            open_.update(event.decision)
        if event.decision.get("decide") == "reject":
            self._rejected.add(event.interrupt_id)

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
        errors = [call.error for call in self.calls.values() if call.parent is None and call.error]
        self.finished = RunFinished(
            status=status,
            output=event.output,
            error=errors[0] if errors else None,
            duration=event.t - self._began,
        )

    @property
    def main(self) -> str:
        """What to call the main agents in a reason."""
        return ", ".join(self.mains)

    @property
    def side_by_side(self) -> bool:
        """Whether anything in it ran, or could have run, at the same time as something else."""
        if any(len(turn) > 1 for call in self.calls.values() for turn in call.turns):
            return True
        asked = [(call.parent, call.asked) for call in self.calls.values()]
        return len(set(asked)) < len(asked)

    def find(self, agent: str | None) -> list[Call]:
        """The calls that ``agent`` means; None is the main agents'.

        As in a script, it is a name (all its calls) or the tail of a call path.
        """
        if agent is None:
            return [self.calls[main] for main in self.mains if main in self.calls]
        key = ScriptKey.parse(agent)
        return [call for path, call in self.calls.items() if key.fits(path)]

    def way(self, call: Call) -> list[Call]:
        """The calls from a main agent's down to ``call``."""
        way = [call]
        while (above := self.calls.get(way[-1].parent or "")) is not None:
            way.append(above)
        return way[::-1]

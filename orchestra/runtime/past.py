"""What a run has done before it broke off, read from its own events; and how it goes on from there.

A resumed run begins at the beginning, and is told what it already knows: a model turn that was
finished is not asked for again, a tool that has answered is not run again, a call that is done is
not made again. None of it is written twice. Where the past ends, the run is live. So the event
file is all that a run needs to survive: there is no second store that could disagree with it, and
any reader of events sees one run.

What was under way when the run broke off begins again: a model turn from its first token, a tool
that had not answered with its side effects.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import events
from ..errors import UsageError
from ..events import Event
from .control import CALLED_OFF

_DONE = ("completed", "handed_off")


@dataclass(slots=True)
class Go:
    """One go of a call, and how it ended; None if it had not."""

    end: events.AgentFinished | None = None

    @property
    def done(self) -> bool:
        return self.end is not None and self.end.status in _DONE

    @property
    def open(self) -> bool:
        """Whether it began and has no end: it goes on under its old beginning."""
        return self.end is None


@dataclass(slots=True)
class Past:
    """The past of a run; an empty one has none.

    ``seen`` are its events. ``inputs`` are the user's messages, of which the first ``turns`` have
    been answered; ``turn_open`` if the next one has begun and not ended.
    """

    seen: list[Event] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    turns: int = 0
    turn_open: bool = False
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each call: how many messages are numbered, and the attempts at the next one."""
    paths: dict[tuple[str, str], str] = field(default_factory=dict)
    """The call path of each delegation, by caller and tool call id."""
    open_models: dict[str, events.ModelStarted] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """The ids of the questions that were asked."""
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The answers, by the id of the question."""
    garbled: dict[tuple[str, str], str] = field(default_factory=dict)
    """Arguments that are no JSON, by call path and tool call id."""
    warned: set[tuple[str | None, str]] = field(default_factory=set)
    open_tools: dict[tuple[str, str], events.ToolStarted] = field(default_factory=dict)
    open_agents: dict[str, events.AgentStarted] = field(default_factory=dict)
    _goes: dict[str, deque[Go]] = field(default_factory=lambda: defaultdict(deque))
    _messages: dict[str, deque[events.ModelFinished]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _results: dict[tuple[str, str], events.ToolFinished | events.ToolFailed] = field(
        default_factory=dict
    )
    _failed: dict[tuple[str, str], events.ToolFailed] = field(default_factory=dict)
    _roots: set[str] = field(default_factory=set)
    _again: set[str] = field(default_factory=set)
    _args: dict[tuple[str, int], tuple[str, list[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Iterable[Event]) -> Past:
        """The past that these events tell. UsageError if there is nothing to go on from."""
        past = cls(list(seen))
        for event in past.seen:
            past._feed(event)
        last = past.seen[-1] if past.seen else None
        if not past.inputs:
            raise UsageError("the run broke off before it began; start it anew")
        if isinstance(last, events.RunFinished) and last.status == "completed":
            raise UsageError("the run is completed; there is nothing to resume")
        return past

    def message(self, call: str) -> events.ModelFinished | None:
        """The next model turn that the call has already taken."""
        waiting = self._messages.get(call)
        return waiting.popleft() if waiting else None

    def result(
        self, call: str, tool_call_id: str
    ) -> events.ToolFinished | events.ToolFailed | None:
        """What came of a tool call, if its agent has been told."""
        return self._results.get((call, tool_call_id))

    def tool_calls(self) -> Iterator[events.ToolStarted]:
        """The tool calls that have been answered, in order."""
        for event in self.seen:
            if isinstance(event, events.ToolStarted):
                key = event.call or "", event.tool_call_id
                if key in self._results or key in self._failed:
                    yield event

    def answered(self) -> Iterator[events.Interrupted]:
        """The questions that have been answered, in order."""
        for event in self.seen:
            if isinstance(event, events.Interrupted) and event.interrupt_id in self.decisions:
                yield event

    def go(self, call: str) -> Go | None:
        """The next go of a call; None if this one is its first since."""
        waiting = self._goes.get(call)
        return waiting.popleft() if waiting else None

    def answer(self, call: str) -> events.AgentFinished | None:
        """The answer of a call, or of whom it was handed over to, if it is done."""
        for path, goes in self._goes.items():
            rest = path.removeprefix(call)
            if path.startswith(call) and (not rest or (rest[0] == ">" and "/" not in rest)):
                last = goes[-1].end if goes else None
                if last is not None and last.status == "completed":
                    return last
        return None

    def _feed(self, event: Event) -> None:
        match event:
            case events.TurnStarted() | events.TurnFinished() | events.RunFinished():
                self._turn(event)
            case events.AgentStarted() | events.AgentFinished():
                self._agent(event)
            case events.ModelStarted() | events.ModelFinished() | events.ModelAborted():
                self._model(event)
            case events.ToolCallDelta():
                key = event.message_id, event.index
                self._args.setdefault(key, (event.tool_call_id or "", []))[1].append(event.args)
            case events.ToolStarted() | events.ToolFinished() | events.ToolFailed():
                self._tool(event)
            case events.Interrupted():
                self.asked.add(event.interrupt_id)
            case events.Resumed():
                self._resumed(event)
            case events.Warned():
                self.warned.add((event.call, event.message))
            case _:
                pass

    def _turn(self, event: events.TurnStarted | events.TurnFinished | events.RunFinished) -> None:
        if isinstance(event, events.TurnStarted):
            if event.turn > len(self.inputs):
                self.inputs.append(event.input)
            self.turn_open = True
        elif isinstance(event, events.TurnFinished):
            self.turns, self.turn_open = event.turn, False
        elif any(not self._goes[call][-1].done for call in self._roots):
            # A run that failed or was cancelled closes the turn, which is not answered.
            self.turns = len(self.inputs) - 1

    def _resumed(self, event: events.Resumed) -> None:
        if event.call is not None:
            self.decisions[event.interrupt_id] = event.decision
            return
        # The run itself was resumed: what had failed went on, instead of beginning anew.
        ends = {call: goes[-1].end for call, goes in self._goes.items() if goes}
        self._again = {call for call, end in ends.items() if end and end.status not in _DONE}

    def _agent(self, event: events.AgentStarted | events.AgentFinished) -> None:
        call = event.call or ""
        goes = self._goes[call]
        if isinstance(event, events.AgentFinished):
            goes[-1].end = event
            self.open_agents.pop(call, None)
            return
        self.open_agents[call] = event
        if event.parent is None:
            self._roots.add(call)
        if event.parent is not None and event.tool_call_id:
            self.paths[event.parent, event.tool_call_id] = call.partition(">")[0]
        if goes and not goes[-1].done:
            goes.pop()
            if call not in self._again:  # it failed and was tried again: it began anew
                self._messages[call].clear()
            self._again.discard(call)
        goes.append(Go())

    def _model(
        self, event: events.ModelStarted | events.ModelFinished | events.ModelAborted
    ) -> None:
        call = event.call or ""
        number, _, attempt = event.message_id.rpartition(":")[2].partition("~")
        if isinstance(event, events.ModelStarted):
            self.numbers[call] = int(number) - 1, int(attempt or 1)
            self.open_models[event.message_id] = event
            for key in [key for key in self._failed if key[0] == call]:
                self._results[key] = self._failed.pop(key)  # the model goes on: it was told
            return
        self.open_models.pop(event.message_id, None)
        if isinstance(event, events.ModelFinished):
            self.numbers[call] = int(number), 0
            self._messages[call].append(event)
            for (message_id, _), (tool_call_id, pieces) in self._args.items():
                if message_id == event.message_id and not _json("".join(pieces)):
                    self.garbled[call, tool_call_id] = ""
        self._args = {key: it for key, it in self._args.items() if key[0] != event.message_id}

    def _tool(self, event: events.ToolStarted | events.ToolFinished | events.ToolFailed) -> None:
        key = event.call or "", event.tool_call_id
        if isinstance(event, events.ToolStarted):
            self.open_tools[key] = event
            return
        self.open_tools.pop(key, None)
        self._failed.pop(key, None)
        if isinstance(event, events.ToolFinished) or event.error == CALLED_OFF:
            self._results[key] = event  # what a person has called off is not tried again
        else:
            self._failed[key] = event


def _json(text: str) -> bool:
    try:
        return isinstance(json.loads(text or "{}"), dict)
    except ValueError:
        return False

"""The state of one run, and how it travels.

A compiled graph serves any number of runs at once, so nothing of a run may live in it. The
:class:`RunState` goes along in ``config["configurable"]``: it reaches nested agents, models and
tools (sync ones too), stays out of stream metadata, and no checkpointer stores it. A context
variable would leak: two run generators interleave in one task. Call path and agent name go
along in ``config["metadata"]``, so every streamed message carries them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from ..errors import OrchestraError
from ..events import ToolCall

RUN = "orchestra_run"  # in config["configurable"]: the RunState
CALL = "orchestra_call"  # in config["metadata"]: the call path
MESSAGE = "orchestra_message"  # in config["metadata"], below a model call: its message id
AGENT = "lc_agent_name"  # in config["metadata"], LangChain's own key

MAX_DEPTH = 50  # calls below calls; a model that delegates to itself for ever stops here


@dataclass(slots=True)
class RunState:
    """What one run remembers. Every field is for this run alone."""

    messages: list[BaseMessage] = field(default_factory=list)
    """The main agent's conversation so far."""
    output: str = ""
    """What the main agent said last."""
    error: BaseException | None = None
    cancelled: bool = False
    task: asyncio.Task[Any] | None = None
    """The main agent at work, for :meth:`cancel`."""
    turns: Counter[str] = field(default_factory=Counter)
    """Finished model turns of each call path."""
    asked: Counter[str] = field(default_factory=Counter)
    """The most model turns each call path has begun: what of the script was used."""
    canned: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each answer of a canned tool was given: by tool name and index."""
    unmetered: set[str] = field(default_factory=set)
    """Models that reported no usage."""
    _attempts: Counter[str] = field(default_factory=Counter)
    _ordinals: Counter[tuple[str, str]] = field(default_factory=Counter)
    _paths: dict[tuple[str, str], str] = field(default_factory=dict)
    _origins: dict[int, str] = field(default_factory=dict)

    def cancel(self) -> None:
        """End the main agent and all below it; the stream then closes in good order."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()

    def begin_turn(self, call: str) -> tuple[str, int]:
        """A model call begins: its message id, and which attempt at this turn it is.

        The id is made from the call path, so it is the same in every run.
        """
        turn = self.turns[call] + 1
        self.asked[call] = max(self.asked[call], turn)
        self._attempts[call] += 1
        attempt = self._attempts[call]
        return f"{call}:{turn}" + (f"~{attempt}" if attempt > 1 else ""), attempt

    def finish_turn(
        self, call: str, tool_calls: Sequence[ToolCall], delegates: frozenset[str]
    ) -> None:
        """A model message is whole: count it, and allot a call path to each delegation in it.

        Allotted here, in the order in which the message lists its calls, because the tools then
        start in any order. Counting tool calls in the message history would look the same, and
        breaks as soon as a summariser shortens it.
        """
        self.turns[call] += 1
        del self._attempts[call]
        for tool_call in tool_calls:
            if tool_call.name in delegates:
                self._paths[call, tool_call.id] = self._next_path(call, tool_call.name)

    def path_of(self, call: str, tool_call_id: str, agent: str) -> str:
        """The call path of a delegation; a retried tool call keeps it."""
        key = (call, tool_call_id)
        if key not in self._paths:  # a tool call that no model message listed: middleware's own
            self._paths[key] = self._next_path(call, agent)
        return self._paths[key]

    def restart(self, call: str) -> None:
        """A call failed: should it be tried again, its script starts from the first reply."""
        del self.turns[call]
        del self._attempts[call]

    def blame(self, error: BaseException, call: str) -> None:
        """Remember where an error arose; the first to say so is nearest to it."""
        self._origins.setdefault(id(error), call)

    def origin(self, error: BaseException) -> str | None:
        """The call path in which ``error`` arose."""
        return self._origins.get(id(error))

    def _next_path(self, call: str, agent: str) -> str:
        if call.count("/") >= MAX_DEPTH:
            raise OrchestraError(f"{call[:80]}…: calls nest more than {MAX_DEPTH} deep")
        self._ordinals[call, agent] += 1
        return f"{call}/{agent}#{self._ordinals[call, agent]}"


def state_of(config: RunnableConfig | Mapping[str, Any]) -> RunState:
    """The run that ``config`` belongs to."""
    state = config.get("configurable", {}).get(RUN)
    if not isinstance(state, RunState):
        raise OrchestraError("this graph runs only through orchestra.run()")
    return state


def metadata_for(agent: str, call: str) -> RunnableConfig:
    """The config that gives a nested agent its name and its call path.

    Both are given explicitly at every call: LangGraph lets an ambient name win over none.
    """
    return {"metadata": {AGENT: agent, CALL: call}}

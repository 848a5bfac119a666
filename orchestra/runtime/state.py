"""The state of one run, and how it travels.

A compiled graph serves any number of runs at once, so nothing of a run may live in it. The
:class:`RunState` goes along in ``config["configurable"]``: it reaches nested agents, models and
tools (sync ones too), stays out of stream metadata, and no checkpointer stores it. A context
variable would leak: two run generators interleave in one task. Call path and agent name go
along in ``config["metadata"]``, so every streamed message carries them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from ..cassette import Tape
from ..errors import LimitExceeded, OrchestraError, RunTimeout
from ..events import Interrupted, ToolCall
from ..scenario import Decision, Limits, RunSpec
from .control import Control
from .past import Past
from .schedule import Schedule
from .secrets import Filler

RUN = "orchestra_run"  # in config["configurable"]: the RunState
CALL = "orchestra_call"  # in config["metadata"]: the call path
MESSAGE = "orchestra_message"  # in config["metadata"], below a model call: its message id
AGENT = "lc_agent_name"  # in config["metadata"], LangChain's own key

MAX_DEPTH = 50  # calls below calls; a model that delegates to itself for ever stops here


Writer = Callable[[Any], None]
"""LangGraph's stream writer: what it is given comes out of the stream, in order."""

Spent = Literal["model_calls", "tool_calls", "tokens"]


@dataclass(slots=True)
class Allowance:
    """What one go of an agent may still use."""

    limits: Limits
    _spent: Counter[str] = field(default_factory=Counter)

    def spend(self, call: str, what: Spent, amount: int) -> None:
        self._spent[what] += amount
        limit = getattr(self.limits, what)
        if self._spent[what] > limit:
            words = what.replace("_", " ")
            raise LimitExceeded(f"{call}: used more than {limit:,} {words} (limits.{what})")


@dataclass(slots=True)
class RunState:
    """What one run remembers. Every field is for this run alone."""

    rules: RunSpec = field(default_factory=RunSpec)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    """One for each model call that may be under way at once."""
    conversations: dict[str, list[BaseMessage]] = field(default_factory=dict)
    """Of each main agent, so far."""
    output: str = ""
    """What the main agent said last."""
    error: BaseException | None = None
    cancelled: bool = False
    task: asyncio.Task[Any] | None = None
    """The main agents at work, for :meth:`cancel`."""
    turns: Counter[str] = field(default_factory=Counter)
    """Finished model turns of each call path."""
    used: dict[str, set[int]] = field(default_factory=dict)
    """The indexes of the scripted replies that each call path was given."""
    holders: dict[str, str] = field(default_factory=dict)
    """Who has the conversation, of the calls that were handed over."""
    canned: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each answer of a canned tool was given: by tool name and index."""
    garbled: dict[tuple[str, str], str] = field(default_factory=dict)
    """The arguments that are no JSON, by call path and tool call id."""
    instances: dict[str, Any] = field(default_factory=dict)
    """Of the classes that are tools, by the tool's name."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while an instance is made."""
    begin: Callable[[Any], Awaitable[str]] | None = None
    """Begins a turn of the main agents, for the caller that it is given."""
    decide: Callable[[Interrupted], Awaitable[Decision | None]] | None = None
    """Who answers when a tool waits for a person."""
    waiting: list[Any] = field(default_factory=list)
    """The questions that nobody answered: the run ends interrupted."""
    control: Control = field(default_factory=Control)
    """What a person does to the run, and the time that each call has."""
    past: Past = field(default_factory=Past)
    """What the run has done before it was resumed."""
    schedule: Schedule = field(default_factory=Schedule)
    """The order of what happens side by side, where a seed gives one."""
    secrets: Filler = field(default_factory=lambda: Filler({}))
    """What nothing that is written may have in it."""
    tape: Tape = field(default_factory=Tape)
    """Where its models are recorded, or replayed from."""
    lacking: set[str] = field(default_factory=set)
    """What was said that models do not report."""
    _spent: Counter[str] = field(default_factory=Counter)
    _cost: float = 0.0
    _allowances: dict[str, Allowance] = field(default_factory=dict)
    _replies: dict[str, dict[int, int]] = field(default_factory=dict)
    _attempts: Counter[str] = field(default_factory=Counter)
    _models: Counter[str] = field(default_factory=Counter)
    _questions: Counter[tuple[str, str]] = field(default_factory=Counter)
    _ordinals: Counter[tuple[str, str]] = field(default_factory=Counter)
    _paths: dict[tuple[str, str], str] = field(default_factory=dict)
    # The exceptions are kept: the id of one that is gone may be another's.
    _origins: dict[int, tuple[BaseException, str]] = field(default_factory=dict)
    _messages: Counter[str] = field(default_factory=Counter)
    _fallen: dict[str, Exception] = field(default_factory=dict)

    def redact(self, text: str) -> str:
        """A text without secrets; of what is cut before it gets into an event."""
        return self.secrets.redact(text)

    def cancel(self) -> None:
        """End the main agents and all below them; the stream then closes in good order."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()

    def expire(self, seconds: float) -> None:
        """End the run because its time is over."""
        if self.error is None and not self.cancelled:
            self.error = RunTimeout(f"the run took more than {seconds:g} s (run.timeout)")
            if self.task is not None:
                self.task.cancel()

    @property
    def stopped(self) -> bool:
        """Whether the run is to end before its agents are done."""
        return self.cancelled or bool(self.waiting) or self.error is not None

    def go_on(self, call: str) -> None:
        """The past of a call is over: its messages are numbered on from there."""
        if numbers := self.past.numbers.pop(call, None):
            self._messages[call], self._attempts[call] = numbers

    def begin_turn(self, call: str) -> tuple[str, int]:
        """A model call begins: its message id, and which attempt at this turn it is.

        The id is made from the call path, so it is the same in every run.
        """
        self._attempts[call] += 1
        attempt = self._attempts[call]
        return f"{call}:{self._messages[call] + 1}" + (
            f"~{attempt}" if attempt > 1 else ""
        ), attempt

    def begin_model(self, call: str) -> int:
        """Which model tries a turn, from 1: each has its attempts, and then a fallback its own."""
        self._models[call] += 1
        return self._models[call]

    def attempt(self, call: str) -> int:
        """Which attempt at its turn a call is making, from 1."""
        return self._attempts[call] or 1

    def finish_turn(
        self, call: str, tool_calls: Sequence[ToolCall], delegates: frozenset[str]
    ) -> None:
        """A model message is whole: count it, and allot a call path to each delegation in it.

        Allotted here, in the order in which the message lists its calls, because the tools then
        start in any order. Counting tool calls in the message history would look the same, and
        breaks as soon as a summariser shortens it.
        """
        self.turns[call] += 1
        self._messages[call] += 1
        del self._attempts[call], self._models[call]
        for tool_call in tool_calls:
            if tool_call.name in delegates:
                key = call, tool_call.id
                self._paths[key] = self._old_path(*key) or self.next_path(call, tool_call.name)

    def _old_path(self, call: str, tool_call_id: str) -> str | None:
        """The path that a delegation had before the run was resumed; later ones count on."""
        path = self.past.paths.get((call, tool_call_id))
        if path is not None:
            agent, _, number = path.rpartition("/")[2].partition("#")
            self._ordinals[call, agent] = max(self._ordinals[call, agent], int(number))
        return path

    def question_id(self, call: str, tool_call_id: str) -> str:
        """The id of the next question on a tool call: the same in every run."""
        self._questions[call, tool_call_id] += 1
        number = self._questions[call, tool_call_id]
        return f"{call}?{tool_call_id}" + (f"~{number}" if number > 1 else "")

    def path_of(self, call: str, tool_call_id: str, agent: str) -> str:
        """The call path of a delegation; a retried tool call keeps it."""
        key = (call, tool_call_id)
        if key not in self._paths:  # a tool call that no model message listed: middleware's own
            self._paths[key] = self.next_path(call, agent)
        return self._paths[key]

    def reply(self, call: str, fitting: Callable[[int], bool], count: int) -> int | None:
        """The index of the scripted reply that is due: the first unused one that fits.

        A retried model call gets the same one. None: there is none left.
        """
        given = self._replies.setdefault(call, {})
        turn = self.turns[call]
        if turn not in given:
            taken = set(given.values())
            due = (at for at in range(count) if at not in taken and fitting(at))
            index = next(due, None)
            if index is None:
                return None
            given[turn] = index
            self.used.setdefault(call, set()).add(index)
        return given[turn]

    def allow(self, call: str, limits: Limits) -> None:
        """What a call may use in the go that begins."""
        self._allowances[call] = Allowance(limits)
        self._fallen.pop(call, None)

    def fall(self, call: str, error: Exception) -> None:
        """A tool of a call has failed, and nothing in the call catches it: that ends its go."""
        self._fallen.setdefault(call, error)

    def cause(self, call: str, error: Exception) -> Exception:
        """Why the go of a call has ended, where its graph raises ``error``.

        Of tools that fail at one instant LangGraph raises the error of any: its futures are in a
        set, in the order of their addresses. The first to fail is the same in every run.
        """
        return self._fallen.get(call, error)

    def spend(self, call: str, what: Spent, amount: int = 1) -> None:
        """Count what a call uses. Raises LimitExceeded when it, or the run, has used it up."""
        if allowance := self._allowances.get(call):
            allowance.spend(call, what, amount)
        self._spent[what] += amount
        limit = None if what == "tool_calls" else getattr(self.rules.limits, what)
        if limit is not None and self._spent[what] > limit:
            words = what.replace("_", " ")
            raise LimitExceeded(f"the run used more than {limit:,} {words} (run.limits.{what})")

    def pay(self, cost: float) -> None:
        """Count what a model call costs, in whatever its provider charges."""
        self._cost += cost
        limit = self.rules.limits.cost
        if limit is not None and self._cost > limit:
            raise LimitExceeded(f"the run cost more than {limit:g} (run.limits.cost)")

    def member_path(self, call: str, agent: str) -> str:
        """The path of ``agent`` in a conversation that was handed over from ``call``.

        A sibling of the only main agent goes by its name.
        """
        alone = len(self.conversations) == 1 and call in self.conversations
        return agent if alone else f"{call}>{agent}"

    def restart(self, call: str) -> None:
        """A call failed: should it be tried again, its script starts from the first reply."""
        if self._attempts[call]:  # its id is taken, and no other message's
            self._messages[call] += 1
        for path in [call, *(it for it in self._replies if it.startswith(f"{call}."))]:
            del self.turns[path]
            del self._attempts[path], self._models[path]
            self._replies.pop(path, None)

    def restart_all(self, call: str) -> None:
        """The same for a whole conversation, with all that it was handed over to."""
        self.holders.pop(call, None)
        members = [path for path in self._replies if path.startswith(f"{call}>")]
        for path in dict.fromkeys([call, *members]):
            self.restart(path)

    def blame(self, error: BaseException, call: str) -> None:
        """Remember where an error arose; the first to say so is nearest to it."""
        self._origins.setdefault(id(error), (error, call))

    def origin(self, error: BaseException) -> str | None:
        """The call path in which ``error`` arose."""
        found = self._origins.get(id(error))
        return found and found[1]

    def next_path(self, call: str, agent: str) -> str:
        """The path of the next call of ``agent`` by ``call``."""
        if call.count("/") >= MAX_DEPTH:
            raise OrchestraError(f"{call[:80]}…: calls nest more than {MAX_DEPTH} deep")
        self._ordinals[call, agent] += 1
        return f"{call}/{agent}#{self._ordinals[call, agent]}"


def numbered(message_id: str) -> tuple[int, int]:
    """The number of a message in its call, and the attempt at it, from its id."""
    number, _, attempt = message_id.rpartition(":")[2].partition("~")
    return int(number), int(attempt or 1)


def state_of(config: RunnableConfig | Mapping[str, Any]) -> RunState:
    """The run that ``config`` belongs to."""
    state = config.get("configurable", {}).get(RUN)
    if not isinstance(state, RunState):
        raise OrchestraError("this graph runs only through orchestra.run()")
    return state


class Place(NamedTuple):
    """Where a model or tool runs: its run, its call path, and what else its config says."""

    state: RunState
    call: str
    config: RunnableConfig


def place_of(config: RunnableConfig) -> Place:
    return Place(state_of(config), config["metadata"][CALL], config)


def metadata_for(agent: str, call: str) -> RunnableConfig:
    """The config that gives a nested agent its name and its call path.

    Both are given explicitly at every call: LangGraph lets an ambient name win over none. The path
    goes along in ``configurable`` too: middleware calls its own models with metadata of its own.
    """
    return {"metadata": {AGENT: agent, CALL: call}, "configurable": {CALL: call}}

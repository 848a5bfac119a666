"""The event types: one frozen dataclass each, told apart by ``type``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .values import AgentTotals, Member, ToolCall, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseEvent:
    """What every event carries.

    Attributes:
        run: the run's id.
        seq: 0, 1, 2 … within the run, gapless. -1 until the stream stamps it.
        t: seconds since the run began, monotonic.
        agent: the agent's name; None for events of the run itself.
        call: the call path, such as ``editor/writer#2``; None for events of the run itself.
    """

    run: str = ""
    seq: int = -1
    t: float = 0.0
    agent: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(BaseEvent):
    """``main`` is a list where several agents run side by side; ``case`` is None of a lone run."""

    type: Literal["run_started"] = "run_started"
    scenario: str
    case: str | None = None
    main: str | tuple[str, ...]
    team: tuple[Member, ...] = ()
    input: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(BaseEvent):
    type: Literal["turn_started"] = "turn_started"
    turn: int
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted(BaseEvent):
    """A call begins, or, in a conversation, goes on with the next turn."""

    type: Literal["agent_started"] = "agent_started"
    parent: str | None = None
    tool_call_id: str | None = None
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStarted(BaseEvent):
    type: Literal["model_started"] = "model_started"
    message_id: str
    model: str
    attempt: int = 1
    node: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(BaseEvent):
    type: Literal["text_delta"] = "text_delta"
    message_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta(BaseEvent):
    type: Literal["reasoning_delta"] = "reasoning_delta"
    message_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta(BaseEvent):
    """A fragment of a tool call; only the first of an index carries id and name."""

    type: Literal["tool_call_delta"] = "tool_call_delta"
    message_id: str
    index: int
    tool_call_id: str | None = None
    name: str | None = None
    args: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFinished(BaseEvent):
    """``first_token`` and ``duration`` are seconds since ``model_started``.

    ``cost`` is what the provider says; None: it says nothing.
    """

    type: Literal["model_finished"] = "model_finished"
    message_id: str
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    cost: float | None = None
    finish_reason: str | None = None
    truncated: bool = False
    first_token: float | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAborted(BaseEvent):
    """The model call gave no message; what was streamed under its id is void."""

    type: Literal["model_aborted"] = "model_aborted"
    message_id: str
    reason: Literal["retry", "fallback", "cancelled", "broken_stream", "error"]
    error: str | None = None
    retry_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(BaseEvent):
    type: Literal["tool_started"] = "tool_started"
    tool_call_id: str
    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgress(BaseEvent):
    """``tool_call_id`` is None where several tools of the call run and none said which it is."""

    type: Literal["tool_progress"] = "tool_progress"
    tool_call_id: str | None
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished(BaseEvent):
    type: Literal["tool_finished"] = "tool_finished"
    tool_call_id: str
    name: str
    result: str = ""
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFailed(BaseEvent):
    type: Literal["tool_failed"] = "tool_failed"
    tool_call_id: str
    name: str
    error: str = ""
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Internal(BaseEvent):
    """Text of a model call that is not the agent's own: of middleware, such as a summariser."""

    type: Literal["internal"] = "internal"
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateUpdated(BaseEvent):
    type: Literal["state_updated"] = "state_updated"
    node: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(BaseEvent):
    type: Literal["interrupted"] = "interrupted"
    interrupt_id: str
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(BaseEvent):
    type: Literal["resumed"] = "resumed"
    interrupt_id: str
    decision: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFinished(BaseEvent):
    """``usage`` is the call's own, without the calls below it."""

    type: Literal["agent_finished"] = "agent_finished"
    status: Literal["completed", "failed", "cancelled", "handed_off"]
    to: str | None = None
    output: str = ""
    structured: Any = None
    usage: Usage = field(default_factory=Usage)
    duration: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished(BaseEvent):
    type: Literal["turn_finished"] = "turn_finished"
    turn: int
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(BaseEvent):
    """``script_key`` and ``replies`` (from 1) are of scripted replies that were never used.

    With ``recorded_call`` they are of a cassette, and nobody has asked for them.
    ``unused_decision`` (from 1) is one that was never taken, or not as often as it says.
    """

    type: Literal["warning"] = "warning"
    message: str
    script_key: str | None = None
    recorded_call: str | None = None
    unused_decision: int | None = None
    replies: tuple[int, ...] = ()


RunStatus = Literal["completed", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(BaseEvent):
    """``error`` is for people; ``error_type`` names the kind for programs (see errors.py)."""

    type: Literal["run_finished"] = "run_finished"
    status: RunStatus
    output: str = ""
    usage: Usage = field(default_factory=Usage)
    totals: dict[str, AgentTotals] = field(default_factory=dict)
    duration: float = 0.0
    error: str | None = None
    error_type: str | None = None


Event = (
    RunStarted
    | TurnStarted
    | AgentStarted
    | ModelStarted
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | ModelFinished
    | ModelAborted
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | ToolFailed
    | Internal
    | StateUpdated
    | Interrupted
    | Resumed
    | AgentFinished
    | TurnFinished
    | Warned
    | RunFinished
)

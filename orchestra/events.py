"""What happens in a run: the event types, and their JSON Lines codec.

Everything a person, a file or a test sees of a run is made from these events and from nothing
else. They are plain frozen values: no event holds a live object, so a recorded run is the same
events read back.

Promises (each has a test in ``tests/test_stream.py``):

* every ``*_started`` has exactly one terminal event, also when a sibling fails or the run is
  cancelled;
* ``model_finished.text`` is the concatenation of the ``text_delta`` events of its message id;
* events of one call are in causal order, the order *between* parallel calls is not promised;
* with scripted replies two runs differ only in ``seq``, ``t``, ``run`` and durations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = 1  # of the JSON Lines file


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider reported them, never a count of chunks."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool call of a model message, its arguments whole."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One agent of the team. ``parents`` are the agents that may call it."""

    name: str
    title: str = ""
    description: str = ""
    parents: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTotals:
    """What one agent did in a run, over all its calls.

    ``first_token`` is the mean time to the first token in seconds (None: no token came);
    ``seconds`` the time its models spent answering.
    """

    calls: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    first_token: float | None = None
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens per second of answering, from reported usage; None if unknown."""
        if self.seconds <= 0 or not self.usage.output_tokens:
            return None
        return self.usage.output_tokens / self.seconds


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
    type: Literal["run_started"] = "run_started"
    scenario: str
    case: str | None = None
    main: str
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
    """``first_token`` and ``duration`` are seconds since ``model_started``."""

    type: Literal["model_finished"] = "model_finished"
    message_id: str
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
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
    """Text of a model call that is not the agent's own: a summariser, a model inside a tool."""

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
    type: Literal["warning"] = "warning"
    message: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """First line of a recorded run. ``digest`` is that of the scenario file."""

    type: Literal["header"] = "header"
    format: int = FORMAT
    scenario: str = ""
    digest: str = ""
    orchestra: str = ""


@cache
def _adapter() -> TypeAdapter[Event | Header]:
    from typing import Annotated

    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Event | Header, Field(discriminator="type")])


def dumps(event: Event | Header) -> str:
    """One event as one line of JSON, without the newline."""
    return _adapter().dump_json(event).decode()


def loads(line: str | bytes) -> Event:
    """The event of one JSON line. Raises ValueError for anything else."""
    event = _adapter().validate_json(line)
    if isinstance(event, Header):
        raise ValueError("a header in the middle of a recorded run")
    return event


def read(lines: Iterable[str]) -> tuple[Header, Iterator[Event]]:
    """A recorded run: its header, and its events as they are asked for.

    Raises:
        ValueError: the first line is no header, or of a newer format.
    """
    iterator = iter(lines)
    header = _adapter().validate_json(next(iterator, ""))
    if not isinstance(header, Header):
        raise ValueError("not a recorded run: its first line is no header")
    if header.format > FORMAT:
        raise ValueError(f"format {header.format} is newer than this orchestra's {FORMAT}")
    return header, (loads(line) for line in iterator if line.strip())


def agent_of(call: str) -> str:
    """The agent's name in a call path: ``editor/writer#2`` → ``writer``."""
    return call.rpartition("/")[2].rpartition(">")[2].partition("#")[0]

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

from .codec import FORMAT, Header, dumps, loads, read
from .types import (
    AgentFinished,
    AgentStarted,
    BaseEvent,
    Event,
    Internal,
    Interrupted,
    ModelAborted,
    ModelFinished,
    ModelStarted,
    ReasoningDelta,
    Resumed,
    RunFinished,
    RunStarted,
    RunStatus,
    StateUpdated,
    TextDelta,
    ToolCallDelta,
    ToolFailed,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Warned,
)
from .values import AgentTotals, Member, ToolCall, Usage

__all__ = [
    "FORMAT",
    "AgentFinished",
    "AgentStarted",
    "AgentTotals",
    "BaseEvent",
    "Event",
    "Header",
    "Internal",
    "Interrupted",
    "Member",
    "ModelAborted",
    "ModelFinished",
    "ModelStarted",
    "ReasoningDelta",
    "Resumed",
    "RunFinished",
    "RunStarted",
    "RunStatus",
    "StateUpdated",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolFailed",
    "ToolFinished",
    "ToolProgress",
    "ToolStarted",
    "TurnFinished",
    "TurnStarted",
    "Usage",
    "Warned",
    "agent_of",
    "dumps",
    "loads",
    "read",
]


def agent_of(call: str) -> str:
    """The agent's name in a call path: ``editor/writer#2`` → ``writer``."""
    last = call.rpartition("/")[2].rpartition(">")[2]
    return last.partition("#")[0].partition(".")[0]

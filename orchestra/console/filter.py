"""Which events of a run a person asked to see: ``--agent`` and ``--node``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from ..events import (
    AgentFinished,
    AgentStarted,
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
from ..scenario.script import ScriptKey

MODEL = "model"  # LangGraph's name for the node of an agent that asks its model
TOOLS = "tools"


class Filter:
    """Keeps the events of some agents and some LangGraph nodes; empty means all of them.

    An agent is named as in a script: by its name (all its calls) or the tail of a call path. Events
    of the run itself are always kept, and so is when an agent starts, finishes, or waits for a
    person. Raises ValueError for what is no tail of a call path.
    """

    def __init__(self, agents: Sequence[str] = (), nodes: Sequence[str] = ()) -> None:
        self._agents = [ScriptKey.parse(agent) for agent in agents]
        self._nodes = frozenset(nodes)
        self._node_of: dict[tuple[str, str], str] = {}  # of open messages, by run and message id

    def keep(self, event: Event) -> bool:
        """To be asked of every event in order: later events of a message follow its first."""
        return self._kept_agent(event) and self._kept_node(event)

    def _kept_agent(self, event: Event) -> bool:
        if not self._agents or event.agent is None:
            return True
        call = event.call or event.agent
        return any(key.fits(call) for key in self._agents)

    def _kept_node(self, event: Event) -> bool:
        if not self._nodes:
            return True
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                return self._node(event) in self._nodes
            case ModelStarted():
                node = event.node or MODEL
                self._node_of[event.run, event.message_id] = node
                return node in self._nodes
            case ModelFinished() | ModelAborted():
                node = self._node(event)
                self._node_of.pop((event.run, event.message_id), None)
                return node in self._nodes
            case Internal():
                # Middleware's words have no message: they count as model's, or by their source.
                return MODEL in self._nodes or event.source in self._nodes
            case ToolStarted() | ToolProgress() | ToolFinished() | ToolFailed():
                return TOOLS in self._nodes
            case StateUpdated():
                return event.node in self._nodes
            case AgentStarted() | AgentFinished() | Interrupted() | Resumed():
                return True
            case RunStarted() | TurnStarted() | TurnFinished() | Warned() | RunFinished():
                return True
            case _:
                assert_never(event)

    def _node(
        self, event: TextDelta | ReasoningDelta | ToolCallDelta | ModelFinished | ModelAborted
    ) -> str:
        return self._node_of.get((event.run, event.message_id), MODEL)

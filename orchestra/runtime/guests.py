"""Agents that a user's own tool runs: LangChain agents, graphs of them, bare models.

Nobody told orchestra of them, and they know nothing of it. What they say comes by LangGraph's
stream like all tokens, and is told as calls of their own below the agent whose tool it is: so it
has a pane, and is never in another's mouth.

A guest goes by its ``lc_agent_name``. A forwarded config, a batch or a pipe would give it the name
of the agent whose tool it is; :func:`lend` prevents that. What has no name goes by the tool's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import RunnableConfig

from .. import events
from ..events import BaseEvent
from ..text import whole_characters
from .faults import finish_reason
from .state import AGENT, CALL
from .values import plain, usage_of

TOOL = "orchestra_tool"  # in config["metadata"], below a user's tool: id and name of its call
_OTHER = re.compile(r"[^\w-]+")
_NODE = "langgraph_checkpoint_ns"  # one for each time that a node of a graph runs
Space = tuple[str, ...]


class _Lent(dict[str, Any]):
    """Metadata that tell a tool the name of its agent, when it asks, and hand it on to nobody."""

    def __init__(self, owner: str, metadata: Mapping[str, Any]) -> None:
        super().__init__(metadata)
        self._owner = owner

    def __missing__(self, key: str) -> Any:
        if key == AGENT:
            return self._owner
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self._owner if key == AGENT else super().get(key, default)

    def copy(self) -> _Lent:
        return _Lent(self._owner, self)


def lend(config: RunnableConfig, tool_call_id: str, name: str) -> None:
    """Make a tool's config one to pass on: it says whose tool it is, and lends nobody its name."""
    metadata = {**config.get("metadata", {}), TOOL: (tool_call_id, name)}
    owner = metadata.pop(AGENT, "")
    config["metadata"] = _Lent(owner, metadata)
    if isinstance(manager := config.get("callbacks"), BaseCallbackManager):
        manager = config["callbacks"] = manager.copy()
        manager.remove_metadata([AGENT])


@dataclass(slots=True)
class _Message:
    """A message that a guest is saying. LangChain's id may give way to the provider's."""

    id: str
    own: str | None
    pieces: list[AIMessage] = field(default_factory=list)


@dataclass(slots=True)
class Guest:
    """One call of a guest: an agent that runs in one place of the stream."""

    agent: str
    call: str
    caller: str
    """The call whose tool it is, and the tool call."""
    tool_call_id: str
    said: int = 0
    output: str = ""
    open: dict[str, _Message] = field(default_factory=dict)  # by the node that says it
    heard: set[str] = field(default_factory=set)  # the ids of its messages
    tools: dict[str, str] = field(default_factory=dict)  # their names, by tool call id

    def begun(self) -> BaseEvent:
        parent = self.call.rpartition("/")[0]
        return events.AgentStarted(
            agent=self.agent, call=self.call, parent=parent, tool_call_id=self.tool_call_id
        )

    def tool_of(self, data: Mapping[str, Any]) -> str:
        return self.tools.pop(data["tool_call_id"], "")

    def ended(self, *, failed: bool) -> Iterator[BaseEvent]:
        status: Any = "failed" if failed else "completed"
        yield events.AgentFinished(
            agent=self.agent, call=self.call, status=status, output=self.output
        )


class Guests:
    """The guests of a run. ``known`` are the names of its own agents."""

    def __init__(self, known: Collection[str] = ()) -> None:
        self._known = known
        self._here: dict[tuple[str, Space, str], Guest] = {}
        self._at: dict[Space, Guest] = {}
        self._numbers: Counter[str] = Counter()

    def seen(self, call: str) -> None:
        """A call that was told before the run was resumed: its number is taken."""
        name, _, number = call.rpartition("#")
        if number.isdecimal():
            self._numbers[name] = max(self._numbers[name], int(number))

    def hear(
        self, message: AIMessage, metadata: Mapping[str, Any], space: Space
    ) -> tuple[list[BaseEvent], str, list[BaseEvent]]:
        """What comes before a piece of a message, the message's id, and what comes after it."""
        before: list[BaseEvent] = []
        guest = self._guest(metadata, space, before)
        if not isinstance(message, AIMessageChunk) and message.id in guest.heard:
            return before, "", []  # the whole message, after its chunks
        if message.id:
            guest.heard.add(message.id)
        node = metadata.get(_NODE) or message.id or ""
        saying = guest.open.get(node)
        if saying is not None and _another(saying.own, message.id):
            before.append(_event(events.ModelAborted, guest, saying.id, reason="retry"))
            saying = None
        if saying is None:
            guest.said += 1
            saying = guest.open[node] = _Message(f"{guest.call}:{guest.said}", message.id)
            name = f"{metadata.get('ls_provider', '')}:{metadata.get('ls_model_name', '')}"
            before.append(_event(events.ModelStarted, guest, saying.id, model=name.strip(":")))
        saying.own = message.id or saying.own
        saying.pieces.append(message)
        if isinstance(message, AIMessageChunk) and message.chunk_position != "last":
            return before, saying.id, []
        del guest.open[node]
        return before, saying.id, [self._finished(guest, saying)]

    def tool(self, space: Space, data: Mapping[str, Any]) -> BaseEvent | None:
        """A tool of a guest's own, as LangGraph tells of it."""
        guest = self._at.get(space)
        if guest is None:
            return None
        who = {"agent": guest.agent, "call": guest.call, "tool_call_id": data["tool_call_id"]}
        match data["event"]:
            case "tool-started":
                args = data.get("input")
                args = plain(args) if isinstance(args, dict) else {"input": plain(args)}
                guest.tools[data["tool_call_id"]] = data["tool_name"]
                return events.ToolStarted(**who, name=data["tool_name"], args=args)
            case "tool-finished":
                output = data.get("output")
                text = getattr(output, "text", None)
                text = text if isinstance(text, str) else str(output)
                return events.ToolFinished(
                    **who, name=guest.tool_of(data), result=whole_characters(text)
                )
            case "tool-error":
                error = whole_characters(str(data.get("message", "")))
                return events.ToolFailed(**who, name=guest.tool_of(data), error=error)
        return None

    def leave(self, call: str, tool_call_id: str, *, failed: bool) -> Iterator[BaseEvent]:
        """A tool has ended, and with it the guests that it had: the innermost first."""
        for key, guest in reversed(list(self._here.items())):
            if (guest.caller, guest.tool_call_id) == (call, tool_call_id):
                del self._here[key]
                self._at = {space: it for space, it in self._at.items() if it is not guest}
                yield from guest.ended(failed=failed)

    def _guest(self, metadata: Mapping[str, Any], space: Space, before: list[BaseEvent]) -> Guest:
        caller = metadata[CALL]
        tool_call_id, tool = metadata[TOOL]
        name = str(metadata.get(AGENT) or tool)
        key = tool_call_id, space, name
        if (guest := self._here.get(key)) is not None:
            return guest
        agent = _OTHER.sub("_", name).strip("_") or "agent"
        if agent in self._known:  # no agent of the scenario's, though it says so
            agent = f"{tool}-{agent}"
        host = self._host(space, tool_call_id)
        path = f"{host.call if host else caller}/{agent}"
        self._numbers[path] += 1
        guest = Guest(agent, f"{path}#{self._numbers[path]}", caller, tool_call_id)
        self._here[key] = self._at[space] = guest
        before.append(guest.begun())
        return guest

    def _host(self, space: Space, tool_call_id: str) -> Guest | None:
        """The guest whose tool this one runs in, if it is not the scenario's agent's."""
        if space and space[-1].isdecimal():  # LangGraph's mark of a second run in one place
            space = space[:-1]
        for end in range(len(space) - 1, 0, -1):
            host = self._at.get(space[:end])
            if host is not None and host.tool_call_id == tool_call_id:
                return host
        return None

    def _finished(self, guest: Guest, saying: _Message) -> BaseEvent:
        first, *rest = saying.pieces
        message = first
        if isinstance(first, AIMessageChunk):
            message = first.__add__([it for it in rest if isinstance(it, AIMessageChunk)])
        guest.output = whole_characters(message.text) or guest.output
        calls = tuple(
            events.ToolCall(id=it["id"] or "", name=it["name"], args=plain(it["args"]))
            for it in message.tool_calls
        )
        return _event(
            events.ModelFinished,
            guest,
            saying.id,
            text=whole_characters(message.text),
            tool_calls=calls,
            usage=usage_of(message.usage_metadata),
            finish_reason=finish_reason(message),
        )


def _event(kind: Any, guest: Guest, message_id: str, **more: Any) -> BaseEvent:
    made: BaseEvent = kind(agent=guest.agent, call=guest.call, message_id=message_id, **more)
    return made


def _another(own: str | None, other: str | None) -> bool:
    """Whether an id of LangChain's is of another attempt; a provider's own is but another name."""
    return own != other and bool(own and other) and str(other).startswith("lc_run-")

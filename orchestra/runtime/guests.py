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
from typing import Any, Literal

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
_ROOT = "run:"  # where everything of the scenario is, and what its tools run
_NODE = "langgraph_checkpoint_ns"  # one for each time that a node of a graph runs
Space = tuple[str, ...]
Status = Literal["completed", "failed", "cancelled"]


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
    """A message that a guest is saying."""

    id: str
    ids: dict[bool, str] = field(default_factory=dict)  # LangChain's own, and the provider's
    pieces: list[AIMessage] = field(default_factory=list)

    def goes_on(self, other: str | None) -> bool:
        """Whether a piece with this id is of it. Of either kind a message has one id: LangChain's
        until the provider's is known, and again where the provider gives none; another of the
        same kind is of another attempt."""
        return not other or self.ids.setdefault(other.startswith("lc_run-"), other) == other


@dataclass(slots=True)
class Guest:
    """One call of a guest: an agent that runs in one place of the stream."""

    agent: str
    call: str
    space: Space
    owner: str
    """The tool call of the scenario's agent in which it runs, at whatever depth."""
    tool_call_id: str | None
    """The tool call that runs it, of its parent's; None if it is one of several, unknown which."""
    said: int = 0
    output: str = ""
    open: dict[str, _Message] = field(default_factory=dict)  # by the node that says it
    heard: set[str] = field(default_factory=set)  # the ids of its messages
    asked: set[str] = field(default_factory=set)  # the ids of its tool calls
    tools: dict[str, str] = field(default_factory=dict)  # the open ones: names by tool call id

    @property
    def parent(self) -> str:
        return self.call.rpartition("/")[0]

    def begun(self) -> BaseEvent:
        return events.AgentStarted(
            agent=self.agent, call=self.call, parent=self.parent, tool_call_id=self.tool_call_id
        )

    def ended(self, status: Status) -> Iterator[BaseEvent]:
        yield events.AgentFinished(
            agent=self.agent, call=self.call, status=status, output=self.output
        )


class Guests:
    """The guests of a run. ``known`` are the names of its own agents."""

    def __init__(self, known: Collection[str] = ()) -> None:
        self._known = known
        self._here: dict[tuple[Any, ...], Guest] = {}
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
        if saying is not None and not saying.goes_on(message.id):
            before.append(_event(events.ModelAborted, guest, saying.id, reason="retry"))
            saying = None
        if saying is None:
            guest.said += 1
            saying = guest.open[node] = _Message(f"{guest.call}:{guest.said}")
            saying.goes_on(message.id)
            name = f"{metadata.get('ls_provider', '')}:{metadata.get('ls_model_name', '')}"
            before.append(_event(events.ModelStarted, guest, saying.id, model=name.strip(":")))
        saying.pieces.append(message)
        if isinstance(message, AIMessageChunk) and message.chunk_position != "last":
            return before, saying.id, []
        del guest.open[node]
        return before, saying.id, [self._finished(guest, saying)]

    def tool(self, space: Space, data: Mapping[str, Any]) -> Iterator[BaseEvent]:
        """A tool of a guest's own, as LangGraph tells of it."""
        guest = self._user(space, data["tool_call_id"])
        if guest is None:
            return
        who = {"agent": guest.agent, "call": guest.call, "tool_call_id": data["tool_call_id"]}
        if data["event"] == "tool-started":
            args = data.get("input")
            args = plain(args) if isinstance(args, dict) else {"input": plain(args)}
            guest.tools[data["tool_call_id"]] = data["tool_name"]
            yield events.ToolStarted(**who, name=data["tool_name"], args=args)
        elif data["tool_call_id"] in guest.tools:
            name = guest.tools.pop(data["tool_call_id"])
            failed = data["event"] == "tool-error"
            status: Status = "failed" if failed else "completed"
            yield from self.leave(guest.call, data["tool_call_id"], status)
            if failed:
                error = whole_characters(str(data.get("message", "")))
                yield events.ToolFailed(**who, name=name, error=error)
            else:
                result = whole_characters(_text(data.get("output")))
                yield events.ToolFinished(**who, name=name, result=result)

    def leave(self, call: str, tool_call_id: str, status: Status) -> Iterator[BaseEvent]:
        """A tool has ended, and with it the guests that it had: the innermost first."""
        for key, guest in reversed(list(self._here.items())):
            mine = guest.tool_call_id in (tool_call_id, None) and guest.parent == call
            if mine and key in self._here:
                while guest.tools:  # what it left open
                    yield from self.leave(guest.call, guest.tools.popitem()[0], status)
                if guest.tool_call_id is None and self._busy(guest.parent):
                    continue  # in one of those that are still open, for all one knows
                del self._here[key]
                yield from guest.ended(status)

    def _guest(self, metadata: Mapping[str, Any], space: Space, before: list[BaseEvent]) -> Guest:
        tool_call_id, tool = metadata[TOOL]
        name = str(metadata.get(AGENT) or tool)
        key = tool_call_id, space, name, metadata.get("thread_id")
        if (guest := self._here.get(key)) is not None:
            return guest
        agent = _OTHER.sub("_", name).strip("_") or "agent"
        if agent in self._known:  # no agent of the scenario's, though it says so
            agent = f"{tool}-{agent}"
        parent = metadata[CALL]
        owner = tool_call_id
        if (host := self._host(space, owner)) is not None:
            parent = host.call
            tool_call_id = next(iter(host.tools)) if len(host.tools) == 1 else None
        path = f"{parent}/{agent}"
        self._numbers[path] += 1
        guest = Guest(agent, f"{path}#{self._numbers[path]}", space, owner, tool_call_id)
        self._here[key] = guest
        before.append(guest.begun())
        return guest

    def _user(self, space: Space, tool_call_id: str) -> Guest | None:
        """Whose tool it is, of the guests in this place."""
        here = [guest for guest in self._here.values() if guest.space == space]
        asked = [guest for guest in here if tool_call_id in guest.asked]
        found = asked or here
        return found[-1] if found else None

    def _host(self, space: Space, owner: str) -> Guest | None:
        """The guest whose tool this one runs in, if it is not the scenario's agent's."""
        around: list[Guest] = []
        for guest in self._here.values():
            end = len(guest.space)
            if (
                guest.tools
                and guest.owner == owner
                and end < len(space)
                and (space[:end] == guest.space and (end or not space[0].startswith(_ROOT)))
            ):  # in a thread of its own an agent is nowhere, and what its tools run is just below
                around.append(guest)
        return max(around, key=lambda guest: len(guest.space), default=None)

    def _busy(self, call: str) -> bool:
        return any(guest.tools for guest in self._here.values() if guest.call == call)

    def _finished(self, guest: Guest, saying: _Message) -> BaseEvent:
        first, *rest = saying.pieces
        message = first
        if isinstance(first, AIMessageChunk):
            message = first.__add__([it for it in rest if isinstance(it, AIMessageChunk)])
        guest.output = whole_characters(message.text) or guest.output
        guest.asked.update(it["id"] or "" for it in message.tool_calls)
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


def _text(output: Any) -> str:
    text = getattr(output, "text", None)
    return text if isinstance(text, str) else str(output)

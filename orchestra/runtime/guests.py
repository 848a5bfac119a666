"""Agents that a user's own tool runs: LangChain agents, graphs of them, bare models.

Nobody told orchestra of them, and they know nothing of it. What they say comes by LangGraph's
stream like all tokens, and is told as calls of their own below the agent whose tool it is: so it
has a pane, and is never in another's mouth.

A guest goes by its ``lc_agent_name``. A forwarded config, a batch or a pipe would give it the name
of the agent whose tool it is; ``lending`` prevents that. What has no name goes by the tool's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Literal

from langchain_core.messages import AIMessage, AIMessageChunk

from .. import events
from ..events import BaseEvent
from ..text import whole_characters
from .faults import finish_reason
from .lending import TOOL, TURN, Anew, Lost
from .state import AGENT, CALL
from .values import brief, plain, usage_of

_OTHER = re.compile(r"[^\w-]+")
_ROOT = "run:"  # where everything of the scenario is, and what its tools run
_NODE = "langgraph_checkpoint_ns"  # one for each time that a node of a graph runs
Space = tuple[str, ...]
Status = Literal["completed", "failed", "cancelled"]


@dataclass(slots=True)
class _Message:
    """A message that a guest is saying."""

    id: str
    pieces: list[AIMessage] = field(default_factory=list)


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
    open: dict[str, _Message] = field(default_factory=dict)  # by the model call that says it
    heard: set[str | tuple[str, str]] = field(default_factory=set)
    """The ids of its messages; the model calls that are done; and what each node said."""
    broken: Status | None = None
    """How its last model call ended, if not well."""
    asked: set[str] = field(default_factory=set)  # the ids of its tool calls
    tools: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The open ones, by an id of our own: the id that its model gave, and the name."""

    @property
    def parent(self) -> str:
        return self.call.rpartition("/")[0]

    def begun(self) -> BaseEvent:
        return events.AgentStarted(
            agent=self.agent, call=self.call, parent=self.parent, tool_call_id=self.tool_call_id
        )

    def opened(self, given: str, name: str) -> str:
        """The id of a tool call that begins: its own, if no other that is open has it."""
        twins = (f"{given}~{number}" for number in count(2))
        own = next(it for it in chain([given], twins) if it not in self.tools)
        self.tools[own] = given, name
        return own

    def open_tool(self, given: str) -> str | None:
        """The open tool call that has this id; of several, the first: nothing tells which."""
        return next((own for own, (it, _) in self.tools.items() if it == given), None)

    def ended(self, status: Status) -> Iterator[BaseEvent]:
        if status == "completed":  # so says its tool, which may have gone on without it
            status = self.broken or status
        yield events.AgentFinished(
            agent=self.agent, call=self.call, status=status, output=self.output
        )

    def knows(self, message: AIMessage, turn: str | None, node: str) -> bool:
        """Whether a whole message is one that was said before: in chunks, or by its node's model.

        A node may tell what its model said in a message of its own.
        """
        text = whole_characters(message.text)
        own = not message.tool_calls and turn is None and (node, text) in self.heard
        return own or message.id in self.heard or turn in self.heard


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
        turn, node = metadata.get(TURN), metadata.get(_NODE) or ""
        guest, known = self._guest(message, metadata, space, before)
        if known:
            return before, "", []
        if message.id:
            guest.heard.add(message.id)
        key = turn or node or message.id or ""
        saying = guest.open.get(key)
        if saying is None:
            guest.said += 1
            saying = guest.open[key] = _Message(f"{guest.call}:{guest.said}")
            name = f"{metadata.get('ls_provider', '')}:{metadata.get('ls_model_name', '')}"
            before.append(_event(events.ModelStarted, guest, saying.id, model=name.strip(":")))
        saying.pieces.append(message)
        if isinstance(message, AIMessageChunk) and message.chunk_position != "last":
            return before, saying.id, []
        del guest.open[key]
        finished = _finished(guest, saying)
        guest.heard |= {key, (node, finished.text)}
        return before, saying.id, [finished]

    def told(self, news: Lost | Anew) -> Iterator[BaseEvent]:
        """What the stream does not tell. What a failed model call said is void."""
        if isinstance(news, Anew):
            yield from self.leave(news.call, news.tool_call_id, "cancelled")
            return
        for guest in self._here.values():
            if (saying := guest.open.pop(news.turn, None)) is not None:
                failed = isinstance(news.error, Exception)
                guest.broken = "failed" if failed else "cancelled"
                how = {"reason": "error", "error": brief(news.error)} if failed else {}
                yield _event(
                    events.ModelAborted, guest, saying.id, **{"reason": "cancelled", **how}
                )

    def tool(self, space: Space, data: Mapping[str, Any]) -> Iterator[BaseEvent]:
        """A tool of a guest's own, as LangGraph tells of it."""
        guest = self._user(space, data["tool_call_id"])
        if guest is None:
            return
        given, begins = data["tool_call_id"], data["event"] == "tool-started"
        own = guest.opened(given, data["tool_name"]) if begins else guest.open_tool(given)
        if own is None:
            return
        who: dict[str, Any] = {"agent": guest.agent, "call": guest.call, "tool_call_id": own}
        if begins:
            args = data.get("input")
            args = plain(args) if isinstance(args, dict) else {"input": plain(args)}
            yield events.ToolStarted(**who, name=data["tool_name"], args=args)
            return
        name = guest.tools.pop(own)[1]
        failed = data["event"] == "tool-error"
        yield from self.leave(guest.call, own, "failed" if failed else "completed")
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

    def _guest(
        self,
        message: AIMessage,
        metadata: Mapping[str, Any],
        space: Space,
        before: list[BaseEvent],
    ) -> tuple[Guest, bool]:
        """Who says this, and whether it has said it already.

        Who says two things at once is two: a pane with both of them would be no text.
        """
        tool_call_id, tool = metadata[TOOL]
        name = str(metadata.get(AGENT) or tool)
        key = tool_call_id, space, name, metadata.get("thread_id")
        turn, node = metadata.get(TURN), metadata.get(_NODE) or ""
        free: Guest | None = None
        for number in count():
            guest = self._here.get((*key, number))
            if guest is None:
                break
            if turn in guest.open:
                return guest, False
            if not isinstance(message, AIMessageChunk) and guest.knows(message, turn, node):
                return guest, True
            free = free or (guest if turn is None or not guest.open else None)
        if free is None:
            free = self._here[(*key, number)] = self._new(name, metadata, space)
            before.append(free.begun())
        return free, False

    def _new(self, name: str, metadata: Mapping[str, Any], space: Space) -> Guest:
        owner, tool = metadata[TOOL]
        agent = _OTHER.sub("_", name).strip("_") or "agent"
        if agent in self._known:  # no agent of the scenario's, though it says so
            agent = f"{tool}-{agent}"
        parent, tool_call_id = metadata[CALL], owner
        if (host := self._host(space, owner)) is not None:
            parent = host.call
            tool_call_id = next(iter(host.tools)) if len(host.tools) == 1 else None
        path = f"{parent}/{agent}"
        self._numbers[path] += 1
        return Guest(agent, f"{path}#{self._numbers[path]}", space, owner, tool_call_id)

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


def _finished(guest: Guest, saying: _Message) -> events.ModelFinished:
    first, *rest = saying.pieces
    message = first
    if isinstance(first, AIMessageChunk):
        message = first.__add__([it for it in rest if isinstance(it, AIMessageChunk)])
    guest.broken = None
    guest.output = whole_characters(message.text) or guest.output
    guest.asked.update(it["id"] or "" for it in message.tool_calls)
    return events.ModelFinished(
        agent=guest.agent,
        call=guest.call,
        message_id=saying.id,
        text=whole_characters(message.text),
        tool_calls=tuple(
            events.ToolCall(id=it["id"] or "", name=it["name"], args=plain(it["args"]))
            for it in message.tool_calls
        ),
        usage=usage_of(message.usage_metadata),
        finish_reason=finish_reason(message),
    )


def _event(kind: Any, guest: Guest, message_id: str, **more: Any) -> BaseEvent:
    made: BaseEvent = kind(agent=guest.agent, call=guest.call, message_id=message_id, **more)
    return made


def _text(output: Any) -> str:
    text = getattr(output, "text", None)
    return text if isinstance(text, str) else str(output)

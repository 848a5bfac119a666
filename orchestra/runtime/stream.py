"""From LangGraph's stream to orchestra's events. The only module that knows LangGraph's shapes.

``graph.astream(..., stream_mode=modes_of(team), subgraphs=True, version="v2")`` yields dicts of
``type``, ``ns`` and ``data``. Three kinds matter here:

* ``messages``: the tokens, as ``(message, metadata)``; the metadata carry the call path and the
  message id of the model call that they belong to (see ``observe``).
* ``custom``: the events that the agents report of themselves, and what a tool writes.
* ``tools``: what a tool emits with ``ToolRuntime.emit_output_delta``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage

from .. import events
from ..events import BaseEvent, Event, Usage
from ..scenario import PythonTool, Scenario
from ..scenario.agents import RESPONSE
from ..text import whole_characters
from .guests import Guests, Status
from .ledger import Ledger
from .lending import TOOL, Anew, Lost
from .past import Past
from .secrets import Filler
from .state import AGENT, CALL, MESSAGE
from .values import plain
from .voice import Speech, Voice, words_of


def modes_of(scenario: Scenario) -> list[str]:
    """What is to be streamed of a team. Only code emits what ``tools`` is for."""
    code = any(isinstance(tool, PythonTool) for tool in scenario.tools.values())
    return ["messages", "custom", "tools"] if code else ["messages", "custom"]


class Adapter(Ledger):
    """Makes the events of one run of what LangGraph streams."""

    def __init__(
        self, run: str, secrets: Filler | None = None, known: Collection[str] = ()
    ) -> None:
        super().__init__(run, secrets)
        self._guests = Guests(known)
        self._asides: dict[str, Voice] = {}  # of middleware's own messages, by id
        self._calls: dict[tuple[str, ...], str] = {}  # call path by namespace

    def resume(self, past: Past) -> Iterator[Event]:
        for event in past.seen:
            if isinstance(event, events.AgentStarted):
                self._guests.seen(event.call or "")
        yield from super().resume(past)

    def feed(self, part: Mapping[str, Any]) -> Iterable[Event]:
        """The events in one item of the stream."""
        if part["type"] == "messages" and (words := self._words(*part["data"])) is not None:
            return words
        return self._others(part)

    def _words(self, message: BaseMessage, metadata: Mapping[str, Any]) -> tuple[Event, ...] | None:
        """The short way, for a piece of text and nothing else, as nearly all parts are."""
        model = self._models.get(metadata.get(MESSAGE, ""))
        if model is None or not isinstance(message, AIMessageChunk):
            return None
        text = message.content
        if not isinstance(text, str) or message.additional_kwargs or message.tool_call_chunks:
            return None
        if model.reasoning.held:
            return None
        model.streamed = True
        return self._delta(model, model.text.hear(text), events.TextDelta)

    def _others(self, part: Mapping[str, Any]) -> Iterator[Event]:
        match part["type"]:
            case "messages":
                message, metadata = part["data"]
                yield from self._message(message, metadata, part["ns"])
            case "custom":
                data = part["data"]
                if isinstance(data, BaseEvent):
                    if not self._too_late(data):
                        yield from self._reported(data, part["ns"])  # type: ignore[arg-type] # all are Events
                elif isinstance(data, Lost | Anew):
                    for event in self._guests.told(data):
                        yield from self._reported(event)  # type: ignore[arg-type] # all are Events
                else:
                    yield from self._progress(part["ns"], data)
            case "tools" if part["data"]["event"] == "tool-output-delta":
                data = part["data"]
                yield from self._progress(part["ns"], data["delta"], data["tool_call_id"])
            case "tools":
                for event in self._guests.tool(part["ns"], part["data"]):
                    yield from self._reported(event, part["ns"])  # type: ignore[arg-type] # all are Events

    def _message(
        self, message: BaseMessage, metadata: Mapping[str, Any], ns: tuple[str, ...]
    ) -> Iterator[Event]:
        if isinstance(message, ToolMessage):
            yield from self._answered(message, metadata.get(CALL, ""))
        elif isinstance(message, AIMessage):  # and not of the user, or of the system
            message_id = metadata.get(MESSAGE)
            if message_id is not None:
                yield from self._spoken(message, message_id)
            elif TOOL in metadata:
                yield from self._guest(message, metadata, ns)
            else:
                yield from self._internal(message, metadata)

    def _spoken(self, message: AIMessage, message_id: str) -> Iterator[Event]:
        model = self._models.get(message_id)
        if model is None:
            return  # what comes after the end: a finished message is never added to
        if not isinstance(message, AIMessageChunk) and model.streamed:
            return  # the whole message, after its chunks
        model.streamed = True
        reasoning, text = words_of(message)
        if reasoning:
            yield from self._delta(model, model.reasoning.hear(reasoning), events.ReasoningDelta)
        if text:
            if model.reasoning.held:
                yield from self._delta(model, model.reasoning.rest(), events.ReasoningDelta)
            yield from self._delta(model, model.text.hear(text), events.TextDelta)
        if isinstance(message, AIMessageChunk):
            for chunk in message.tool_call_chunks:
                index, args = chunk["index"] or 0, chunk["args"] or ""
                yield from self._call(model, index, chunk["id"], chunk["name"], args)
        else:
            for index, call in enumerate(message.tool_calls):
                args = json.dumps(call["args"], ensure_ascii=False)
                yield from self._call(model, index, call["id"], call["name"], args)

    def _call(
        self, model: Speech, index: int, call_id: str | None, name: str | None, args: str
    ) -> Iterator[Event]:
        """A piece of a tool call; of a structured answer, it is what the agent says.

        So an answer looks the same by whatever way the provider gives it.
        """
        if name == RESPONSE:
            model.answers.add(index)
            args = "\n" + args if model.text.said else args
        if index in model.answers:
            yield from self._delta(model, model.text.hear(args), events.TextDelta)
            return
        voice = model.calls.setdefault(index, Voice(self._secrets))
        yield self._call_delta(model, index, call_id, name, voice.hear(args))

    def _delta(
        self, model: Speech, text: str, kind: type[events.TextDelta] | type[events.ReasoningDelta]
    ) -> tuple[Event, ...]:
        if not text:
            return ()
        started = model.started
        # Built whole rather than stamped: this is the one path taken for every token.
        now = self.elapsed
        if model.first is None:
            model.first = now
        self._seq += 1
        return (
            kind(
                run=self._run,
                seq=self._seq - 1,
                t=now,
                agent=started.agent,
                call=started.call,
                message_id=started.message_id,
                text=text,
            ),
        )

    def _call_delta(
        self, model: Speech, index: int, call_id: str | None, name: str | None, args: str
    ) -> Event:
        if model.first is None:
            model.first = self.elapsed
        return self.stamp(
            events.ToolCallDelta(
                agent=model.started.agent,
                call=model.started.call,
                message_id=model.started.message_id,
                index=index,
                tool_call_id=call_id or None,
                name=name or None,
                args=args,
            )
        )

    def _rest(self, model: Speech) -> Iterator[Event]:
        """What was held back of a message that has ended."""
        yield from self._delta(model, model.reasoning.rest(), events.ReasoningDelta)
        yield from self._delta(model, model.text.rest(), events.TextDelta)
        for index, voice in model.calls.items():
            if rest := voice.rest():
                yield self._call_delta(model, index, None, None, rest)

    def _guest(
        self, message: AIMessage, metadata: Mapping[str, Any], ns: tuple[str, ...]
    ) -> Iterator[Event]:
        """Words of an agent or a model that a user's tool runs."""
        if (metadata[CALL], metadata[TOOL][0]) not in self._tools:
            return  # the tool has ended without it
        before, message_id, after = self._guests.hear(message, metadata, ns)
        for event in before:
            yield from self._reported(event)  # type: ignore[arg-type] # all are Events
        yield from self._spoken(message, message_id)
        for event in after:
            began = self._models[message_id].started.t
            yield from self._reported(replace(event, duration=self.elapsed - began))  # type: ignore[arg-type, call-arg] # an end

    def _internal(self, message: AIMessage, metadata: Mapping[str, Any]) -> Iterator[Event]:
        """Words that are nobody's own: of middleware."""
        if not isinstance(message, AIMessageChunk):
            return
        text = str(message.text)
        if not text and message.chunk_position != "last":
            return
        call = metadata.get(CALL)
        if call is not None and call not in self._agents:
            return
        source = metadata.get("lc_source") or metadata.get("langgraph_node") or "model"
        voice = self._asides.setdefault(message.id or "", Voice(self._secrets))
        text = voice.hear(text) + (voice.rest() if message.chunk_position == "last" else "")
        if not text:
            return
        agent = events.agent_of(call) if call else metadata.get(AGENT)
        yield self.stamp(events.Internal(agent=agent, call=call, source=source, text=text))

    def _answered(self, message: ToolMessage, call: str) -> Iterator[Event]:
        """A tool call that middleware answered in the tool's place; else the agent reports it."""
        asked = self._asked.pop((call, message.tool_call_id), None)
        if asked is None or call not in self._agents:
            return
        who: dict[str, Any] = {"agent": events.agent_of(call), "call": call}
        who |= {"tool_call_id": asked.id, "name": asked.name}
        yield self.stamp(events.ToolStarted(**who, args=asked.args))
        if message.status == "error":
            yield self.stamp(events.ToolFailed(**who, error=whole_characters(message.text)))
        else:
            yield self.stamp(events.ToolFinished(**who, result=whole_characters(message.text)))

    def _progress(
        self, ns: tuple[str, ...], data: Any, tool_call_id: str | None = None
    ) -> Iterator[Event]:
        call = self._calls.get(ns)
        if call is None or call not in self._agents:
            return
        if tool_call_id is None:
            open_here = [tool_id for _, tool_id in self._tools.of(call)]
            tool_call_id = open_here[0] if len(open_here) == 1 else None
        agent = events.agent_of(call)
        yield self.stamp(
            events.ToolProgress(agent=agent, call=call, tool_call_id=tool_call_id, data=plain(data))
        )

    def _reported(self, event: Event, ns: tuple[str, ...] = ()) -> Iterator[Event]:
        """An event of the agents' own: completed with what only the stream knows."""
        call = event.call or ""
        match event:
            case events.AgentStarted():
                self._agents[call] = stamped = self.stamp(event)
                self._usage[call] = Usage()
                yield stamped
            case events.AgentFinished():
                yield from self._agent_finished(event, call)
            case events.ModelStarted():
                begun = self.stamp(event)
                voices = Voice(self._secrets), Voice(self._secrets)
                self._models[event.message_id] = Speech(begun, *voices)
                yield begun
            case events.ModelFinished():
                yield from self._model_finished(event, call)
            case events.ModelAborted():
                if self._models.pop(event.message_id, None):
                    yield self.stamp(event)
            case events.ToolStarted():
                self._calls[ns] = call
                self._asked.pop((call, event.tool_call_id), None)
                self._tools[call, event.tool_call_id] = running = self.stamp(event)
                yield running
            case events.ToolFinished() | events.ToolFailed():
                yield from self._tool_ended(event, call)
            case _:
                yield self.stamp(event)

    def _tool_ended(
        self, event: events.ToolFinished | events.ToolFailed, call: str
    ) -> Iterator[Event]:
        status: Status = "completed"
        if isinstance(event, events.ToolFailed):
            status = "cancelled" if event.error.startswith("cancelled") else "failed"
        for end in self._guests.leave(call, event.tool_call_id, status):
            yield from self._reported(end)  # type: ignore[arg-type] # all are Events
        if self._tools.pop((call, event.tool_call_id), None):
            yield self.stamp(event)

    def _model_finished(self, event: events.ModelFinished, call: str) -> Iterator[Event]:
        model = self._models[event.message_id]
        yield from self._rest(model)
        if not model.text.said and event.text:  # a model that does not stream at all
            yield from self._delta(model, model.text.hear(event.text), events.TextDelta)
            yield from self._rest(model)
        del self._models[event.message_id]
        if event.usage:
            self._usage[call] = self._usage.get(call, Usage()) + event.usage
        self._asked.take({(call, asked.id): asked for asked in event.tool_calls})
        first = None if model.first is None else model.first - model.started.t
        yield self.stamp(
            replace(
                event,
                text=model.text.text,
                reasoning=model.reasoning.text,
                first_token=first,
                duration=max(event.duration, first or 0.0),
            )
        )

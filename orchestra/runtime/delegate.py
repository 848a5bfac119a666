"""Calling an agent at a call path, and the tools by which a model does so.

A delegate tool calls another agent and returns its answer. A transfer tool hands the conversation
over: it ends the agent's go, and :func:`call_agent` goes on with the agent that was named. So a
team of agents that hand over to each other is closed wherever it is called: as the main agent,
as a subagent and as a step.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, ConfigDict

from .. import events
from ..errors import OrchestraError
from ..scenario import AgentSpec, AnyAgent, Limits
from ..scenario.agents import TRANSFER
from ..text import whole_characters
from .control import CALLED_OFF, CalledOff
from .past import Go
from .signatures import evaluated
from .state import CALL, RunState, Writer, metadata_for, state_of
from .values import brief, plain


class _Task(BaseModel):
    """What a delegate tool takes. Made once: a model for each tool takes longer than its agent."""

    query: str


class _Nothing(BaseModel):
    """What a transfer tool takes: nothing from a model. LangChain injects what is listed here."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    runtime: ToolRuntime[Any, Any]


with suppress(AttributeError, NameError, TypeError):  # of any tool: a hundredth of a short run
    evaluated(StructuredTool._arun)


@dataclass(slots=True)
class Crew:
    """The agents of a team, by name: what the file says of them, and their compiled graphs."""

    specs: dict[str, AnyAgent]
    makers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """How each graph is compiled: at its first call, as of a large team few may be called."""
    _graphs: dict[str, Any] = field(default_factory=dict)  # langgraph's own type says no more

    def graph(self, name: str) -> Any:
        """The compiled graph of an agent."""
        if name not in self._graphs:
            self._graphs[name] = self.makers[name]()
        return self._graphs[name]

    def limits(self, name: str) -> Limits:
        spec = self.specs[name]
        return spec.limits if isinstance(spec, AgentSpec) else Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: the whole conversation, its last word, and who is to go on if any."""

    messages: list[AnyMessage]
    text: str
    structured: Any = None
    to: str | None = None
    off: bool = False
    """Whether a person has called it off."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: for the events, and for where they are written.

    ``write`` is LangGraph's stream writer of the caller, so the beginning and the end of a call
    stand before and after all that it streams.
    """

    state: RunState
    write: Writer
    parent: str | None = None
    tool_call_id: str | None = None


async def call_agent(
    crew: Crew, name: str, call: str, messages: Sequence[BaseMessage], caller: Caller
) -> Answer:
    """Run an agent on ``messages``, and whoever it hands over to, and report begin and end.

    The next call at the same path goes to the agent that has the conversation by then.
    """
    holders = caller.state.holders
    if caller.parent is not None and (end := caller.state.past.answer(call)) is not None:
        return Answer([], end.output, structured=end.structured)
    while True:
        holder = holders.get(call, name)
        path = call if holder == name else caller.state.member_path(call, holder)
        try:
            answer = await _go(crew, holder, path, messages, caller)
        except GraphBubbleUp:
            raise
        except CalledOff:
            caller.state.restart_all(call)
            said = [*messages, AIMessage(CALLED_OFF, name=holder)]
            return Answer(cast(list[AnyMessage], said), CALLED_OFF, off=True)
        except BaseException:
            if caller.parent is not None:  # should it be tried again, it begins where it began
                caller.state.restart_all(call)
            raise
        if answer.to is None:
            return answer
        holders[call] = answer.to
        messages = answer.messages


async def _go(
    crew: Crew, name: str, call: str, messages: Sequence[BaseMessage], caller: Caller
) -> Answer:
    """One go of one agent, with its limits."""
    state, write = caller.state, caller.write
    who: dict[str, Any] = {"agent": name, "call": call}
    went = state.past.go(call)
    if went is None or not (went.done or went.open):
        write(
            events.AgentStarted(
                **who,
                parent=caller.parent,
                tool_call_id=caller.tool_call_id,
                task=whole_characters(task_of(messages)),
            )
        )
    limits = crew.limits(name)
    state.allow(call, limits)
    try:
        result = await _timed(crew, name, call, messages, limits, state)
        if went is not None and went.done:  # it has been told, before the run was resumed
            return _told(result, went)
        answer = _answer(crew.specs[name], call, result)
    except GraphBubbleUp:  # an interrupt, not an end
        raise
    except (asyncio.CancelledError, CalledOff):
        state.restart(call)
        write(events.AgentFinished(**who, status="cancelled"))
        raise
    except Exception as raised:
        error = state.cause(call, raised)
        state.restart(call)
        state.blame(error, call)
        write(events.AgentFinished(**who, status="failed", error=brief(error)))
        if error is raised:
            raise
        raise error from error.__cause__
    status: Literal["handed_off", "completed"] = "handed_off" if answer.to else "completed"
    write(
        events.AgentFinished(
            **who,
            status=status,
            to=answer.to,
            output=answer.text,
            structured=answer.structured,
        )
    )
    return answer


async def _timed(
    crew: Crew,
    name: str,
    call: str,
    messages: Sequence[BaseMessage],
    limits: Limits,
    state: RunState,
) -> Any:
    async with state.control.timed(call, limits.seconds):
        result = {"messages": [*messages]}
        while True:
            given = {"messages": result["messages"]}
            result = await crew.graph(name).ainvoke(given, metadata_for(name, call))
            if not _refused(crew.specs[name], result["messages"]):
                return result


def _told(result: Any, went: Go) -> Answer:
    end = went.end
    if end is None:
        raise AssertionError("a go that is done has an end")
    return Answer(result["messages"], end.output, structured=end.structured, to=end.to)


def _answer(spec: AnyAgent, call: str, result: Any) -> Answer:
    """What a finished graph says."""
    conversation: list[AnyMessage] = result["messages"]
    if isinstance(spec, AgentSpec):
        if to := _handed_to(conversation, spec.handoffs):
            said = next(m for m in reversed(conversation) if isinstance(m, AIMessage))
            return Answer(conversation, whole_characters(said.text), to=to)
        if spec.response_format is not None:
            return _structured(call, conversation, result.get("structured_response"))
    return Answer(conversation, whole_characters(conversation[-1].text))


def _structured(call: str, conversation: list[AnyMessage], response: Any) -> Answer:
    if response is None:
        hint = "a scripted reply gives it in 'structured'"
        raise OrchestraError(
            f"{call}: ended without the answer its response_format asks for; {hint}"
        )
    value = plain(response.model_dump())
    return Answer(conversation, json.dumps(value, ensure_ascii=False), structured=value)


def task_of(messages: Sequence[BaseMessage]) -> str:
    """What was asked last."""
    asked = (
        message
        for message in reversed(messages)
        if isinstance(message, HumanMessage) and "lc_source" not in message.additional_kwargs
    )
    last = next(asked, messages[-1] if messages else None)
    return str(last.text) if last else ""


def delegate(crew: Crew, name: str) -> BaseTool:
    """The tool by which a model hands a task to agent ``name``; async only.

    A synchronous tool would run on in its thread after a cancel. The agent is looked up when it
    is called, so agents may delegate to each other in circles.
    """

    @evaluated
    async def run(query: str, runtime: ToolRuntime[Any, Any]) -> str | ToolMessage:
        state = state_of(runtime.config)
        parent = runtime.config["metadata"][CALL]
        tool_call_id = runtime.tool_call_id or ""
        path = state.path_of(parent, tool_call_id, name)
        caller = Caller(state, runtime.stream_writer, parent, tool_call_id)
        answer = await call_agent(crew, name, path, [HumanMessage(query)], caller)
        if answer.off:
            return ToolMessage(answer.text, tool_call_id=tool_call_id, name=name, status="error")
        return answer.text

    description = crew.specs[name].description or f"Hands a task to {name}."
    return StructuredTool(coroutine=run, name=name, description=description, args_schema=_Task)


def transfer(crew: Crew, name: str) -> BaseTool:
    """The tool by which a model hands the conversation over to agent ``name``.

    Alone, or as the first of several transfers, it ends the agent's go (``return_direct``). Beside
    other tools it is refused: their results would never be read.
    """

    @evaluated
    async def run(runtime: ToolRuntime[Any, Any]) -> str:
        asked = next(m for m in reversed(runtime.state["messages"]) if isinstance(m, AIMessage))
        calls = asked.tool_calls
        if any(not call["name"].startswith(TRANSFER) for call in calls):
            raise ToolException("not handed over: call this tool alone, after the others")
        if runtime.tool_call_id != calls[0]["id"]:
            raise ToolException(f"not handed over: {calls[0]['name']} came first")
        return f"{name} has the conversation now."

    about = crew.specs[name].description
    description = f"Hands the conversation over to {name}." + (f" {about}" if about else "")
    return StructuredTool(
        coroutine=run,
        name=TRANSFER + name,
        description=description,
        args_schema=_Nothing,
        return_direct=True,
        handle_tool_error=True,
    )


def _refused(spec: AnyAgent, conversation: Sequence[AnyMessage]) -> bool:
    """Whether the agent's last act was a transfer that was refused: LangChain ends it there.

    Its edge out of the tools looks at what was called, and not at what came of it.
    """
    last = conversation[-1]
    if not isinstance(spec, AgentSpec) or not isinstance(last, ToolMessage):
        return False
    refused = last.status == "error" and (last.name or "").startswith(TRANSFER)
    return refused and _handed_to(conversation, spec.handoffs) is None


def _handed_to(conversation: Sequence[AnyMessage], handoffs: Sequence[str]) -> str | None:
    """Who is to go on, if the agent's last act was to hand over."""
    for message in reversed(conversation):
        if not isinstance(message, ToolMessage):
            return None
        to = (message.name or "").removeprefix(TRANSFER)
        if to in handoffs and message.name != to and message.status != "error":
            return to
    return None

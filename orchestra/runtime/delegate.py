"""Calling an agent at a call path: the main agent, and the delegate tools that call the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.errors import GraphBubbleUp

from .. import events
from ..text import whole_characters
from .observe import Writer, brief
from .state import CALL, RunState, metadata_for, state_of

Agents = Mapping[str, Any]  # compiled agent graphs by name; langgraph's own type says no more


async def call_agent(
    agents: Agents,
    name: str,
    call: str,
    messages: list[BaseMessage],
    *,
    state: RunState,
    write: Writer,
    parent: str | None = None,
    tool_call_id: str | None = None,
) -> list[AnyMessage]:
    """Run one agent on ``messages`` and report its beginning and its end.

    Returns its whole conversation. ``write`` is LangGraph's stream writer of the caller, so the
    two events stand before and after all that the agent streams.
    """
    task = whole_characters(messages[-1].text) if messages else ""
    write(
        events.AgentStarted(
            agent=name, call=call, parent=parent, tool_call_id=tool_call_id, task=task
        )
    )
    try:
        result = await agents[name].ainvoke({"messages": messages}, metadata_for(name, call))
    except GraphBubbleUp:  # an interrupt or a handoff, not an end
        raise
    except asyncio.CancelledError:
        state.restart(call)
        write(events.AgentFinished(agent=name, call=call, status="cancelled"))
        raise
    except Exception as error:
        state.restart(call)
        state.blame(error, call)
        write(events.AgentFinished(agent=name, call=call, status="failed", error=brief(error)))
        raise
    conversation: list[AnyMessage] = result["messages"]
    output = whole_characters(conversation[-1].text)
    write(events.AgentFinished(agent=name, call=call, status="completed", output=output))
    return conversation


def delegate(agents: Agents, name: str, description: str) -> BaseTool:
    """The tool by which a model hands a task to agent ``name``; async only.

    A synchronous tool would run on in its thread after a cancel. The agent is looked up when it
    is called, so agents may delegate to each other in circles.
    """

    async def run(query: str, runtime: ToolRuntime[Any, Any]) -> str:
        state = state_of(runtime.config)
        parent = runtime.config["metadata"][CALL]
        tool_call_id = runtime.tool_call_id or ""
        conversation = await call_agent(
            agents,
            name,
            state.path_of(parent, tool_call_id, name),
            [HumanMessage(query)],
            state=state,
            write=runtime.stream_writer,
            parent=parent,
            tool_call_id=tool_call_id,
        )
        return conversation[-1].text

    return StructuredTool.from_function(
        coroutine=run, name=name, description=description or f"Hands a task to {name}."
    )

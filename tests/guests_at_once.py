"""Tools of a user's own whose guests speak at once, fail and ask; see test_guests_at_once.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from guest_tools import ASK, Model, answer, helper, says
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt


async def models(q: str) -> str:
    """Asks two models at once."""
    said = await asyncio.gather(says("a b c d").ainvoke("hi"), says("1 2 3 4").ainvoke("hi"))
    return "".join(message.text for message in said)


async def node(q: str) -> str:
    """Runs a node that asks two models at once, and tells the first in a message of its own."""

    async def work(state: Any) -> Any:
        one, _ = await asyncio.gather(says("a b c d").ainvoke("hi"), says("1 2 3 4").ainvoke("hi"))
        return {"messages": [AIMessage(one.text)]}

    graph = StateGraph(MessagesState)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return await answer(graph.compile())


async def caught(q: str) -> str:
    """Runs an agent that fails, and then another."""
    try:
        await answer(helper("bad", ValueError("no good")))
    except ValueError:
        return await answer(helper("good"))
    raise AssertionError


class Twins(Model):
    """Gives two tool calls one id."""

    def _chunks(self, reply: Any) -> Iterator[AIMessageChunk]:
        if reply != "twins":
            yield from super()._chunks(reply)
            return
        pieces = [
            {"name": "both", "id": "same", "index": at, "args": f'{{"n": {at}}}'} for at in (0, 1)
        ]
        yield AIMessageChunk("", tool_call_chunks=pieces)  # type: ignore[arg-type]


async def twins(q: str) -> str:
    """Runs an agent that makes two tool calls with one id."""
    here = asyncio.Barrier(2)

    @tool
    async def both(n: int) -> str:
        """Ends when both have begun."""
        await here.wait()
        return "done"

    model = Twins(replies=["twins", "end"])
    return await answer(create_agent(model, tools=[both], name="helper"))


async def asks(q: str) -> str:
    """Asks, and runs an agent whose tool asks as well."""

    @tool
    def permit(n: int) -> str:
        """Asks."""
        return f"{interrupt('may it?')} it may"

    first = interrupt("may I?")
    asked = {"name": "permit", "args": {"n": 1}, "id": "p1"}
    agent = create_agent(says(asked, "thanks"), tools=[permit], name="helper")
    result = await agent.ainvoke(ASK)
    return f"{first}, {result['messages'][-2].text}"

"""Tools of a user's own that run agents, graphs of them and bare models; see test_guests.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

ASK = {"messages": [("user", "hi")]}
WORDS = ["Words ", "of ", "mine."]


class Model(BaseChatModel):
    """Says its replies in turn. A reply is a text, a tool call or an error after two words."""

    replies: list[Any]
    streams: bool = True
    late_id: bool = False
    said: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake"

    def bind_tools(self, tools: Any, **more: Any) -> Model:
        return self

    def _reply(self) -> Any:
        self.said += 1
        return self.replies[min(self.said, len(self.replies)) - 1]

    def _generate(self, messages: Any, *_: Any, **more: Any) -> ChatResult:
        reply = self._reply()
        if isinstance(reply, Exception):
            raise reply
        message = AIMessage("", tool_calls=[reply]) if isinstance(reply, dict) else AIMessage(reply)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _chunks(self, reply: Any) -> Iterator[AIMessageChunk]:
        if isinstance(reply, dict):
            args = json.dumps(reply["args"])
            piece = {"name": reply["name"], "id": reply["id"], "index": 0, "args": args}
            yield AIMessageChunk("", tool_call_chunks=[piece])  # type: ignore[list-item]
            return
        words = WORDS[:2] if isinstance(reply, Exception) else reply.split(" ")
        for number, word in enumerate(words):
            own = "chatcmpl-7" if self.late_id and number else None
            yield AIMessageChunk(word if isinstance(reply, Exception) else word + " ", id=own)
        if isinstance(reply, Exception):
            raise reply

    def _stream(self, messages: Any, *_: Any, **more: Any) -> Iterator[ChatGenerationChunk]:
        if not self.streams:
            raise NotImplementedError
        for chunk in self._chunks(self._reply()):
            yield ChatGenerationChunk(message=chunk)

    async def _astream(self, messages: Any, *_: Any, **more: Any) -> AsyncIterator[Any]:
        for chunk in self._stream(messages):
            yield chunk
            await asyncio.sleep(0)

    def _should_stream(self, *_: Any, **more: Any) -> bool:
        return self.streams


@tool
def peek(n: int) -> str:
    """Looks."""
    if n < 0:
        raise ValueError("below zero")
    return f"seen {n}"


def says(*replies: Any, **more: Any) -> Model:
    return Model(replies=list(replies), **more)


def helper(name: str | None = "helper", *replies: Any, **more: Any) -> CompiledStateGraph:
    return create_agent(says(*(replies or ["hello"])), tools=[peek], name=name, **more)


async def answer(agent: Any, config: RunnableConfig | None = None) -> str:
    return str((await agent.ainvoke(ASK, config))["messages"][-1].text)


async def plain(q: str) -> str:
    """Runs an agent."""
    return await answer(helper())


async def forwarded(q: str, config: RunnableConfig) -> str:
    """Runs an agent with its own config."""
    return await answer(helper(), config)


async def batch(q: str) -> str:
    """Runs an agent twice at once."""
    return str(len(await helper("twin", "same words").abatch([ASK, ASK])))


async def pipe(q: str) -> str:
    """Runs an agent in a pipe."""
    pipe = helper() | RunnableLambda(lambda state: state["messages"][-1].text)
    return str(await pipe.ainvoke(ASK))


async def team(q: str) -> str:
    """Runs a graph with agents as nodes."""
    graph = StateGraph(MessagesState)
    graph.add_node("one", helper("one"))
    graph.add_node("two", helper("two"))
    graph.add_edge(START, "one")
    graph.add_edge("one", "two")
    graph.add_edge("two", END)
    return await answer(graph.compile(name="team"))


async def sends(q: str) -> str:
    """Sends twice to one agent."""
    graph = StateGraph(MessagesState)
    graph.add_node("w", helper("twin", "same words"))
    graph.add_conditional_edges(START, lambda _: [Send("w", ASK), Send("w", ASK)], ["w"])
    return await answer(graph.compile())


async def bare(q: str) -> str:
    """Asks a model."""
    return (await says("bare words").ainvoke("hi")).text


async def unnamed(q: str) -> str:
    """Runs an agent without a name."""
    return await answer(helper(None))


def thread(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


async def threads(q: str) -> str:
    """Runs an agent in two threads of its own."""
    agent = helper(checkpointer=InMemorySaver())
    return await answer(agent, thread("8")) + await answer(agent, thread("9"))


async def continued(q: str) -> str:
    """Runs an agent twice in one thread."""
    agent = helper(checkpointer=InMemorySaver())
    return await answer(agent, thread("9")) + await answer(agent, thread("9"))


async def twice(q: str) -> str:
    """Runs an agent, and another of that name."""
    return await answer(helper()) + await answer(helper())


def synchronous(q: str) -> str:
    """Runs an agent, and waits."""
    return str(helper().invoke(ASK)["messages"][-1].text)


async def nested(q: str) -> str:
    """Runs an agent whose tool runs an agent."""
    outer = create_agent(
        says({"name": "inner", "args": {"q": "x"}, "id": "i1"}, "all done"),
        tools=[inner],
        name="outer",
    )
    return await answer(outer)


@tool
async def inner(q: str) -> str:
    """Runs an agent."""
    return await answer(helper())


async def spoofed(q: str) -> str:
    """Runs an agent that goes by the name of its boss."""
    return await answer(helper("lead"))


async def odd(q: str) -> str:
    """Runs an agent with a name of its own kind."""
    return await answer(helper("Zoë/№1 #2\n"))


async def retried(q: str) -> str:
    """Runs an agent whose model fails in mid-message."""
    patience = ModelRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False)
    replies = (ConnectionError("lost"), "Words of mine.")
    return await answer(helper("helper", *replies, middleware=[patience]))


async def late(q: str) -> str:
    """Runs an agent whose provider's ids come late."""
    return await answer(create_agent(says("one two three", late_id=True), name="helper"))


async def whole(q: str) -> str:
    """Runs an agent whose model does not stream."""
    return await answer(create_agent(says("all at once", streams=False), name="helper"))


async def failing(q: str) -> str:
    """Runs an agent that fails."""
    return await answer(helper("helper", ValueError("no good")))


def call(n: int) -> dict[str, Any]:
    return {"name": "peek", "args": {"n": n}, "id": f"p{n}"}


async def tools(q: str) -> str:
    """Runs an agent that has tools."""
    return await answer(helper("helper", call(1), "seen it"))


async def tool_error(q: str) -> str:
    """Runs an agent whose tool fails."""
    return await answer(helper("helper", call(-1), "never"))


async def ends_run(q: str) -> str:
    """Runs an agent until it is stopped."""
    started = asyncio.Event()

    async def wait(state: Any) -> Any:
        started.set()
        await asyncio.Event().wait()

    graph = StateGraph(MessagesState)
    graph.add_node("one", helper("one"))
    graph.add_node("wait", wait)
    graph.add_edge(START, "one")
    graph.add_edge("one", "wait")
    return await answer(graph.compile())


async def whose(q: str, config: RunnableConfig) -> str:
    """Asks whose tool it is."""
    metadata = config["metadata"]
    return f"{metadata['lc_agent_name']} {metadata.get('lc_agent_name')}"


async def left_running(q: str) -> str:
    """Leaves an agent at work, over and over."""
    started = asyncio.Event()

    async def work() -> None:
        while True:
            started.set()
            await asyncio.sleep(0)  # its tool ends here
            await answer(helper())

    AT_WORK.add(asyncio.create_task(work(), name="left at work"))
    await started.wait()
    return "left"


AT_WORK: set[asyncio.Task[None]] = set()

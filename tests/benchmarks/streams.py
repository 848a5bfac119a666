"""What the events of a run cost beside LangGraph's own stream of the same agents.

The baseline is ``graph.astream`` of the same two-level team with the same scripted model, driven by
hand. Both are measured in turns in one process, in seconds of its CPU.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.messages import HumanMessage
from runs import collect, scenario
from table import Measured, Row, of_pairs

from orchestra.runtime import Run, build
from orchestra.runtime.scripted import ScriptedModel
from orchestra.runtime.stream import MODES

WORDS = 2_000
Work = Callable[[], Awaitable[object]]


def _text(words: int) -> str:
    return f"""
        agents: {{lead: {{subagents: [helper]}}, helper: {{}}}}
        input: go
        script:
          lead:
            - text: {"word " * words}
              tool_calls: [{{helper: {{query: a}}}}, {{helper: {{query: b}}}}]
            - text: end
          helper: [{{text: {"word " * words}}}]
    """


def _bare(words: int, modes: Sequence[str] | str, at_once: int = 1) -> Work:
    """The same team as a person would write it on the bare libraries."""
    script = scenario(_text(words)).script
    # Outside orchestra the model goes by agent name and counts the AI messages itself.
    model = ScriptedModel(script=script)
    helper = create_agent(model, [], name="helper")

    @tool("helper")
    async def delegate(query: str) -> str:
        """Delegates."""
        result = await helper.ainvoke(
            {"messages": [HumanMessage(query)]}, {"metadata": {"lc_agent_name": "helper"}}
        )
        return str(result["messages"][-1].text)

    lead = create_agent(model, [delegate], name="lead")

    async def once() -> None:
        stream = lead.astream(
            {"messages": [HumanMessage("go")]}, stream_mode=modes, subgraphs=True, version="v2"
        )
        async for _ in stream:
            pass

    return lambda: asyncio.gather(*(once() for _ in range(at_once)))


def _ours(words: int, at_once: int = 1) -> Work:
    team = build(scenario(_text(words)))
    return lambda: asyncio.gather(*(collect(Run(team)) for _ in range(at_once)))


def _compare(theirs: Work, ours: Work, rounds: int) -> list[tuple[float, float]]:
    async def cpu(work: Work) -> float:
        start = time.process_time()
        await work()
        return time.process_time() - start

    async def all_() -> list[tuple[float, float]]:
        await theirs(), await ours()
        return [(await cpu(theirs), await cpu(ours)) for _ in range(rounds)]

    return asyncio.run(all_())


def token() -> Measured:
    found = _compare(_bare(WORDS, MODES), _ours(WORDS), 7)
    return of_pairs(found, "µs", 1e6 / (3 * WORDS))


def token_alone() -> Measured:
    found = _compare(_bare(WORDS, "messages"), _ours(WORDS), 7)
    return of_pairs(found, "µs", 1e6 / (3 * WORDS))


def one_run() -> Measured:
    return of_pairs(_compare(_bare(3, MODES), _ours(3), 40), "ms", 1e3)


def many_runs() -> Measured:
    """Tokens a second of CPU, so that who else uses the machine does not count."""
    words, runs = 100, 64
    found = _compare(_bare(words, MODES, runs), _ours(words, runs), 5)
    return of_pairs([(3 * words * runs / a, 3 * words * runs / b) for a, b in found], "/s")


SAME = "graph.astream of the same agents in the same modes"
ROWS = [
    Row("token", "CPU a token, events of a two-level run", SAME, token, most=1.15),
    Row(
        "token-alone",
        "CPU a token, events of a two-level run",
        "graph.astream(stream_mode='messages', subgraphs=True)",
        token_alone,
        most=1.4,
    ),
    Row("run", "CPU of a short run of three calls", SAME, one_run),
    Row(
        "runs",
        "64 runs at once, tokens a second",
        "the same on the bare graph",
        many_runs,
        least=0.9,
    ),
]

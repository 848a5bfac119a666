"""What orchestra costs beside the bare libraries: CPU per token, and CPU per run.

The baseline is `graph.astream` of the same two-level team with the same scripted model, driven by
hand with the same number of stream modes. Both are measured in turns in one process; the ratio
counts, the microseconds are this machine's.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.messages import HumanMessage

sys.path.insert(0, str(Path(__file__).parent.parent))

from runs import collect, scenario

from orchestra.runtime import Run, build
from orchestra.runtime.scripted import ScriptedModel

MODES = ["messages", "updates", "tasks", "tools", "custom"]


def team_text(words: int) -> str:
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


def bare(words: int) -> Callable[[], Awaitable[object]]:
    """The same team as a person would write it on the bare libraries."""
    script = scenario(team_text(words)).script
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
            {"messages": [HumanMessage("go")]}, stream_mode=MODES, subgraphs=True, version="v2"
        )
        async for _ in stream:
            pass

    return once


def ours(words: int) -> Callable[[], Awaitable[object]]:
    team = build(scenario(team_text(words)))
    return lambda: collect(Run(team))


async def cpu(work: Callable[[], Awaitable[object]]) -> float:
    start = time.process_time()
    await work()
    return time.process_time() - start


async def compare(words: int, rounds: int) -> tuple[float, float, float]:
    """Median seconds of CPU of the bare graph and of orchestra, and the median ratio of pairs."""
    left, right = bare(words), ours(words)
    await left(), await right()
    pairs = [(await cpu(left), await cpu(right)) for _ in range(rounds)]
    ratio = statistics.median(b / a for a, b in pairs)
    return *(statistics.median(side) for side in zip(*pairs, strict=True)), ratio


async def main() -> None:
    words = 2_000
    a, b, ratio = await compare(words, 7)
    per_token = 1e6 / (3 * words)
    print(
        f"CPU per token   bare {a * per_token:6.1f} µs   orchestra {b * per_token:6.1f} µs   ×{ratio:.2f}"
    )
    a, b, ratio = await compare(3, 40)
    print(f"CPU per run     bare {a * 1e3:6.1f} ms   orchestra {b * 1e3:6.1f} ms   ×{ratio:.2f}")


if __name__ == "__main__":
    asyncio.run(main())

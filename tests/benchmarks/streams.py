"""What the events of a run cost beside LangGraph's own stream of the same agents.

The baseline is ``graph.astream`` of the same two-level team, driven by hand, with a scripted chat
model as a person would write it for a test. Each side is a process of its own, so that neither
collects the other's garbage; they are measured in turns, in seconds of their CPU. ``ours`` is set
up as the command line is (see ``orchestra.garbage``).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from table import Measured, Row, of_pairs

WORDS, SHORT = 2_000, 3
AT_ONCE, EACH = 64, 100  # runs, and words of each reply
ROUNDS = 3
SIDES = ("bare", "scripted", "ours")
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


def _by_hand(words: int) -> tuple[Any, Any]:
    """The models of lead and helper, in few lines."""
    from langchain_core.language_models import BaseChatModel
    from langchain_core.language_models.chat_models import agenerate_from_stream
    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk

    class Scripted(BaseChatModel):
        calls: list[dict[str, Any]] = []  # noqa: RUF012 - pydantic copies it

        @property
        def _llm_type(self) -> str:
            return "scripted"

        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            return await agenerate_from_stream(self._astream(messages))

        async def _astream(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            asked = any(message.type == "tool" for message in messages)
            for word in ["end"] if asked else ["word "] * words:
                yield ChatGenerationChunk(message=AIMessageChunk(content=word))
            for call in [] if asked else self.calls:
                yield ChatGenerationChunk(
                    message=AIMessageChunk(content="", tool_call_chunks=[call])
                )

    calls = [
        {"name": "helper", "args": f'{{"query": "{query}"}}', "id": query, "index": at}
        for at, query in enumerate("ab")
    ]
    return Scripted(calls=calls), Scripted()


def _ours_by_hand(words: int) -> tuple[Any, Any]:
    """Our own scripted model, which tells LangChain of its tokens on a shorter way."""
    from runs import scenario

    from orchestra.runtime.scripted import ScriptedModel

    # Outside orchestra the model goes by agent name and counts the AI messages itself.
    model = ScriptedModel(script=scenario(_text(words)).script)
    return model, model


def _bare(models: Callable[[int], tuple[Any, Any]], words: int, modes: Sequence[str] | str) -> Work:
    """The same team as a person would write it on the bare libraries."""
    from langchain.agents import create_agent
    from langchain.tools import tool
    from langchain_core.messages import HumanMessage

    leading, helping = models(words)
    helper = create_agent(helping, [], name="helper")

    @tool("helper")
    async def delegate(query: str) -> str:
        """Delegates."""
        result = await helper.ainvoke(
            {"messages": [HumanMessage(query)]}, {"metadata": {"lc_agent_name": "helper"}}
        )
        return str(result["messages"][-1].text)

    lead = create_agent(leading, [delegate], name="lead")

    async def once() -> None:
        async for _ in lead.astream(
            {"messages": [HumanMessage("go")]}, stream_mode=modes, subgraphs=True, version="v2"
        ):
            pass

    return once


def _ours(words: int) -> Work:
    from runs import collect, scenario

    from orchestra.garbage import look_seldom
    from orchestra.runtime import Run, build

    look_seldom()
    team = build(scenario(_text(words)))
    return lambda: collect(Run(team))


def child(side: str) -> None:
    """Print what one side takes for each thing, in seconds of CPU."""
    from runs import scenario

    from orchestra.runtime.stream import modes_of

    same = modes_of(scenario(_text(1)))
    models = {"bare": _by_hand, "scripted": _ours_by_hand}

    def work(words: int, modes: Sequence[str] | str = same) -> Work:
        return _ours(words) if side == "ours" else _bare(models[side], words, modes)

    async def cpu(work: Work, times: int, at_once: int = 1) -> float:
        await work()
        spent = []
        for _ in range(times):
            begun = time.process_time()
            await asyncio.gather(*(work() for _ in range(at_once)))
            spent.append(time.process_time() - begun)
        return statistics.median(spent)

    async def all_() -> dict[str, float]:
        return {
            "token": await cpu(work(WORDS), 3),
            "alone": await cpu(work(WORDS, "messages"), 3),
            "run": await cpu(work(SHORT), 25),
            "runs": await cpu(work(EACH), 2, AT_ONCE),
        }

    print(json.dumps(asyncio.run(all_())))


@cache
def _measured() -> list[dict[str, dict[str, float]]]:
    def of(side: str) -> dict[str, float]:
        command = [sys.executable, __file__, side]
        found: dict[str, float] = json.loads(subprocess.check_output(command))
        return found

    return [{side: of(side) for side in SIDES} for _ in range(ROUNDS)]


def _row(what: str, unit: str, scale: Callable[[float], float]) -> Measured:
    rounds = [{side: scale(it[what]) for side, it in all_.items()} for all_ in _measured()]
    own = of_pairs([(it["scripted"], it["ours"]) for it in rounds], unit)
    note = f"{own.ratio:.2f} of the baseline with orchestra's own scripted model"
    found = of_pairs([(it["bare"], it["ours"]) for it in rounds], unit)
    return Measured(found.ours, found.theirs, unit, found.ratios, [note])


def _per_token(seconds: float) -> float:
    return seconds * 1e6 / (3 * WORDS)


def _per_second(seconds: float) -> float:
    return 3 * EACH * AT_ONCE / seconds


SAME = "graph.astream of the same agents in the same modes"
ROWS = [
    Row(
        "token",
        "CPU a token, events of a two-level run",
        SAME,
        partial(_row, "token", "µs", _per_token),
        most=1.15,
    ),
    Row(
        "token-alone",
        "CPU a token, events of a two-level run",
        "graph.astream(stream_mode='messages', subgraphs=True)",
        partial(_row, "alone", "µs", _per_token),
        most=1.4,
    ),
    Row(
        "run",
        "CPU of a short run of three calls",
        SAME,
        partial(_row, "run", "ms", lambda it: it * 1e3),
    ),
    Row(
        "runs",
        "64 runs at once, tokens a second of CPU",
        "the same on the bare graph",
        partial(_row, "runs", "/s", _per_second),
        least=0.9,
    ),
]

if __name__ == "__main__":
    child(sys.argv[1])

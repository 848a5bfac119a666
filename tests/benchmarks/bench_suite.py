"""What a suite costs beside the bare libraries: start-up, each case more, and memory.

The baseline is what a person would write without orchestra: `create_agent` with a scripted model,
a graph for each case, and a comparison of the tools that were called. Both are processes of their
own, measured in turns; the ratio counts, the seconds are this machine's. An argument is the number
of cases.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FEW = 10
SCENARIO = """\
version: 1
name: case {at}
agents: {{a: {{system_prompt: Answer., tools: [weather]}}}}
tools: {{weather: {{parameters: {{city: string}}, returns: [{{value: sunny in {at}}}]}}}}
input: Weather {at}?
script:
  a: [{{tool_calls: [{{weather: {{city: c{at}}}}}]}}, {{text: It is sunny in {at}.}}]
expect: [{{output: {{contains: sunny in {at}}}}}, {{tool_calls: [{{weather: {{city: c{at}}}}}]}}]
"""
BARE = '''
import asyncio, sys
from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools, **kwargs):
        return self

async def case(at):
    @tool
    def weather(city: str) -> str:
        """Weather."""
        return f"sunny in {at}"
    call = {"name": "weather", "args": {"city": f"c{at}"}, "id": "1"}
    said = [AIMessage("", tool_calls=[call]), AIMessage(f"It is sunny in {at}.")]
    graph = create_agent(Scripted(messages=iter(said)), [weather], system_prompt="Answer.")
    done = (await graph.ainvoke({"messages": [("user", f"Weather {at}?")]}))["messages"]
    called = [(it["name"], it["args"]) for message in done for it in getattr(message, "tool_calls", ())]
    assert called == [("weather", {"city": f"c{at}"})]
    assert f"sunny in {at}" in done[-1].text

for at in range(int(sys.argv[1])):
    asyncio.run(case(at))
'''


@dataclass
class Cost:
    wall: float
    cpu: float
    megabytes: float


def measured(command: list[str], folder: Path) -> Cost:
    """The cost of a process and all that it has waited for."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    wall = time.perf_counter() - began
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def middle(costs: list[Cost]) -> Cost:
    return Cost(
        *(
            statistics.median(getattr(it, key) for it in costs)
            for key in ("wall", "cpu", "megabytes")
        )
    )


def main(cases: int) -> None:
    python = sys.executable
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").touch()
        (folder / "bare.py").write_text(BARE)
        for count in (1, FEW, cases):
            (folder / str(count)).mkdir()
            for at in range(count):
                (folder / str(count) / f"{at:05}.yaml").write_text(SCENARIO.format(at=at))

        def ours(count: int, *more: str) -> Cost:
            return measured([python, "-m", "orchestra", "test", str(count), *more], folder)

        def bare(count: int) -> Cost:
            return measured([python, "bare.py", str(count)], folder)

        ours(1), bare(1)
        pairs = [(bare(1), ours(1)) for _ in range(5)]
        left, right = (middle([*side]) for side in zip(*pairs, strict=True))
        print(
            f"start-up, 1 case   bare {left.wall:6.2f} s    orchestra {right.wall:6.2f} s    ×{right.wall / left.wall:.2f}"
        )
        few, many = bare(FEW), bare(cases)
        one, all_ = ours(FEW, "-n", "0"), ours(cases, "-n", "0")
        a, b = (
            (big.cpu - small.cpu) * 1e3 / (cases - FEW) for small, big in ((few, many), (one, all_))
        )
        print(f"CPU a case more    bare {a:6.2f} ms   orchestra {b:6.2f} ms   ×{b / a:.2f}")
        print(
            f"memory at the end  bare {many.megabytes:6.1f} MB   orchestra {all_.megabytes:6.1f} MB   ×{all_.megabytes / many.megabytes:.2f}"
        )
        print(f"memory, {cases} cases over {FEW}: ×{all_.megabytes / one.megabytes:.2f}")
        spread = ours(cases)
        print(
            f"{cases} cases           bare {cases / many.wall:6.0f} /s   orchestra {cases / spread.wall:6.0f} /s   ×{many.wall / spread.wall:.2f} as fast, with workers"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

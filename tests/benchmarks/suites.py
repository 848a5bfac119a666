"""What a suite costs beside the bare libraries: start-up, each case more, and memory.

The baseline is what a person would write without orchestra: ``create_agent`` with a scripted model,
a graph for each case, and a comparison of the tools that were called. Both are processes of their
own, measured in turns.
"""

from __future__ import annotations

from pathlib import Path

from processes import PYTHON, Cost, cost, pairs, project
from table import Measured, Row, of_pairs

FEW, MANY = 20, 320  # cases; what lies between them is the margin, without the start
HEAD = """\
version: 1
name: delegation
main: lead
agents: {lead: {system_prompt: Ask., subagents: [helper]}, helper: {system_prompt: Answer.}}
script:
  lead: [{tool_calls: [{helper: {query: weather}}]}, {text: It is sunny.}]
  helper: [{text: sunny}]
inputs:
"""
CASE = """\
  - input: Weather {at}?
    expect: [{{output: {{contains: sunny}}}}, {{tool_calls: [{{helper: {{query: weather}}}}]}}]
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
    answering = create_agent(Scripted(messages=iter([AIMessage("sunny")])), [], system_prompt="Answer.")
    @tool
    async def helper(query: str) -> str:
        """Helps."""
        return (await answering.ainvoke({"messages": [("user", query)]}))["messages"][-1].text
    call = {"name": "helper", "args": {"query": "weather"}, "id": "1"}
    said = [AIMessage("", tool_calls=[call]), AIMessage("It is sunny.")]
    graph = create_agent(Scripted(messages=iter(said)), [helper], system_prompt="Ask.")
    done = (await graph.ainvoke({"messages": [("user", f"Weather {at}?")]}))["messages"]
    called = [(it["name"], it["args"]) for message in done for it in getattr(message, "tool_calls", ())]
    assert called == [("helper", {"query": "weather"})]
    assert "sunny" in done[-1].text

for at in range(int(sys.argv[1])):
    asyncio.run(case(at))
'''


def _file(folder: Path, count: int) -> str:
    name = f"{count}.yaml"
    (folder / name).write_text(HEAD + "".join(CASE.format(at=at) for at in range(count)))
    return name


class Both:
    """The two programs, in a folder with their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "bare.py").write_text(BARE)

    def ours(self, count: int, *more: str) -> Cost:
        name = _file(self._folder, count)
        return cost([PYTHON, "-m", "orchestra", "test", name, *more], self._folder)

    def bare(self, count: int) -> Cost:
        return cost([PYTHON, "bare.py", str(count)], self._folder)


def margin() -> Measured:
    """Cases a second with two workers, without the start of either program."""
    with project() as folder:
        both = Both(folder)

        def rate(few: Cost, many: Cost) -> float:
            return (MANY - FEW) / (many.wall - few.wall)

        found = pairs(
            2,
            lambda: rate(both.bare(FEW), both.bare(MANY)),
            lambda: rate(both.ours(FEW, "-n", "2"), both.ours(MANY, "-n", "2")),
        )
    return of_pairs(found, "/s")


def further() -> Measured:
    """What a case more costs in one process."""
    with project() as folder:
        both = Both(folder)

        def each(few: Cost, many: Cost) -> float:
            return (many.cpu - few.cpu) / (MANY - FEW)

        found = pairs(
            1,
            lambda: each(both.bare(FEW), both.bare(MANY)),
            lambda: each(both.ours(FEW, "-n", "0"), both.ours(MANY, "-n", "0")),
        )
    return of_pairs(found, "ms", 1e3)


def memory() -> Measured:
    """The largest of one process."""
    with project() as folder:
        both = Both(folder)
        found = [(both.ours(10, "-n", "0").megabytes, both.ours(900, "-n", "0").megabytes)]
    return of_pairs(found, "MB")


def start() -> Measured:
    with project() as folder:
        both = Both(folder)
        found = pairs(4, lambda: both.bare(1).wall, lambda: both.ours(1).wall)
    return of_pairs(found, "ms", 1e3)


BY_HAND = "create_agent, a scripted model and a match by hand, a graph for each case"
ROWS = [
    Row("suite-start", "orchestra test of one case", BY_HAND, start),
    Row(
        "suite",
        "cases a second at the margin, two workers",
        f"{BY_HAND}, one process",
        margin,
        least=3,
    ),
    Row("suite-case", "CPU a case more, one process", BY_HAND, further),
    Row("suite-memory", "memory of a suite of 1,000 cases", "the same at 10", memory, most=1.1),
]

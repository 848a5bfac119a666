"""Ten times the work costs at most eleven times as much: counted, not timed.

What is counted are the lines of orchestra that run (a scan of all that came before, for each thing
that comes) and the bytes that are allocated, step by step (a copy of it, in C as well: ``text +=``,
``join``, a list made anew).
"""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from runs import play, scenario
from test_trajectories import ran

import orchestra
from orchestra import events
from orchestra.console import display
from orchestra.events import Event, Header
from orchestra.regression import Transcript
from orchestra.regression.checks import judge
from orchestra.regression.golden import golden_of
from orchestra.runtime import Run, build
from orchestra.trajectory import compare
from orchestra.trajectory.course import Course
from orchestra.tui.board import Board
from orchestra.tui.joined import joined
from orchestra.tui.transcript import Transcript as Rows
from orchestra.tui.wall import tail

HOME = str(Path(orchestra.__file__).parent)
# Of ten times as much. A scan, or a copy, of all that came before would come to ten. Of bytes dicts
# and lists take more than is put into them, in each Python in another way.
LINES, HELD = 1.1, 2.5
NOISE = 1_000  # bytes: as much as Python itself may hold more of, or less
Steps = Iterable[object]
"""Each step is one thing that comes; what it allocates at most, at once, is added up."""


@dataclass(frozen=True)
class Cost:
    lines: int
    bytes: int


def cost(make: Callable[[int], Steps], count: int) -> Cost:
    for _ in make(2):  # what is made once, is made
        pass
    return Cost(_lines(make(count)), _bytes(make(count)))


def _lines(steps: Steps) -> int:
    seen = 0

    def count(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal seen
        if frame.f_code.co_filename.startswith(HOME):
            seen += event == "line"
            return count
        return None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        for _ in steps:
            pass
    finally:
        sys.settrace(before)
    return seen


def _bytes(steps: Steps) -> int:
    seen = 0
    iterator = iter(steps)
    tracemalloc.start()
    try:
        while True:
            held = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            try:
                next(iterator)
            except StopIteration:
                return seen
            finally:
                seen += tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()


def run(text: str) -> Steps:
    """A run, an event a step."""
    team = build(scenario(text))
    loop = asyncio.new_event_loop()
    source: AsyncIterator[Event] = aiter(Run(team))
    try:
        while True:
            try:
                yield loop.run_until_complete(anext(source))
            except StopAsyncIteration:
                return
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@cache
def seen(text: str) -> list[Event]:
    return asyncio.run(play(text))


# --- what grows -----------------------------------------------------------------------------


def words(count: int) -> str:
    return f"agents: {{a: {{}}}}\ninput: go\nscript: {{a: [{{text: {_lines_of(count)}}}]}}\n"


def _lines_of(count: int, word: str = "word") -> str:
    """Words, some of them at the end of a line, as YAML."""
    return json.dumps(f"{word} {word} {word} {word}\n" * (count // 4))


def arguments(count: int) -> str:
    """A tool call whose arguments come in many pieces."""
    value = _lines_of(count, "a-word-that-is-as-long-as-a-line-of-code")
    return f"""
        agents: {{a: {{tools: [t]}}}}
        tools: {{t: {{returns: [{{value: ok}}]}}}}
        input: go
        script: {{a: [{{tool_calls: [{{t: {{x: {value}}}}}]}}, {{text: end}}]}}
    """


def structured(count: int) -> str:
    value = _lines_of(count)
    return f"""
        agents: {{a: {{response_format: {{type: object, title: T, properties: {{x: {{type: string}}}}, required: [x]}}}}}}
        input: go
        script: {{a: [{{structured: {{x: {value}}}}}]}}
    """


def rounds(count: int) -> str:
    """Many model turns and tool calls of one agent."""
    return f"""
        agents: {{a: {{tools: [t], limits: {{model_calls: {count + 2}}}}}}}
        tools: {{t: {{returns: [{{value: ok}}]}}}}
        input: go
        script: {{a: [{", ".join(["{tool_calls: [t]}"] * count)}, {{text: end}}]}}
    """


def calls(count: int) -> str:
    """Many calls of one agent, side by side."""
    asked = ", ".join(f"{{w: {{query: '{at}'}}}}" for at in range(count))
    return f"""
        main: lead
        agents: {{lead: {{subagents: [w]}}, w: {{}}}}
        input: go
        script: {{lead: [{{tool_calls: [{asked}]}}, {{text: end}}], w: [{{text: done}}]}}
    """


GROWS = [words, arguments, structured, rounds, calls]


# --- who sees it ----------------------------------------------------------------------------


def shown(among: list[Event], frame: int = 3) -> Steps:
    """In the viewer: the board, the rows of a pane, a cell of the wall."""
    begun = among[0]
    assert isinstance(begun, events.RunStarted)
    board = Board(begun.team)
    rows = {name: Rows(agent) for name, agent in board.agents.items()}
    for at in range(0, len(among), frame):
        for event in joined(among[at : at + frame]):
            board.feed(event)
        for name, agent in board.agents.items():
            rows[name].sync(60)
            tail(agent, 30, 4)
        yield None


def printed(among: list[Event], kind: Any) -> Steps:
    out, err = StringIO(), StringIO()
    it = display(kind, out=out, err=err, stats=True, header=Header())
    for event in among:
        out.truncate(0), out.seek(0)
        yield it.feed(event)
    it.close()


def judged(among: list[Event]) -> Steps:
    transcript, course = Transcript(), Course()
    for event in among:
        transcript.feed(event)
        yield course.feed(event)


def compared(among: list[Event]) -> Steps:
    a, b = Transcript.of(among), Transcript.of(among)
    yield compare(a, b)
    yield golden_of(a)


SEES: dict[str, Callable[[list[Event]], Steps]] = {
    "plain": lambda among: printed(among, "plain"),
    "jsonl": lambda among: printed(among, "jsonl"),
    "checks": judged,
    "compare": compared,
}
LEAST, FEW = 2, 16


def _linear(make: Callable[[int], Steps], few: int = FEW) -> None:
    """What it costs beyond what it costs for next to nothing, which would hide how it grows."""
    none, small, large = cost(make, LEAST), cost(make, few), cost(make, few * 10)
    assert none.lines < small.lines < large.lines, (none, small, large)
    tenfold = (few * 10 - LEAST) / (few - LEAST)
    lines, held = small.lines - none.lines, max(small.bytes - none.bytes, NOISE)
    assert large.lines - none.lines <= LINES * tenfold * lines, (none, small, large)
    assert large.bytes - none.bytes <= HELD * tenfold * held, (none, small, large)


@pytest.mark.parametrize("who", [it for it in SEES if it != "viewer"])
@pytest.mark.parametrize("what", GROWS, ids=lambda it: it.__name__)
def test_whoever_sees_a_run_looks_at_each_event_once(what: Callable[[int], str], who: str) -> None:
    runs = {count: seen(what(count)) for count in (2, FEW, FEW * 10)}
    _linear(lambda count: SEES[who](runs[count]))


@pytest.mark.parametrize("what", [words, arguments, structured], ids=lambda it: it.__name__)
def test_a_frame_costs_what_is_new(what: Callable[[int], str]) -> None:
    """Of a message. The calls of an agent are gone through in each frame: at most 5,000 lines are
    kept, and of 2,400 calls a frame costs a millisecond.
    """
    few = 120 if what is arguments else FEW  # of those, up to 2,000 characters are copied
    runs = {count: seen(what(count)) for count in (2, few, few * 10)}
    _linear(lambda count: shown(runs[count]), few)


@pytest.mark.parametrize("what", [words, arguments, structured, calls], ids=lambda it: it.__name__)
def test_a_run_costs_what_it_says(what: Callable[[int], str]) -> None:
    """But not many rounds of one agent: LangChain gives the whole conversation to each."""
    _linear(lambda count: run(what(count)), 12)


@pytest.mark.parametrize("args", ["exact", "subset", "ignore"])
@pytest.mark.parametrize("match", ["strict", "unordered", "in_order"])
def test_a_trajectory_is_matched_in_one_go(match: str, args: str) -> None:
    """Where each step has its own arguments, and where none has: then each call fits each step."""

    def judging(count: int) -> Steps:
        steps = [{"weather": {"unit": "C", "city": f"c{at}"}} for at in range(count)]
        check = json.dumps({"match": match, "args": args, "steps": steps})
        text = f"agents: {{a: {{}}}}\ninput: go\nexpect: [{{tool_calls: {check}}}]\n"
        expected, seen = scenario(text).cases[0].expect[0], ran([[it] for it in steps])
        yield None
        yield judge(expected, seen).reason

    assert [*judging(3)] == [None, ""]
    _linear(judging)


def test_the_count_sees_a_scan_and_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all of the above would hold whatever is done."""
    monkeypatch.setitem(globals(), "HOME", str(Path(__file__).parent))

    def scanning(count: int) -> Steps:
        seen: list[int] = []
        for at in range(count):
            for _ in seen:
                pass
            yield seen.append(at)

    def copying(count: int) -> Steps:
        kept, text = [], ""
        for _ in range(count * 20):
            text += "word "
            kept[:] = [text]
            yield None

    with pytest.raises(AssertionError, match="lines"):
        _linear(scanning)
    with pytest.raises(AssertionError, match="bytes"):
        _linear(copying)

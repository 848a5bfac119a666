"""What a token costs from event to strip, beside ``Log.write`` in the same process.

``python tests/benchmarks/bench_panes.py [panes] [tokens]``. Ratios, no verdicts: a slow machine
slows both.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
import tracemalloc
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import Log

sys.path.insert(0, str(Path(__file__).parents[1]))

from tui_events import Clock, FakeRun, Tape

from orchestra.events import Member, TextDelta
from orchestra.tui.app import Viewer

SIZE = (200, 50)
BATCH = 8  # tokens of each pane between two frames: 16 panes at 240 tokens/s
WORDS = [
    "the",
    "agent",
    "tool",
    "graph",
    "state",
    "token",
    "stream",
    "pane",
    "model",
    "reply",
    "plan",
    "search",
    "result",
]
CHINESE = ["模型", "工具", "状态", "令牌", "面板", "回答", "计划", "搜索", "结果", "你好，世界。"]


def tokens(count: int, words: list[str], seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [
        rng.choice(words) + (".\n\n" if rng.random() < 0.02 else " " if words is WORDS else "")
        for _ in range(count)
    ]


class Logs(App[None]):
    """The baseline: a stock widget that writes each token."""

    def __init__(self, panes: int) -> None:
        super().__init__()
        self.logs = [Log(max_lines=5_000) for _ in range(panes)]

    def compose(self) -> ComposeResult:
        with Grid() as grid:
            grid.styles.grid_size_columns = round(len(self.logs) ** 0.5)
            yield from self.logs


async def baseline(panes: int, text: list[str]) -> float:
    app = Logs(panes)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        begun = time.process_time()
        for start in range(0, len(text), BATCH):
            for log in app.logs:
                for token in text[start : start + BATCH]:
                    log.write(token)
            await pilot.pause()
        return (time.process_time() - begun) * 1e6 / (len(text) * panes)


async def ours(panes: int, text: list[str]) -> float:
    team = tuple(Member(name=f"a{n}") for n in range(panes))
    tape = Tape()
    tape.begin(team)
    run = FakeRun(tape.events, hold=True)
    app = Viewer("bench", team, run, clock=Clock())
    async with app.run_test(size=SIZE) as pilot:
        await asyncio.to_thread(run.played.wait, 10)
        await pilot.pause()
        batches = [
            [
                TextDelta(message_id="m", text=token, agent=member.name, call=member.name)
                for member in team
                for token in text[start : start + BATCH]
            ]
            for start in range(0, len(text), BATCH)
        ]
        begun = time.process_time()
        for batch in batches:
            app.feed.events.extend(batch)
            app.tick()
            await pilot.pause()
        spent = time.process_time() - begun
    app.feed.stop()
    return spent * 1e6 / (len(text) * panes)


def memory(count: int) -> float:
    """MB that one pane keeps after ``count`` tokens."""
    from orchestra.tui.board import Board
    from orchestra.tui.transcript import Transcript

    board = Board((Member(name="a"),))
    transcript = Transcript(board.agents["a"])
    text = tokens(10_000, WORDS)
    gc.collect()
    tracemalloc.start()
    for number in range(count):
        board.feed(TextDelta(message_id="m", text=text[number % 10_000], agent="a", call="a"))
        if number % 100 == 0:
            transcript.sync(80)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    return kept


def main() -> None:
    panes = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    log = asyncio.run(baseline(panes, tokens(count, WORDS)))
    print(f"{panes} panes, {count} tokens each, µs of CPU per token")
    print(f"  Log.write        {log:8.1f}")
    for name, words in (("Latin", WORDS), ("Chinese", CHINESE)):
        mine = asyncio.run(ours(panes, tokens(count, words)))
        print(f"  panes, {name:<8} {mine:8.1f}   {mine / log:6.3f} of Log.write")
    print(f"  memory of a pane after {count * 50:,} tokens: {memory(count * 50):.2f} MB")


if __name__ == "__main__":
    main()

"""What a token costs from event to strip, beside ``Log.write`` in the same process.

Both paint at their own pace, on a terminal that is not there.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
import tracemalloc
from collections.abc import Callable

from table import Measured, Row, of_pairs

SIZE = (200, 50)
STEP = 1 / 30  # seconds between two bursts of tokens
WORDS = ["the", "agent", "tool", "graph", "state", "token", "stream", "pane", "reply", "search"]
CHINESE = ["模型", "工具", "状态", "令牌", "面板", "回答", "计划", "搜索", "结果", "你好，世界。"]


def tokens(count: int, words: list[str], seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [
        rng.choice(words) + (".\n\n" if rng.random() < 0.02 else " " if words is WORDS else "")
        for _ in range(count)
    ]


async def paced(text: list[str], rate: float, put: Callable[[list[str]], None]) -> float:
    """Give ``put`` the tokens in time; µs of CPU per token."""
    begun, spent = time.perf_counter(), time.process_time()
    done = 0
    while done < len(text):
        due = min(int((time.perf_counter() - begun) * rate) + 1, len(text))
        put(text[done:due])
        done = due
        await asyncio.sleep(STEP)
    return (time.process_time() - spent) * 1e6 / len(text)


async def baseline(panes: int, text: list[str], rate: float) -> float:
    """A stock widget that writes each token."""
    from textual.app import App, ComposeResult
    from textual.containers import Grid
    from textual.widgets import Log

    logs = [Log(max_lines=5_000) for _ in range(panes)]

    class Logs(App[None]):
        def compose(self) -> ComposeResult:
            with Grid() as grid:
                grid.styles.grid_size_columns = round(panes**0.5)
                yield from logs

    def put(burst: list[str]) -> None:
        for log in logs:
            for token in burst:
                log.write(token)

    async with Logs().run_test(size=SIZE) as pilot:
        await pilot.pause()
        return await paced(text, rate, put) / panes


async def ours(panes: int, text: list[str], rate: float) -> float:
    from tui_events import FakeRun, Tape

    from orchestra.events import Member, TextDelta
    from orchestra.tui.app import Viewer

    team = tuple(Member(name=f"a{n}") for n in range(panes))
    tape = Tape()
    tape.begin(team)
    run = FakeRun(tape.events, hold=True)
    app = Viewer("bench", team, run)

    def put(burst: list[str]) -> None:
        for member in team:
            name = member.name
            for token in burst:
                app.feed.events.append(TextDelta(message_id="m", text=token, agent=name, call=name))

    async with app.run_test(size=SIZE) as pilot:
        await asyncio.to_thread(run.played.wait, 10)
        await pilot.pause()
        spent = await paced(text, rate, put) / panes
    app.feed.stop()
    return spent


def memory(count: int) -> float:
    """MB that one pane keeps after ``count`` tokens."""
    from orchestra.events import Member, TextDelta
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


PANES, RATE, SECONDS = 16, 50, 3


def drawn(words: list[str]) -> Measured:
    count = RATE * SECONDS
    log = asyncio.run(baseline(PANES, tokens(count, WORDS), RATE))
    mine = asyncio.run(ours(PANES, tokens(count, words), RATE))
    return of_pairs([(log, mine)], "µs")


def kept() -> Measured:
    """MB after 1,000,000 tokens, of the 2 that a pane may keep."""
    return of_pairs([(2.0, memory(1_000_000))], "MB")


ROWS = [
    Row(
        "pane-token",
        "CPU of a token in a pane, 16 at 50 tokens/s",
        "Log.write",
        lambda: drawn(WORDS),
    ),
    Row("pane-memory", "what a pane keeps of 1,000,000 tokens", "2 MB", kept, most=1),
]

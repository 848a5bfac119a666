"""A recorded run, read again: beside what it takes to parse its lines at all."""

from __future__ import annotations

import asyncio
import json
import time

from table import Measured, Row, of_pairs

WORDS = 20_000
FRAME = 100  # events shown at once


def _lines() -> list[str]:
    from runs import collect, scenario

    from orchestra.events import Header, dumps
    from orchestra.runtime import Run, build

    text = f"""
        agents: {{lead: {{subagents: [helper]}}, helper: {{}}}}
        input: go
        script:
          lead: [{{text: {"word " * WORDS}, tool_calls: [{{helper: {{query: a}}}}]}}, {{text: end}}]
          helper: [{{text: {"word " * WORDS}}}]
    """
    events = asyncio.run(collect(Run(build(scenario(text)))))
    return [dumps(Header()), *map(dumps, events)]


def _parse(lines: list[str]) -> None:
    for line in lines:
        json.loads(line)


def _events(lines: list[str]) -> None:
    from orchestra.events import read

    for _ in read(lines)[1]:
        pass


def _board(lines: list[str]) -> None:
    from orchestra.events import RunStarted, read
    from orchestra.tui.board import Board
    from orchestra.tui.joined import joined

    events = [*read(lines)[1]]
    begun = events[0]
    assert isinstance(begun, RunStarted)
    board = Board(begun.team)
    for at in range(0, len(events), FRAME):
        for event in joined(events[at : at + FRAME]):
            board.feed(event)


def _rate(work: object, lines: list[str]) -> float:
    began = time.process_time()
    work(lines)  # type: ignore[operator]
    return len(lines) / (time.process_time() - began)


def replay() -> Measured:
    lines = _lines()
    return of_pairs([(_rate(_parse, lines), _rate(_events, lines)) for _ in range(7)], "/s")


def shown() -> Measured:
    lines = _lines()
    _board(lines[:2])  # imports what it needs
    return of_pairs([(_rate(_parse, lines), _rate(_board, lines)) for _ in range(5)], "/s")


PARSED = "json.loads of its lines"
ROWS = [
    Row("replay", "events a second of a recorded run", PARSED, replay, least=0.2),
    Row("replay-panes", "the same, and put into panes", PARSED, shown, least=0.2),
]

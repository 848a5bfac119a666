"""Helpers of the tests: run a scenario written in the test, and look at its events."""

from __future__ import annotations

import pickle
import textwrap
from collections import defaultdict
from collections.abc import AsyncIterable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from orchestra import Scenario, events
from orchestra.events import Event, TextDelta
from orchestra.runtime import Run, build, run
from orchestra.scenario import loads

ROOT = Path(__file__).parent.parent
E = TypeVar("E")
SCENARIOS = ROOT / "scenarios"


def scenario(text: str, path: Path | str = "test.yaml") -> Scenario:
    """A scenario written in a test; ``version: 1`` goes without saying."""
    return loads("version: 1\n" + textwrap.dedent(text), path=path)


async def collect(source: AsyncIterable[Event]) -> list[Event]:
    return [event async for event in source]


async def play(text: str | Scenario, **options: object) -> list[Event]:
    """All events of one run."""
    loaded = scenario(text) if isinstance(text, str) else text
    return await collect(run(loaded, **options))


def of(kind: type[E], among: Iterable[Event]) -> list[E]:
    return [event for event in among if isinstance(event, kind)]


def calls(among: Iterable[Event]) -> list[str]:
    """The call paths in the order in which they began."""
    return list(dict.fromkeys(e.call for e in of(events.AgentStarted, among)))


def texts(among: Iterable[Event]) -> dict[str, str]:
    """What each call path said, its deltas put together."""
    said: dict[str, str] = defaultdict(str)
    for event in of(TextDelta, among):
        said[event.call] += event.text
    return dict(said)


def finished(among: list[Event]) -> events.RunFinished:
    last = among[-1]
    assert isinstance(last, events.RunFinished)
    return last


def by_call(among: Iterable[Event]) -> dict[str | None, list[Event]]:
    """The events of each call path without what may differ from run to run."""
    found: dict[str | None, list[Event]] = defaultdict(list)
    for event in among:
        found[event.call].append(timeless(event))
    return dict(found)


def timeless(event: Event) -> Event:
    same: dict[str, object] = {"run": "", "seq": 0, "t": 0.0}
    if hasattr(event, "duration"):
        same["duration"] = 0.0
    if hasattr(event, "first_token"):
        same["first_token"] = None
    if isinstance(event, events.RunFinished):
        same["totals"] = {
            name: replace(totals, first_token=None, seconds=0.0)
            for name, totals in event.totals.items()
        }
    return replace(event, **same)


PAIRS = {
    events.RunStarted: ((events.RunFinished,), lambda e: ()),
    events.TurnStarted: ((events.TurnFinished,), lambda e: e.turn),
    events.AgentStarted: ((events.AgentFinished,), lambda e: e.call),
    events.ModelStarted: (
        (events.ModelFinished, events.ModelAborted),
        lambda e: e.message_id,
    ),
    events.ToolStarted: (
        (events.ToolFinished, events.ToolFailed),
        lambda e: (e.call, e.tool_call_id),
    ),
}


def check_calls(among: list[Event]) -> None:
    """Everything that a call does stands between its beginning and its end."""
    at_work: set[str | None] = {None}
    for event in among:
        if isinstance(event, events.AgentStarted):
            at_work.add(event.call)
        assert event.call in at_work, f"{event} outside its call"
        if isinstance(event, events.AgentFinished):
            at_work.remove(event.call)


def check_pairs(among: list[Event]) -> None:
    """Everything that begins ends once."""
    for start, (ends, key) in PAIRS.items():
        open_now: set[object] = set()
        for event in among:
            if start is events.RunStarted and isinstance(event, events.Resumed) and not event.call:
                open_now.add(key(event))  # the run goes on
            elif isinstance(event, start):
                assert key(event) not in open_now, f"{event} began twice"
                open_now.add(key(event))
            elif isinstance(event, ends):
                assert key(event) in open_now, f"{event} ends what was not open"
                open_now.remove(key(event))
        if getattr(among[-1], "status", "") == "interrupted" and start is not events.ModelStarted:
            continue  # who waits for a person has not ended
        assert not open_now, f"never ended: {open_now}"


def check_promises(among: list[Event]) -> None:
    """The promises of events.md that hold for every run, whatever happened in it."""
    assert [event.seq for event in among] == list(range(len(among)))
    assert len({event.run for event in among}) == 1
    assert [event.t for event in among] == sorted(event.t for event in among)
    check_pairs(among)
    check_calls(among)
    said: dict[str, str] = defaultdict(str)
    for event in among:
        if isinstance(event, TextDelta):
            said[event.message_id] += event.text
        elif isinstance(event, events.ModelFinished):
            assert event.text == said[event.message_id]
    for event in among:
        assert events.loads(events.dumps(event)) == event
    assert b"langchain_core" not in pickle.dumps(among)  # plain values: who reads them imports none


__all__ = ["Run", "build"]

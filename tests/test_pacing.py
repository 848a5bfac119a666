"""What is shown at a reader's pace, and what is not held back by it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from runs import collect, of, scenario, texts
from virtual import run_virtually

from orchestra import events
from orchestra.events import Event
from orchestra.runtime import run
from orchestra.verbs.pacing import Paced, tokens

TALK = scenario("agents: {a: {}}\ninput: go\nscript: {a: [text: one two three four five]}")


def test_words_come_at_the_pace() -> None:
    came: list[float] = []

    async def watch() -> list[Event]:
        seen = []
        async for event in Paced(run(TALK), 2.0):
            if isinstance(event, events.TextDelta):
                came.append(asyncio.get_running_loop().time())
            seen.append(event)
        return seen

    seen = run_virtually(watch())
    assert [b - a for a, b in pairwise(came)] == pytest.approx([0.5] * 4)
    assert texts(seen)["a"] == "one two three four five"
    assert seen[-1].t == pytest.approx(0, abs=0.01)  # the run itself was not held back


def test_a_reader_may_leave() -> None:
    async def leave() -> list[Event]:
        seen = []
        paced = aiter(Paced(run(TALK), 2.0))
        async for event in paced:
            seen.append(event)
            if of(events.TextDelta, seen):
                break
        await paced.aclose()
        return seen

    assert len(of(events.TextDelta, run_virtually(leave()))) == 1


def test_it_can_be_cancelled() -> None:
    begun = Paced(
        run(scenario("agents: {a: {}}\ninput: go\nscript: {a: [{text: a b, rate: 0.001}]}")), 9
    )

    async def watch() -> list[Event]:
        seen = []
        async for event in begun:
            seen.append(event)
            if of(events.TextDelta, seen):
                begun.cancel()
        return seen

    assert run_virtually(watch())[-1].status == "cancelled"


def test_about_how_many_tokens() -> None:
    assert [tokens(it) for it in ("", " ", "one", "one two", "internationally")] == [1, 1, 1, 2, 3]


def test_nothing_is_lost() -> None:
    both = [run_virtually(collect(it)) for it in (run(TALK), Paced(run(TALK), 3.0))]
    assert [e.type for e in both[0]] == [e.type for e in both[1]]

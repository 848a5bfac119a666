"""What the viewer looks like. ``pytest --snapshot-update`` after a change that was meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from test_tui_approval import Asking, question, waiting
from textual.pilot import Pilot
from tui_events import NEWSROOM, Clock, midway, newsroom, settle

from orchestra.events import Event
from orchestra.tui.app import Viewer

SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.fixture
def look(snap_compare: Any) -> Callable[..., bool]:
    def compare(
        events: Sequence[Event],
        size: tuple[int, int],
        keys: Sequence[str] = (),
        theme: str = "",
        hold: bool = False,
    ) -> bool:
        run, clock = Asking(events, hold=hold), Clock()
        app = Viewer("How far is far?", NEWSROOM, run, questions=run.questions, clock=clock)

        async def ready(pilot: Pilot[None]) -> None:
            await settle(app, pilot, run)
            clock.now += events[-1].t
            if theme:
                app.theme = theme
            app.split.prompt.cursor_blink = False
            await pilot.press(*keys)
            await settle(app, pilot, run)

        try:
            same: bool = snap_compare(app, terminal_size=size, run_before=ready)
        finally:
            assert app.feed.stop(10)
        return same

    return compare


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_while_it_runs(look: Callable[..., bool], size: tuple[int, int]) -> None:
    assert look(midway(), size, hold=True)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_when_it_is_done(look: Callable[..., bool], size: tuple[int, int]) -> None:
    assert look(newsroom().events, size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_help(look: Callable[..., bool], size: tuple[int, int]) -> None:
    assert look(midway(), size, ["question_mark"], hold=True)


def test_a_question(look: Callable[..., bool]) -> None:
    events = midway()
    events += [replace(event, t=events[-1].t) for event in waiting().events[-2:]]
    assert look(events, (120, 40), hold=True)


@pytest.mark.parametrize("keys", ["i", "a", "e"])
def test_an_answer(look: Callable[..., bool], keys: str) -> None:
    args = {"path": "notes.txt", "text": "one\ntwo 中文", "deep": {"list": [1, 2], "yes": True}}
    asks = question("write_file", id_="1", args=args, question="Shall I write it?")
    call = {"agent": "editor", "call": "editor", "t": midway()[-1].t}
    assert look([*midway(), replace(asks, **call)], (100, 40), ["1", "z", *keys], hold=True)


def test_parallel_calls_in_a_small_pane(look: Callable[..., bool]) -> None:
    assert look(midway(), (80, 18), ["2"], hold=True)


def test_scrolled_up(look: Callable[..., bool]) -> None:
    assert look(midway(), (80, 18), ["2", "home"], hold=True)


def test_zoom_without_the_tree(look: Callable[..., bool]) -> None:
    assert look(newsroom().events, (120, 40), ["3", "z", "b"])


def test_tiny(look: Callable[..., bool]) -> None:
    assert look(midway(), (45, 20), hold=True)


def test_light(look: Callable[..., bool]) -> None:
    assert look(newsroom().events, (120, 40), theme="textual-light")


def test_ansi(look: Callable[..., bool]) -> None:
    assert look(newsroom().events, (120, 40), theme="ansi-dark")

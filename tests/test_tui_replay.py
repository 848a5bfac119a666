"""A recorded run in the viewer: the same panes, at the reader's pace, forward and back."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from runs import scenario
from terminal import Spawn
from textual.pilot import Pilot
from tui_events import NEWSROOM, Clock, FakeRun, newsroom, steady

from orchestra import events
from orchestra.cli import main
from orchestra.errors import UsageError
from orchestra.events import Event, dumps
from orchestra.runtime import run
from orchestra.store import open_run
from orchestra.tui.app import Viewer
from orchestra.tui.items import State
from orchestra.tui.reader import Reader
from orchestra.tui.replay import Replay
from orchestra.verbs import replaying
from orchestra.verbs.replaying import recorded_in

RUN: Sequence[Event] = newsroom().events


def at(clock: Clock, **options: float) -> Replay:
    replay = Replay(RUN, clock=clock)
    replay.start()
    for name, value in options.items():
        setattr(replay, name, value)
    return replay


def given(replay: Replay) -> list[Event]:
    taken = list(replay.events)
    replay.events.clear()
    return taken


# What is given out, and when.


@pytest.mark.parametrize("speed", [0.25, 1.0, 16.0])
def test_events_come_in_their_time(speed: float) -> None:
    clock = Clock()
    replay, seen = at(clock, speed=speed), list[Event]()
    while not replay.over:
        clock.now += 0.1
        replay.pull()
        seen += given(replay)
        assert replay.position == pytest.approx(min((clock.now - 1_000) * speed, replay.length))
        assert all(it.t <= replay.position + 1e-9 for it in seen)
        assert len(seen) == len(RUN) or RUN[len(seen)].t > replay.position
    assert seen == list(RUN)
    assert not replay.playing


def test_at_once() -> None:
    replay = at(Clock(), speed=math.inf)
    replay.pull()
    assert given(replay) == list(RUN)
    assert replay.position == replay.length


def test_standing_still_costs_no_time() -> None:
    clock = Clock()
    replay = at(clock)
    replay.toggle()
    clock.now += 100
    replay.pull()
    replay.toggle()
    replay.pull()
    assert replay.position == 0
    clock.now += 0.05
    replay.pull()
    assert 0 < replay.position <= 0.05


def test_speeds_end_where_they_end() -> None:
    replay, seen = at(Clock()), list[float]()
    for _ in range(8):
        replay.faster(1)
        seen.append(replay.speed)
    assert seen == [2, 4, 8, 16, math.inf, math.inf, math.inf, math.inf]
    for _ in range(9):
        replay.faster(-1)
    assert replay.speed == 0.25


def test_steps_of_one_event() -> None:
    replay = at(Clock())
    for count in (1, 2, 3):
        assert not replay.step(1)
        assert given(replay) == [RUN[count - 1]]
    assert replay.step(-1)  # whoever looks has to begin anew
    assert given(replay) == list(RUN[:2])
    assert replay.position == RUN[1].t
    assert not replay.playing
    assert replay.go_to(0)
    assert (given(replay), replay.position) == ([], 0.0)
    assert not replay.step(-1)


def test_steps_of_a_models_turn() -> None:
    replay, ends = at(Clock()), []
    while not replay.over:
        assert not replay.step_turn(1)
        ends.append(replay.at)
    turn = events.ModelFinished | events.ModelAborted | events.AgentFinished
    assert [*ends[:-1]] == [n for n, it in enumerate(RUN, 1) if isinstance(it, turn)]
    back = []
    while replay.at:
        replay.step_turn(-1)
        back.append(replay.at)
    assert back == [*reversed(ends[:-1]), 0]


def test_seeking_goes_where_the_time_is_and_plays_on() -> None:
    replay = at(Clock())
    middle = replay.length / 2
    assert not replay.seek(middle)
    assert given(replay) == [it for it in RUN if it.t <= middle]
    assert replay.playing
    assert replay.position == middle
    assert replay.seek(middle / 2)
    assert given(replay) == [it for it in RUN if it.t <= middle / 2]
    assert not replay.seek(1e9)
    assert replay.over
    assert replay.seek(-5)
    assert (replay.at, replay.position) == (0, 0)


def test_play_at_the_end_begins_anew() -> None:
    clock = Clock()
    replay = at(clock, speed=math.inf)
    replay.pull()
    assert replay.toggle()
    assert (replay.at, replay.playing) == (0, True)


def test_runs_of_one_file_follow_on() -> None:
    twice = [*RUN, *(type(it)(**{**_fields(it), "run": "other"}) for it in RUN)]
    replay = Replay(twice, clock=Clock())
    assert replay.length == pytest.approx(2 * RUN[-1].t)


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__ if name != "type"}


def test_nothing_at_all() -> None:
    replay = Replay([], clock=Clock())
    replay.start()
    replay.pull()
    assert replay.over
    assert not replay.step(1)
    assert not replay.step_turn(-1)


# On the screen.


class Watched:
    def __init__(self, app: Viewer, pilot: Pilot[None], clock: Clock) -> None:
        self.app, self.pilot, self.clock = app, pilot, clock

    @property
    def replay(self) -> Replay:
        assert isinstance(self.app.feed, Replay)
        return self.app.feed

    async def settle(self) -> None:
        self.app.tick()
        while self.app.feed.events:
            self.app.tick()
        await steady(self.app, self.pilot)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    def text(self) -> str:
        panes = self.app.split.deck.shown()
        rows = [strip.text for pane in panes for strip in pane.render_lines(pane.size.region)]
        return "\n".join(rows)

    def bar(self) -> str:
        player = self.app.split.player
        (strip,) = player.render_lines(player.size.region)
        return strip.text


@asynccontextmanager
async def watched(
    recorded: Sequence[Event] = RUN, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Watched]:
    clock = Clock()
    app = Viewer("How far is far?", NEWSROOM, Replay(recorded, clock=clock), clock=clock)
    async with app.run_test(size=size) as pilot:
        watch = Watched(app, pilot, clock)
        await watch.settle()
        yield watch


async def live() -> str:
    app = Viewer("How far is far?", NEWSROOM, FakeRun(RUN), clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        while not (app.feed.over and not app.feed.events):
            await pilot.pause()
        await steady(app, pilot)
        return Watched(app, pilot, Clock()).text()


async def test_the_end_of_a_replay_looks_as_the_run_did() -> None:
    async with watched(size=(120, 41)) as watch:  # a row for the bar
        await watch.press(*["right_curly_bracket"] * 5)
        assert "■ end" in watch.bar()
        assert watch.app.board.state is State.DONE
        assert watch.text() == await live()


async def test_back_and_forth_it_is_what_it_was() -> None:
    async with watched() as watch:
        await watch.press("p")
        seen = {}
        for _ in range(40):
            await watch.press("greater_than_sign")
            seen[watch.replay.at] = watch.text()
        assert len(set(seen.values())) > 10
        while watch.replay.at:
            await watch.press("less_than_sign")
            if watch.replay.at:
                assert watch.text() == seen[watch.replay.at]


async def test_the_bar_says_where_it_is() -> None:
    async with watched() as watch:
        assert "▶ play" in watch.bar()
        assert f"event {watch.replay.at:,} of {len(RUN)}" in watch.bar()
        await watch.press("p", "full_stop", "full_stop")
        assert "⏸ pause" in watch.bar()
        before = watch.replay.at
        await watch.press("comma")
        assert watch.replay.at == before - 1
        await watch.press("left_curly_bracket")
        assert "0.5×" in watch.bar()
        await watch.press("shift+right")
        assert watch.replay.position > 0


async def test_a_click_on_the_bar_goes_there() -> None:
    async with watched() as watch:
        start, room = watch.app.split.player._track
        await watch.pilot.click(watch.app.split.player, offset=(start + room - 1, 0))
        await watch.settle()
        assert watch.replay.over
        await watch.pilot.click(watch.app.split.player, offset=(start, 0))
        await watch.settle()
        assert watch.replay.position == 0


async def test_agents_that_nobody_announced_go_when_it_goes_back() -> None:
    guest = events.AgentStarted(
        agent="guest", call="editor/guest#1", parent="editor", run="r", seq=3
    )
    async with watched([*RUN[:3], guest]) as watch:
        await watch.press("shift+right", "shift+right")
        watch.replay.go_to(4)
        await watch.settle()
        assert "guest" in watch.app.split.deck.panes
        await watch.press("comma")
        assert "guest" not in watch.app.split.deck.panes
        await watch.press("full_stop")
        assert "guest" in watch.app.split.deck.panes


async def test_a_file_without_an_end_says_so() -> None:
    async with watched(RUN[:40]) as watch:
        await watch.press(*["right_curly_bracket"] * 5)
        assert "it was killed, or still goes on" in watch.app.split.trouble.message
        assert watch.app.board.state is State.STOPPED
        await watch.press("comma")
        assert not watch.app.split.trouble.display


async def test_help_and_footer_are_those_of_a_replay() -> None:
    async with watched(size=(180, 60)) as watch:
        footer = watch.app.split.footer.render_lines(watch.app.split.footer.size.region)[0].text
        assert "< > turn" in footer
        assert watch.app.check_action("call_off", ()) is False
        await watch.press("x", "x")
        await watch.press("question_mark")
        shown = "\n".join(
            strip.text for strip in watch.app.screen._compositor.render_strips(watch.app.size)
        )
        assert "One event back" in shown
        assert "where something is asked" not in shown
        assert "A recorded run, which plays: p pauses it, q quits." in shown
        await watch.press("escape", "p", "question_mark")
        strips = watch.app.screen._compositor.render_strips(watch.app.size)
        told = "A recorded run, which stands still: p plays it, q quits."
        assert any(told in strip.text for strip in strips)


async def test_a_live_run_has_none_of_its_keys() -> None:
    app = Viewer("x", NEWSROOM, FakeRun(RUN, hold=True), clock=Clock())
    async with app.run_test() as pilot:
        assert not app.split.player.display
        assert app.check_action("event", (1,)) is False
        assert app.check_action("again", ()) is False
        await pilot.press("comma", "greater_than_sign", "shift+left", "right_curly_bracket")


async def test_a_run_that_is_over_can_be_replayed_and_keeps_its_end() -> None:
    app = Viewer("x", NEWSROOM, FakeRun(RUN), recording=lambda: RUN, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        while not (app.feed.over and not app.feed.events):
            await pilot.pause()
        app.tick()
        ended = app.result()
        assert ended is not None
        await pilot.press("ctrl+r")
        await app.workers.wait_for_complete()
        watch = Watched(app, pilot, Clock())
        await watch.settle()
        assert "▶ play" in watch.bar()
        assert watch.replay.at < len(RUN)
        assert app.result() is ended


@pytest.mark.parametrize("kept", [True, False])
async def test_what_was_not_kept_or_is_gone_cannot_be_replayed(kept: bool) -> None:
    def recording() -> Sequence[Event]:
        if kept:
            raise UsageError("it is gone")
        return []

    app = Viewer("x", NEWSROOM, FakeRun(RUN), recording=recording, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        while not (app.feed.over and not app.feed.events):
            await pilot.pause()
        await pilot.press("ctrl+r")
        await app.workers.wait_for_complete()
        assert not isinstance(app.feed, Replay)
        footer = app.split.footer.render_lines(app.split.footer.size.region)[0].text
        assert ("it is gone" if kept else "was not kept") in footer


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: "x".join(map(str, size)))
def test_a_replay_halfway(snap_compare: Any, size: tuple[int, int]) -> None:
    clock = Clock()
    app = Viewer("How far is far?", NEWSROOM, Replay(RUN, clock=clock), clock=clock)

    async def ready(pilot: Pilot[None]) -> None:
        await pilot.pause()
        await pilot.press("shift+right", *["greater_than_sign"] * 4)
        await Watched(app, pilot, clock).settle()

    assert snap_compare(app, terminal_size=size, run_before=ready)


# On the command line.


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    header = events.Header(scenario="newsroom")
    path = tmp_path / "run.jsonl"
    path.write_text("".join(f"{dumps(it)}\n" for it in (header, *RUN)))
    return path


def test_what_is_read_is_what_was_written(recording: Path) -> None:
    assert recorded_in([recording, recording]) == [*RUN, *RUN]


def test_the_command(spawn: Spawn, recording: Path) -> None:
    terminal = spawn(["-m", "orchestra", "tui", str(recording)])
    terminal.read_until(b"play")
    os.write(terminal.fd, b"}" * 5)
    terminal.read_until("■ end".encode())
    assert b"Mars is far" in terminal.seen
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0


def test_a_run_goes_by_its_id(
    spawn: Spawn, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_HOME", str(recording.parent / "home"))
    kept = recording.parent / "home/runs/abc123.jsonl"
    kept.parent.mkdir(parents=True)
    recording.rename(kept)
    for name in ("abc", "last"):
        terminal = spawn(["-m", "orchestra", "tui", name])
        terminal.read_until(b"play")
        os.write(terminal.fd, b"q")
        assert terminal.drain() == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["run.jsonl", "--input", "x"], "--input: run.jsonl is a recorded run, and takes none"),
        (["run.jsonl", "--model", "echo"], "--model: run.jsonl is a recorded run"),
        (["broken.jsonl"], "broken.jsonl: line 2"),
        (["empty.jsonl"], "nothing has happened in this run"),
        (["nonsuch"], "there is no run 'nonsuch'"),
    ],
)
def test_what_cannot_be_replayed(
    spawn: Spawn,
    recording: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(recording.parent)
    header = recording.read_text().splitlines()[0]
    Path("broken.jsonl").write_text(f'{header}\n{{"type": "nonsense"}}\n')
    Path("empty.jsonl").write_text(f"{header}\n")
    terminal = spawn(["-m", "orchestra", "tui", *arguments])
    terminal.read_until(told.encode())
    assert terminal.drain() == 2
    assert b"Traceback" not in terminal.seen


def test_without_a_terminal(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tui", str(recording)]) == 2
    assert f"orchestra runs show {recording}" in capsys.readouterr().err


async def test_a_real_run_and_its_file_are_alike(tmp_path: Path) -> None:
    text = "agents: {a: {subagents: [b]}, b: {}}\ninput: go\nscript: {a: [{tool_calls: [{b: {query: x}}]}, {text: hm}], b: [{text: yes}]}"
    seen = [event async for event in run(scenario(text))]
    path = tmp_path / "r.jsonl"
    path.write_text(
        json.dumps({"type": "header", "format": 1})
        + "\n"
        + "".join(f"{dumps(it)}\n" for it in seen)
    )
    assert list(recorded_in([path])) == seen


# A recording that takes its time to be read.


class Slowly:
    """The rest of a run, of which nothing comes before ``go``."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go, self.done = threading.Event(), threading.Event()
        self._error = error

    def __iter__(self) -> Iterator[Event]:
        assert self.go.wait(30)
        yield from RUN[2:]
        self.done.set()
        if self._error:
            raise self._error

    def viewer(self) -> Viewer:
        reader = Reader(RUN[:2], iter(self), lambda: 0.34)
        return Viewer("run", NEWSROOM, reader, clock=Clock())


async def test_while_a_large_recording_is_read_the_viewer_says_how_far_and_obeys() -> None:
    slowly = Slowly()
    app = slowly.viewer()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.pause()
        lines = [strip.text for strip in app.screen._compositor.render_strips(app.size)]
        assert " ◌ reading …  34%  ━" in lines[-2]
        assert "━  " not in lines[-2].strip()
        assert "Fact-checker" in "\n".join(lines)
        assert "pause" not in lines[-1]
        assert "cancel" not in lines[-1]
        for key in ("x", "p", "ctrl+r", "comma", "z"):
            await pilot.press(key)
        assert app.split.deck.alone
        slowly.go.set()
        while app.replay is None:
            app.tick()
            await pilot.pause()
        assert list(app.replay.recorded) == list(RUN)
        assert app.replay.playing
    slowly = Slowly()
    app = slowly.viewer()
    async with app.run_test() as pilot:
        await pilot.press("q")
        assert app._exit
    app.feed.stop()
    slowly.go.set()


async def test_what_cannot_be_read_to_its_end_is_told_by_the_command() -> None:
    slowly = Slowly(UsageError("line 3: no event"))
    app = slowly.viewer()
    slowly.go.set()
    async with app.run_test() as pilot:
        while not app._exit:
            app.tick()
            await pilot.pause()
    assert str(app.feed.error) == "line 3: no event"


def test_a_small_recording_is_read_at_once(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr("orchestra.store.read._OFTEN", 10)
    _, found = open_run(recording, shares.append)
    assert replaying._first_of(found) == (recorded_in([recording]), True)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert shares[-1] <= 1
    monkeypatch.setattr(replaying, "_AT_ONCE", -1.0)
    _, found = open_run(recording)
    first, whole = replaying._first_of(found)
    assert (len(first), whole) == (1, False)
    assert [*first, *found] == recorded_in([recording])


def test_a_large_one_is_read_behind_the_first_frame(spawn: Spawn, recording: Path) -> None:
    code = (
        "import orchestra.verbs.replaying as it; from orchestra.cli import main; it._AT_ONCE = -1"
    )
    show = f"{code}; raise SystemExit(main(['tui', {str(recording)!r}]))"
    terminal = spawn(["-c", show])
    terminal.read_until(b"event ")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0
    with recording.open("a") as file:
        file.write("nonsense\n")
    terminal = spawn(["-c", show])
    assert terminal.drain() == 2
    assert f"{recording}: line ".encode() in terminal.seen.rpartition(b"\x1b[?1049l")[2]

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from tui_events import Clock, FakeRun, newsroom

from orchestra import tui
from orchestra.errors import OrchestraError, UsageError
from orchestra.events import Event, RunFinished
from orchestra.tui.app import Viewer
from orchestra.tui.feed import Feed


def test_events_come_in_order_from_a_thread_of_their_own() -> None:
    seen: list[str] = []

    class Here(FakeRun):
        def __call__(self) -> FakeRun:
            seen.append(threading.current_thread().name)
            return super().__call__()

    events = newsroom().events
    feed = Feed(Here(events))
    assert not feed.started
    feed.start()
    assert feed.join(10)
    assert seen == ["orchestra-run"]
    assert list(feed.events) == events
    assert (feed.over, feed.error) == (True, None)
    assert isinstance(feed.last(), RunFinished)
    assert feed.stop()


def test_cancel_lets_the_run_wind_down() -> None:
    run = FakeRun(newsroom().events[:5], hold=True)
    feed = Feed(run)
    feed.start()
    assert run.played.wait(10)
    feed.cancel()
    feed.cancel()
    assert feed.join(10)
    last = feed.last()
    assert last is not None
    assert last.status == "cancelled"
    feed.cancel()  # too late, and harmless


def test_cancel_before_the_source_returned_is_not_lost() -> None:
    run = FakeRun(newsroom().events)
    feed = Feed(run)
    feed.cancel()
    feed.start()
    assert feed.join(10)
    assert [event.type for event in feed.events] == ["run_finished"]


def test_a_run_that_does_not_listen_is_ended_by_force() -> None:
    class Deaf(FakeRun):
        def cancel(self) -> None:
            pass

    run = Deaf([], hold=True)
    feed = Feed(run)
    feed.start()
    assert run.played.wait(10)
    assert feed.stop(patience=0.0)
    assert (feed.over, feed.error) == (True, None)


def test_what_the_source_raises_is_kept() -> None:
    def source() -> FakeRun:
        raise UsageError("no such file")

    feed = Feed(source)
    feed.start()
    assert feed.join(10)
    assert isinstance(feed.error, UsageError)
    assert feed.last() is None


def headless(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """Let ``view`` run without a terminal, and press these keys once all is on screen."""
    run = Viewer.run

    async def drive(pilot: object) -> None:
        app = pilot.app  # type: ignore[attr-defined] - Pilot is generic in the app's result
        await asyncio.to_thread(app.feed.join, 10)
        while app.feed.events:
            app.tick()
        app.tick()
        await pilot.press(*keys)  # type: ignore[attr-defined]

    monkeypatch.setattr(Viewer, "run", lambda app: run(app, headless=True, auto_pilot=drive))


def test_view_returns_the_end_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    headless(monkeypatch, "q")
    finished = tui.view("x", (), FakeRun(newsroom().events), clock=Clock())
    assert finished is not None
    assert finished.status == "completed"


@pytest.mark.parametrize("error", [UsageError("no such file"), ZeroDivisionError("oops")])
def test_view_raises_what_ended_the_run(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    headless(monkeypatch, "q")
    with pytest.raises(type(error), match=str(error)):
        tui.view("x", (), FakeRun(newsroom().events[:9], error=error))


def test_view_without_an_end_returns_none(monkeypatch: pytest.MonkeyPatch) -> None:
    headless(monkeypatch, "q")
    assert tui.view("x", (), FakeRun(newsroom().events[:9])) is None


def test_a_signal_is_told_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(app: Viewer) -> None:
        app.signal = 15

    monkeypatch.setattr(Viewer, "run", run)
    with pytest.raises(tui.Terminated) as caught:
        tui.view("x", (), FakeRun([]))
    assert (caught.value.number, caught.value.exit_code) == (15, 143)


def test_a_viewer_that_crashes_still_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[FakeRun] = []

    def crash(app: Viewer) -> None:
        app.feed.start()
        raise RuntimeError("no terminal")

    monkeypatch.setattr(Viewer, "run", crash)
    run = FakeRun([], hold=True)
    runs.append(run)
    with pytest.raises(RuntimeError, match="no terminal"):
        tui.view("x", (), run)
    assert run.cancelled


def test_terminated_is_an_error_the_cli_knows() -> None:
    assert issubclass(tui.Terminated, OrchestraError)


async def test_the_source_may_be_any_async_iterable() -> None:
    class Minimal:
        def cancel(self) -> None:
            pass

        async def __aiter__(self) -> AsyncIterator[Event]:
            yield RunFinished(status="completed")

    feed = Feed(Minimal)
    feed.start()
    assert await asyncio.to_thread(feed.join, 10)
    assert feed.last() is not None

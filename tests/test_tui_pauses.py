"""The garbage collector while the viewer is open: short looks, nothing forgotten."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from orchestra.tui import pauses
from orchestra.tui.pauses import short_pauses


class Link:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold(), gc.get_freeze_count(), list(gc.callbacks)
    yield
    assert (gc.get_threshold(), gc.get_freeze_count(), list(gc.callbacks)) == before


def test_what_was_looked_at_is_set_aside() -> None:
    with short_pauses():
        kept = Link()
        assert any(it is kept for it in gc.get_objects())
        gc.collect()
        assert not any(it is kept for it in gc.get_objects())
        assert gc.get_freeze_count() > 0
        gc.collect(1)  # of the younger ones nothing is set aside
        young = Link()
        gc.collect(0)
        assert any(it is young for it in gc.get_objects())


def test_cycles_that_die_later_are_found_now_and_then() -> None:
    with short_pauses(rounds=3):
        kept = Link()
        dead = weakref.ref(kept)
        gc.collect()
        del kept
        found = []
        for _ in range(12):
            gc.collect()
            found.append(dead() is None)
        assert found == [False] * 2 + [True] * 10


def test_new_garbage_is_found_at_once() -> None:
    with short_pauses():
        dead = weakref.ref(Link())
        gc.collect()
        assert dead() is None


def test_the_viewer_runs_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestra import tui
    from orchestra.tui.app import Viewer

    seen = []
    monkeypatch.setattr(Viewer, "run", lambda self: seen.append(gc.get_threshold()))
    tui.view("a", (), lambda: None)  # type: ignore[arg-type, return-value]
    assert seen == [pauses.OFTEN]

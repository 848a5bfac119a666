"""The garbage collector while the viewer is open: short looks, nothing forgotten."""

import gc
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestra.tui import pauses
from orchestra.tui.pauses import FEW, Pauses, short_pauses


class Link:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold(), list(gc.callbacks), sys.getswitchinterval()
    yield
    assert (gc.get_threshold(), list(gc.callbacks), sys.getswitchinterval()) == before
    assert gc.get_freeze_count() == 0
    gc.freeze()


@contextmanager
def tended(slack: int) -> Iterator[Pauses]:
    """What the viewer has for its pauses, tended by the test."""
    setting = Pauses(slack)
    gc.callbacks.append(setting)
    try:
        yield setting
    finally:
        gc.callbacks.remove(setting)
        gc.unfreeze()


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_what_was_looked_at_is_set_aside(generation: int) -> None:
    with short_pauses():
        kept = Link()
        assert any(it is kept for it in gc.get_objects())
        gc.collect(generation)
        assert not any(it is kept for it in gc.get_objects())
        assert gc.get_freeze_count() > 0


def test_cycles_that_die_later_are_found_when_much_is_kept() -> None:
    with tended(10_000) as setting:
        kept = [Link() for _ in range(50)]
        dead = weakref.ref(kept[0])
        gc.collect(0)
        kept.clear()
        setting.tend()
        assert dead() is not None  # so few are not worth it
        more = [Link() for _ in range(15_000)]
        for _ in range(FEW + 1):
            gc.collect(0)
        setting.tend()
        assert dead() is not None  # somebody may be pressing a key
        setting.tend()
        assert dead() is None
        del more


def test_what_is_thrown_away_before_makes_no_room() -> None:
    thrown = [Link() for _ in range(50_000)]
    del thrown
    with tended(10_000) as setting:
        kept = Link()
        dead = weakref.ref(kept)
        gc.collect(0)
        del kept
        more = [Link() for _ in range(15_000)]
        setting.tend()
        assert dead() is None
        del more


def test_new_garbage_is_found_at_once() -> None:
    with short_pauses():
        dead = weakref.ref(Link())
        gc.collect(0)
        assert dead() is None


def test_much_is_looked_at_even_while_something_happens() -> None:
    with tended(1_000) as setting:
        kept = Link()
        dead = weakref.ref(kept)
        for _ in range(FEW + 1):
            gc.collect(0)
        del kept
        some = [Link() for _ in range(1_000)]
        setting.tend()
        assert dead() is not None  # five times as much may be kept meanwhile
        more = [Link() for _ in range(5_500)]
        for _ in range(FEW + 1):
            gc.collect(0)
        setting.tend()
        assert dead() is None
        del some, more


def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "LOOK", 0.001)
    monkeypatch.setattr(pauses, "SLACK", 0)
    looked = []
    with short_pauses():
        gc.callbacks.append(lambda phase, info: looked.append(info["generation"]))
        try:
            more = []
            while 2 not in looked:
                more.append(Link())
        finally:
            gc.callbacks.pop()


def test_the_viewer_runs_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestra import tui
    from orchestra.tui.app import Viewer

    seen = []
    monkeypatch.setattr(tui, "short_pauses", short_pauses)
    monkeypatch.setattr(Viewer, "run", lambda self: seen.append(gc.get_threshold()))
    tui.view("a", (), lambda: None)  # type: ignore[arg-type, return-value]
    assert seen == [pauses.OFTEN]

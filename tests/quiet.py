"""Waits for an app of Textual by no clock: until there is nothing left that it could do.

Textual's pilot asks every widget to answer, and then sleeps 20 ms at a time until the process has
used little CPU. Here it waits until no task of the loop can go on: then each pump waits for its
next message. What a timer would paint, or make of a new size, a moment later is done at once.
Whatever else a timer or a thread does is for the test to wait for.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import textual.app
import textual.pilot
from textual._context import active_app
from textual.pilot import Pilot
from textual.screen import Screen

PATIENCE = 30  # seconds, as the pilot's


async def drained() -> None:
    """Until each task waits for something that is not in the loop: a timer, a file, a thread."""
    loop: Any = asyncio.get_running_loop()
    until = time.monotonic() + PATIENCE
    while True:
        await asyncio.sleep(0)  # to the end of the queue: who is behind, was woken in this round
        if not loop._ready:
            return
        assert time.monotonic() < until, "it never comes to rest"


def due(screen: Screen[Any]) -> bool:
    """Whether the screen's timer would find something to do."""
    return screen.is_current and bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


def hurry(app: textual.app.App[Any]) -> bool:
    """Do what a timer would do in a moment, if there is anything."""
    if app._resize_timer is not None:
        app._resize_timer.stop()
        app._check_resize()
        return True
    if app.screen_stack and not app._batch_count and due(app.screen):
        app.screen._on_timer_update()
        return True
    return False


async def quiet(app: textual.app.App[Any]) -> None:
    until = time.monotonic() + PATIENCE
    await drained()
    while hurry(app):
        assert time.monotonic() < until, "it is never all painted"
        await drained()


async def _wait_for_screen(pilot: Pilot[Any]) -> bool:
    await quiet(pilot.app)
    return not pilot.app._exception_event.is_set()


async def _wait_for_idle(*_: float) -> None:
    await quiet(active_app.get())


def install() -> None:
    """From now on each pilot of this process waits so."""
    Pilot._wait_for_screen = _wait_for_screen  # type: ignore[method-assign]
    textual.pilot.wait_for_idle = textual.app.wait_for_idle = _wait_for_idle  # type: ignore[attr-defined]

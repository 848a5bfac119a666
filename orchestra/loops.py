"""The event loop of a run: to wake it costs nothing while it is awake.

LangGraph hands each token on with ``call_soon_threadsafe``, as it may come from any thread. Nearly
all come from the loop's own; to send a byte through a socket each time, only to wake a loop that
is awake, was an eighth of what a token costs.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import threading
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")


class Waiting(selectors.DefaultSelector):
    """Where a loop waits, and knows whether it does."""

    def __init__(self) -> None:
        super().__init__()
        self._idle = True
        self._called = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A signal handler may call at any moment: before this line the call is seen below, after
        # it the loop is woken as ever.
        self._idle = True
        if self._called:
            self._called, timeout = False, 0
        ready = self.wait(timeout)
        self._idle = False
        return ready

    def wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """What ``select`` does otherwise."""
        return super().select(timeout)

    def awake(self) -> bool:
        """Whether the loop is at work; if so it looks for new calls before it waits again."""
        if self._idle:
            return False
        self._called = True
        return True


class Loop(asyncio.SelectorEventLoop):
    """A loop that is woken only from elsewhere, or when it waits."""

    def __init__(self, waiting: Waiting | None = None) -> None:
        self._waiting = waiting or Waiting()
        self._home = 0
        super().__init__(self._waiting)

    def run_forever(self) -> None:
        self._home = threading.get_ident()
        super().run_forever()

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        if threading.get_ident() == self._home and self._waiting.awake():
            return self.call_soon(callback, *args, context=context)
        return super().call_soon_threadsafe(callback, *args, context=context)


def new_loop() -> asyncio.AbstractEventLoop:
    """For an ``asyncio.Runner``; on Windows its own, as a selector there knows no subprocesses."""
    return asyncio.new_event_loop() if sys.platform == "win32" else Loop()

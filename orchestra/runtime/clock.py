"""The one place that waits, and the one clock that durations are read from.

Both go by the running event loop, so a loop whose ``time()`` is virtual makes every delay, rate
and timeout of a run cost nothing and come out exact. Nothing else in the runtime sleeps.
"""

from __future__ import annotations

import asyncio
import time

FOREVER = 10_000_000.0  # seconds: what never comes, on a virtual clock as well


def now() -> float:
    """Seconds on the running loop's monotonic clock; on the system's where no loop runs."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


async def sleep(seconds: float) -> None:
    """Wait on the loop's clock; no time at all does not even yield."""
    if seconds > 0:
        await asyncio.sleep(seconds)


async def breathe() -> None:
    """Let the loop's other tasks run: a reply said at once must not hold up a cancel."""
    await asyncio.sleep(0)


def block(seconds: float) -> None:
    """Wait in a thread without a loop: the synchronous side of a chat model."""
    if seconds > 0:
        time.sleep(seconds)


class Pace:
    """When the pieces of a reply are due: after ``first`` seconds, then ``rate`` a second.

    Reckons from its start, so a late piece does not delay those after it. ``rate`` 0 is at once.
    """

    def __init__(self, first: float, rate: float) -> None:
        self._due = now() + first
        self._step = 1 / rate if rate else 0.0

    def wait(self) -> float:
        """Seconds until the next piece is due; negative when it is late."""
        seconds = self._due - now()
        self._due += self._step
        return seconds

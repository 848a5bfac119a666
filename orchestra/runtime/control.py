"""What a person does to a run in progress: hold it, and call off one of its calls.

Both go by the clock that each call has for ``limits.seconds``: while a person thinks, or holds the
run, the time of a call is not spent; and a call is called off by letting its time be over.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ..errors import LimitExceeded
from .clock import now

CALLED_OFF = "called off by a person: there is no answer"


class CalledOff(Exception):  # noqa: N818 - nothing has gone wrong
    """A person has called off a call; it has no answer, and its caller goes on."""


class Control:
    """Of one run. To be used in its loop."""

    def __init__(self) -> None:
        self._clocks: dict[str, asyncio.Timeout] = {}  # by call path
        self._holding: Counter[str] = Counter()
        self._left: dict[str, float] = {}
        self._off: set[str] = set()
        self._gate: asyncio.Event | None = None

    @asynccontextmanager
    async def timed(self, call: str, seconds: float) -> AsyncIterator[None]:
        """While a call is at work, which may take ``seconds``.

        Raises:
            LimitExceeded: it took longer.
            CalledOff: a person has ended it.
        """
        try:
            async with asyncio.timeout(seconds) as clock:
                self._clocks[call] = clock
                yield
        except TimeoutError:
            if not clock.expired():  # a tool's, or a model's own
                raise
            if call in self._off:
                raise CalledOff(call) from None
            took = f"{call}: took more than {seconds:g} s (limits.seconds)"
            raise LimitExceeded(took) from None
        finally:
            self._clocks.pop(call, None)
            self._off.discard(call)

    def call_off(self, call: str) -> None:
        """End one call, and all below it. One that is not at work stays as it is."""
        clock = self._clocks.get(call)
        if clock is not None and not clock.expired():
            self._off.add(call)
            clock.reschedule(now())

    def pause(self) -> None:
        """Let no model call and no tool begin, until :meth:`resume`. What is under way goes on."""
        self._gate = self._gate or asyncio.Event()

    def resume(self) -> None:
        if self._gate is not None:
            self._gate.set()
            self._gate = None

    async def leave(self, call: str) -> None:
        """Before anything begins in a call: wait while the run is held."""
        while (gate := self._gate) is not None:
            with self.time_stands_still(call):
                await gate.wait()

    @contextmanager
    def time_stands_still(self, call: str) -> Iterator[None]:
        """While a person thinks, the time of a call, and of those above it, is not spent."""
        held = [
            it
            for it in self._clocks
            if it not in self._off and (it == call or call.startswith(f"{it}/"))
        ]
        for path in held:
            due = self._clocks[path].when()
            if due is not None:  # else another question holds it already
                self._left[path] = due - now()
                self._clocks[path].reschedule(None)
            self._holding[path] += 1
        try:
            yield
        finally:
            for path in held:
                self._holding[path] -= 1
                clock = self._clocks.get(path)
                if clock and not self._holding[path] and path not in self._off:
                    clock.reschedule(now() + self._left[path])

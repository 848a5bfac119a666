"""The one place that waits, and the one clock that durations are read from.

Both go by the running event loop, so a loop whose ``time()`` is virtual makes every delay, rate
and timeout of a run cost nothing and come out exact. Nothing else in the runtime sleeps.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakSet

from ..loops import Loop, Waiting, new_loop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FOREVER = 10_000_000.0  # seconds: what never comes, on a virtual clock as well
TICKS = 30  # a second: as often as a viewer shows what came
PATIENCE = 5.0  # seconds that a virtual clock stands still for a thread that works
ALONE = 1.0  # seconds of them that it has to itself
_ROUNDS = 50  # of a busy loop, until it looks at its own pipe: what wakes it, and signals


def run(work: Coroutine[Any, Any, T], *, virtual: bool = False) -> T:
    """``asyncio.run``; ``virtual``: in a :class:`VirtualLoop`, where waiting costs no time.

    Ctrl-C then ends the loop at once: there is nothing that it would have to wait for. What
    ``asyncio.Runner`` does about it is half of what a loop costs, and a suite makes one for every
    case.
    """
    if not virtual:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(work)
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        try:
            if not loop.idle:
                loop.run_until_complete(_end(loop))
        finally:
            loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    """End what still runs in a loop, as ``asyncio.Runner`` does."""
    left = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in left:
        task.cancel()
    for result in await asyncio.gather(*left, return_exceptions=True):
        if isinstance(result, Exception):
            loop.call_exception_handler(
                {"message": "a task failed as it ended", "exception": result}
            )
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def reader() -> Callable[[], float]:
    """The running loop's monotonic clock, in seconds; the system's where no loop runs.

    For who reads it at every token: to ask which loop runs is a call of the system in Python 3.11.
    """
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return time.monotonic


def now() -> float:
    """Seconds on that clock."""
    return reader()()


def _is_virtual() -> bool:
    try:
        return isinstance(asyncio.get_running_loop(), VirtualLoop)
    except RuntimeError:
        return False


async def sleep(seconds: float) -> None:
    """Wait on the loop's clock; no time at all does not even yield."""
    if seconds > 0:
        await asyncio.sleep(seconds)


async def breathe() -> None:
    """Let the loop's other tasks run: a reply said at once must not hold up a cancel."""
    await asyncio.sleep(0)


def block(seconds: float) -> None:
    """Wait in a thread without a loop, where nobody else waits: a chat model's synchronous side."""
    if seconds > 0:
        time.sleep(seconds)


class Pace:
    """When the pieces of a reply are due: after ``first`` seconds, then ``rate`` a second.

    Reckons from its start, so a late piece does not delay those after it. ``rate`` 0 is at once.

    On a real clock a piece waits for the next of ``TICKS`` a second: then whoever speaks at the
    same time is heard in one round of the loop, and what one says in between without a wait. A
    round costs as much as a piece, and a wait a fifth of one; without this 64 agents at 100 tokens
    a second made the loop go round for nearly every one of them.
    """

    def __init__(self, first: float, rate: float) -> None:
        self._now = reader()
        self._due = self._now() + first
        self._step = 1 / rate if rate else 0.0
        self._exact = _is_virtual()

    def wait(self) -> float:
        """Seconds until the next piece is due; negative when it is late."""
        due, at = self._due, self._now()
        self._due += self._step
        if due > at and not self._exact:
            due = math.ceil(due * TICKS) / TICKS
        return due - at


class VirtualLoop(Loop):
    """A loop whose time leaps to the next timer when nothing else can happen until then.

    It begins at 0. What works in :meth:`run_in_executor` takes no time: the clock stands still
    until it is done, for ``patience`` seconds at most. Works begin one after another, in the order
    in which they were given, and so come their results: which of two threads is first would depend
    on the machine. Who works for longer than ``alone`` seconds is no longer waited for by the next,
    as it may be waiting for that one. While a socket or a subprocess is open, or a thread runs that
    the loop did not start, time passes as everywhere else: nobody can know when that brings
    something.
    """

    def __init__(self, patience: float = PATIENCE, alone: float = ALONE) -> None:
        self._leaping = _Leaping(patience)
        self._alone = alone
        self._executor: Executor | None = None
        self._last: Future[Any] | None = None  # the work that was given last
        super().__init__(self._leaping)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to end: no task, no generator that is open, no thread."""
        generators = getattr(self, "_asyncgens", True)  # asyncio's own; there is no other way
        return not (asyncio.all_tasks(self) or generators or self._executor)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._leaping.now

    def set_default_executor(self, executor: ThreadPoolExecutor) -> None:  # type: ignore[override] # asyncio's takes any
        super().set_default_executor(executor)
        self._executor = executor

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        if (executor := executor or self._executor) is None:
            executor = ThreadPoolExecutor(thread_name_prefix="orchestra")
            self.set_default_executor(executor)
        others = set(threading.enumerate())
        former = self._last

        def in_turn() -> T:
            if former is not None:
                wait_for((former,), self._alone)
            return func(*args)

        work = self._last = executor.submit(in_turn)
        self._leaping.known.update(set(threading.enumerate()) - others)
        # What the thread brings is told when nothing else is ready: whoever came first would
        # otherwise depend on how fast the machine is.
        result = self._leaping.expect(work)
        work.add_done_callback(self._wake)
        return asyncio.wrap_future(result, loop=self)

    def _wake(self, _: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any longer
            self.call_soon_threadsafe(_nothing)


def _nothing() -> None:
    """What wakes a loop that has nothing to do."""


class _Leaping(Waiting):
    """What a virtual loop does when nothing is ready: here it leaps, or waits for others."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.now = 0.0
        self.known = WeakSet(threading.enumerate())  # threads that need no watching
        self._patience = patience
        self._works: dict[Future[Any], Future[Any]] = {}  # with the future that is told of it
        self._since: float | None = None  # on the system's clock: waiting for threads
        self._unseen = 0  # rounds without a look at the loop's own pipe

    def wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        busy = timeout is not None and timeout <= 0
        if busy and len(self.get_map()) == 1 and self._unseen < _ROUNDS:
            self._unseen += 1  # to look there is a call of the system a round
            return []
        self._unseen = 0
        ready = super().wait(0)
        if ready or busy:
            return ready
        # Looked at before the pipe is: what a thread said before it ended must not be missed.
        watched = self._watched()
        if ready := super().wait(0):
            return ready
        if self._works:
            if self._since is None:
                self._since = time.monotonic()
            left = 0.0 if watched else self._since + self._patience - time.monotonic()
            if self._hand_over(everything=left > 0):
                return super().wait(0)
            if left > 0:
                return super().wait(left)  # the clock stands still
        elif timeout is not None and not watched:
            self.now += timeout
            return ready
        began = time.monotonic()
        ready = super().wait(timeout)
        self.now += time.monotonic() - began
        return ready

    def expect(self, work: Future[T]) -> Future[T]:
        """The future that gets the result of ``work`` in its turn."""
        result: Future[T] = Future()
        self._works[work] = result

        def given_up(_: object) -> None:
            if result.cancelled() and work in self._works:
                del self._works[work]
                self._since = self._since if self._works else None
                work.cancel()  # if it has not begun; else nobody waits for it

        result.add_done_callback(given_up)
        return result

    def _watched(self) -> bool:
        """Whether something outside may happen: a file beside the loop's own pipe, or a thread."""
        if len(self.get_map()) > 1:
            return True
        return any(thread not in self.known for thread in threading.enumerate())

    def _hand_over(self, *, everything: bool) -> bool:
        """Tell what has come of the work that is done. ``everything``: all of it, or nothing."""
        done = [work for work in self._works if work.done()]
        if not done or (everything and len(done) < len(self._works)):
            return False
        self._since = None
        for work in done:
            result = self._works.pop(work)
            if work.cancelled():
                result.cancel()
            elif not result.set_running_or_notify_cancel():
                continue
            elif (error := work.exception()) is not None:
                result.set_exception(error)
            else:
                result.set_result(work.result())
        return True

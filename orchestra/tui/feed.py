"""The run, in a thread and an event loop of its own, so that nothing it does delays a key.

The only thing the two threads share while it runs is a deque of events: appending costs 0.04 µs,
a message to the app 50 µs.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ..events import Event, RunFinished
from ..loops import new_loop

_NO_RUN = 0.5  # seconds


class Run(Protocol):
    """A run in progress: its events, and ways to end or hold it.

    After ``cancel`` (called on the loop that iterates) the run winds down: it still yields its
    closing events and ``run_finished``. With a call path, it ends that call alone.
    """

    def __aiter__(self) -> AsyncIterator[Event]: ...

    def cancel(self, call: str | None = None) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Source(Protocol):
    """Makes the run. Called in the worker thread, with its loop running; may take seconds."""

    def __call__(self) -> Run: ...


class Feed:
    """Runs a source in a daemon thread. ``events`` is for the reader to take from the left.

    Attributes:
        over: nothing will be added any more.
        error: what ended the thread, if that was an exception.
    """

    def __init__(self, source: Source) -> None:
        self.events: deque[Event] = deque()
        self.over = False
        self.error: BaseException | None = None
        self._source = source
        self._thread = threading.Thread(target=self._work, name="orchestra-run", daemon=True)
        self._lock = threading.Lock()
        self._cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._run: Run | None = None

    @property
    def started(self) -> bool:
        return self._thread.ident is not None

    def start(self) -> None:
        self._thread.start()

    def cancel(self) -> None:
        """Let the run wind down. From any thread, at any time, any number of times."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            if self._loop is not None and self._run is not None:
                self._loop.call_soon_threadsafe(self._run.cancel)

    def call_off(self, call: str) -> None:
        """End one call of the run."""
        self._tell(lambda run: run.cancel(call))

    def hold(self, *, held: bool) -> None:
        """Let nothing new begin in the run, or go on."""
        self._tell(lambda run: run.pause() if held else run.resume())

    def _tell(self, what: Callable[[Run], None]) -> None:
        with self._lock:
            if self._loop is not None and self._run is not None:
                self._loop.call_soon_threadsafe(what, self._run)

    def join(self, timeout: float) -> bool:
        """Wait for the end, at most ``timeout`` seconds; whether it came."""
        if self.started:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def stop(self, patience: float = 3.0) -> bool:
        """End the run: kindly, and after ``patience`` seconds by cancelling its task.

        False if it still runs: then it is busy in code that nothing can interrupt, and ends with
        the process.
        """
        if not self.started:
            return True
        self.cancel()
        with self._lock:  # while the source is still at work there is nothing to wind down
            patience = patience if self._run is not None else min(patience, _NO_RUN)
        if self.join(patience):
            return True
        with self._lock:
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        return self.join(1.0)

    def last(self) -> RunFinished | None:
        """The ``run_finished`` among the events that nobody has taken yet."""
        for event in reversed(self.events):
            if isinstance(event, RunFinished):
                return event
        return None

    def _work(self) -> None:
        from . import markdown  # noqa: F401 - for the first message that ends: here no key waits for it

        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(self._pump())
        except asyncio.CancelledError:
            pass  # by stop(), after the run did not wind down in time
        except BaseException as error:  # noqa: BLE001 - it is handed to the thread that shows it
            self.error = error
        finally:
            self.over = True

    async def _pump(self) -> None:
        try:
            with self._lock:
                self._loop = asyncio.get_running_loop()
                self._task = asyncio.current_task()
            run = self._source()
            with self._lock:
                self._run = run
                if self._cancelled:
                    run.cancel()
            async for event in run:
                self.events.append(event)
        finally:
            with self._lock:  # from here on the loop closes, and must not be called
                self._loop = self._task = self._run = None

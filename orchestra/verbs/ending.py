"""How a run is ended from outside: by signals, and without waiting for what nothing can end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def on_signals(cancel: Callable[[], None], caught: list[signal.Signals]) -> None:
    """The first signal ends the run in good order; a second of its kind ends the process.

    The second one is noticed even where the loop is blocked, by a tool that never lets go of it.
    """
    loop = asyncio.get_running_loop()
    came: Counter[int] = Counter()

    def first(number: signal.Signals) -> None:
        caught.append(number)
        cancel()

    def count(number: int, _: object) -> None:
        came[number] += 1
        if came[number] > 1:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        else:
            loop.call_soon_threadsafe(first, signal.Signals(number))

    for name in _SIGNALS:
        if number := getattr(signal.Signals, name, None):  # Windows has no SIGHUP
            # The loop's own handler only wakes it, by its pipe. Of a busy loop that pipe may be
            # full, and then the signal would be lost, with a complaint on stderr.
            loop.add_signal_handler(number, lambda: None)
            signal.signal(number, count)
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)


class Threads(ThreadPoolExecutor):
    """Threads for synchronous tools, which a process that is told to end does not wait for.

    Python's own pool is joined at the end of a process, whatever it was ended by. A run that ends
    by itself waits for its threads here as well: what a tool does is not to be cut off.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.abandoned = False
        self._at_work: set[threading.Thread] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        thread = threading.Thread(target=self._work, args=(future, fn, args, kwargs), daemon=True)
        self._at_work.add(thread)
        thread.start()
        return future

    def _work(self, future: Future[Any], fn: Any, args: Any, kwargs: Any) -> None:
        try:
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - whoever awaits the future is told
            future.set_exception(error)
        finally:
            self._at_work.discard(threading.current_thread())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        while wait and not self.abandoned and self._at_work:
            next(iter(self._at_work)).join()

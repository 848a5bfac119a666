"""How a run is ended from outside: by signals, and without waiting for what nothing can end."""

from __future__ import annotations

import asyncio
import atexit
import os
import select
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_PATIENCE = 2.0  # seconds that a reader of the output has to go on with it, once the run is to end


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
            _wait_for_no_reader()
            loop.call_soon_threadsafe(first, signal.Signals(number))

    for name in _SIGNALS:
        number = getattr(signal.Signals, name, None)  # Windows has no SIGHUP
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue  # of nohup: the run is to outlive its terminal
        # The loop's own handler only wakes it, by its pipe. Of a busy loop that pipe may be
        # full, and then the signal would be lost, with a complaint on stderr.
        loop.add_signal_handler(number, lambda: None)
        signal.signal(number, count)
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)


def _wait_for_no_reader() -> None:
    """From now on, what nobody reads holds nothing up: neither a full pipe nor a closed terminal.

    A write that waits is broken off by the alarm, and goes on where its output is then sent.
    """
    if not hasattr(signal, "setitimer") or not hasattr(select, "poll"):  # Windows
        return
    _give_up(stuck=False)
    if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:  # else it is a tool's
        signal.signal(signal.SIGALRM, lambda *_: _give_up(stuck=True))
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE, 1.0)
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0.0)


def _give_up(*, stuck: bool) -> None:
    """Send stdout and stderr nowhere if they are closed; also if they are ``stuck``."""
    poll = select.poll()
    for stream in (1, 2):
        poll.register(stream, select.POLLOUT)
    states = dict(poll.poll(0))
    for stream in (1, 2):
        state = states.get(stream, 0)
        if state & (select.POLLERR | select.POLLHUP) or (stuck and not state):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)


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

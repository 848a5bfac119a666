"""A loop that is awake needs no waking, and one that waits is woken all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import pytest

from orchestra.loops import Loop, new_loop
from orchestra.runtime import clock
from orchestra.runtime.clock import VirtualLoop

PATIENCE = 20

kinds = pytest.mark.parametrize("kind", [Loop, VirtualLoop])


class Counted(Loop):
    """Counts the bytes with which it is woken."""

    woken = 0

    def _write_to_self(self) -> None:
        self.woken += 1
        super()._write_to_self()  # type: ignore[misc]


def test_a_call_from_its_own_thread_wakes_nobody() -> None:
    async def work() -> list[int]:
        loop, came = asyncio.get_running_loop(), []
        for number in range(100):
            loop.call_soon_threadsafe(came.append, number)
        await asyncio.sleep(0)
        return came

    with asyncio.Runner(loop_factory=Counted) as runner:
        assert runner.run(work()) == [*range(100)]
        loop = runner.get_loop()
        assert isinstance(loop, Counted)
        assert loop.woken == 0


@kinds
def test_a_call_from_another_thread_wakes_it(kind: type[Loop]) -> None:
    async def work() -> str:
        loop = asyncio.get_running_loop()
        come: asyncio.Future[str] = loop.create_future()
        gate = threading.Event()

        def call() -> None:
            gate.wait(PATIENCE)
            loop.call_soon_threadsafe(come.set_result, "called")

        thread = threading.Thread(target=call)
        thread.start()
        loop.call_soon(gate.set)  # and then it waits
        try:
            return await asyncio.wait_for(come, PATIENCE)
        finally:
            thread.join()

    with asyncio.Runner(loop_factory=kind) as runner:
        assert runner.run(work()) == "called"


@kinds
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_handler_wakes_it(kind: type[Loop]) -> None:
    """It runs in the loop's own thread, while the loop waits for nothing that would come."""

    async def work() -> str:
        loop = asyncio.get_running_loop()
        come: asyncio.Future[str] = loop.create_future()

        def handler(*_: object) -> None:
            loop.call_soon_threadsafe(come.set_result, "called")

        before = signal.signal(signal.SIGUSR1, handler)
        killer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
        killer.start()
        try:
            return await come
        finally:
            killer.join()
            signal.signal(signal.SIGUSR1, before)

    with asyncio.Runner(loop_factory=kind) as runner:
        assert runner.run(work()) == "called"


def test_a_call_before_it_runs_is_not_lost() -> None:
    loop, came = Loop(), []
    loop.call_soon_threadsafe(came.append, 1)
    loop.run_until_complete(asyncio.sleep(0))
    loop.call_soon_threadsafe(came.append, 2)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert came == [1, 2]
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(came.append, 3)


def test_runs_have_it() -> None:
    async def kind() -> type[asyncio.AbstractEventLoop]:
        return type(asyncio.get_running_loop())

    loop = new_loop()
    loop.close()
    assert clock.run(kind()) is type(loop)
    assert issubclass(clock.run(kind(), virtual=True), Loop)

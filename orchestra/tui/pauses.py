"""Python's garbage collector, in steps that nobody feels.

A collection of the oldest generation looks at every object that is alive, with all threads held:
0.2 s where 64 agents stream, since LangChain keeps the pieces of a message until it ends. That is
how long a key then waits; and looking at them again and again took a quarter of all the work. So
what has once been looked at is set aside, after its first collection. Cycles that die later are
found when everything is looked at again: when twice as much is kept as after the last time, and
nothing happens that somebody might be looking at; or when ten times as much is.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

OFTEN = (10_000, 1_000, 1_000)  # so many new objects are looked at in two milliseconds
LOOK = 10.0  # seconds between two looks at how much is kept
SLACK = 1_000_000  # blocks, some 60 MB: less is not worth a look at everything
FEW = 3  # collections between two looks: nobody streams
PATIENCE = 5  # times as much may be kept while somebody does
TURN = 0.001  # seconds that the run's thread goes on while the viewer's wants to; Python's: 0.005


class Pauses:
    """Sets aside what each collection has left, and looks at it again when it has grown."""

    def __init__(self, slack: int) -> None:
        self._slack = slack
        gc.collect()  # what the program consists of is no growth, what it has thrown away no room
        self._before = _blocks()
        self._kept = 0
        self._collections = 0

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:  # noqa: ARG002 - gc's signature
        if phase == "stop":
            gc.freeze()
            self._collections += 1

    def tend(self) -> None:
        """Look at everything, if so much more is kept than after the last time."""
        busy, self._collections = self._collections > FEW, 0
        limit = 2 * self._kept + self._slack
        if _blocks() - self._before > limit * (PATIENCE if busy else 1):
            gc.unfreeze()
            gc.collect()
            self._kept, self._collections = _blocks() - self._before, 0


def _blocks() -> int:
    """Blocks of memory in use. How many objects are set aside, Python finds out by counting them
    one by one: 50 ms for a million, with all threads held. Where it does not know its blocks
    (``PYTHONMALLOC=malloc``), there is no other way.
    """
    return sys.getallocatedblocks() or gc.get_freeze_count()


@contextmanager
def short_pauses() -> Iterator[None]:
    """While this is open, what was alive at a collection is not looked at at the next.

    And the run's thread gives way sooner: 64 agents have it at work for milliseconds on end.
    """
    before, turn = gc.get_threshold(), sys.getswitchinterval()
    pauses, over = Pauses(SLACK), threading.Event()

    def tend() -> None:
        while not over.wait(LOOK):
            pauses.tend()

    gc.callbacks.append(pauses)
    gc.set_threshold(*OFTEN)
    sys.setswitchinterval(TURN)
    thread = threading.Thread(target=tend, name="orchestra-pauses", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        gc.callbacks.remove(pauses)
        gc.set_threshold(*before)
        sys.setswitchinterval(turn)
        gc.unfreeze()

"""Python's garbage collector, in steps that nobody feels.

A collection of the oldest generation looks at every object that is alive, with all threads held:
0.2 s where 64 agents stream, since LangChain keeps the pieces of a message until it ends. That is
how long a key then waits. So what has once been looked at is set aside, and each collection looks
only at what is new. Cycles that die later are found when everything is looked at again: after
``ROUNDS`` collections, then after twice as many, and so on, ever more seldom.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

OLDEST = 2
OFTEN = (700, 10, 1)  # the oldest generation each 14,000 new objects: a few milliseconds
ROUNDS = 100


class _Setting:
    """Called by the collector: sets aside what it has left."""

    def __init__(self, rounds: int) -> None:
        self.left = self.rounds = rounds

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        if info["generation"] != OLDEST:
            return
        if phase == "stop":
            gc.freeze()
            self.left -= 1
        elif self.left <= 0:
            gc.unfreeze()
            self.rounds *= 2
            self.left = self.rounds


@contextmanager
def short_pauses(rounds: int = ROUNDS) -> Iterator[None]:
    """While this is open, what was alive at a collection is not looked at again at the next."""
    before = gc.get_threshold()
    setting = _Setting(rounds)
    gc.callbacks.append(setting)
    gc.set_threshold(*OFTEN)
    try:
        yield
    finally:
        gc.callbacks.remove(setting)
        gc.set_threshold(*before)
        gc.unfreeze()

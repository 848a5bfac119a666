"""How often Python looks for objects that only refer to each other."""

from __future__ import annotations

import gc

SELDOM = (10_000, 10, 10)


def look_seldom() -> None:
    """At Python's own 700 new objects it looks a thousand times while LangChain is imported, and
    for naught: a fifth of the start, and a twelfth of a suite.
    """
    gc.set_threshold(*SELDOM)

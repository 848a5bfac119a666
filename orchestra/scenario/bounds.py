"""What one question of a stranger's file may cost: steps are counted, seconds of expressions too.

A JSON Schema or a JSONPath of a few lines can take for ever. What evaluates them says
:func:`spend` for every step, wherever it is called from; :func:`bounded` says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Bound:
    """What is left of one question."""

    most: int
    left: int
    seconds: float = 0.0
    """What its regular expressions have taken together."""


_bound: ContextVar[Bound | None] = ContextVar("bound", default=None)


@contextmanager
def bounded(steps: int) -> Iterator[None]:
    """What happens inside may take so many steps; then :func:`spend` raises ValueError."""
    token = _bound.set(Bound(steps, steps))
    try:
        yield
    finally:
        _bound.reset(token)


def current() -> Bound | None:
    return _bound.get()


def spend(steps: int = 1) -> None:
    """Count steps of the question that is being asked. ValueError if they are too many."""
    bound = _bound.get()
    if bound is None:
        return
    bound.left -= steps
    if bound.left < 0:
        raise ValueError(f"it takes more than {bound.most:,} steps")


def spend_on(*values: Any) -> None:
    """Count what it takes to look at all of these values, and at all that is in them."""
    pending = list(values)
    while pending:
        value = pending.pop()
        size = len(value) if isinstance(value, (str, list, tuple, dict)) else 0
        spend(1 + size // 100)
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value

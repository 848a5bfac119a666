"""A run of a test on the product's virtual clock: delays and rates are exact, and cost no time."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from orchestra.runtime import clock

T = TypeVar("T")


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    return clock.run(work, virtual=True)

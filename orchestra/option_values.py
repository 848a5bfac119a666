"""Values of options, read from what was typed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def path(text: str) -> Path:
    """pathlib is imported when there is a path: help has none, and takes half as long without."""
    from pathlib import Path

    return Path(text)


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number: 0, 1, 2 …")
    return int(text)


def seeds(text: str) -> tuple[int, ...]:
    """How many schedules, or by their seeds which: ``8``, or ``2,5``."""
    numbers = tuple(count(it.strip()) for it in text.split(","))
    found = numbers if len(numbers) > 1 else tuple(range(1, numbers[0] + 1))
    if len(set(found)) < 2:
        raise argparse.ArgumentTypeError("at least 2 schedules: how many, or their seeds, as 2,5")
    return tuple(dict.fromkeys(found))


def rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise ValueError
    return rate


def days(text: str) -> float:
    try:
        if 0 <= (days := float(text)) < float("inf"):
            return days
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number of days")

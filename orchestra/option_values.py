"""Values of options, read from what was typed."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number: 0, 1, 2 …")
    return int(text)


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

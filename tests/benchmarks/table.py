"""Rows of the table of ``make bench``: what is measured, against what, and what it may cost."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measured:
    """What came of a row: a ratio for each pair of measurements, orchestra's over the baseline's.

    ``ours`` and ``theirs`` are the medians in ``unit``; they are this machine's, the ratio is not.
    ``notes`` are lines for whoever wants to know more.
    """

    ours: float
    theirs: float
    unit: str
    ratios: Sequence[float]
    notes: Sequence[str] = ()

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest of the ratios."""
        return min(self.ratios), max(self.ratios)


def of_pairs(pairs: Sequence[tuple[float, float]], unit: str, scale: float = 1.0) -> Measured:
    """Of pairs of a baseline's value and orchestra's."""
    theirs, ours = (statistics.median(side) * scale for side in zip(*pairs, strict=True))
    return Measured(ours, theirs, unit, [b / a for a, b in pairs])


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``most`` or ``least`` is the budget for the ratio; a row without one only tells.
    """

    name: str
    what: str
    against: str
    measure: Callable[[], Measured]
    most: float | None = None
    least: float | None = None

    def holds(self, ratio: float) -> bool:
        if self.most is not None:
            return ratio <= self.most
        return self.least is None or ratio >= self.least

    @property
    def budget(self) -> str:
        if self.most is not None:
            return f"≤ {_ratio(self.most)}"
        return "" if self.least is None else f"≥ {_ratio(self.least)}"


@dataclass
class Table:
    """Prints rows as they come, and keeps them for JSON."""

    rows: list[dict[str, object]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def head(self) -> None:
        print(
            f"{'row':<14} {'budget':>8} {'ratio':>8}   {'spread':<17} {'orchestra':>12} {'baseline':>12}"
        )

    def add(self, row: Row, it: Measured) -> None:
        holds = row.holds(it.ratio)
        if not holds:
            self.missed.append(row.name)
        low, high = it.spread
        print(
            f"{row.name:<14} {row.budget:>8} {_ratio(it.ratio):>8} {' ' if holds else '✗'} "
            f"{f'{_ratio(low)} to {_ratio(high)}':<17} "
            f"{_value(it.ours, it.unit):>12} {_value(it.theirs, it.unit):>12}",
            flush=True,
        )
        print(f"    {row.what}, against {row.against}")
        for note in it.notes:
            print(f"    {note}", flush=True)
        self.rows.append(
            {
                "row": row.name,
                "what": row.what,
                "against": row.against,
                "most": row.most,
                "least": row.least,
                "ratio": it.ratio,
                "ratios": list(it.ratios),
                "holds": holds,
                "orchestra": it.ours,
                "baseline": it.theirs,
                "unit": it.unit,
                "notes": list(it.notes),
            }
        )


def _ratio(value: float) -> str:
    return f"1/{1 / value:.0f}" if 0 < value < 0.1 else f"{value:.2f}"


def _value(value: float, unit: str) -> str:
    return f"{value:,.{0 if value >= 1000 else 1 if value >= 10 else 2}f} {unit}"

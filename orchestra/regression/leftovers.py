"""What the cases of a file have left of its script and its decisions, all of them together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..scenario import Scenario
from ..scenario.script import unused_line
from ..trajectory import Transcript


@dataclass(frozen=True, slots=True)
class Left:
    """What one case, or one run of it, has not used: numbers of replies and of how many, by key
    of the script; and what is said of each decision that was not taken.
    """

    replies: Mapping[str, tuple[frozenset[int], int]] = field(default_factory=dict)
    decisions: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, transcript: Transcript, scenario: Scenario) -> Left:
        return cls(
            {
                key: (frozenset(it.replies), len(scenario.script[key]))
                for key, it in transcript.unused.items()
            },
            {number: it.message for number, it in transcript.undecided.items()},
        )

    def both(self, other: Left | None) -> Left:
        """What neither has used."""
        if other is None:
            return self
        replies = {
            key: (numbers & other.replies[key][0], count)
            for key, (numbers, count) in self.replies.items()
            if key in other.replies
        }
        decisions = {it: said for it, said in self.decisions.items() if it in other.decisions}
        return Left({key: it for key, it in replies.items() if it[0]}, decisions)


@dataclass(slots=True)
class Leftovers:
    """What no case has used. Once a case was cut short, nobody knows what it would have used."""

    _left: Left | None = None
    _short: bool = False
    _played: set[str] = field(default_factory=set)

    def add(self, name: str, left: Left | None) -> None:
        """Take in what a case has left; None: it was cut short."""
        self._played.add(name)
        self._short = self._short or left is None
        self._left = left.both(self._left) if left else None

    def lines(self, names: Collection[str]) -> list[str]:
        """A reason for each, once all the cases of a file, ``names``, have been played."""
        if self._short or self._left is None or not self._played.issuperset(names):
            return []
        lines = [
            unused_line(key, sorted(numbers), count)
            for key, (numbers, count) in self._left.replies.items()
            if numbers
        ]
        return lines + [said for _, said in sorted(self._left.decisions.items())]

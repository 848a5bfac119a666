"""An order of what happens side by side, from a seed: the same in every process.

Calls that run side by side say and do things at the same instant, and always in one order, so a
mistake that needs another order stays hidden. A seed puts a short delay before every piece of a
scripted reply and before every call of a tool. It follows from the place alone, never from what
came before it, so that the same seed gives the same order again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

# Seconds between two things of one call, at most. Far below what a scenario itself would wait for.
_FASTEST, _SLOWEST = 1e-6, 1e-3


@dataclass(frozen=True, slots=True)
class Schedule:
    """The delays of one run; without a ``seed`` there are none.

    Exact only in a :class:`~orchestra.runtime.clock.VirtualLoop`: a real clock is too coarse.
    """

    seed: int | None = None

    def delay(self, call: str, *place: int | str) -> float:
        """Seconds to wait at a ``place`` of a call: model turn and piece, or a tool call's id.

        Some calls are much faster than others, so that one may overtake the other as a whole.
        """
        if self.seed is None:
            return 0.0
        pace: float = _FASTEST * (_SLOWEST / _FASTEST) ** self._chance(call)
        return pace * self._chance(call, *place)

    def _chance(self, *of: int | str) -> float:
        """A number from 0 to 1. Python's own hash differs from process to process."""
        digest = hashlib.blake2b(repr((self.seed, *of)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

"""The tools of sold-out.yaml and queue-up.yaml: one list of seats that all clerks sell from.

Each run has a hall of its own, but all agents of a run share it: what one has sold is gone.
"""

from __future__ import annotations

from langchain_core.tools import ToolException


class Hall:
    """The seats of one evening, sold from the front."""

    def __init__(self, seats: list[str]) -> None:
        self._free = list(seats)
        self._sold: dict[str, list[str]] = {}

    def sell(self, customer: str, seats: int) -> str:
        """Sells the next free seats to a customer."""
        if seats > len(self._free):
            raise ToolException(f"only {len(self._free)} seats are left")
        sold, self._free = self._free[:seats], self._free[seats:]
        self._sold[customer] = sold
        return f"{', '.join(sold)} for {customer}"

    def seating(self) -> str:
        """Who sits where, by seat."""
        return "; ".join(
            f"{name}: {', '.join(seats)}" for name, seats in sorted(self._sold.items())
        )

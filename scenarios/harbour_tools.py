"""The tools of harbour.yaml: a function and a class, as any project might have them.

Types become the parameters that the model sees, and docstrings its descriptions.
"""

from __future__ import annotations

from langchain_core.tools import ToolException


def tide(hour: int) -> str:
    """The depth of the entrance at a full hour, 0 to 23, in metres."""
    depths = [3.1, 2.6, 2.2, 2.0, 2.1, 2.5, 3.0, 3.6, 4.1, 4.4, 4.3, 3.9]
    return f"{depths[hour % 12]} m at {hour}:00"


class Ledger:
    """The berths of one night. Each run has a ledger of its own, so runs never share a booking."""

    def __init__(self, berths: int, taken: dict[str, str] | None = None) -> None:
        self._free = [str(number) for number in range(1, berths + 1)]
        self._taken = dict(taken or {})

    def free_berths(self) -> list[str]:
        """The numbers of the berths that are free tonight."""
        return [berth for berth in self._free if berth not in self._taken]

    def book(self, berth: str, boat: str) -> str:
        """Books a berth for a boat, tonight."""
        if berth in self._taken:
            # A ToolException is told to the model, which may think of something else.
            raise ToolException(f"berth {berth} is taken by {self._taken[berth]}")
        self._taken[berth] = boat
        return f"berth {berth} is booked for {boat}"

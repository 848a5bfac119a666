"""What is open in a run, by its key and by the call that it is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Opened(dict[K, V]):
    """A dict whose keys are known by a call as well.

    A call that ends looks for what it has left open; to go through all that is open in the run,
    for each of hundreds of parallel calls, would take longer the more there are, squared.
    """

    def __init__(self, call_of: Callable[[K, V], str | None]) -> None:
        super().__init__()
        self._call_of = call_of
        self._keys: dict[str | None, dict[K, None]] = {}

    def of(self, call: str | None) -> list[K]:
        """The keys of what is open of a call, in the order in which it began."""
        return [*self._keys.get(call, ())]

    def __setitem__(self, key: K, value: V) -> None:
        self.pop(key, None)
        super().__setitem__(key, value)
        self._keys.setdefault(self._call_of(key, value), {})[key] = None

    def __delitem__(self, key: K) -> None:
        call = self._call_of(key, self[key])
        super().__delitem__(key)
        keys = self._keys[call]
        del keys[key]
        if not keys:
            del self._keys[call]

    def pop(self, key: K, default: Any = None) -> Any:
        """As of a dict, but for a missing key without a default: None."""
        value = self.get(key, default)
        if key in self:
            del self[key]
        return value

    def take(self, others: Mapping[K, V]) -> None:
        """Take in all of another mapping."""
        for key, value in others.items():
            self[key] = value

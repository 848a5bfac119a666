"""Two versions of a text for a person to choose between: side by side, or one above the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.table import Table
from rich.text import Text

from ..text import clean, one_line
from .live import terminal

SIDE_BY_SIDE = 100  # columns, from which on there is room for both
_STYLES = {"-": "red", "+": "green", "@": "dim"}


class Sides:
    """Shows differences on a terminal. ``names`` are those of the old and the new side."""

    def __init__(self, out: TextIO, names: tuple[str, str]) -> None:
        self._console, self._names = terminal(out), names

    def title(self, text: str) -> None:
        """What the next differences are of."""
        self._console.print()
        self._console.print(Text(one_line(text), "bold"))

    def difference(
        self,
        where: str,
        rows: Iterable[tuple[str, str | None, str | None]],
        lines: Iterable[str],
    ) -> None:
        """One of them: as ``rows`` of both sides, or as ``lines`` with - and + before them."""
        self._console.print()
        if self._console.width < SIDE_BY_SIDE:
            old, new = self._names
            head = Text(f"{one_line(where)}  ", "bold cyan")
            self._console.print(head.append(f"- {old}, + {new}", "not bold dim"))
            for line in lines:
                self._console.print(Text(clean(line), _STYLES.get(line[:1], "")), overflow="fold")
            return
        self._console.print(Text(one_line(where), "bold cyan"))
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1, overflow="fold")
        grid.add_column(width=1)
        grid.add_column(ratio=1, overflow="fold")
        grid.add_row(*(Text(it, "dim") for it in (self._names[0], "", self._names[1])))
        for kind, left, right in rows:
            grid.add_row(*_row(kind, left, right))
        self._console.print(grid)


def _row(kind: str, left: str | None, right: str | None) -> tuple[Text, Text, Text]:
    """The sign between both sides says the same as the colours."""
    if kind == "alike":
        return Text(f"… {left}", "dim"), Text(), Text()
    old, new = Text(clean(left or "")), Text(clean(right or ""))
    if kind == "same":
        return old, Text(), new
    old.stylize("red")
    new.stylize("green")
    return old, Text("<" if right is None else ">" if left is None else "≠", "bold"), new

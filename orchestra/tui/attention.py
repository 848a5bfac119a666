"""Calling a person back who looks elsewhere: the bell, and the title of the terminal's window."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable

from ..text import one_line

# The window's title is put on the terminal's own stack and taken from there again: nobody can
# read it, so that is the only way to give it back.
_PUSH, _POP = "\x1b[22;2t", "\x1b[23;2t"
_DULL = ("", "dumb", "linux")  # terminals that have no title, and might print it


class Attention:
    """Says how the run stands, in the title, and rings when that needs a person.

    ``write`` goes to the terminal; None where there is none.
    """

    def __init__(self, name: str, *, bell: Callable[[], None] | None, title: bool) -> None:
        self._name = one_line(name, 80)
        self._bell = bell
        self._wanted = title and os.environ.get("TERM", "") not in _DULL
        self._title = ""
        self._asked: frozenset[str] = frozenset()
        self._over = False

    def look(
        self, word: str, asked: frozenset[str], *, over: bool, write: Callable[[str], None] | None
    ) -> None:
        """Called once a tick: rings for a question that is new, and once for the end."""
        if self._bell and (asked - self._asked or over > self._over):
            self._bell()
        self._asked, self._over = asked, over
        title = f"{word} · {self._name}"
        if self._wanted and write and title != self._title:
            push = "" if self._title else _PUSH
            self._title = title
            write(f"{push}\x1b]2;{title}\x07")

    def give_back(self) -> None:
        """The title as it was, once the viewer is gone, however it went."""
        if self._title and sys.__stderr__ is not None:
            self._title = ""
            with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
                sys.__stderr__.write(_POP)
                sys.__stderr__.flush()

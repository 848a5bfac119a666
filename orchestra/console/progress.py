"""How a suite is getting on: a bar on a terminal, plain lines everywhere else.

On a terminal what is said stands above the bar. Nothing of it is markup.
"""

from __future__ import annotations

import os
from typing import Protocol, TextIO

from . import can_move_the_cursor

_COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "red"}


class Progress(Protocol):
    """What is said while a suite goes on."""

    watched: bool
    """Whether a person sits before it."""

    def line(self, text: str) -> None:
        """On standard output."""

    def aside(self, text: str) -> None:
        """On standard error; as it is, with its ends of lines."""

    def count(self, files: int, passed: int, failed: int) -> None:
        """So many files are done, so many cases passed and failed."""

    def close(self) -> None:
        """Leave the terminal as it was. Harmless when repeated."""


def progress(out: TextIO, err: TextIO, total: int) -> Progress:
    """The progress of ``total`` files."""
    if can_move_the_cursor(out) and not os.environ.get("NO_COLOR"):
        return _Bar(out, total)
    return _Lines(out, err)


class _Lines:
    watched = False

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err

    def line(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()

    def aside(self, text: str) -> None:
        self._err.write(text)
        self._err.flush()

    def count(self, files: int, passed: int, failed: int) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing is held back."""


class _Bar:
    watched = True

    def __init__(self, out: TextIO, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Rich

        from .live import terminal

        self._console = terminal(out)
        passed = TextColumn("{task.fields[passed]} passed", markup=False, style="green")
        failed = TextColumn("{task.fields[told]}", markup=False, style="bold red")
        columns = BarColumn(None), MofNCompleteColumn(), passed, failed, TimeElapsedColumn()
        self._bar = Rich(
            *columns, console=self._console, transient=True, refresh_per_second=12, expand=True
        )
        self._task = self._bar.add_task("", total=total, passed=0, told="")
        self._bar.start()
        self._closed = False

    def line(self, text: str) -> None:
        from rich.text import Text

        shown = Text(text)
        for word, colour in _COLOURS.items():
            if text.startswith(f"{word} "):
                shown.stylize(f"bold {colour}", 0, len(word))
        self._console.print(shown, soft_wrap=True)

    def aside(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text(text.removesuffix("\n"), "dim"), soft_wrap=True)

    def count(self, files: int, passed: int, failed: int) -> None:
        told = f"{failed} failed" if failed else ""
        self._bar.update(self._task, completed=files, passed=passed, told=told)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._bar.stop()

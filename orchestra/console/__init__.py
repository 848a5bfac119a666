"""What a run prints: four displays of one event stream, a filter in front, and a file beside.

* ``rich`` for a terminal: finished messages above, what is being said in a live region below;
* ``plain`` for pipes, logs and dumb terminals: one speaker at a time, no escape codes, not wrapped;
* ``jsonl`` for programs: every event as a line of JSON;
* ``quiet``: the final output and nothing else.

Where things go: ``rich`` says everything on ``out``, which is the terminal. ``plain`` says what
the agents do on ``out``, warnings and the run's error on ``err``. ``jsonl`` and ``quiet`` keep
``out`` for the machine and say the run's error, and the figures if asked for, on ``err``. A failed
run's error is one line, printed here: the caller sets the exit code and prints nothing.
"""

from __future__ import annotations

import os
from typing import Literal, Protocol, TextIO

from ..events import Event, Header
from .filter import Filter
from .save import Saver, TextFile

__all__ = ["Display", "Filter", "Kind", "Saver", "TextFile", "display"]

Kind = Literal["rich", "plain", "jsonl", "quiet"]


class Display(Protocol):
    """Shows the events of a run, or of a batch of runs, in the order in which it is fed."""

    def feed(self, event: Event) -> None: ...

    def close(self) -> None:
        """Say what was still held back and leave the terminal as it was. Harmless when repeated."""


def display(
    kind: Kind,
    *,
    out: TextIO,
    err: TextIO,
    stats: bool,
    header: Header,
) -> Display:
    """A display of ``kind``; ``stats`` asks for the table of figures at the end.

    ``rich`` needs a terminal that can move its cursor. Where ``out`` is none, or TERM or CI say
    that nobody watches one, the answer is ``plain``.
    """
    # Imported where chosen: rich is not to be paid for by a pipe, nor any by the others.
    match kind:
        case "rich" if can_move_the_cursor(out):
            from .live import LiveDisplay, terminal

            return LiveDisplay(terminal(out), stats=stats)
        case "rich" | "plain":
            from .plain import PlainDisplay

            return PlainDisplay(out, err, stats=stats)
        case "jsonl":
            from .machine import JsonLinesDisplay

            return JsonLinesDisplay(out, err, stats=stats, header=header)
        case "quiet":
            from .machine import QuietDisplay

            return QuietDisplay(out, err, stats=stats)


def can_move_the_cursor(out: TextIO) -> bool:
    """Whether ``out`` is a terminal that somebody watches, and on which something may move."""
    environ = os.environ
    dumb = environ.get("TERM", "").lower() in ("dumb", "unknown")
    ci = environ.get("CI", "").lower() not in ("", "0", "false")
    return out.isatty() and not dumb and not ci and environ.get("TTY_COMPATIBLE") != "0"

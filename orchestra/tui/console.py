"""What strays onto the terminal - a ``print`` in a tool, a warning, a log line - is kept here.

While the viewer draws, a line that another writes would stand in the middle of a pane. So the
standard streams are this module's for as long as it runs; what they are told can be read in the
console. What goes past them comes from :mod:`.alone`.
"""

from __future__ import annotations

import io
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import ClassVar, TextIO

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Log, Static

from .items import tame

KEPT = 2_000  # lines
_WIDTH = 1_000  # characters kept of one
_LONGEST = 64 * 1024  # of a line that has no end yet


class Stray:
    """Lines that were printed, the newest :data:`KEPT`; from any thread.

    Attributes:
        count: how many there have been.
    """

    def __init__(self) -> None:
        self.count = 0
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, lines: Sequence[str]) -> None:
        with self._lock:
            self._lines.extend(line[:_WIDTH] for line in lines[-KEPT:])
            self.count += len(lines)

    def since(self, count: int) -> list[str]:
        """What came after the first ``count``, as far as it is kept; harmless to a terminal."""
        with self._lock:
            new = min(self.count - count, len(self._lines))
            lines = list(self._lines)[len(self._lines) - new :]
        return [tame(line).replace("\n", " ") for line in lines]

    @contextmanager
    def stream(self, terminal: TextIO | None = None) -> Iterator[_Catch]:
        """A stream of which each line is kept. ``terminal``: asked about its size, it is that."""
        stream = _Catch(self, terminal)
        try:
            yield stream
        finally:
            stream.finish()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """While this lasts, the standard streams write here.

        Inside Textual's own redirection, which posts a message for every piece that is written: a
        tool that prints in a loop would then cost the keys their speed. Textual's driver has its
        streams by now; it looks at the size of the terminal by ``sys.__stdout__``.
        """
        with ExitStack() as stack:
            for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
                before = getattr(sys, name)
                terminal = before if name.startswith("__") else None
                stream = stack.enter_context(self.stream(terminal))
                setattr(sys, name, stream)
                stack.callback(_put_back, name, stream, before)
            yield


def _put_back(name: str, stream: _Catch, before: TextIO) -> None:
    if getattr(sys, name) is stream:  # else somebody has put back another
        setattr(sys, name, before)


class _Catch(io.TextIOBase):
    """A stream whose lines go to a :class:`Stray`; it is no terminal, and says so."""

    encoding = "utf-8"

    def __init__(self, stray: Stray, terminal: TextIO | None = None) -> None:
        super().__init__()
        self._stray = stray
        self._terminal = terminal
        self._rest = ""
        self._lock = threading.Lock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return super().fileno() if self._terminal is None else self._terminal.fileno()

    def write(self, text: str, /) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            if len(self._rest) > _LONGEST:
                lines.append(self._rest)
                self._rest = ""
        if lines:
            self._stray.add([line.rstrip("\r") for line in lines])
        return len(text)

    def finish(self) -> None:
        """What has no line end is a line, too."""
        with self._lock:
            rest, self._rest = self._rest, ""
        if rest:
            self._stray.add([rest])


class Console(ModalScreen[None]):
    """The lines, and new ones as they come. :meth:`update` is the viewer's tick."""

    DEFAULT_CSS = """
    Console {
        align: center middle;
        & > #console-title { height: 1; width: 100%; background: $panel; text-style: bold; }
        & > Log { width: 100%; height: 1fr; background: $background; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,o,q", "dismiss", "Close", id="console.close"),
    ]

    def __init__(self, stray: Stray) -> None:
        super().__init__()
        self._stray = stray
        self._shown = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="console-title")
        yield Log(max_lines=KEPT)

    def on_mount(self) -> None:
        self.query_one(Log).focus()
        self._show()

    def update(self) -> None:
        if self.is_mounted and self._stray.count != self._shown:
            self._show()

    def _show(self) -> None:
        count = self._stray.count
        if lines := self._stray.since(self._shown):
            self.query_one(Log).write_lines(lines)
        self._shown = count
        said = f"{count} lines" if count else "nothing was printed so far"
        title = f" Console: what was printed beside the run · {said} · esc closes this"
        self.query_one("#console-title", Static).update(title)

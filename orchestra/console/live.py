"""A run on a terminal: finished messages above, a live region below.

A message is printed for good when it is whole, so parallel agents never cut into each other; until
then its last rows are in the live region. A thread redraws that region when something changed; all
state is behind one lock, which is always taken before any of rich's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event as Flag
from threading import RLock, Thread
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..events import Event, RunFinished, RunStarted
from . import paint, summary
from .narrator import Narrator
from .region import Region, Rows, Running, Stage, View
from .signs import signs
from .words import Block, Kind, Line, Speaker

FRAMES_PER_SECOND = 12


class Terminal(Console):
    """A rich console that leaves a broken pipe to the caller; rich's own would exit."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def terminal(out: TextIO) -> Console:
    """A console on ``out``, which is a terminal. Model text is never markup, nor emoji names."""
    return Terminal(
        file=out,
        force_terminal=True,
        force_interactive=True,
        markup=False,
        emoji=False,
        highlight=False,
    )


class LiveDisplay(Narrator):
    """``frames_per_second`` 0: nothing is redrawn but by events and by ``refresh``."""

    def __init__(
        self,
        console: Console,
        *,
        stats: bool,
        frames_per_second: float = FRAMES_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._console, self._stats, self._clock = console, stats, clock
        self._signs = signs(console.encoding)
        self._stage = Stage(self._signs, self._colour)
        self._colours: dict[str, str] = {"": ""}
        self._region: Region | None = None
        self._above: Speaker | None = None  # whose words were printed last; None: the run's own
        self._printed = False
        self._asking: set[str] = set()  # while a person answers, the region is out of their way
        self._lock = RLock()
        self._dirty = False
        self._second = 0
        self._failure: OSError | ValueError | None = (
            None  # of the thread, to be raised to the caller
        )
        self._closed = Flag()
        self._thread: Thread | None = None
        if frames_per_second:
            period = 1 / frames_per_second
            self._thread = Thread(target=self._redraw, args=(period,), daemon=True)
            self._thread.start()

    def feed(self, event: Event) -> None:
        with self._lock:
            if self._failure:
                raise self._failure
            if isinstance(event, RunStarted):
                for member in event.team:  # in the team's order: the same colours in every run
                    self._colour(member.name)
            super().feed(event)

    def close(self) -> None:
        self._closed.set()
        if self._thread:
            self._thread.join()
        with self._lock:
            try:
                super().close()
            finally:
                self._hide()

    def refresh(self) -> None:
        """Redraw the live region, if anything in it changed."""
        with self._lock:
            second = int(self._clock())
            if self._dirty or (second != self._second and self._region):
                self._second = second
                self._show()

    def note(self, line: Line) -> None:
        sign = "" if line.look == "title" else self._signs[line.look]
        self._print(None, paint.line(line, sign, self._console.width))

    def line(self, speaker: Speaker, line: Line) -> None:
        self._print(speaker, self._lines(speaker, [line]))

    def opened(self, block: Block) -> None:
        self._stage.views[block] = View(block.speaker, self._clock())
        self._dirty = True

    def said(self, block: Block, kind: Kind, text: str) -> None:
        self._stage.views[block].add(kind, text)
        self._dirty = True

    def calling(self, block: Block, index: int, name: str, args: str) -> None:
        self._stage.views[block].call(index, name, args)
        self._dirty = True

    def shut(self, block: Block, lines: Iterable[Line] = ()) -> None:
        view = self._stage.views.pop(block, None)
        words = view.rows(self._console.width, void=block.void) if view else []
        self._print(block.speaker, words + self._lines(block.speaker, lines))

    def tool_began(self, speaker: Speaker, tool_call_id: str, line: Line) -> None:
        running = Running(speaker, line.text, self._clock())
        self._stage.tools[speaker.run, tool_call_id] = running
        self._dirty = True

    def tool_ended(self, run: str, tool_call_id: str) -> None:
        self._stage.tools.pop((run, tool_call_id), None)
        self._dirty = True

    def asked(self, interrupt_id: str) -> None:
        self._asking.add(interrupt_id)
        self._hide()

    def answered(self, interrupt_id: str) -> None:
        self._asking.discard(interrupt_id)

    def ended(self, finished: RunFinished, case: str) -> None:
        if self._stats and finished.totals:
            self._print(None, [*self._figures(finished), Text()])
        ending, verdict = summary.ending(finished), summary.verdict(finished)
        case = f"{case}: " if case else ""
        match finished.status:
            case "completed":
                line = Line("done", case + ending)
            case "failed":
                line = Line("failure", f"{case}{verdict} ({ending})")
            case "cancelled" | "interrupted":
                line = Line("warning", case + verdict)
        self._asking.clear()  # a run that ended interrupted has nobody left to answer
        self.note(line)

    def _colour(self, agent: str) -> str:
        count = len(self._colours) - 1
        return self._colours.setdefault(agent, paint.COLOURS[count % len(paint.COLOURS)])

    def _lines(self, speaker: Speaker, lines: Iterable[Line]) -> list[Text]:
        width, colour = self._console.width, self._colour(speaker.agent)
        indent = paint.indentation(width)
        found: list[Text] = []
        for line in lines:
            found += paint.line(line, self._signs[line.look], width, colour, indent)
        return found

    def _print(self, speaker: Speaker | None, texts: Sequence[RenderableType]) -> None:
        """Print for good, above the region, under the speaker's heading."""
        if not texts:
            self._dirty = True
            return
        if self._printed and speaker != self._above:
            texts = [Text(), *self._heading(speaker), *texts]
        elif not self._printed:
            texts = [*self._heading(speaker), *texts]
        self._above, self._printed = speaker, True
        self._show(texts)

    def _heading(self, speaker: Speaker | None) -> list[Text]:
        if speaker is None:
            return []
        colour, sign = self._colour(speaker.agent), self._signs["speaker"]
        return [paint.heading(speaker, colour, sign, self._console.width)]

    def _show(self, texts: Sequence[RenderableType] = ()) -> None:
        """Draw the region, and print ``texts`` above it, in one write: nothing flickers."""
        self._dirty = False
        width, height = self._console.size
        rows = self._stage.rows(width, height, self._clock(), self._above)
        with self._console:
            if rows and not self._region and not self._asking:
                self._start()
            if self._region:
                self._region.update(Rows(rows), refresh=True)
            if texts:
                self._console.print(Group(*texts), no_wrap=True, overflow="crop")

    def _start(self) -> None:
        self._region = Region(self._console)
        self._region.start()

    def _hide(self) -> None:
        region, self._region = self._region, None
        if region:
            region.update(Rows([]))
            region.stop()

    def _redraw(self, period: float) -> None:
        while not self._closed.wait(period):
            try:
                self.refresh()
            except (OSError, ValueError) as error:  # the terminal is gone, or closed: feed says so
                self._failure = error
                return

    def _figures(self, finished: RunFinished) -> Sequence[RenderableType]:
        """The summary as a table, or, in a narrow terminal, as a list."""
        found = summary.rows(finished)
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for index, name in enumerate(summary.COLUMNS):
            table.add_column(name, justify="right" if index else "left", no_wrap=True)
        for row in found:
            style = "bold" if row.total else ""
            table.add_row(self._name(row), *map(Text, row.cells[1:]), style=style)
        options = self._console.options.update(width=1_000)  # else it answers with what there is
        if self._console.measure(table, options=options).maximum <= self._console.width:
            return [table]
        listed: list[Text] = []
        for row in found:
            pairs = zip(summary.COLUMNS[1:], row.cells[1:], strict=True)
            listed += [self._name(row), *(Text(f"{name:<6}{cell:>9}") for name, cell in pairs)]
        return listed

    def _name(self, row: summary.Row) -> Text:
        return Text(row.agent, "bold" if row.total else self._colour(row.agent))

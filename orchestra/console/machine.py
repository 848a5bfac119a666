"""Displays for programs: ``out`` holds exactly what was asked for, ``err`` what a person wants."""

from __future__ import annotations

from typing import TextIO

from ..events import Event, Header, RunFinished
from ..text import clean
from . import summary
from .jsonlines import line


class JsonLinesDisplay:
    """Every event as a line of JSON, after a header line; the same as a saved run."""

    def __init__(self, out: TextIO, err: TextIO, *, stats: bool, header: Header) -> None:
        self._out, self._err, self._stats = out, err, stats
        self._header: Header | None = header

    def feed(self, event: Event) -> None:
        encoding = self._out.encoding or "utf-8"
        if self._header:
            self._out.write(line(self._header, encoding))
            self._header = None
        self._out.write(line(event, encoding))
        self._out.flush()
        if isinstance(event, RunFinished):
            _report(event, self._err, self._stats)

    def close(self) -> None:
        pass


class QuietDisplay:
    """The final output alone."""

    def __init__(self, out: TextIO, err: TextIO, *, stats: bool) -> None:
        self._out, self._err, self._stats = out, err, stats

    def feed(self, event: Event) -> None:
        if not isinstance(event, RunFinished):
            return
        output = clean(event.output)
        if output:
            self._out.write(output if output.endswith("\n") else output + "\n")
            self._out.flush()
        _report(event, self._err, self._stats)

    def close(self) -> None:
        pass


def _report(finished: RunFinished, err: TextIO, stats: bool) -> None:
    lines = summary.lines(finished) if stats else []
    if finished.status != "completed":
        lines.append(summary.verdict(finished))
    elif stats:
        lines.append(summary.ending(finished))
    if lines:
        err.writelines(f"{text}\n" for text in lines)
        err.flush()

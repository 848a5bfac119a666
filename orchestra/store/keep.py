"""Writing: every event of a run in its file, as it comes. Trouble with that never ends a run."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Protocol

from ..console.save import Lines
from ..errors import UsageError
from ..events import Event, Header, RunFinished, RunStarted
from ..places import HOME
from .lock import hold
from .read import last_line

_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)  # of a run: it becomes the name of a file
_ADVICE = "ORCHESTRA_HOME=FOLDER keeps runs elsewhere, --no-keep nowhere"


class Running(Protocol):
    """A run in progress: its events, and ways to end or hold it."""

    def __aiter__(self) -> AsyncGenerator[Event, None]: ...

    def cancel(self, call: str | None = None) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Around:
    """A run that stands for another: what is asked of it, the other does."""

    def __init__(self, run: Running) -> None:
        self._run = run

    def cancel(self, call: str | None = None) -> None:
        self._run.cancel(call)

    def pause(self) -> None:
        self._run.pause()

    def resume(self) -> None:
        self._run.resume()


class Tapped(Running, Protocol):
    """A run whose ``tap`` is given what happens together; whoever iterates gets it later."""

    tap: Callable[[Sequence[Event]], object]


class Keeper:
    """Keeps runs in a folder: ``<run id>.jsonl`` each, begun with its first event.

    ``say`` is told once, in one line, if a run cannot be kept or not all of it. ``inputs`` of the
    header are taken from the events, which have no secrets in them.
    """

    def __init__(self, folder: Path, header: Header, say: Callable[[str], object]) -> None:
        self.paths: dict[str, Path] = {}
        self._folder = folder
        self._header = replace(header, started=datetime.now(UTC).isoformat())
        self._say = say
        self._open: dict[str, Lines] = {}
        self._old: tuple[Path, FileIO] | None = None
        self._given_up = False

    def go_on(self, path: Path) -> None:
        """The run to come is one that broke off, and goes on in its old file, after its last event.

        To be called before that file is read: from here on nobody else resumes it. UsageError if
        somebody has, or if it cannot be written.
        """
        try:
            file = path.open("r+b", buffering=0)
        except OSError as error:
            raise UsageError(f"{path}: cannot be gone on with: {error.strerror}") from error
        if not hold(file):
            file.close()
            raise UsageError(f"{path}: the run is not over, a process still writes it")
        self._old = path, file

    def follow(self, run: Tapped) -> Running:
        """The same run, kept on its way."""
        return _Followed(run, self)

    def feed(self, *together: Event) -> None:
        """Events of one run, which are written with one call of the system."""
        if self._given_up or not together:
            return
        first, last = together[0], together[-1]
        path = self.paths.get(first.run, self._folder)
        try:
            lines = self._open.get(first.run) or self._begin(first)
            lines.put(*together)
            if isinstance(last, RunFinished):
                self._open.pop(last.run).close()
        except (OSError, ValueError) as error:  # ValueError: an event that JSON cannot hold
            self._give_up(error, path)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._old:
                self._old[1].close()
            for lines in self._open.values():
                lines.close()
        self._old = None
        self._open.clear()

    def _begin(self, event: Event) -> Lines:
        if self._old:
            (path, file), self._old = self._old, None
            lines = self._open[event.run] = Lines(file)
            self.paths[event.run] = path
            _mend(file)
            return lines
        if not _NAME.fullmatch(event.run):
            raise ValueError("the run's id is no name for a file")
        path = self._folder / f"{event.run}.jsonl"
        make_folder(self._folder)
        lines = self._open[event.run] = _new(path, self._header_of(event))
        self.paths[event.run] = path
        return lines

    def _header_of(self, event: Event) -> Header:
        if not isinstance(event, RunStarted):
            return self._header
        given = self._header.inputs
        inputs = (event.input, *given[1:]) if given else given
        return replace(self._header, case=event.case, inputs=inputs)

    def _give_up(self, error: Exception, path: Path) -> None:
        self._given_up = True
        what = "is kept only in part" if self.paths else "is not kept"
        reason = error.strerror if isinstance(error, OSError) else None
        where = error.filename if isinstance(error, OSError) and error.filename else path
        self._say(f"orchestra: this run {what}: {where}: {reason or error}; {_ADVICE}")
        self.close()


class _Followed(Around):
    def __init__(self, run: Tapped, keeper: Keeper) -> None:
        super().__init__(run)
        self._keeper = keeper
        run.tap = lambda together: keeper.feed(*together)

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(aiter(self._run)) as happening:
                try:
                    async for event in happening:
                        yield event
                except GeneratorExit:
                    # Whoever looked on has gone. The run ends, and its file tells how.
                    self._run.cancel()
                    async for _ in happening:
                        pass
                    raise
        finally:
            self._keeper.close()


class Held:
    """Holds the events of a run back until it is known whether it is to be kept."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._keeper: Keeper | None = None

    async def follow(self, run: Running, keeper: Keeper) -> AsyncGenerator[Event, None]:
        self._events, self._keeper = [], keeper
        async with aclosing(aiter(run)) as happening:
            async for event in happening:
                self._events.append(event)
                yield event

    def release(self, *, keep: bool) -> Path | None:
        """Let go of the events; the path of the file if they are kept."""
        events, self._events = self._events, []
        if not (keep and events and self._keeper):
            return None
        for event in events:
            self._keeper.feed(event)
        self._keeper.close()
        return self._keeper.paths.get(events[0].run)


def make_folder(folder: Path) -> None:
    """Make the folder of runs, for nobody else to read; git is told to leave it alone.

    A folder that ``ORCHESTRA_HOME`` names may be somebody's own: there git is told nothing.
    """
    home = folder.parent
    made = not home.is_dir()
    if made:
        home.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            home.mkdir(mode=0o700)
    if made or home.name == HOME:
        with contextlib.suppress(FileExistsError), (home / ".gitignore").open("x") as file:
            file.write("*\n")
    folder.mkdir(mode=0o700, exist_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def open_new(path: Path) -> FileIO:
    return open(path, "xb", buffering=0, opener=_private)


def _new(path: Path, header: Header) -> Lines:
    file = open_new(path)
    hold(file, wait=True)  # for those who look at the list just now, for an instant
    lines = Lines(file)
    try:
        lines.put(header)
    except OSError:
        with contextlib.suppress(OSError):
            file.close()
            path.unlink()  # there is nothing in it
        raise
    return lines


def _mend(file: FileIO) -> None:
    """Leave the file at the end of a whole line: what was killed may have begun another."""
    text, end = last_line(file)
    file.truncate(end)
    file.seek(end)
    if text and not text.endswith(b"\n"):
        file.write(b"\n")

"""A process that plays files for a suite, and tells its parent of each as it goes."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from io import TextIOBase
from itertools import chain
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ..errors import OrchestraError
from .told import Begun, Known, Planned, Played, Told


@dataclass(frozen=True, slots=True)
class Said:
    """What the code of a scenario has printed, or what there is to complain of."""

    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The worker is ready, also once it has loaded what is coming; or it has taken up a file."""


@dataclass(frozen=True, slots=True)
class Broke:
    """The worker itself could not go on: a mistake of orchestra's own, or of the call."""

    error: str
    code: int


@dataclass(frozen=True, slots=True)
class Job:
    """A file to play. ``asks``: once it is loaded, wait to hear what of it is left to others."""

    path: Path
    known: Known = field(default_factory=Known)
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Coming:
    """To a worker: a part of this file will be for it, as soon as somebody has one to spare."""

    path: Path


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a worker sits: the pipe to its parent, the file for what Python says as it dies, and
    after how many seconds at one run it is to write there where it is.
    """

    link: Connection
    trace: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """To a worker: leave these cases of its file to others, as far as it has not begun them."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shared:
    """From a worker: these it leaves to others."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rescued:
    """The run under way has taken too long; so far it is kept in this file."""

    kept: str


@dataclass(frozen=True, slots=True)
class Hands:
    """What a worker works with.

    ``play`` plays what is not known of a file, but for the cases that are given away meanwhile.
    ``prepare`` does beforehand what can be done of that.
    ``keep`` writes down what has happened in the run under way, and says where.
    """

    play: Callable[[Path, Known, Container[str]], Iterable[Told]]
    prepare: Callable[[Path], object]
    keep: Callable[[], str | None]


def work(desk: Desk, begin: Callable[[Callable[[str], object]], Hands]) -> None:
    """Play what the parent sends, until it sends None. ``begin`` gets a function that complains."""
    _own_group()
    _end_with_parent()
    lock, link = threading.Lock(), desk.link

    def tell(*news: object) -> None:
        with lock:
            link.send(news)

    sys.stdout = sys.stderr = _Stream(lambda text: tell(Said(text)))
    with contextlib.suppress(OSError):
        os.dup2(2, 1)  # what a tool's own programs print is not to stand in the output, either
    try:
        with Path(desk.trace).open("w") as trace:
            faulthandler.enable(trace)
            hands = begin(lambda text: tell(Said(f"{text}\n")))
            tell(Taken())
            for job in _jobs(link, tell, hands):
                _play(job, desk, hands, tell, trace)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)  # the parent is gone
    except OrchestraError as error:
        tell(Broke(str(error), error.exit_code))
    except Exception:  # noqa: BLE001 - it is the parent that says so
        tell(Broke(traceback.format_exc(), OrchestraError.exit_code))


def _play(job: Job, desk: Desk, hands: Hands, tell: Callable[..., None], trace: Any) -> None:
    """Play a file, and leave of its cases to others what the parent asks for.

    The next case begins at once, so its beginning is told together with the end of the last.
    """

    def rescue() -> None:
        with contextlib.suppress(OSError):  # the parent is gone
            if kept := hands.keep():
                tell(Rescued(kept))

    left, gone, held, begun = set[str](), set[str](), list[object](), False
    told = chain([Taken()], hands.play(job.path, job.known, gone))
    for it in _timed(told, desk.timeout, trace, rescue):
        if isinstance(it, Planned):
            left.update({*it.chosen} - {*it.done})
        elif isinstance(it, Begun):
            left.discard(it.name)
            begun = True
        elif isinstance(it, Played) and not begun:
            left.clear()  # its team could not be built, and nobody else's could
        held.append(it)
        if asked := job.asks and isinstance(it, Planned):
            tell(held.pop())
        while asked or (isinstance(it, Planned | Played) and desk.link.poll()):
            names = desk.link.recv().names & left
            gone |= names
            left -= names
            held.append(Shared(names))
            asked = False
        if held and not (isinstance(it, Played) and left):
            tell(*held)
            held.clear()


def _jobs(link: Connection, tell: Callable[..., None], hands: Hands) -> Iterator[Job]:
    while (job := link.recv()) is not None:
        match job:
            case Share():  # it came too late
                tell(Shared(frozenset()))
            case Coming(path):
                with contextlib.suppress(Exception):  # it is told when the file is played
                    hands.prepare(path)
                tell(Taken())
            case _:
                yield job


def _timed(
    told: Iterable[Any], timeout: float | None, trace: Any, rescue: Callable[[], None]
) -> Iterator[Any]:
    """When one run takes too long, have Python write where all threads are, and ``rescue`` it."""
    if timeout is None:
        yield from told
        return
    rescuer = threading.Timer(timeout, rescue)
    try:
        for it in told:
            rescuer.cancel()
            if isinstance(it, Taken | Begun):
                faulthandler.dump_traceback_later(timeout, file=trace)
            if isinstance(it, Begun):
                rescuer = threading.Timer(timeout, rescue)
                rescuer.daemon = True
                rescuer.start()
            yield it
    finally:
        rescuer.cancel()
        faulthandler.cancel_dump_traceback_later()


def _own_group() -> None:
    """The terminal's signals are the parent's; it ends this group, with what a tool has begun."""
    if hasattr(os, "setpgid"):
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with_parent() -> None:
    """Whatever a scenario's code is at: without the parent nobody wants to know."""
    parent = parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="orchestra-parent").start()


class _Stream(TextIOBase):
    """Standard output and error of a worker: whole lines, told to the parent."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell, self._line = tell, ""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2  # for a program that is to print where Python does

    def write(self, text: str) -> int:
        whole, newline, self._line = (self._line + text).rpartition("\n")
        if newline:
            self._tell(f"{whole}\n")
        return len(text)

    def flush(self) -> None:
        if self._line:
            line, self._line = self._line, ""
            self._tell(line)

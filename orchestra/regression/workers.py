"""Worker processes for a suite. One that dies costs nothing but its case.

That case is tried once more, in a fresh worker, and named; if it dies again, that is the case's
failure. A run that takes too long ends its worker, whatever it is at, and is not tried again.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from ..errors import RUN_FAILED, TIMED_OUT, OrchestraError
from .results import CaseResult
from .told import Begun, Known, Over, Planned, Played, Told, noted
from .worker import Broke, Job, Said, Taken

_GRACE = 0.3  # seconds in which Python may write where it was
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_LOADING = ""  # in place of a case's name


class Start(Protocol):
    """Starts a process that works at a desk, and the parent's end of its pipe."""

    def __call__(self, trace: str) -> tuple[BaseProcess, Connection]: ...


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    link: Connection
    trace: Path
    ready: bool = False
    job: int | None = None
    plan: Planned | None = None
    name: str | None = None  # of the case that runs
    since: float = 0.0  # when that began, on the monotonic clock
    until: float | None = None

    def kill(self) -> None:
        """End it, and what its tools have begun."""
        if self.process.pid is not None:
            with contextlib.suppress(OSError, AttributeError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.link.close()


@dataclass(slots=True)
class Workers:
    """Plays files in up to ``count`` processes; ``say`` is told of what they print."""

    start: Start
    count: int
    say: Callable[[str], object]
    timeout: float | None = None
    _alive: list[_Worker] = field(default_factory=list)
    _known: dict[int, Known] = field(default_factory=dict)
    _deaths: Counter[tuple[int, str]] = field(default_factory=Counter)
    _folder: str = ""
    died: int = 0

    def play(
        self, files: Sequence[tuple[int, Path, Known]]
    ) -> Generator[tuple[int, Told], None, None]:
        """What is told of the files, each by its number, as it comes."""
        paths = {number: path for number, path, _ in files}
        self._known = {number: known for number, _, known in files}
        todo = deque(paths)
        with tempfile.TemporaryDirectory(prefix="orchestra-") as self._folder:
            try:
                while todo or any(it.job is not None for it in self._alive):
                    self._give(todo, paths)
                    for worker in self._news():
                        yield from self._hear(worker, todo, paths)
                    yield from self._late(todo, paths)
            finally:
                self.close()

    def close(self) -> None:
        """End them all."""
        for worker in self._alive:
            worker.kill()
        self._alive.clear()

    def _give(self, todo: deque[int], paths: dict[int, Path]) -> None:
        """A file for everyone who has none."""
        idle = [it for it in self._alive if it.ready and it.job is None]
        for worker in idle[: len(todo)]:
            worker.job, worker.plan, worker.name = todo.popleft(), None, _LOADING
            with contextlib.suppress(OSError):  # it has just died, and is heard of next
                worker.link.send(Job(paths[worker.job], self._known[worker.job]))
        coming = sum(not it.ready for it in self._alive)
        for _ in range(min(self.count - len(self._alive), len(todo) - coming)):
            trace = Path(self._folder, f"{time.monotonic_ns()}")
            self._alive.append(_Worker(*self.start(str(trace)), trace))

    def _news(self) -> list[_Worker]:
        """Who has something to tell, if only that it has died."""
        ends = [it.until for it in self._alive if it.until is not None]
        left = max(min(ends) - time.monotonic(), 0) if ends else None
        ready = wait([it.link for it in self._alive], left)
        return [it for it in self._alive if it.link in ready]

    def _hear(
        self, worker: _Worker, todo: deque[int], paths: dict[int, Path]
    ) -> Iterator[tuple[int, Told]]:
        try:
            it = worker.link.recv()
        except (EOFError, OSError):
            yield from self._dead(worker, todo, paths)
            return
        match it:
            case Said(text):
                self.say(text)
            case Taken():
                worker.ready = True
                self._wait(worker)
            case Broke(error, code):
                failed = OrchestraError(error)
                failed.exit_code = code
                raise failed
            case _:
                yield from self._told(worker, it)

    def _told(self, worker: _Worker, it: Told) -> Iterator[tuple[int, Told]]:
        number = worker.job
        assert number is not None  # noqa: S101 - nothing else is told of
        match it:
            case Planned():
                worker.plan = it
            case Begun():
                worker.name = it.name
                self._wait(worker)
            case Played():
                if self._deaths[number, it.result.name]:
                    it = noted(it, "its worker died in the first try; it was tried once more")
                worker.name = worker.until = None
                done = self._known[number].names | {it.result.name}
                print_ = worker.plan.fingerprint if worker.plan else None
                self._known[number] = Known(done, print_)
            case Over():
                worker.job = worker.name = worker.until = None
                del self._known[number]
        yield number, it

    def _wait(self, worker: _Worker) -> None:
        worker.since = time.monotonic()
        if self.timeout is not None and worker.name is not None:
            worker.until = worker.since + self.timeout + _GRACE

    def _late(self, todo: deque[int], paths: dict[int, Path]) -> Iterator[tuple[int, Told]]:
        now = time.monotonic()
        for worker in [it for it in self._alive if it.until is not None and it.until <= now]:
            where = _where(worker.trace)
            at = f"; it was in {where}" if where else ""
            reason = f"took longer than --timeout {self.timeout:g} s{at}"
            worker.kill()
            yield from self._lost(worker, todo, paths, TIMED_OUT, reason)

    def _dead(
        self, worker: _Worker, todo: deque[int], paths: dict[int, Path]
    ) -> Iterator[tuple[int, Told]]:
        worker.kill()
        how, where = _how(worker.process.exitcode), _where(worker.trace)
        how += f" in {where}" if where else ""
        if not worker.ready:
            raise OrchestraError(f"a worker could not be started: it {how}")
        if worker.job is None:
            self._alive.remove(worker)
            return
        self.died += 1
        name = worker.name
        if name is None:  # between two cases: nobody's fault
            self._alive.remove(worker)
            todo.appendleft(worker.job)
            return
        self._deaths[worker.job, name] += 1
        if self._deaths[worker.job, name] < 2:
            told = f"{name!r} of {paths[worker.job]}" if name else f"{paths[worker.job]}"
            self.say(f"orchestra: a worker {how} at {told}; that is tried once more\n")
            self._alive.remove(worker)
            todo.appendleft(worker.job)
            return
        self._deaths[worker.job, name] = 0
        reason = f"crashed: its worker {how}, and so it did in the first try"
        yield from self._lost(worker, todo, paths, RUN_FAILED, reason)

    def _lost(
        self,
        worker: _Worker,
        todo: deque[int],
        paths: dict[int, Path],
        code: int,
        reason: str,
    ) -> Iterator[tuple[int, Told]]:
        """The case that ran has failed; what is left of its file goes to another worker."""
        self._alive.remove(worker)
        number, name, plan = worker.job, worker.name, worker.plan
        assert number is not None  # noqa: S101 - it was at something
        path, spent = paths[number], time.monotonic() - worker.since
        if plan is None:
            yield number, Planned(path, concerns=(path,))
            yield number, Played(CaseResult(path.stem, path, code, (reason,), spent))
            yield number, Over()
            return
        result = CaseResult(
            name or plan.scenario, path, code, (reason,), spent,
            scenario=plan.scenario, tags=plan.tags,
        )  # fmt: skip
        yield number, Played(result)
        known = self._known[number].names | {result.name}
        self._known[number] = Known(known, plan.fingerprint)
        if name == _LOADING or {*plan.chosen} <= known:
            yield number, Over()
        else:
            todo.appendleft(number)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _where(trace: Path) -> str:
    """The innermost line of the project's own code in what Python wrote as it ended."""
    try:
        text = trace.read_text(errors="replace")
    except OSError:
        return ""
    for file, line, function in _FRAME.findall(text):
        path = Path(file)
        if not ({"site-packages", "lib"} & {*path.parts} or path.is_relative_to(_OWN)):
            return f"{_near(path)}:{line} ({function})"
    return ""


_OWN = Path(__file__).resolve().parent.parent


def _near(path: Path) -> str:
    return min(str(path), os.path.relpath(path), key=len)

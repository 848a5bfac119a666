"""Worker processes for a suite. One that dies costs nothing but its case.

That case is tried once more, in a fresh worker, and named; if it dies again, that is the case's
failure. A run that takes too long ends its worker, whatever it is at, and is not tried again.

Each plays a file; when no file is left, who has nothing to do takes half of the cases that
somebody else has still to play.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from ..errors import RUN_FAILED, TIMED_OUT, OrchestraError
from . import deaths
from .results import CaseResult
from .told import Begun, Known, Over, Planned, Played, Told, noted
from .worker import Broke, Coming, Job, Rescued, Said, Share, Shared, Taken

_SHORTEST = 0.004  # seconds of a case, before one has been played
_START = 0.5  # seconds: less work than that is not worth another worker
_HALF = 0.05  # and less than that not a share of it
_GRACE = 1.0  # seconds in which Python may write where it was, and what has happened
_SOON = 0.1  # seconds for the first, once the second is done
_LOADING = ""  # in place of a case's name


class Start(Protocol):
    """Starts a process that works at a desk, and the parent's end of its pipe."""

    def __call__(self, trace: str) -> tuple[BaseProcess, Connection]: ...


@dataclass(frozen=True, slots=True)
class _Part:
    """What one worker is to play of a file: what is not known of it."""

    number: int
    known: Known


@dataclass(slots=True)
class _Worker:
    """A process, and what it is at. Times are on the monotonic clock."""

    process: BaseProcess
    link: Connection
    trace: Path
    ready: bool = False
    part: _Part | None = None
    plan: Planned | None = None
    name: str | None = None  # of the case that runs
    since: float = 0.0  # when that began
    until: float | None = None
    left: list[str] = field(default_factory=list)  # cases of its part, in their order
    given: float = 0.0  # when it was given its part
    planned: float = 0.0  # when it had loaded it
    played: int = 0
    asked: bool = False  # to give some away
    kept: str | None = None  # the file of the run that has taken too long
    knows: int | None = None  # the file that it has loaded last

    @property
    def own(self) -> _Part:
        """Its part; only of a worker that is at something."""
        if self.part is None:
            raise AssertionError("a worker that is at nothing was asked for its part")
        return self.part

    def to_share(self, *, known: bool = False) -> list[str]:
        """Half of what it has not begun, if that is worth it to another.

        ``known``: one who has loaded the file already.
        """
        if self.asked or not self.plan:
            return []
        so_far, load = time.monotonic() - self.planned, self.planned - self.given
        each = so_far / self.played if self.played else max(so_far, _SHORTEST)
        count = len(self.left) // 2
        if count < 2 or each * count < (_HALF if known else 2 * load + _START):
            return []
        return [name for name in self.left[-count:] if name != self.name]

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
    _todo: deque[_Part] = field(default_factory=deque)
    _paths: dict[int, Path] = field(default_factory=dict)
    _parts: Counter[int] = field(default_factory=Counter)  # of each file, that are not over
    _deaths: Counter[tuple[int, str]] = field(default_factory=Counter)
    _folder: str = ""
    died: int = 0

    def play(
        self, files: Sequence[tuple[int, Path, Known]]
    ) -> Generator[tuple[int, Told], None, None]:
        """What is told of the files, each by its number, as it comes."""
        self._paths = {number: path for number, path, _ in files}
        self._todo = deque(_Part(number, known) for number, _, known in files)
        self._parts = Counter(list(self._paths))
        with tempfile.TemporaryDirectory(prefix="orchestra-") as self._folder:
            try:
                while self._todo or any(it.part for it in self._alive):
                    self._give()
                    for worker in self._news():
                        yield from self._hear(worker)
                    yield from self._late()
            finally:
                self.close()

    def close(self) -> None:
        """End them all."""
        for worker in self._alive:
            worker.kill()
        self._alive.clear()

    def _give(self) -> None:
        """A part for everyone who has none."""
        todo, idle = self._todo, [it for it in self._alive if it.ready and not it.part]
        for worker in idle[: len(todo)]:
            part = worker.part = todo.popleft()
            worker.plan, worker.name, worker.played, worker.left = None, _LOADING, 0, []
            worker.given, worker.knows = time.monotonic(), part.number
            self._send(worker, Job(self._paths[part.number], part.known))
        if not todo:
            self._prepare([it for it in idle if not it.part])
        free = sum(not it.part for it in self._alive)  # some of them are still coming
        room = self.count - len(self._alive)
        if not todo and free + room > sum(it.asked for it in self._alive):
            self._share()
        more = len(todo) + 1 - free  # one to share with, as soon as that can be
        for _ in range(min(room, more) if todo else 0):
            trace = Path(self._folder, f"{time.monotonic_ns()}")
            self._alive.append(_Worker(*self.start(str(trace)), trace))

    def _prepare(self, idle: Iterable[_Worker]) -> None:
        """Who has nothing to do loads what it may get a share of."""
        busy = (it for it in self._alive if it.part and (it.plan is None or it.to_share()))
        most = max(busy, key=lambda it: (it.plan is None, len(it.left)), default=None)
        if most is None:
            return
        number = most.own.number
        for worker in idle:
            if worker.knows != number:
                worker.knows = number
                self._send(worker, Coming(self._paths[number]))

    def _share(self) -> None:
        """Ask who has most to do for some of it."""
        known = {it.knows for it in self._alive if not it.part}
        shares = ((it, it.to_share(known=it.own.number in known)) for it in self._alive if it.part)
        worker, names = max(shares, key=lambda it: len(it[1]), default=(None, []))
        if worker and names:
            worker.asked = True
            self._send(worker, Share(frozenset(names)))

    def _send(self, worker: _Worker, it: Job | Share | Coming) -> None:
        with contextlib.suppress(OSError):  # it has just died, and is heard of next
            worker.link.send(it)

    def _news(self) -> list[_Worker]:
        """Who has something to tell, if only that it has died."""
        ends = [it.until for it in self._alive if it.until is not None]
        left = max(min(ends) - time.monotonic(), 0) if ends else None
        ready = wait([it.link for it in self._alive], left)
        return [it for it in self._alive if it.link in ready]

    def _hear(self, worker: _Worker) -> Iterator[tuple[int, Told]]:
        try:
            news = worker.link.recv()
        except (EOFError, OSError):
            yield from self._dead(worker)
            return
        for it in news:
            yield from self._new(worker, it)

    def _new(self, worker: _Worker, it: Any) -> Iterator[tuple[int, Told]]:
        match it:
            case Said(text):
                self.say(text)
            case Taken():
                worker.ready = True
                self._wait(worker)
            case Shared(names):
                self._shared(worker, names)
            case Rescued(kept):
                if worker.until is not None:  # else it has come to its end after all
                    worker.kept = kept
                    worker.until = min(worker.until, time.monotonic() + _SOON)
            case Broke(error, code):
                failed = OrchestraError(error)
                failed.exit_code = code
                raise failed
            case _:
                yield from self._told(worker, it)

    def _shared(self, worker: _Worker, names: frozenset[str]) -> None:
        worker.asked = False
        if names and worker.part and worker.plan:
            worker.left = [it for it in worker.left if it not in names]
            self._todo.append(_rest(worker.part, worker.plan, names))
            self._parts[worker.part.number] += 1

    def _told(self, worker: _Worker, it: Told) -> Iterator[tuple[int, Told]]:
        part = worker.own
        match it:
            case Planned():
                worker.plan, worker.planned = it, time.monotonic()
                worker.left = [name for name in it.chosen if name not in it.done]
            case Begun():
                worker.name, worker.kept = it.name, None
                self._wait(worker)
            case Played():
                if self._deaths[part.number, it.result.name]:
                    it = noted(it, "its worker died in the first try; it was tried once more")
                worker.name = worker.until = None
                worker.played += 1
                if it.result.name in worker.left:
                    worker.left.remove(it.result.name)
            case Over():
                worker.part = worker.name = worker.until = None
                yield from self._over(part.number)
                return
        yield part.number, it

    def _over(self, number: int) -> Iterator[tuple[int, Told]]:
        """A part is over: and so is the file, if it was the last."""
        self._parts[number] -= 1
        if not self._parts[number]:
            yield number, Over()

    def _wait(self, worker: _Worker) -> None:
        worker.since = time.monotonic()
        if self.timeout is not None and worker.name is not None:
            worker.until = worker.since + self.timeout + _GRACE

    def _late(self) -> Iterator[tuple[int, Told]]:
        now = time.monotonic()
        for worker in [it for it in self._alive if it.until is not None and it.until <= now]:
            where = deaths.where(worker.trace)
            at = f"; it was in {where}" if where else ""
            reason = f"took longer than --timeout {self.timeout:g} s{at}"
            worker.kill()
            yield from self._lost(worker, TIMED_OUT, reason)

    def _dead(self, worker: _Worker) -> Iterator[tuple[int, Told]]:
        worker.kill()
        how, where = deaths.how(worker.process.exitcode), deaths.where(worker.trace)
        how += f" in {where}" if where else ""
        if not worker.ready:
            raise OrchestraError(f"a worker could not be started: it {how}")
        part, name = worker.part, worker.name
        if part is None:
            self._alive.remove(worker)
            return
        self.died += 1
        if name is None:  # between two cases: nobody's fault
            self._again(worker)
            return
        self._deaths[part.number, name] += 1
        if self._deaths[part.number, name] < 2:
            path = self._paths[part.number]
            told = f"{name!r} of {path}" if name else f"{path}"
            self.say(f"orchestra: a worker {how} at {told}; that is tried once more\n")
            self._again(worker)
            return
        self._deaths[part.number, name] = 0
        reason = f"crashed: its worker {how}, and so it did in the first try"
        yield from self._lost(worker, RUN_FAILED, reason)

    def _again(self, worker: _Worker) -> None:
        """What is left of its part goes to another."""
        self._alive.remove(worker)
        part, plan = worker.own, worker.plan
        self._todo.appendleft(_rest(part, plan, frozenset(worker.left)) if plan else part)

    def _lost(self, worker: _Worker, code: int, reason: str) -> Iterator[tuple[int, Told]]:
        """The case that ran has failed; what is left of its part goes to another worker."""
        name, part, plan = worker.name, worker.own, worker.plan
        number, spent = part.number, time.monotonic() - worker.since
        path = self._paths[number]
        if plan is None:
            self._alive.remove(worker)
            yield number, Planned(path, concerns=(path,))
            yield number, Played(CaseResult(path.stem, path, code, (reason,), spent))
            yield from self._over(number)
            return
        result = CaseResult(
            name or plan.scenario, path, code, (reason,), spent,
            scenario=plan.scenario, tags=plan.tags, kept=worker.kept,
        )  # fmt: skip
        yield number, Played(result)
        worker.left = [it for it in worker.left if it != result.name]
        if name != _LOADING and worker.left:
            self._again(worker)
        else:
            self._alive.remove(worker)
            yield from self._over(number)


def _rest(part: _Part, plan: Planned, names: frozenset[str]) -> _Part:
    """These cases of a part: all others are played already, or by somebody else."""
    return _Part(part.number, Known(frozenset(plan.names) - names, plan.fingerprint))

"""Worker processes for a suite. One that dies costs nothing but its case.

That case is tried once more, in a fresh worker, and named; if it dies again, that is the case's
failure. A run that takes too long ends its worker, whatever it is at, and is not tried again.

Each plays a file; when no file is left, who has nothing to do takes half of the cases that
somebody else has still to play.
"""

from __future__ import annotations

import contextlib
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
from .process import SHORTEST, SLOW, Part, Process
from .results import CaseResult
from .told import Begun, Known, Over, Planned, Played, Told, noted
from .worker import Broke, Coming, Job, Rescued, Said, Share, Shared, Taken

_GRACE = 1.0  # seconds in which Python may write where it was, and what has happened
_SOON = 0.1  # seconds for the first, once the second is done
_LOADING = ""  # in place of a case's name


class Start(Protocol):
    """Starts a process that works at a desk, and the parent's end of its pipe."""

    def __call__(self, trace: str) -> tuple[BaseProcess, Connection]: ...


@dataclass(slots=True)
class Workers:
    """Plays files in up to ``count`` processes; ``say`` is told of what they print.

    ``slow``: cases wait, for a network or the clock, so each is worth a process that has none.
    """

    start: Start
    count: int
    say: Callable[[str], object]
    timeout: float | None = None
    slow: bool = False
    _alive: list[Process] = field(default_factory=list)
    _todo: deque[Part] = field(default_factory=deque)
    _paths: dict[int, Path] = field(default_factory=dict)
    _parts: Counter[int] = field(default_factory=Counter)  # of each file, that are not over
    _deaths: Counter[tuple[int, str]] = field(default_factory=Counter)
    _broken: set[int] = field(default_factory=set)  # files none of whose cases could begin
    _shared_out: set[int] = field(default_factory=set)  # files that several play
    _folder: str = ""
    died: int = 0

    def play(
        self, files: Sequence[tuple[int, Path, Known]]
    ) -> Generator[tuple[int, Told], None, None]:
        """What is told of the files, each by its number, as it comes."""
        self._paths = {number: path for number, path, _ in files}
        self._todo = deque(Part(number, known) for number, _, known in files)
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
        todo = self._todo
        idle = [it for it in self._alive if it.ready and not it.part and not it.loads]
        for worker in idle[: len(todo)]:
            part = worker.part = todo.popleft()
            worker.plan, worker.name, worker.played, worker.left = None, _LOADING, 0, []
            worker.given, worker.knows = time.monotonic(), part.number
            self._send(worker, Job(self._paths[part.number], part.known, self.slow))
        if not todo:
            self._prepare([it for it in idle if not it.part])
        free = sum(not it.part for it in self._alive)  # some of them are still coming
        room = self.count - len(self._alive)
        if not todo and free + room > sum(it.asked for it in self._alive):
            self._share()
        more = len(todo) + 1 - free  # one to share with, as soon as that can be
        for _ in range(min(room, more) if todo else 0):
            trace = Path(self._folder, f"{time.monotonic_ns()}")
            self._alive.append(Process(*self.start(str(trace)), trace))

    def _prepare(self, idle: Iterable[Process]) -> None:
        """Who has nothing to do loads what it may get a share of."""
        busy = (it for it in self._alive if it.part and (it.plan is None or it.to_share()))
        most = max(busy, key=lambda it: (it.plan is None, len(it.left)), default=None)
        if most is None:
            return
        number = most.own.number
        for worker in idle:
            if worker.knows != number:
                worker.knows, worker.loads = number, True
                self._send(worker, Coming(self._paths[number]))

    @property
    def _takers(self) -> int:
        """How many have nothing to do; where cases are slow, also who is not there yet."""
        if self.slow:
            return self.count - sum(it.part is not None for it in self._alive) - len(self._todo)
        return sum(it.ready and not it.part for it in self._alive)

    def _share(self) -> None:
        """Ask who has most to do for some of it."""
        known = {it.knows for it in self._alive if not it.part and not it.loads}
        takers = max(self._takers, 1)
        shares = (
            (it, it.to_share(takers, known=it.own.number in known, guess=self._guess))
            for it in self._alive
            if it.part
        )
        worker, names = max(shares, key=lambda it: len(it[1]), default=(None, []))
        if worker and names:
            self._ask(worker, names)

    @property
    def _guess(self) -> float:
        return SLOW if self.slow else SHORTEST

    def _ask(self, worker: Process, names: Iterable[str]) -> None:
        worker.asked = True
        self._send(worker, Share(frozenset(names)))

    def _send(self, worker: Process, it: Job | Share | Coming) -> None:
        with contextlib.suppress(OSError):  # it has just died, and is heard of next
            worker.link.send(it)

    def _news(self) -> list[Process]:
        """Who has something to tell, if only that it has died."""
        ends = [it.until for it in self._alive if it.until is not None]
        left = max(min(ends) - time.monotonic(), 0) if ends else None
        ready = wait([it.link for it in self._alive], left)
        return [it for it in self._alive if it.link in ready]

    def _hear(self, worker: Process) -> Iterator[tuple[int, Told]]:
        try:
            news = worker.link.recv()
        except (EOFError, OSError):
            yield from self._dead(worker)
            return
        for it in news:
            yield from self._new(worker, it)

    def _new(self, worker: Process, it: Any) -> Iterator[tuple[int, Told]]:
        match it:
            case Said(text):
                self.say(text)
            case Taken():
                worker.ready, worker.loads = True, False
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

    def _shared(self, worker: Process, names: frozenset[str]) -> None:
        worker.asked = False
        if not (worker.part and worker.plan):
            return
        given = [it for it in worker.left if it in names]
        worker.left = [it for it in worker.left if it not in names]
        takers = min(max(self._takers, 1), len(given))
        for at in range(takers):
            self._todo.append(_rest(worker.part, worker.plan, frozenset(given[at::takers])))
            self._parts[worker.part.number] += 1
            self._shared_out.add(worker.part.number)

    def _told(self, worker: Process, it: Told) -> Iterator[tuple[int, Told]]:
        part = worker.own
        match it:
            case Planned():
                worker.plan, worker.planned = it, time.monotonic()
                worker.left = [name for name in it.chosen if name not in it.done]
                if self.slow:  # it waits for that
                    self._ask(worker, worker.to_share(max(self._takers, 0), guess=self._guess))
            case Begun():
                worker.name, worker.kept = it.name, None
                self._wait(worker)
            case Played() if worker.name == _LOADING and part.number in self._broken:
                return  # its team cannot be built: another part of the file has told that
            case Played():
                if worker.name == _LOADING:
                    self._broken.add(part.number)
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

    def _wait(self, worker: Process) -> None:
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

    def _dead(self, worker: Process) -> Iterator[tuple[int, Told]]:
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

    def _again(self, worker: Process) -> None:
        """What is left of its part goes to another."""
        self._alive.remove(worker)
        part, plan = worker.own, worker.plan
        self._todo.appendleft(_rest(part, plan, frozenset(worker.left)) if plan else part)

    def _lost(self, worker: Process, code: int, reason: str) -> Iterator[tuple[int, Told]]:
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
        # Of a file that several play, what this one had is told case by case.
        names = [name or plan.scenario]
        if name == _LOADING and number in self._shared_out:
            names = worker.left
        for it in names:
            result = CaseResult(
                it, path, code, (reason,), spent,
                scenario=plan.scenario, tags=plan.tags, kept=worker.kept,
            )  # fmt: skip
            yield number, Played(result)
        worker.left = [it for it in worker.left if it not in names]
        if name != _LOADING and worker.left:
            self._again(worker)
        else:
            self._alive.remove(worker)
            yield from self._over(number)


def _rest(part: Part, plan: Planned, names: frozenset[str]) -> Part:
    """These cases of a part: all others are played already, or by somebody else."""
    return Part(part.number, Known(frozenset(plan.names) - names, plan.fingerprint))

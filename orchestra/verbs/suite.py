"""One suite: which files are played where, what is said of it as it goes, what is left of it."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, redirect_stdout
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import INVALID, UsageError
from ..places import goldens_folder, pending_golden, suites_folder
from ..regression import CaseResult, Count, Goldens, gather, worst
from ..regression.gathering import in_process
from ..regression.records import kept_of, played_of, record_of, relative
from ..regression.reports import Reports, Whole
from ..regression.suite import play_file
from ..regression.told import Begun, Known, Over, Planned, Played, Told
from ..regression.worker import Desk
from ..regression.workers import Start, Workers
from ..scenario.files import find_root
from ..store.lock import alone
from ..store.suites import Journal
from ..text import clean
from .processes import processes
from .tested import Setting, at_work, how_of
from .testing import chosen, nothing, past_of, workers

if TYPE_CHECKING:
    from ..settings import Settings

_CASES = 1_000_000  # of a file, at most: places in the order of all cases


class Suite:
    """Plays files once, and says how it went."""

    def __init__(
        self,
        args: argparse.Namespace,
        settings: Settings,
        files: Sequence[Path],
        missed: Sequence[str],
    ) -> None:
        from ..console.progress import progress

        self.args, self._settings, self._files, self._missed = args, settings, files, missed
        self.root, self._past = past_of(args, settings, files)
        self._folder = suites_folder(self.root, settings.home)
        self.choice = chosen(args, self.root, self._past)
        self._reports = Reports.of(args, files)
        self._progress = progress(sys.stdout, sys.stderr, len(files))
        self._workers: Workers | None = None
        self._count, self._plans = Count(), dict[int, Planned]()
        self._done = self._chosen = self._again = 0
        self._tags: set[str] = set()
        self._places: dict[int, dict[str, int]] = {}
        self.concerns: dict[Path, frozenset[Path]] = {}
        self.codes: dict[Path, int] = {}

    def play(self) -> int:
        """The exit code. KeyboardInterrupt is none: what is known by then is told."""
        begun, started = datetime.now(UTC), time.monotonic()
        self._journal = Journal(self._folder, self._past, self._complain)
        self._goldens = Goldens(self._pending, self.args.update, self._alone)
        caught: list[int] = []
        try:
            with _signals(caught), redirect_stdout(sys.stderr):  # what a tool prints, as in a run
                for number, played in self._missing():
                    self._played(-len(self._missed) + number, played)
                with closing(self._told()) as told:
                    for number, it in gather(told, self._before):
                        self._take(number, it)
                        self._progress.count(self._done, self._count.passed, self._count.failed)
        except KeyboardInterrupt:
            caught = caught or [signal.SIGINT]
        finally:
            self._progress.close()
        for line in self._goldens_of(None):
            self._progress.line(line)
        wrong = [] if caught else nothing(self.choice, self._chosen + len(self._missed), self._tags)
        code = worst([*self._count.codes, *wrong])
        code = 128 + caught[0] if caught else code
        whole = Whole(
            orchestra=__version__,
            started=begun.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - started, 3),
            clock="real" if self.args.real_time else "virtual",
            exit_code=code,
            interrupted=bool(caught),
            codes=dict(self._count.codes),
        )
        try:
            self._reports.write(whole, self._journal.lines)
        finally:
            self._journal.close(over=not caught)
        self._sum_up(whole)
        return code

    # Who plays

    def _told(self) -> Generator[tuple[int, Told], None, None]:
        files = [*enumerate(self._files)]
        if self.choice.failed is not None:
            kept = {*self.choice.failed}
            files = [it for it in files if str(it[1].resolve()) in kept]
        count = workers(self.args, [path for _, path in files])
        if count == 0:
            how = how_of(self.args, self._settings, self._complain)
            return in_process(files, lambda it: play_file(it, how, self.choice, self._known(it)))
        start = _starter(Setting.of(self.args, self.choice), self.args.timeout)
        slow = self.args.real_time or self.args.mode == "live"
        self._workers = Workers(start, count, self._progress.aside, self.args.timeout, slow)
        return self._workers.play([(number, path, self._known(path)) for number, path in files])

    def _known(self, path: Path) -> Known:
        if not self.args.resume:
            return Known()
        file = relative(path, self.root)
        return Known(self._past.names(file), self._past.files.get(file, ""))

    def _before(self, number: int, name: str) -> Played | None:
        path = self._files[number]
        line = self._past.read((relative(path, self.root), name))
        self._again += line is not None
        return None if line is None else played_of(line["record"], line["kept"], path)

    # What is said

    def _missing(self) -> Iterator[tuple[int, Played]]:
        for number, told in enumerate(self._missed):
            self._complain(told)
            name = told.partition(": ")[0]
            yield number, Played(CaseResult(name, Path(name), INVALID, (told,)))

    def _take(self, number: int, it: Told) -> None:
        path = self._files[number]
        match it:
            case Planned():
                self._plans[number] = it
                self._tags |= {*it.tags}
                self._chosen += len(it.chosen)
                self._places[number] = {name: at for at, name in enumerate(it.names)}
                if self.args.watch:
                    self.concerns[path] = frozenset(it.concerns)
                self._journal.begin(relative(path, self.root), it.fingerprint, it.names)
            case Played(result):
                self._chosen += not self._plans[number].chosen
                self._played(number, it)
                self._goldens.take(result)
                if not self._progress.watched or result.code or result.notes or self._few:
                    for line in result.lines():
                        self._progress.line(line)
            case Over():
                self._done += 1
                for line in self._goldens_of(path, self._plans.pop(number).names):
                    self._progress.line(line)
                del self._places[number]
            case Begun():
                pass

    @property
    def _few(self) -> bool:
        """Whether all that passes fits on a screen beside what does not."""
        return len(self._files) <= 20

    def _played(self, number: int, it: Played) -> None:
        result = it.result
        self._count.add(result)
        if self.args.watch:
            self.codes[result.path] = max(self.codes.get(result.path, 0), result.code)
        place = self._places.get(number, {}).get(result.name, _CASES - 1)
        record = record_of(result, self.root)
        line = {"file": record["file"], "name": record["name"], "exit_code": result.code}
        kept: dict[str, Any] = {"record": record, "kept": kept_of(it)}
        self._journal.put({**line, **kept}, number * _CASES + place)

    def _goldens_of(self, path: Path | None, names: Sequence[str] = ()) -> Iterator[str]:
        try:
            lines = self._goldens.rest() if path is None else self._goldens.write(path, names)
            yield from map(clean, lines)
        except UsageError as error:
            self._complain(str(error))
            self._count.codes[INVALID] = self._count.codes.get(INVALID, 0) + 1

    def _pending(self, path: Path) -> Path:
        return pending_golden(path, find_root(path, self.args.root), self._settings.home)

    def _alone(self, path: Path) -> AbstractContextManager[None]:
        return alone(goldens_folder(find_root(path, self.args.root), self._settings.home))

    def _complain(self, text: str) -> None:
        self._progress.aside(f"{clean(text.rstrip())}\n")

    def _sum_up(self, whole: Whole) -> None:
        say = self._progress.line
        if slowest := self._count.slowest:
            say(slowest)
        if self._workers:
            count, died = self._workers.count, self._workers.died
            cases = f"{self._count.cases} case{'s' * (self._count.cases != 1)}"
            told = f"{cases} in {whole.seconds:.2f}s, {count} at a time"
            say(told + (f"; {died} worker{'s' * (died > 1)} died" if died else ""))
        if self._again:
            were = "was" if self._again == 1 else "were"
            say(f"{self._again} of them {were} played before")
        if whole.interrupted:
            left = len(self._files) - self._done
            say(f"interrupted with {left} of {len(self._files)} files to go; --resume goes on")
        say(f"{self._count.passed} passed, {self._count.failed} failed")


def _starter(setting: Setting, timeout: float | None) -> Start:
    """Starts workers: copies of a process that has imported all, where there is such a thing."""
    context = processes(setting.args.mode)

    def start(trace: str) -> tuple[BaseProcess, Connection]:
        here, there = context.Pipe()
        with closing(there):
            process = context.Process(
                target=at_work, args=(Desk(there, trace, timeout), setting), name="orchestra"
            )
            process.start()
        return process, here

    return start


@contextmanager
def _signals(caught: list[int]) -> Iterator[None]:
    """A hang-up or a termination ends a suite as ctrl+c does."""

    def end(number: int, _: object) -> None:
        caught.append(number)
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, end) for number in numbers}
    except ValueError:  # not in the main thread
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

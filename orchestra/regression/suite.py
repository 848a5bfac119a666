"""Plays scenario files as tests: offline, each one by itself, and says what failed and why.

:func:`play_file` plays all of a file with one team, and tells of each case as it goes; a
:class:`Stage` plays one case of it, and :func:`play_case` runs it and judges it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..errors import OK, UsageError
from ..scenario import Case, Scenario
from .checks import Judge
from .choice import Choice
from .concerns import concerns, fingerprint
from .golden import GoldenFile
from .golden_check import GoldenCheck
from .interleave import interleaved
from .results import CaseResult, failure
from .told import Begun, Known, Over, Planned, Played, Told
from .trial import Complete, Player, Ran, Seed, Trial, Tries

Functions = Callable[[Scenario], Judge]
"""Finds the functions of a scenario's ``python`` checks, and judges by them."""


@dataclass(frozen=True, slots=True)
class How:
    """How cases are played. Each is run ``repeat`` times, each time under each of ``seeds``.

    ``interleave``: it has to come out alike under all of them. ``rate`` of its runs have to pass.
    ``update``: what a case that passes otherwise says and does is right, whatever its golden file
    says.
    """

    load: Callable[[Path], Scenario]
    open: Callable[[Scenario], Player]
    seeds: Sequence[Seed] = (None,)
    interleave: bool = False
    complete: Complete = asyncio.run
    functions: Functions | None = None
    update: bool = False
    repeat: int = 1
    rate: float = 1.0


def play_file(
    path: Path,
    how: How,
    choice: Choice | None = None,
    known: Known | None = None,
    gone: Container[str] = (),
) -> Iterator[Told]:
    """Play the cases of a file that are chosen. A case fails alone, whatever happens in it.

    ``gone`` are those that somebody else plays; it may grow meanwhile.
    """
    choice, known, started = choice or Choice(), known or Known(), time.monotonic()
    try:
        scenario = testable(path, how)
    except Exception as error:  # noqa: BLE001 - a broken file must not take the others along
        yield Planned(path, concerns=(path,))
        if choice.takes_broken(path):
            yield _broken(path, path.stem, error, started)
        yield Over()
        return
    print_ = fingerprint(scenario)
    fresh = known.fingerprint in (None, print_)
    chosen = [it for it in scenario.cases if choice.takes(it.name, path, scenario)]
    todo = [it for it in chosen if not (fresh and it.name in known.names)]
    yield Planned(
        path,
        scenario.name,
        scenario.tags,
        tuple(it.name for it in scenario.cases),
        tuple(it.name for it in chosen),
        tuple(it.name for it in chosen if fresh and it.name in known.names),
        print_,
        concerns(scenario),
    )
    if todo:
        yield from _cases(path, scenario, todo, how, gone)
    yield Over()


def testable(path: Path, how: How) -> Scenario:
    """The scenario in a file, which has a case at least. Raises UsageError."""
    scenario = how.load(path)
    if not scenario.cases:
        raise UsageError(f"{path}: there is no 'input' to test it with")
    return scenario


def _cases(
    path: Path, scenario: Scenario, todo: Sequence[Case], how: How, gone: Container[str]
) -> Iterator[Told]:
    started = time.monotonic()
    try:
        stage = Stage.of(scenario, how)
    except Exception as error:  # noqa: BLE001 - code of the project was loaded
        yield _broken(path, scenario.name, error, started)
        return
    with closing(stage):
        for case in todo:
            if case.name not in gone:
                yield Begun(case.name)
                yield stage.play(case)


@dataclass(frozen=True, slots=True)
class Stage:
    """A scenario that is ready to be played, case by case; its team is built once for all."""

    scenario: Scenario
    how: How
    player: Player
    judges: Mapping[str, Judge]
    goldens: GoldenFile

    @classmethod
    def of(cls, scenario: Scenario, how: How) -> Stage:
        """Raises whatever keeps it from being played."""
        judges = _judges(scenario, how.functions)
        goldens = GoldenFile.beside(scenario.source.path)
        return cls(scenario, how, how.open(scenario), judges, goldens)

    def play(self, case: Case) -> Played:
        """Play a case, and judge it."""
        golden = GoldenCheck(self.goldens, case.name, update=self.how.update)
        judges: dict[str, Judge] = {**self.judges, "golden": golden}
        return play_case(self.scenario, case, self.player, self.how, judges, golden)

    def close(self) -> None:
        """Let go of the team."""
        self.player.close()


def _broken(path: Path, name: str, error: Exception, started: float) -> Played:
    code, reasons = failure(error)
    return Played(CaseResult(name, path, code, reasons, time.monotonic() - started))


def _judges(scenario: Scenario, functions: Functions | None) -> dict[str, Judge]:
    """The judges of the checks that need code of the project. ScenarioError if it has none."""
    needed = any(check.python for _, check in scenario.checks)
    return {"python": functions(scenario)} if needed and functions else {}


def play_case(
    scenario: Scenario,
    case: Case,
    player: Player,
    how: How,
    judges: Mapping[str, Judge],
    golden: GoldenCheck,
) -> Played:
    """Run a case as often as it is to be, and judge it."""
    started, tries = time.monotonic(), Tries()
    trial = Trial(case, player, how.complete, judges)

    def play(seed: Seed) -> Ran:
        ran = trial.run(seed)
        tries.see(ran, scenario)
        return ran

    held_under = interleaved if how.interleave else _seeded
    for _ in range(how.repeat):
        tries.runs += 1
        tries.held += held_under(play, player.keep, how.seeds, tries)
    bad = tries.failed
    held = bad is None or tries.held >= how.rate * tries.runs - 1e-9
    reasons, notes = [*(bad.reasons if bad else ())], tries.notes
    if bad and tries.again:
        reasons.append(f"to repeat it: {tries.again}")
    if how.repeat > 1:
        told = f"passed {tries.held} of {tries.runs} times"
        notes.append(f"{told}; one that failed: {reasons[0]}" if held and bad else told)
    result = CaseResult(
        case.name,
        scenario.source.path,
        OK if held or bad is None else bad.code,
        () if held else tuple(reasons),
        time.monotonic() - started,
        golden.seen if (held and bad is None) or not golden.update else None,
        tuple(notes),
        tries.runs,
        tries.held,
        tries.kept,
        scenario.name,
        scenario.tags,
        tuple(bad.diffs) if bad else (),
        tries.figures,
    )
    return Played(result, None if case.alone else tries.left, tries.short or case.alone)


def _seeded(
    play: Callable[[Seed], Ran], keep: Callable[[], str | None], seeds: Sequence[Seed], tries: Tries
) -> bool:
    """Whether a case held under each seed in turn. It is left at the first that it fails under."""
    for seed in seeds:
        ran = play(seed)
        if not ran.held:
            tries.fail(ran.verdict, keep(), "" if seed is None else f"--seed {seed}")
            return False
    return True

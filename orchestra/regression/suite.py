"""Runs scenario files as tests: offline, each one by itself, and says what failed and why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncIterable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import (
    CHECK_FAILED,
    INVALID,
    MISSING,
    OK,
    RUN_FAILED,
    OrchestraError,
    ScenarioError,
    UsageError,
    exit_code_of,
)
from ..events import Event
from ..scenario import Case, Expectation, Scenario
from ..scenario.script import unused_line
from ..scenario.team import scripted
from ..text import clean, one_line
from ..trajectory import Transcript
from .checks import Judge, judge
from .golden import Golden, GoldenCheck, GoldenFile

Seed = int | None
"""The order of what happens side by side in a run; None: as it comes."""
Play = Callable[[Scenario, Case, Mapping[str, str], Seed], AsyncIterable[Event]]
"""Starts a run of one case of a scenario, with models by agent name; given by the cli, so that
judging a recorded run needs no runtime."""
Functions = Callable[[Scenario], Judge]
"""Finds the functions of a scenario's ``python`` checks, and judges by them."""
Complete = Callable[[Coroutine[Any, Any, Transcript]], Transcript]
"""Runs a coroutine to its end, in an event loop of its own."""

# Of several exit codes the gravest wins.
_GRAVITY = (OK, CHECK_FAILED, MISSING, RUN_FAILED, INVALID)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went. ``reasons`` is empty if it passed; ``code`` is its exit code.

    ``seconds`` is what a person waited for it, all its runs together, whatever clock they had.
    ``notes`` are in what its requests are not those that were recorded, where that may be.
    ``golden`` is what the check ``golden`` saw, where the file has something else or is to have it.
    """

    name: str
    path: Path
    code: int
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    golden: Golden | None = None
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """What a person reads: one line, and one more for each reason."""
        word = {OK: "PASS", CHECK_FAILED: "FAIL"}.get(self.code, "ERROR")
        yield f"{word:<5} {clean(self.name)}  {clean(str(self.path))}  {self.seconds:.2f}s"
        for reason in self.reasons:
            first, *more = clean(reason).split("\n")
            yield f"      - {first}"
            yield from (f"        {line}" for line in more)
        yield from (f"      ~ {one_line(note)}" for note in self.notes)


def run_suite(
    paths: Iterable[Path],
    load: Callable[[Path], Scenario],
    play: Play,
    *,
    seeds: Sequence[Seed] = (None,),
    complete: Complete = asyncio.run,
    functions: Functions | None = None,
    update: bool = False,
) -> Iterator[CaseResult]:
    """The result of each case, as it comes. A case fails alone, whatever happens in it.

    It is run under each of ``seeds`` in turn, until it fails under one. ``update``: what a case
    that passes otherwise says and does is right, whatever its golden file says.
    """

    def tell(scenario: Scenario, case: Case, seed: Seed) -> Transcript:
        return complete(_transcript(play(scenario, case, scripted(scenario), seed)))

    for path in paths:
        started = time.monotonic()
        try:
            scenario = load(path)
            _require_cases(scenario)
            judges = _judges(scenario, functions)
            goldens = GoldenFile.beside(path)
        except Exception as error:  # noqa: BLE001 - a broken file must not take the others along
            code, reasons = _failure(error)
            yield CaseResult(path.stem, path, code, reasons, time.monotonic() - started)
            continue
        play_one = partial(_seeded, seeds, tell, judges)
        yield from _file(path, scenario, play_one, partial(GoldenCheck, goldens, update=update))


def worst(codes: Iterable[int]) -> int:
    """The exit code of several: 2, then 4, 3, 1."""
    return max(codes, key=_GRAVITY.index, default=OK)


def _require_cases(scenario: Scenario) -> None:
    if not scenario.cases:
        raise UsageError(f"{scenario.source.path}: there is no 'input' to test it with")


def _judges(scenario: Scenario, functions: Functions | None) -> dict[str, Judge]:
    """The judges of the checks that need code of the project. ScenarioError if it has none."""
    needed = any(check.python for _, check in scenario.checks)
    return {"python": functions(scenario)} if needed and functions else {}


def _file(
    path: Path,
    scenario: Scenario,
    play: Callable[[Scenario, Case, GoldenCheck], _Played],
    golden: Callable[[str], GoldenCheck],
) -> Iterator[CaseResult]:
    """Every case; and what no case has used of the script, unless one was cut short."""
    left: list[Transcript] = []
    whole = not scenario.cases[0].alone
    for case in scenario.cases:
        started = time.monotonic()
        check = golden(case.name)
        played = play(scenario, case, check)
        left += played.left
        whole = whole and played.whole
        seen = check.seen if played.code == OK or not check.update else None
        spent = time.monotonic() - started
        reasons, notes = tuple(played.reasons), tuple(played.notes)
        yield CaseResult(case.name, path, played.code, reasons, spent, seen, notes)
    if whole and (never := _unused(scenario, left)):
        yield CaseResult(scenario.name, path, CHECK_FAILED, tuple(never))


@dataclass(slots=True)
class _Played:
    """How a case went, and the runs of it that nothing cut short: all of them, if ``whole``."""

    code: int = OK
    reasons: list[str] = field(default_factory=list)
    left: list[Transcript] = field(default_factory=list)
    whole: bool = True
    notes: list[str] = field(default_factory=list)


def _seeded(
    seeds: Sequence[Seed],
    tell: Callable[[Scenario, Case, Seed], Transcript],
    judges: Mapping[str, Judge],
    scenario: Scenario,
    case: Case,
    golden: GoldenCheck,
) -> _Played:
    """A case under each seed in turn, until it fails under one."""
    played = _Played()
    for seed in seeds:
        known = len(played.left)
        _judged(case, partial(tell, scenario, case, seed), {**judges, "golden": golden}, played)
        played.whole = played.whole and len(played.left) > known
        if played.code != OK:
            played.reasons += [] if seed is None else [f"to repeat it: --seed {seed}"]
            break
    return played


def _judged(
    case: Case, tell: Callable[[], Transcript], judges: Mapping[str, Judge], played: _Played
) -> None:
    """How one run of a case went. If nothing cut it short, it joins what is ``left``."""
    try:
        transcript = tell()
        played.notes = transcript.drift
        played.code, played.reasons = verdict(case, transcript, judges)
    except Exception as error:  # noqa: BLE001 - a crash in one case must not end the others
        played.code, failed = _failure(error)
        played.reasons = [*failed]
        return
    if transcript.finished is not None and transcript.finished.status == "completed":
        played.left.append(transcript)


def _failure(error: Exception) -> tuple[int, tuple[str, ...]]:
    if isinstance(error, ScenarioError):
        return error.exit_code, tuple(str(problem) for problem in error.problems)
    if isinstance(error, OrchestraError):
        return error.exit_code, (str(error),)
    crash = f"crashed: {type(error).__name__}: {one_line(str(error), 300)}"
    return RUN_FAILED, (crash,)


async def _transcript(events: AsyncIterable[Event]) -> Transcript:
    transcript = Transcript()
    async for event in events:
        transcript.feed(event)
    return transcript


def _unused(scenario: Scenario, left: Sequence[Transcript]) -> list[str]:
    """The replies and decisions that every case has left."""
    lines, first = [], left[0]
    for key, told in first.unused.items():
        others = (it.unused[key].replies if key in it.unused else () for it in left[1:])
        never = sorted(set(told.replies).intersection(*others))
        if never:
            lines.append(unused_line(key, never, len(scenario.script[key])))
    undecided = set(first.undecided).intersection(*(it.undecided for it in left))
    return lines + [first.undecided[number].message for number in sorted(undecided)]


def verdict(
    case: Case, transcript: Transcript, judges: Mapping[str, Judge] | None = None
) -> tuple[int, list[str]]:
    """Exit code and reasons of a case: its expectations, at the end and of each turn, its end.

    ``judges`` are of the checks that need more than the transcript.
    """
    finished = transcript.finished
    expected = [(expectation, transcript, "") for expectation in case.expect]
    for number, turn in enumerate(case.turns, 1):
        place = f"turn {number}{f' ({turn.name})' if turn.name else ''}: " if case.alone else ""
        played = transcript.turns[number - 1 : number] if case.alone else [transcript]
        missed = Transcript(transcript.mains)  # of a turn that the run never came to
        expected += [(it, played[0] if played else missed, place) for it in turn.expect]
    reasons = []
    for expectation, seen, place in expected:
        result = judge(expectation, seen, judges)
        if not result.passed:
            reasons.append(f"{place}{result.check}: {result.reason}")
    if finished is None:
        return RUN_FAILED, ["the run never finished", *reasons]
    meant = any(means(expectation, finished.status) for expectation, _, _ in expected)
    # A reply that the script lacks is no failure that a scenario could have meant.
    code = exit_code_of(finished.error_type)
    if finished.status != "completed" and (code == MISSING or not meant):
        return code, [f"the run {finished.status}: {finished.error}", *reasons]
    reasons += transcript.unasked
    if case.alone:  # of several cases, another may use what this one has left
        left = [*transcript.unused.values(), *transcript.undecided.values()]
        reasons += [warned.message for warned in left]
    return (CHECK_FAILED if reasons else OK), reasons


def means(expectation: Expectation, status: str) -> bool:
    """Whether a check says that the whole run is to end so."""
    if expectation.agent is not None:
        return False
    if expectation.error is not None:
        return status == "failed"
    if expectation.not_ is not None and expectation.not_.status is not None:
        return expectation.not_.agent is None and expectation.not_.status != status
    return expectation.status == status

"""Runs scenario files as tests: offline, each one by itself, and says what failed and why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import (
    CHECK_FAILED,
    INVALID,
    MISSING,
    OK,
    RUN_FAILED,
    OrchestraError,
    ScenarioError,
    exit_code_of,
)
from ..events import Event
from ..scenario import Scenario
from ..scenario.script import unused
from ..scenario.team import choose, offline, spoken
from ..text import clean, one_line
from .checks import judge
from .transcript import Transcript

Play = Callable[[Scenario, Mapping[str, str]], AsyncIterable[Event]]
"""Starts a run of a scenario, with models by agent name; given by the cli, so that judging a
recorded run needs no runtime."""

# Of several exit codes the gravest wins.
_GRAVITY = (OK, CHECK_FAILED, MISSING, RUN_FAILED, INVALID)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went. ``reasons`` is empty if it passed; ``code`` is its exit code."""

    name: str
    path: Path
    code: int
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """What a person reads: one line, and one more for each reason."""
        word = {OK: "PASS", CHECK_FAILED: "FAIL"}.get(self.code, "ERROR")
        yield f"{word:<5} {clean(self.name)}  {clean(str(self.path))}  {self.seconds:.2f}s"
        for reason in self.reasons:
            first, *more = clean(reason).split("\n")
            yield f"      - {first}"
            yield from (f"        {line}" for line in more)


def run_suite(
    paths: Iterable[Path], load: Callable[[Path], Scenario], play: Play
) -> Iterator[CaseResult]:
    """The result of each file, as it comes. A case fails alone, whatever happens in it."""
    for path in paths:
        started = time.monotonic()
        name, code, reasons = _case(path, load, play)
        yield CaseResult(name, path, code, tuple(reasons), time.monotonic() - started)


def worst(codes: Iterable[int]) -> int:
    """The exit code of several: 2, then 4, 3, 1."""
    return max(codes, key=_GRAVITY.index, default=OK)


def _case(path: Path, load: Callable[[Path], Scenario], play: Play) -> tuple[str, int, list[str]]:
    name = path.stem
    try:
        scenario = load(path)
        name = scenario.name
        transcript = asyncio.run(_transcript(play(scenario, scripted(scenario))))
        return name, *verdict(scenario, transcript)
    except OrchestraError as error:
        lines = (
            [str(p) for p in error.problems] if isinstance(error, ScenarioError) else [str(error)]
        )
        return name, error.exit_code, lines
    except Exception as error:  # noqa: BLE001 - a crash in one case must not take the others along
        return name, RUN_FAILED, [f"crashed: {type(error).__name__}: {one_line(str(error), 300)}"]


def scripted(scenario: Scenario) -> dict[str, str]:
    """A test never goes live by itself: the script speaks for every real model."""
    return {name: "scripted" for name in scenario.agents if not offline(choose(scenario, name))}


async def _transcript(events: AsyncIterable[Event]) -> Transcript:
    transcript = Transcript()
    async for event in events:
        transcript.feed(event)
    return transcript


def verdict(scenario: Scenario, transcript: Transcript) -> tuple[int, list[str]]:
    """Exit code and reasons of a run: its expectations, its end, and replies never used."""
    finished = transcript.finished
    results = [judge(expectation, transcript) for expectation in scenario.expect]
    reasons = [f"{result.check}: {result.reason}" for result in results if not result.passed]
    if finished is None:
        return RUN_FAILED, ["the run never finished", *reasons]
    meant = any(e.status == finished.status and e.agent is None for e in scenario.expect)
    # A reply that the script lacks is no failure that a scenario could have meant.
    code = exit_code_of(finished.error_type)
    if finished.status != "completed" and (code == MISSING or not meant):
        return code, [f"the run {finished.status}: {finished.error}", *reasons]
    # Of a run cut short it would be no news.
    reasons += unused(spoken(scenario, scripted(scenario)), transcript.asked)
    return (CHECK_FAILED if reasons else OK), reasons

"""What is known of a case that has been played: for a person, and for the reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Any,
    Required,  # typing's own is not enough for pydantic
)

from typing_extensions import TypedDict

from ..errors import (
    CHECK_FAILED,
    INVALID,
    MISSING,
    OK,
    RUN_FAILED,
    TIMED_OUT,
    OrchestraError,
    ScenarioError,
)
from ..text import clean, one_line
from .evidence import Diff
from .golden import Golden

# Of several exit codes the gravest wins.
_GRAVITY = (OK, CHECK_FAILED, MISSING, RUN_FAILED, TIMED_OUT, INVALID)
_SCREEN = 30  # lines of reasons: what a person sees at once


class Used(TypedDict):
    """What somebody has used. ``cost`` is None where nobody knows it."""

    input_tokens: int
    output_tokens: int
    cost: float | None


class AgentFigures(Used):
    """What an agent has used, all its calls together."""

    calls: int
    model_calls: int
    tool_calls: int
    seconds: float


class Asked(TypedDict, total=False):
    """A tool call of a message, and what came of it: one of the last three, if anything did."""

    tool: Required[str]
    args: Required[Any]
    result: str
    failed: str
    rejected: str


class Message(TypedDict, total=False):
    """A model's answer."""

    text: Required[str]
    reasoning: str
    truncated: bool
    tool_calls: list[Asked]


class Trajectory(TypedDict, total=False):
    """What one call said and did, as in a golden file."""

    messages: Required[list[Message]]
    task: str
    status: str
    error: str
    structured: Any
    output: str
    decisions: list[Any]


class CallFigures(Used):
    """One call. ``first_token`` is the slowest of its model calls, in seconds."""

    agent: str
    trajectory: Trajectory
    output: str
    seconds: float | None
    first_token: float | None


class RunFigures(TypedDict):
    """The run of a case, of several the one that counts. ``duration`` is on the run's clock."""

    status: str
    output: str
    duration: float
    agents: dict[str, AgentFigures]
    calls: dict[str, CallFigures]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went. ``reasons`` is empty if it passed; ``code`` is its exit code.

    ``seconds`` is what a person waited for it, all its runs together, whatever clock they had.
    ``golden`` is what the check ``golden`` saw, where the file has something else or is to have it.
    ``notes`` are said of it and are no reason to fail. ``held`` of its ``runs`` passed. ``kept`` is
    the file of a run that failed, ``run`` what the run did.
    """

    name: str
    path: Path
    code: int
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    golden: Golden | None = None
    notes: tuple[str, ...] = ()
    runs: int = 1
    held: int = 0
    kept: str | None = None
    scenario: str = ""
    tags: tuple[str, ...] = ()
    diffs: tuple[Diff, ...] = ()
    run: RunFigures | None = None

    def lines(self) -> Iterator[str]:
        """What a person reads: one line, and one more for each reason; a screen at most."""
        kept = f"  {clean(self.kept)}" if self.kept else ""
        name, path = one_line(self.name), clean(str(self.path))
        yield f"{WORDS[outcome(self.code)]:<5} {name}  {path}  {self.seconds:.2f}s{kept}"
        lines = list(self._reasons())
        yield from lines[:_SCREEN]
        if len(lines) > _SCREEN:
            yield f"        … and {len(lines) - _SCREEN} more lines; --json and --html have them"
        for note in self.notes:
            yield f"      ! {one_line(note)}"

    def _reasons(self) -> Iterator[str]:
        for reason in self.reasons:
            first, *more = clean(reason).split("\n")
            yield f"      - {first}"
            yield from (f"        {line}" for line in more)


WORDS = {"passed": "PASS", "failed": "FAIL", "error": "ERROR"}


def outcome(code: int) -> str:
    """The outcome of a case in one word, by its exit code."""
    return {OK: "passed", CHECK_FAILED: "failed"}.get(code, "error")


def worst(codes: Iterable[int]) -> int:
    """The exit code of several: 2, then 124, 4, 3, 1."""
    return max(codes, key=_GRAVITY.index, default=OK)


def failure(error: BaseException) -> tuple[int, tuple[str, ...]]:
    """Exit code and reasons of a case that could not be judged."""
    if isinstance(error, ScenarioError):
        return error.exit_code, tuple(str(problem) for problem in error.problems)
    if isinstance(error, OrchestraError):
        return error.exit_code, (str(error),)
    crash = f"crashed: {type(error).__name__}: {one_line(str(error), 300)}"
    return RUN_FAILED, (crash.removesuffix(": "),)


@dataclass(slots=True)
class Count:
    """How many cases went how, and the slowest of them."""

    codes: dict[int, int] = field(default_factory=dict)
    slow: list[tuple[float, str]] = field(default_factory=list)

    def add(self, result: CaseResult) -> None:
        self.codes[result.code] = self.codes.get(result.code, 0) + 1
        if result.seconds >= SLOW:
            self.slow = sorted([*self.slow, (result.seconds, result.name)], reverse=True)[:_SLOWEST]

    @property
    def cases(self) -> int:
        return sum(self.codes.values())

    @property
    def passed(self) -> int:
        return self.codes.get(OK, 0)

    @property
    def failed(self) -> int:
        return self.cases - self.passed

    @property
    def slowest(self) -> str:
        """The slow cases in one line; empty if none was, or if there is only one to name."""
        named = (f"{one_line(name, 60)} {seconds:.1f}s" for seconds, name in self.slow)
        return f"slow: {', '.join(named)}" if self.slow and self.cases > 1 else ""


SLOW = 1.0  # seconds of a case, from which on it is named at the end
_SLOWEST = 5  # of them

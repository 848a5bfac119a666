"""What was expected beside what was seen, agent by agent, where a check failed: for the reports.

A check's reason is for a terminal, and short. Here are both sides whole, to be put side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ..scenario.expect import Expectation
from ..text import one_line
from ..trajectory import Transcript
from .checks.tool_calls import sides
from .differing import lines_of, parts
from .golden import Golden, golden_of, plain

_LINES = 400  # of a side
_WIDTH = 2000  # characters of a line


@dataclass(frozen=True, slots=True)
class Diff:
    """Both sides of one call, or of the run. ``check`` is the check that failed."""

    check: str
    where: str
    expected: tuple[str, ...]
    seen: tuple[str, ...]


def evidence(
    expectation: Expectation, transcript: Transcript, golden: Golden | None
) -> Iterator[Diff]:
    """Of a check that failed; of those that compare nothing, there is none.

    ``golden`` is what the golden file has of the case.
    """
    check, found = expectation.label, transcript.find(expectation.agent)
    if expectation.golden and golden is not None:
        yield from _golden(check, plain(golden), plain(golden_of(transcript)))
    elif expectation.tool_calls is not None:
        for call in found:
            steps, called = sides(expectation.tool_calls, call)
            if steps != called:
                yield _diff(check, call.path, tuple(steps), tuple(called))
    elif expectation.output is not None:
        wanted = json.dumps(
            expectation.output.model_dump(mode="json", by_alias=True, exclude_unset=True),
            ensure_ascii=False,
        )
        text = expectation.output.equals or expectation.output.contains or wanted
        seen = [(call.path, call.output) for call in found]
        if expectation.agent is None:
            seen = [("the run", transcript.finished.output if transcript.finished else "")]
        for where, output in seen:
            yield _diff(check, where, tuple(str(text).splitlines()), tuple(output.splitlines()))
    elif expectation.handoffs is not None:
        for where, moved in transcript.moves(expectation.agent):
            yield _diff(check, where, tuple(expectation.handoffs), tuple(moved))


def between(check: str, a: Transcript, b: Transcript) -> Iterator[Diff]:
    """Both sides of all that differs between two runs."""
    yield from _golden(check, plain(golden_of(a)), plain(golden_of(b)))


def _golden(check: str, expected: Golden, seen: Golden) -> Iterator[Diff]:
    for where, old, new in parts(expected, seen):
        yield _diff(check, where, tuple(lines_of(old)), tuple(lines_of(new)))


def _diff(check: str, where: str, expected: tuple[str, ...], seen: tuple[str, ...]) -> Diff:
    return Diff(check, where, _cut(expected), _cut(seen))


def _cut(lines: tuple[str, ...]) -> tuple[str, ...]:
    short = tuple(it if len(it) <= _WIDTH else one_line(it, _WIDTH) for it in lines[:_LINES])
    left = len(lines) - _LINES
    return short if left <= 0 else (*short, f"… and {left} more lines")

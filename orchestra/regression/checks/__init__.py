"""Judges a transcript by a scenario's expectations: one function a check, one line in the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...scenario.expect import Expectation
from ..transcript import Transcript
from .outcome import calls, handoffs, output, status
from .tool_calls import tool_calls

Judge = Callable[[Expectation, Transcript], str | None]

# What holds gives None, what does not gives the reason: expected, seen, where.
JUDGES: dict[str, Judge] = {
    "calls": calls,
    "handoffs": handoffs,
    "output": output,
    "status": status,
    "tool_calls": tool_calls,
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether an expectation held; ``reason`` says why not, and is empty if it did."""

    check: str
    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason


def judge(expectation: Expectation, transcript: Transcript) -> CheckResult:
    """The result of one expectation."""
    kind = expectation.kind
    return CheckResult(kind, JUDGES[kind](expectation, transcript) or "")

"""Judges a transcript by a scenario's expectations: one function a check, one line in the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...scenario.expect import Expectation
from ...trajectory import Transcript
from .order import order, parallel
from .outcome import calls, error, handoffs, no_warnings, output, status
from .scope import NeverCalledError
from .tool_calls import tool_calls
from .use import budget, forbidden_tools, tool_result

Judge = Callable[[Expectation, Transcript], str | None]

# What holds gives None, what does not gives the reason: expected, seen, where. The checks that need
# more than the transcript, `golden` and `python`, are given by who has it.
JUDGES: dict[str, Judge] = {
    "calls": calls,
    "error": error,
    "forbidden_tools": forbidden_tools,
    "handoffs": handoffs,
    "max": budget,
    "no_warnings": no_warnings,
    "order": order,
    "output": output,
    "parallel": parallel,
    "status": status,
    "tool_calls": tool_calls,
    "tool_result": tool_result,
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether an expectation held; ``reason`` says why not, and is empty if it did.

    ``check`` is its name, or what it checks.
    """

    check: str
    reason: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason


def judge(
    expectation: Expectation, transcript: Transcript, more: Mapping[str, Judge] | None = None
) -> CheckResult:
    """The result of one expectation. ``more`` are judges that the table lacks."""
    try:
        reason = _reason(expectation, transcript, {**JUDGES, **(more or {})})
    except NeverCalledError as error:
        reason = str(error)
    return CheckResult(expectation.label, reason or "")


def _reason(
    expectation: Expectation, transcript: Transcript, judges: Mapping[str, Judge]
) -> str | None:
    inner = expectation.not_
    if inner is None:
        return judges[expectation.kind](expectation, transcript)
    if inner.agent is None and expectation.agent is not None:
        inner = inner.model_copy(update={"agent": expectation.agent})
    if _reason(inner, transcript, judges) is not None:
        return None
    about = f" of {inner.agent}" if inner.agent else ""
    return f"expected that {_told(inner)}{about} does not hold, and it does"


def _told(expectation: Expectation) -> str:
    given = expectation.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude={"agent", "name"}
    )
    return ", ".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()
    )

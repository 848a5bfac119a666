"""What a scenario expects: the models of its checks.

They live here, below the functions that judge them (``regression/checks``), because the loader
has to validate them and imports point down only.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, Strict, ValidationInfo, model_validator

from .matcher import Matcher
from .spec import Named, Spec, spelled_out

MatchMode = Literal["strict", "unordered", "subset", "superset"]
ArgsMode = Literal["exact", "subset", "ignore"]


class Step(Named):
    """One expected tool call; in YAML ``name`` (any arguments) or ``{name: {argument: value}}``."""

    what = "step"

    name: str
    """The tool, or the subagent."""
    args: dict[str, JsonValue] | None = None
    """What it is called with; without them, any arguments will do."""


class ToolCallsCheck(Spec):
    """The tool calls an agent asked for. A bare list means strict."""

    match: MatchMode = "strict"
    """strict: the same calls in order (calls of one turn have none); unordered: the same calls;
    subset: no other calls than these; superset: at least these."""
    args: ArgsMode = "exact"
    """How the arguments of a step are compared: all of them, those it names, or not at all."""
    steps: Annotated[tuple[Step, ...], Strict(strict=False)]
    """The calls: ``name``, or ``{name: {argument: value}}``."""

    # What a "before" validator returns is no longer JSON, and Python's strict mode wants a tuple
    # where JSON's takes a list: hence steps are not strict. The steps themselves are.
    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        if spelled_out(cls, value, info):
            return value
        if not isinstance(value, (list, dict)):
            raise ValueError("expected a list of steps, or a mapping with 'steps'")
        return {"steps": value} if isinstance(value, list) else value


_NUMBERS = re.compile(r"[0-9]{1,9}\.\.([0-9]{1,9})?|\.\.[0-9]{1,9}")


class Count(Spec):
    """How often: ``2``, or a range ``1..3`` (either end may be left out)."""

    low: Annotated[int, Field(ge=0)] = 0
    """At least."""
    high: Annotated[int, Field(ge=0)] | None = None
    """At most; default: without end."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        if spelled_out(cls, value, info):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value):
            return {"low": int(value), "high": int(value)}
        if isinstance(value, str):
            low, _, high = value.partition("..")
            if _NUMBERS.fullmatch(value):
                return {"low": int(low or 0), "high": int(high) if high else None}
        quoted = isinstance(value, str) and value.isdecimal()
        hint = f"; write {value[:20]} without quotes" if quoted else ""
        raise ValueError(f"expected a whole number, or a range such as '1..3'{hint}")

    @model_validator(mode="after")
    def _in_order(self) -> Count:
        if self.high is not None and self.high < self.low:
            raise ValueError(f"the range {self} is empty")
        return self

    def __contains__(self, number: int) -> bool:
        return self.low <= number and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        if self.low == self.high:
            return str(self.low)
        return f"{self.low}..{'' if self.high is None else self.high}"


class Expectation(Spec):
    """One check; exactly one of the keys below but ``agent``."""

    agent: str | None = None
    """An agent's name, or a call path, that the check is about; default: the main agent."""
    status: Literal["completed", "failed", "interrupted", "cancelled"] | None = None
    """How the run ended, or every call of ``agent``."""
    output: Matcher | None = None
    """Of the final text, or of every call of ``agent``; a bare text means contains."""
    calls: dict[str, Count] | None = None
    """How often each agent was called, by delegation or as a step: ``2``, or ``1..3``."""
    tool_calls: ToolCallsCheck | None = None
    """What the agent asked for."""
    handoffs: tuple[str, ...] | None = None
    """The agents that had the conversation, in order."""

    @model_validator(mode="after")
    def _one_check(self) -> Expectation:
        given = [name for name in CHECKS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"needs exactly one check of {', '.join(CHECKS)}"
                + (f"; write {' and '.join(given)} as list items of their own" if given else "")
            )
        return self

    @property
    def kind(self) -> str:
        """Which check it is."""
        return next(name for name in CHECKS if getattr(self, name) is not None)


CHECKS = tuple(name for name in Expectation.model_fields if name != "agent")

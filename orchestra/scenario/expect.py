"""What a scenario expects: the models of its checks.

They live here, below the functions that judge them (``regression/checks``), because the loader
has to validate them and imports point down only.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from .matcher import Matcher
from .spec import Spec, keys_of, spelled_out
from .steps import ToolCallsCheck
from .tools import PYTHON

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


class ToolResult(Spec):
    """What came of a tool call: one of those that fit must be so."""

    tool: str
    """The tool, or the subagent."""
    status: Literal["succeeded", "failed", "rejected"] | None = None
    """How it ended; ``rejected``: by the person who was asked. Default: either way."""
    contains: str | None = None
    """Part of the result, or of the error."""


_Whole = Annotated[int, Field(ge=0)]
_Real = Annotated[float, Field(ge=0)]


class Budget(Spec):
    """The most that may be used; all that is given must hold."""

    model_calls: _Whole | None = None
    """Answers of the models."""
    tool_calls: _Whole | None = None
    """Tool calls that were asked for, delegations included."""
    tokens: _Whole | None = None
    """Input and output together, as reported."""
    cost: _Real | None = None
    """What the providers say it cost; a scripted reply costs what its ``usage`` says."""
    seconds: _Real | None = None
    """From beginning to end; of an agent, all its calls together."""
    first_token: _Real | None = None
    """Seconds that any one model call took to its first token."""

    @model_validator(mode="after")
    def _not_empty(self) -> Budget:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"needs one of {', '.join(type(self).model_fields)}")
        return self


_Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Expectation(Spec):
    """One check; exactly one of the keys below but ``agent`` and ``name``."""

    agent: str | None = None
    """An agent's name, or a call path, that the check is about; default: the main agent, or the
    whole run."""
    name: str = ""
    """What to call the check where it fails."""
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
    order: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Agents or call paths: each was asked for after the one before it had answered."""
    parallel: _Names | None = None
    """Agents or call paths: all were asked for in one turn."""
    forbidden_tools: _Names | None = None
    """Tools that are never called."""
    tool_result: ToolResult | None = None
    """What a tool gave, or that it failed."""
    max: Budget | None = None
    """What may be used at most."""
    error: Matcher | None = None
    """Of the error by which the run, or every call of ``agent``, failed."""
    no_warnings: Literal[True] | None = None
    """The run warns of nothing."""
    golden: Literal[True] | None = None
    """All that was said and done is as in the file ``<stem>.golden.yaml``."""
    python: Annotated[str, StringConstraints(pattern=PYTHON)] | None = None
    """``module:function`` that gets the transcript and returns true, or a reason."""
    not_: Annotated[Expectation | None, Field(alias="not")] = None
    """A check that must not hold."""

    @model_validator(mode="after")
    def _one_check(self) -> Expectation:
        given = [name for name in CHECKS if self._given(name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"needs exactly one check of {', '.join(CHECKS)}"
                + (f"; write {' and '.join(given)} as list items of their own" if given else "")
            )
        return self

    def _given(self, name: str) -> Any:
        return getattr(self, f"{name}_" if name == "not" else name)

    @property
    def kind(self) -> str:
        """Which check it is."""
        return next(name for name in CHECKS if self._given(name) is not None)

    @property
    def label(self) -> str:
        """What to call it: its name, or the check."""
        return self.name or self.kind


CHECKS = tuple(name for name in keys_of(Expectation) if name not in ("agent", "name"))

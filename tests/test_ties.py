"""Several tools of one agent fail at one instant: which is told of is the same in every run."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import collect, finished, run, scenario
from virtual import run_virtually

LATE = """
main: lead
agents:
  lead: {subagents: [w]MIDDLEWARE}
  w: {tools: [slow], limits: {seconds: 5}}
tools: {slow: {returns: [{delay: 30, value: late}]}}
input: go
script:
  lead: [{tool_calls: [{w: {query: x}}, {w: {query: x}}, {w: {query: x}}]}]
  w: [{tool_calls: [slow]}]
"""
RETRY = "{tool_retry: {max_retries: 1, on_failure: error, initial_delay: 1, jitter: false}}"
# The first is caught, and the second is not: it is the one that ends the run.
CAUGHT = """
agents: {a: {tools: [one, two], middleware: [{tool_retry: {max_retries: 0, tools: [one]}}]}}
tools: {one: {python: "tied:one"}, two: {python: "tied:two"}}
input: go
script: {a: [{tool_calls: [one, two]}]}
"""


TIED = """
async def one() -> str:
    "Fails."
    raise ValueError("one")

async def two() -> str:
    "Fails."
    raise ValueError("two")
"""


def errors(text: str, path: Path, times: int) -> set[str | None]:
    loaded = scenario(text, path)
    return {finished(run_virtually(collect(run(loaded, trust=True)))).error for _ in range(times)}


@pytest.mark.parametrize("middleware", ["", f", middleware: [{RETRY}]"])
def test_the_first_to_fail_is_told_of(middleware: str, tmp_path: Path) -> None:
    """A dozen runs: LangGraph takes another one in half of them."""
    text = LATE.replace("MIDDLEWARE", middleware)
    told = errors(text, tmp_path / "late.yaml", 12)
    assert told == {"lead/w#1: took more than 5 s (limits.seconds)"}


def test_what_middleware_catches_is_not_it(tmp_path: Path) -> None:
    (tmp_path / "tied.py").write_text(TIED)
    assert errors(CAUGHT, tmp_path / "tied.yaml", 3) == {"a: ValueError: two"}

"""A run of a test on the product's virtual clock: delays and rates are exact, and cost no time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from orchestra.runtime import clock

T = TypeVar("T")


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    return clock.run(work, virtual=True)


def virtually(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that waits for nothing real."""

    @functools.wraps(test)
    def begun(*args: Any, **named: Any) -> None:
        run_virtually(test(*args, **named))

    return begun


# Only the first one gets a ticket, and it must be the first in the list.
FRAGILE = """
main: lead
agents: {lead: {subagents: [w]}, w: {tools: [ticket]}}
tools: {ticket: {returns: [{value: gold, times: 1}, {value: none left}]}}
input: go
script:
  lead: [{tool_calls: [{w: {query: "1"}}, {w: {query: "2"}}]}, {text: end}]
  w#1: [{text: I ask, tool_calls: [ticket]}, {match: gold, text: got it}]
  w#2: [{text: I ask, tool_calls: [ticket]}, {match: none left, text: too late}]
"""

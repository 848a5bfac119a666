"""Checks on when agents were asked for: ``order`` and ``parallel``.

It is causes that count, not clocks: a call comes before another if the other was asked for by
someone who could know its answer. Calls that were asked for in one turn have no order, whichever
began first. So the verdict is the same under any interleaving.
"""

from __future__ import annotations

from itertools import pairwise, product

from ...scenario.expect import Expectation
from ...trajectory import Call, Transcript
from .scope import NeverCalledError, calls_of, named


def order(expectation: Expectation, transcript: Transcript) -> str | None:
    """Every call of each name was asked for after every call of the name before it."""
    for inside in _scopes(expectation, transcript):
        groups = [_below(name, inside, transcript) for name in expectation.order or ()]
        for before, after in pairwise(groups):
            ways = [[transcript.way(call) for call in group] for group in (before, after)]
            for one, two in product(*ways):
                if reason := _not_before(one, two):
                    return reason
    return None


def parallel(expectation: Expectation, transcript: Transcript) -> str | None:
    """All calls of all names were asked for in one turn."""
    for inside in _scopes(expectation, transcript):
        found = {
            call.path: call
            for name in expectation.parallel or ()
            for call in _below(name, inside, transcript)
        }
        if len(found) < 2:
            return f"expected several calls in one turn, seen only {', '.join(found)}"
        first, *others = found.values()
        for other in others:
            if (other.parent, other.asked) != (first.parent, first.asked):
                return f"expected in one turn: {_when(first)}, {_when(other)}"
    return None


def _scopes(expectation: Expectation, transcript: Transcript) -> list[Call | None]:
    return [None] if expectation.agent is None else [*calls_of(expectation, transcript)]


def _below(name: str, inside: Call | None, transcript: Transcript) -> list[Call]:
    """The calls of a name, of those that ``inside`` asked for, itself or those it called."""
    found = named(name, transcript)
    if inside is None:
        return found
    below = [call for call in found if inside in transcript.way(call)[:-1]]
    if not below:
        raise NeverCalledError(f"agent {name!r} was never called by {inside.path}")
    return below


def _not_before(one: list[Call], two: list[Call]) -> str | None:
    """Why the call at the end of one way did not come before that of another."""
    first, second = one[-1], two[-1]
    for here, there in zip(one, two, strict=False):
        if here is there:
            continue
        if here.asked < there.asked and here.parent == there.parent:
            return None
        if here.asked == there.asked:
            together = f"in one turn of {here.parent}" if here.parent else "both from the start"
            return f"expected {first.path} before {second.path}, asked for {together}"
        return f"expected {first.path} before {second.path}: {_when(there)}, {_when(here)}"
    if len(one) < len(two):
        return None  # it was asked for by the other, or below it
    return f"expected {first.path} before {second.path}, which asked for it"


def _when(call: Call) -> str:
    """In which turn of its parent a call was asked for, for a reason."""
    turn, moves = call.asked
    if moves:
        return f"{call.path} got the conversation by handoff {moves}"
    return f"{call.path} in turn {turn + 1} of {call.parent}" if call.parent else call.path

"""Which step and which tool call belong together: as many as can be, however they stand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.events import ToolCall
from orchestra.regression.checks.pairing import pair, paired, step_fits
from orchestra.scenario.matcher import same, same_as
from orchestra.scenario.steps import ArgsMode, Step

NAMES = st.sampled_from("ab")
PLAIN = st.sampled_from([1, 1.0, True, "1", None, [1], {"x": 1}])
WANTED = PLAIN | st.sampled_from([{"$any": True}, {"$contains": "1"}, {"x": {"$any": True}}])
KEYS = st.sampled_from("kl")
STEPS = st.builds(Step, name=NAMES, args=st.none() | st.dictionaries(KEYS, WANTED, max_size=2))
CALLS = st.builds(
    ToolCall, id=st.just("1"), name=NAMES, args=st.dictionaries(KEYS, PLAIN, max_size=2)
)
MODES: list[ArgsMode] = ["exact", "subset", "ignore"]
QUICK = settings(max_examples=200, deadline=None)


def most(steps: list[Step], calls: list[ToolCall], mode: ArgsMode) -> int:
    """Of all ways to put the steps beside calls, the one in which most fit."""
    places = [*range(len(calls)), *[None] * len(steps)]
    return max(
        sum(
            at is not None and step_fits(step, calls[at], mode)
            for step, at in zip(steps, way, strict=False)
        )
        for way in permutations(places, len(steps))
    )


@QUICK
@given(st.lists(STEPS, max_size=4), st.lists(CALLS, max_size=4), st.sampled_from(MODES))
def test_as_many_as_can_be(steps: list[Step], calls: list[ToolCall], mode: ArgsMode) -> None:
    found = paired(steps, calls, mode)
    assert len({*found.values()}) == len(found)
    assert all(step_fits(steps[i], calls[j], mode) for j, i in found.items())
    assert len(found) == most(steps, calls, mode)
    missing, extra = pair(steps, calls, mode)
    assert (len(missing), len(extra)) == (len(steps) - len(found), len(calls) - len(found))


@QUICK
@given(PLAIN, PLAIN)
def test_what_is_the_same_has_the_same_key(one: Any, other: Any) -> None:
    assert (same_as(one) == same_as(other)) == same(one, other)


def test_many_that_make_room_for_one_another() -> None:
    """Each fits its own call and the one before: the last of them moves all."""
    few, many = 100, 300
    steps = [Step(name="t", args={"n": {"$matches": f"^({n}|{n - 1})$"}}) for n in range(few)]
    calls = [ToolCall(id=str(n), name="t", args={"n": n}) for n in range(-1, few - 1)]
    assert len(paired(steps[::-1], calls, "exact")) == few
    loose = [Step(name="t", args={"k": {"$any": True}}) for _ in range(many)]
    alike = [ToolCall(id=str(n), name="t", args={"k": n}) for n in range(many - 1)]
    assert len(paired(loose, alike, "exact")) == len(alike)

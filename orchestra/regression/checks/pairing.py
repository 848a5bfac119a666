"""Which step and which tool call fit each other, with an order and without."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from ...events import ToolCall
from ...scenario.matcher import same_as
from ...scenario.steps import ArgsMode, Step, fits, has_matcher
from ...text import one_line

ARGS_SHOWN = 80  # characters of a call's arguments in a reason


def step_fits(step: Step, call: ToolCall, mode: ArgsMode) -> bool:
    """Whether a call is what a step asks for."""
    if step.name != call.name:
        return False
    if step.args is None or mode == "ignore":
        return True
    if mode == "exact":
        return fits(step.args, call.args)
    return all(k in call.args and fits(v, call.args[k]) for k, v in step.args.items())


def paired(steps: Sequence[Step], calls: Sequence[ToolCall], mode: ArgsMode) -> dict[int, int]:
    """The step of each call, by their indexes, when as many as can be are paired.

    A step may fit several calls, so taking the first that fits could leave another without. Steps
    that give all arguments as plain values come first: calls that fit one of them are the same for
    every other step. Those that give none come last: they take whatever is left. Only between them
    somebody may have to make room.
    """
    exact, loose, any_ = _by_demand(steps, mode)
    step_of: dict[int, int] = {}
    free = _Pool((_asked(call), j) for j, call in enumerate(calls)) if exact else _Pool()
    for i in exact:
        if (j := free.take(_asked(steps[i]))) is not None:
            step_of[j] = i
    if loose:
        left = [j for j in range(len(calls)) if j not in step_of]
        step_of |= _matched(steps, calls, loose, left, mode)
    free = _Pool((call.name, j) for j, call in enumerate(calls) if j not in step_of)
    for i in any_:
        if (j := free.take(steps[i].name)) is not None:
            step_of[j] = i
    return step_of


class _Pool:
    """Calls to be taken, in their order, by what is asked of them."""

    def __init__(self, calls: Iterable[tuple[Hashable, int]] = ()) -> None:
        self._calls: dict[Hashable, deque[int]] = {}
        for key, j in calls:
            self._calls.setdefault(key, deque()).append(j)

    def take(self, key: Hashable) -> int | None:
        left = self._calls.get(key)
        return left.popleft() if left else None


def _by_demand(steps: Sequence[Step], mode: ArgsMode) -> tuple[list[int], list[int], list[int]]:
    """The steps that want one call, those that want some, and those that want any of a tool."""
    exact, loose, any_ = list[int](), list[int](), list[int]()
    for i, step in enumerate(steps):
        if step.args is None or mode == "ignore":
            any_.append(i)
        elif mode == "exact" and not has_matcher(step.args):
            exact.append(i)
        else:
            loose.append(i)
    return exact, loose, any_


def _matched(
    steps: Sequence[Step],
    calls: Sequence[ToolCall],
    some: Sequence[int],
    left: Sequence[int],
    mode: ArgsMode,
) -> dict[int, int]:
    """The largest pairing of some of the steps and the calls that are left.

    By augmenting paths: Kuhn's algorithm, each path the shortest, and without recursion.
    """
    index = _Index(calls, left)
    fit = {
        i: [j for j in index.near(steps[i]) if step_fits(steps[i], calls[j], mode)] for i in some
    }
    step_of: dict[int, int] = {}
    call_of: dict[int, int] = {}

    def place(first: int) -> None:
        came: dict[int, int] = {}  # from which step a call was reached
        todo = deque([first])
        while todo:
            i = todo.popleft()
            for j in fit[i]:
                if j in came:
                    continue
                came[j] = i
                if j in step_of:
                    todo.append(step_of[j])
                    continue
                while True:  # all on the way move by one
                    i = came[j]
                    former = call_of.get(i)
                    step_of[j], call_of[i] = i, j
                    if former is None:
                        return
                    j = former

    for i in some:
        place(i)
    return step_of


class _Index:
    """Calls by their arguments: else each step would be held against each call."""

    def __init__(self, calls: Sequence[ToolCall], left: Sequence[int]) -> None:
        self._calls: dict[Hashable, list[int]] = {}
        for j in left:
            call = calls[j]
            self._calls.setdefault(call.name, []).append(j)
            for argument, value in call.args.items():
                self._calls.setdefault((call.name, argument, same_as(value)), []).append(j)

    def near(self, step: Step) -> list[int]:
        """Those that have what is the rarest of the plain values that a step asks for."""
        plain = ((k, v) for k, v in (step.args or {}).items() if not has_matcher(v))
        keys = [step.name, *((step.name, k, same_as(v)) for k, v in plain)]
        return min((self._calls.get(key, []) for key in keys), key=len)


def _asked(it: Step | ToolCall) -> Hashable:
    """Equal for a tool and its arguments, and only for those: a step without matchers."""
    return it.name, same_as(it.args)


def pair(
    steps: Sequence[Step], calls: Sequence[ToolCall], mode: ArgsMode
) -> tuple[list[Step], list[ToolCall]]:
    """The steps without a call, and the calls without a step."""
    step_of = paired(steps, calls, mode)
    met = {*step_of.values()}
    missing = [step for i, step in enumerate(steps) if i not in met]
    return missing, [call for j, call in enumerate(calls) if j not in step_of]


def common(
    steps: Sequence[Step], calls: Sequence[ToolCall], mode: ArgsMode, *, early: bool = False
) -> list[tuple[int, int]]:
    """The longest row of steps and calls that fit each other, by their indexes.

    Of several that are as long, the one with the first calls; ``early``: with the first steps.
    """
    fit = [[step_fits(step, call, mode) for call in calls] for step in steps]
    best = [[0] * (len(calls) + 1) for _ in range(len(steps) + 1)]
    for i in reversed(range(len(steps))):
        for j in reversed(range(len(calls))):
            both = fit[i][j] and best[i + 1][j + 1] + 1
            best[i][j] = max(best[i + 1][j], best[i][j + 1], both)
    row, i, j = [], 0, 0
    while i < len(steps) and j < len(calls):
        if fit[i][j] and best[i][j] == best[i + 1][j + 1] + 1:
            row.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] > best[i][j + 1] or (best[i + 1][j] == best[i][j + 1] and not early):
            i += 1
        else:
            j += 1
    return row


def step_text(step: Step, width: int = ARGS_SHOWN) -> str:
    """A step in one line."""
    return step.name if step.args is None else step.name + args_text(step.args, width)


def call_text(call: ToolCall, width: int = ARGS_SHOWN) -> str:
    """A tool call in one line."""
    return call.name + args_text(call.args, width)


def args_text(args: Any, width: int) -> str:
    """Arguments, or one of them, as JSON."""
    return one_line(json.dumps(args, ensure_ascii=False), width)

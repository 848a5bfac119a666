"""Which step and which tool call fit each other, with an order and without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...events import ToolCall
from ...scenario.steps import ArgsMode, Step, fits
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

    A step may fit several calls, so taking the first that fits could leave another without:
    augmenting paths (Kuhn's algorithm) find the largest pairing.
    """
    fit = [[j for j, call in enumerate(calls) if step_fits(step, call, mode)] for step in steps]
    step_of: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in fit[i]:  # a free one first: moving others is for when there is none
            if j not in step_of:
                step_of[j] = i
                return True
        for j in fit[i]:
            if j in tried:
                continue
            tried.add(j)
            if place(step_of[j], tried):
                step_of[j] = i
                return True
        return False

    for i in range(len(steps)):
        place(i, set())
    return step_of


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

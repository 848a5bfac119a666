"""The check ``tool_calls``: what an agent asked for, held against the steps it should have.

The modes mean what they mean in agentevals: *strict* the same calls in the same order,
*unordered* the same calls, *subset* no other calls than the steps, *superset* at least the steps.
*in_order* is ours: at least the steps, in their order, whatever comes between them. Calls of one
model message have no order among themselves: they are asked for at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...events import ToolCall
from ...scenario.expect import Expectation
from ...scenario.steps import ArgsMode, Step, ToolCallsCheck, fits
from ...text import one_line
from ...trajectory import Call, Transcript
from .scope import calls_of

ARGS_SHOWN = 80  # characters of a call's arguments in a reason
_ALIGNED = 250_000  # pairs of a step and a call that are compared for a diff


def tool_calls(expectation: Expectation, transcript: Transcript) -> str | None:
    """The trajectory of the agent, of each of its calls, fits the steps."""
    check = expectation.tool_calls
    assert check is not None  # noqa: S101 - the table has chosen this check by it
    for call in calls_of(expectation, transcript):
        if reason := _judge(check, call):
            return "\n".join([f"{call.path}: {reason}", *_diff(check, call)])
    return None


def _judge(check: ToolCallsCheck, call: Call) -> str | None:
    if check.match == "strict":
        return _strict(check, call.turns)
    if check.match == "in_order":
        return _in_order(check, call.turns)
    missing, extra = _pair(check.steps, call.tool_calls, check.args)
    wrong = []
    if missing and check.match != "subset":
        wrong.append("missing " + ", ".join(map(_step, missing)))
    if extra and check.match != "superset":
        wrong.append("not expected " + ", ".join(map(_call, extra)))
    if not wrong:
        return None
    return f"expected ({check.match}) {_steps(check.steps)}, {'; '.join(wrong)}"


def _strict(check: ToolCallsCheck, turns: Sequence[Sequence[ToolCall]]) -> str | None:
    expected = f"expected (strict) {_steps(check.steps)}"
    done = 0
    for turn in turns:
        due = check.steps[done : done + len(turn)]
        missing, extra = _pair(due, turn, check.args)
        if missing or extra:
            at = (
                f"at step {done + 1}"
                if len(turn) == 1
                else f"at steps {done + 1} to {done + len(turn)}"
            )
            seen = ", ".join(map(_call, turn))
            return f"{expected}; {at} seen {seen}"
        done += len(turn)
    if done < len(check.steps):
        return f"{expected}; never seen {_steps(check.steps[done:])}"
    return None


def _in_order(check: ToolCallsCheck, turns: Sequence[Sequence[ToolCall]]) -> str | None:
    """Of each turn as many of the steps that are due as fit: what comes later is then the least."""
    done = 0
    for turn in turns:
        ahead = 1
        while ahead <= len(turn) and done + ahead <= len(check.steps):
            missing, _ = _pair(check.steps[done : done + ahead], turn, check.args)
            if missing:
                break
            ahead += 1
        done += ahead - 1
    if done == len(check.steps):
        return None
    step = _step(check.steps[done])
    behind = f"after {_step(check.steps[done - 1])}" if done else "at all"
    return f"expected (in_order) {_steps(check.steps)}; {step} was not called {behind}"


def _diff(check: ToolCallsCheck, call: Call) -> list[str]:
    """The steps beside what was called, as in a diff: ``-`` is expected only, ``+`` seen only."""
    steps, seen = check.steps, call.tool_calls
    ordered = check.match in ("strict", "in_order")
    if not ordered or not steps or not seen or len(steps) * len(seen) > _ALIGNED:
        return []
    turn_of = [at for at, turn in enumerate(call.turns, 1) for _ in turn]
    common = _common(steps, seen, check.args)
    lines, at, to = [], 0, 0
    for step, one in [*common, (len(steps), len(seen))]:
        lines += [f"- {_step(it)}" for it in steps[at:step]]
        lines += [f"+ {_call(seen[it])}  (turn {turn_of[it]})" for it in range(to, one)]
        if one < len(seen):
            lines.append(f"  {_call(seen[one])}")
        at, to = step + 1, one + 1
    return lines


def sides(check: ToolCallsCheck, call: Call) -> tuple[list[str], list[str]]:
    """The steps and what was called, a line each; a step that fits a call reads as the call does.

    Steps without an order stand where their calls do, those that are missing at the end.
    """
    steps, seen = check.steps, call.tool_calls
    if check.match in ("strict", "in_order") and len(steps) * len(seen) <= _ALIGNED:
        met = {step: _call(seen[one], 0) for step, one in _common(steps, seen, check.args)}
        expected = [met.get(at) or _step(step, 0) for at, step in enumerate(steps)]
    else:
        missing, extra = _pair(steps, seen, check.args)
        left = [id(it) for it in extra]
        expected = [_call(it, 0) for it in seen if id(it) not in left]
        expected += [_step(it, 0) for it in missing]
    return expected, [_call(it, 0) for it in seen]


def _common(
    steps: Sequence[Step], calls: Sequence[ToolCall], mode: ArgsMode
) -> list[tuple[int, int]]:
    """The longest row of steps and calls that fit each other, by their indexes."""
    best = [[0] * (len(calls) + 1) for _ in range(len(steps) + 1)]
    for i in reversed(range(len(steps))):
        for j in reversed(range(len(calls))):
            fit = _fits(steps[i], calls[j], mode)
            best[i][j] = max(best[i + 1][j], best[i][j + 1], fit and best[i + 1][j + 1] + 1)
    row, i, j = [], 0, 0
    while i < len(steps) and j < len(calls):
        if _fits(steps[i], calls[j], mode) and best[i][j] == best[i + 1][j + 1] + 1:
            row.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return row


def _pair(
    steps: Sequence[Step], calls: Sequence[ToolCall], mode: ArgsMode
) -> tuple[list[Step], list[ToolCall]]:
    """The steps without a call and the calls without a step, when as many as can be are paired.

    A step may fit several calls, so taking the first that fits could leave another without:
    augmenting paths (Kuhn's algorithm) find the largest pairing.
    """
    fits = [[j for j, call in enumerate(calls) if _fits(step, call, mode)] for step in steps]
    step_of: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in fits[i]:  # a free one first: moving others is for when there is none
            if j not in step_of:
                step_of[j] = i
                return True
        for j in fits[i]:
            if j in tried:
                continue
            tried.add(j)
            if place(step_of[j], tried):
                step_of[j] = i
                return True
        return False

    missing = [step for i, step in enumerate(steps) if not place(i, set())]
    return missing, [call for j, call in enumerate(calls) if j not in step_of]


def _fits(step: Step, call: ToolCall, mode: ArgsMode) -> bool:
    if step.name != call.name:
        return False
    if step.args is None or mode == "ignore":
        return True
    if mode == "exact":
        return fits(step.args, call.args)
    return all(k in call.args and fits(v, call.args[k]) for k, v in step.args.items())


def _steps(steps: Sequence[Step]) -> str:
    return "[" + ", ".join(map(_step, steps)) + "]"


def _step(step: Step, width: int = ARGS_SHOWN) -> str:
    return step.name if step.args is None else step.name + _args(step.args, width)


def _call(call: ToolCall, width: int = ARGS_SHOWN) -> str:
    return call.name + _args(call.args, width)


def _args(args: dict[str, Any], width: int) -> str:
    return one_line(json.dumps(args, ensure_ascii=False), width)

"""The check ``tool_calls``: what an agent asked for, held against the steps it should have.

The modes mean what they mean in agentevals: *strict* the same calls in the same order,
*unordered* the same calls, *subset* no other calls than the steps, *superset* at least the steps.
*in_order* is ours: at least the steps, in their order, whatever comes between them. Calls of one
model message have no order among themselves: they are asked for at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from ...events import ToolCall
from ...scenario.expect import Expectation
from ...scenario.steps import Step, ToolCallsCheck
from ...trajectory import Call, Transcript
from .alignment import diff, distance, rows
from .pairing import call_text, pair, step_text
from .scope import calls_of, given, listed

_SHOWN, _WIDTH = 6, 240  # steps in a reason, and characters of them
_OTHERS = 50  # calls that are looked at, to find one that fits better


def tool_calls(expectation: Expectation, transcript: Transcript) -> str | None:
    """The trajectory of the agent, of each of its calls, fits the steps."""
    check = given(expectation.tool_calls)
    wrong = [(call, _judge(check, call)) for call in calls_of(expectation, transcript)]
    wrong = [(call, reason) for call, reason in wrong if reason]
    if not wrong:
        return None
    (call, reason), *more = wrong
    also = [f"nor do {listed([it.path for it, _ in more])} fit"] if more else []
    return "\n".join(
        [f"{call.path}: {reason}", *_diff(check, call), *also, *_elsewhere(check, call, transcript)]
    )


def _diff(check: ToolCallsCheck, call: Call) -> list[str]:
    """Steps and calls beside each other; nothing where the reason has said it all."""
    return diff(rows(check, call), check.args) if check.steps and call.tool_calls else []


def _elsewhere(check: ToolCallsCheck, call: Call, transcript: Transcript) -> Iterator[str]:
    """The call, of this agent or another, that fits better, if one does."""
    if not check.steps or check.match == "subset":
        return
    others = [it for it in transcript.calls.values() if it is not call and it.tool_calls][:_OTHERS]
    if fitting := [it.path for it in others if _judge(check, it) is None]:
        did = "did exactly this" if check.match in ("strict", "unordered") else "did what fits this"
        yield f"{listed(fitting)} {did}"
        return
    far = {it.path: distance(found) for it in others if (found := rows(check, it))}
    nearest = min(far, key=lambda path: far[path], default="")
    here = distance(rows(check, call)) or len(check.steps)
    if nearest and far[nearest] < min(here, (len(check.steps) + 1) // 2):
        what = "1 difference" if far[nearest] == 1 else f"{far[nearest]} differences"
        yield f"{nearest} comes nearer to this, with {what}"


def _judge(check: ToolCallsCheck, call: Call) -> str | None:
    if check.match == "strict":
        return _strict(check, call.turns)
    if check.match == "in_order":
        return _in_order(check, call.turns)
    missing, extra = pair(check.steps, call.tool_calls, check.args)
    wrong = []
    if missing and check.match != "subset":
        wrong.append(f"missing {_several(map(step_text, missing))}")
    if extra and check.match != "superset":
        wrong.append(f"not expected {_several(map(call_text, extra))}")
    if not wrong:
        return None
    return f"expected ({check.match}) {_steps(check.steps)}, {'; '.join(wrong)}"


def _strict(check: ToolCallsCheck, turns: Sequence[Sequence[ToolCall]]) -> str | None:
    expected = f"expected (strict) {_steps(check.steps)}"
    done = 0
    for turn in turns:
        due = check.steps[done : done + len(turn)]
        missing, extra = pair(due, turn, check.args)
        if missing or extra:
            at = (
                f"at step {done + 1}"
                if len(turn) == 1
                else f"at steps {done + 1} to {done + len(turn)}"
            )
            return f"{expected}; {at} seen {_several(map(call_text, turn))}"
        done += len(turn)
    if done < len(check.steps):
        return f"{expected}; never seen {_steps(check.steps[done:])}"
    return None


def _in_order(check: ToolCallsCheck, turns: Sequence[Sequence[ToolCall]]) -> str | None:
    """Of each turn as many of the steps that are due as fit: what comes later is then the least."""
    done = 0
    for turn in turns:
        ahead = range(1, min(len(turn), len(check.steps) - done) + 1)
        done += bisect_left(ahead, True, key=partial(_too_many, check, done, turn))
    if done == len(check.steps):
        return None
    step = step_text(check.steps[done])
    behind = f"after {step_text(check.steps[done - 1])}" if done else "at all"
    return f"expected (in_order) {_steps(check.steps)}; {step} was not called {behind}"


def _too_many(check: ToolCallsCheck, done: int, turn: Sequence[ToolCall], ahead: int) -> bool:
    """Whether so many of the steps that are due are not all in a turn; fewer may be."""
    return bool(pair(check.steps[done : done + ahead], turn, check.args)[0])


def sides(check: ToolCallsCheck, call: Call) -> tuple[list[str], list[str]]:
    """The steps and what was called, a line each; a step that fits reads as its call does."""
    found = rows(check, call)
    if not found:
        steps = [step_text(it, 0) for it in check.steps]
        return steps, [call_text(it, 0) for it in call.tool_calls]
    expected, seen = list[str](), list[str]()
    for row in found:
        called = call_text(row.call, 0) if row.call else ""
        if row.call:
            seen.append(called)
        if row.step:
            expected.append(called if row.call and row.fits else step_text(row.step, 0))
    return expected, seen


def _steps(steps: Sequence[Step]) -> str:
    return f"[{_several(map(step_text, steps))}]"


def _several(texts: Iterable[str]) -> str:
    """The first of them, if they are many: the lines below the reason have them all."""
    found = [*texts]
    shown = _SHOWN
    while shown > 1 and sum(map(len, found[:shown])) > _WIDTH:
        shown -= 1
    more = f" … and {len(found) - shown} more" if len(found) > shown else ""
    return ", ".join(found[:shown]) + more

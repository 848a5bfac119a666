"""Steps beside tool calls: which fit, which are missing, which are too many, what else differs.

Only for a person to read: whether a check holds is decided elsewhere. A step and a call that fit
each other are one line, as in a diff; ``-`` is expected only, ``+`` seen only, and ``?`` says in
which arguments the two lines above it differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ...events import ToolCall
from ...scenario.steps import ArgsMode, Step, ToolCallsCheck, fits
from ...trajectory import Call
from .pairing import args_text, call_text, common, paired, step_fits, step_text

_VALUE = 60  # characters of one argument
_ALIGNED = 250_000  # pairs of a step and a call that are compared
_AROUND = 2  # lines that are equal, beside one that is not
_LINES = 18  # of a diff

Asked = tuple[int, ToolCall]
"""A tool call, and in which turn it was asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step, the call beside it, or both; ``fits``: nothing is wrong with it."""

    step: Step | None
    call: ToolCall | None
    turn: int = 0
    fits: bool = False


def rows(check: ToolCallsCheck, call: Call) -> list[Row]:
    """All steps and all calls of the agent, beside each other where they belong together."""
    seen = [(turn, it) for turn, asked in enumerate(call.turns, 1) for it in asked]
    if len(check.steps) * len(seen) > _ALIGNED:
        return []
    if check.match not in ("strict", "in_order"):
        return _loose(check, seen)
    # Where a call is missing or one too many, the steps after it are due in other turns: of both
    # ways to put the calls of a turn in order the one that leaves less wrong is right.
    return min(
        (_in_line(check, it) for it in (_as_due(check, call), _as_met(check, seen))), key=distance
    )


def _in_line(check: ToolCallsCheck, seen: Sequence[Asked]) -> list[Row]:
    """The steps and the calls in their order, those that fit beside each other."""
    found, at, to = list[Row](), 0, 0
    ends = (len(check.steps), len(seen))
    early = check.match == "in_order"
    met = common(check.steps, [it for _, it in seen], check.args, early=early)
    for step, one in [*met, ends]:
        found += _gap(check, check.steps[at:step], seen[to:one])
        if one < len(seen):
            turn, asked = seen[one]
            found.append(Row(check.steps[step], asked, turn, fits=True))
        at, to = step + 1, one + 1
    return found


def _as_met(check: ToolCallsCheck, seen: Sequence[Asked]) -> list[Asked]:
    """The calls of each turn in the order of the steps that they fit, whenever those are due."""
    step_of = paired(check.steps, [it for _, it in seen], check.args)
    last = len(check.steps)
    return [
        seen[at]
        for at in sorted(range(len(seen)), key=lambda at: (seen[at][0], step_of.get(at, last)))
    ]


def _as_due(check: ToolCallsCheck, call: Call) -> list[Asked]:
    """The calls of each turn in the order of the steps that they fit: they have none themselves."""
    found, done = list[Asked](), 0
    for turn, asked in enumerate(call.turns, 1):
        ahead = (
            check.steps[done:] if check.match == "in_order" else check.steps[done:][: len(asked)]
        )
        step_of = paired(ahead, asked, check.args) if len(asked) > 1 else {}
        place = {**_by_name(ahead, asked, step_of), **step_of}
        order = sorted(range(len(asked)), key=lambda at: place.get(at, len(ahead)))
        found += [(turn, asked[at]) for at in order]
        done += len(asked) if check.match == "strict" else len(step_of)
    return found


def _by_name(
    steps: Sequence[Step], asked: Sequence[ToolCall], met: Mapping[int, int]
) -> dict[int, int]:
    """For each call that fits no step one that is left: of the same tool, or else any."""
    left = [step for step in range(len(steps)) if step not in {*met.values()}]
    found = dict[int, int]()
    for alike in (True, False):
        for at, call in enumerate(asked):
            fit = [it for it in left if not alike or steps[it].name == call.name]
            if fit and at not in met and at not in found:
                found[at] = fit[0]
                left.remove(fit[0])
    return found


def _gap(check: ToolCallsCheck, steps: Sequence[Step], seen: Sequence[Asked]) -> Iterator[Row]:
    """Between two that fit: calls of the same tool, with other arguments, beside each other."""
    named = [Step(name=step.name) for step in steps]
    at = to = 0
    for step, one in common(named, [it for _, it in seen], "ignore"):
        yield from _alone(check, steps[at:step], seen[to:one])
        turn, call = seen[one]
        yield Row(steps[step], call, turn)
        at, to = step + 1, one + 1
    yield from _alone(check, steps[at:], seen[to:])


def _alone(check: ToolCallsCheck, steps: Sequence[Step], seen: Sequence[Asked]) -> Iterator[Row]:
    """What is missing is nothing wrong in a subset, what is too much not in a superset."""
    for step in steps:
        yield Row(step, None, fits=check.match == "subset")
    for turn, call in seen:
        yield Row(None, call, turn, fits=check.match in ("superset", "in_order"))


def _loose(check: ToolCallsCheck, seen: Sequence[Asked]) -> list[Row]:
    """Without an order: a step that fits no call stands beside the most alike that is left."""
    step_of = paired(check.steps, [it for _, it in seen], check.args)
    met = {*step_of.values()}
    left = [step for at, step in enumerate(check.steps) if at not in met]
    found = list[Row]()
    for at, (turn, call) in enumerate(seen):
        if at in step_of:
            found.append(Row(check.steps[step_of[at]], call, turn, fits=True))
            continue
        alike = [step for step in left if step.name == call.name]
        if not alike:
            found += _alone(check, (), [(turn, call)])
            continue
        nearest = min(alike, key=lambda it: len([*differences(it, call, check.args)]))
        left = [step for step in left if step is not nearest]
        found.append(Row(nearest, call, turn))
    return [*found, *_alone(check, left, ())]


def diff(found: Sequence[Row], mode: ArgsMode) -> list[str]:
    """The rows as lines; in the middle of what is equal, and at the end, there may be a cut."""
    wrong = [at for at, row in enumerate(found) if not row.fits]
    near = {at + by for at in wrong for by in range(-_AROUND, _AROUND + 1)}
    lines = list[str]()
    for equal, some in groupby(enumerate(found), lambda it: it[0] not in near):
        told = [line for _, row in some for line in _lines(row, mode)]
        short = equal and len(told) > 1
        lines += [f"  … {len(told)} more that fit"] if short else told
    if (left := len(lines) - _LINES) > 1:
        lines[_LINES:] = [f"  … and {left} more lines"]
    return lines


def _lines(row: Row, mode: ArgsMode) -> Iterator[str]:
    step, call = row.step, row.call
    if step is None or (call and row.fits):
        if call is not None:
            turn = "" if row.fits else f"  (turn {row.turn})"
            yield f"{' ' if row.fits else '+'} {call_text(call)}{turn}"
        return
    if call is None:
        if not row.fits:
            yield f"- {step_text(step)}"
        return
    yield f"- {step_text(step)}"
    yield f"+ {call_text(call)}  (turn {row.turn})"
    yield from (f"?   {it}" for it in differences(step, call, mode))


def differences(step: Step, call: ToolCall, mode: ArgsMode) -> Iterator[str]:
    """In which arguments a call is not what a step asks for, each with both values."""
    if step.args is not None and not step_fits(step, call, mode):
        counts = {k: v for k, v in call.args.items() if mode == "exact" or k in step.args}
        yield from _differing("", step.args, counts)


def _differing(where: str, expected: Any, seen: Any) -> Iterator[str]:
    """The smallest parts of an argument that differ, by their paths."""
    if fits(expected, seen):
        return
    below = f"{where}." if where else ""
    if _is_plain(expected) and isinstance(seen, dict):
        for key in {**expected, **seen}:
            if key not in expected:
                yield f"{below}{key}: not expected, seen {args_text(seen[key], _VALUE)}"
            elif key not in seen:
                yield f"{below}{key}: expected {args_text(expected[key], _VALUE)}, not seen"
            else:
                yield from _differing(f"{below}{key}", expected[key], seen[key])
    elif isinstance(expected, list) and isinstance(seen, list) and len(expected) == len(seen):
        for at, (one, other) in enumerate(zip(expected, seen, strict=True)):
            yield from _differing(f"{where}[{at}]", one, other)
    else:
        both = (args_text(it, _VALUE) for it in (expected, seen))
        yield f"{where}: expected {next(both)}, seen {next(both)}"


def _is_plain(expected: Any) -> bool:
    """Whether it is a mapping, and no matcher in the place of a value."""
    return isinstance(expected, dict) and not any(
        key in ("$contains", "$matches", "$any") for key in expected
    )


def distance(found: Sequence[Row]) -> int:
    """How much is wrong: one call in the place of another is one thing, not two."""
    wrong = [row for row in found if not row.fits]
    missing = sum(row.call is None for row in wrong)
    extra = sum(row.step is None for row in wrong)
    return len(wrong) - min(missing, extra)

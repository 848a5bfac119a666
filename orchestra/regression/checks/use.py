"""Checks on tools and what they gave, and on what a run used: ``forbidden_tools``,
``tool_result``, ``max``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ... import trajectory as seen
from ...scenario.expect import Expectation, ToolResult
from ...text import one_line
from ...trajectory import Call, Transcript
from .outcome import SHOWN
from .scope import calls_of, everywhere, given

_RESULTS, _SHORT = 4, 80  # results of a tool in a reason, and characters of each


def forbidden_tools(expectation: Expectation, transcript: Transcript) -> str | None:
    """None of the tools was called, by anyone, or by ``agent:``."""
    forbidden = set(expectation.forbidden_tools or ())
    wrong = [
        f"{call.path} called {asked.name} in turn {turn}"
        for call in everywhere(expectation, transcript)
        for turn, message in enumerate(call.messages, 1)
        for asked in message.tool_calls
        if asked.name in forbidden
    ]
    return "; ".join(dict.fromkeys(wrong)) or None


def tool_result(expectation: Expectation, transcript: Transcript) -> str | None:
    """A call of the tool ended so: one of the run's, or one of every call of ``agent:``."""
    check = given(expectation.tool_result)
    if expectation.agent is None:
        return _no_result(check, list(transcript.calls.values()), "the run")
    for call in calls_of(expectation, transcript):
        if reason := _no_result(check, [call], call.path):
            return reason
    return None


def _no_result(check: ToolResult, calls: Sequence[Call], where: str) -> str | None:
    found = [(call, it) for call in calls for it in call.results if it.name == check.tool]
    if any(_fits(check, result) for _, result in found):
        return None
    wanted = f"{check.tool} {check.status or 'answered'}"
    if check.contains is not None:
        wanted += f" with {check.contains!r}"
    if not found:
        return f"{where}: expected that {wanted}, but it gave no result"
    if len(found) == 1:
        return f"{where}: expected that {wanted}, seen in {_seen(*found[0], SHOWN)}"
    # Of many those are told that ended in another way than all the others, before the last ones.
    ends = Counter(result.status for _, result in found)
    told = sorted(range(len(found)), key=lambda at: (ends[found[at][1].status], -at))[:_RESULTS]
    lines = [_seen(*found[at], _SHORT) for at in sorted(told)]
    more = [f"… and {len(found) - _RESULTS} more"] if len(found) > _RESULTS else []
    several = f"{where}: expected that {wanted}; {len(found)} results, none of them so:"
    return "\n".join([several, *lines, *more])


def _seen(call: Call, result: seen.ToolResult, width: int) -> str:
    return f"{call.path} {result.status}: {one_line(result.text, width)!r}"


def _fits(check: ToolResult, result: seen.ToolResult) -> bool:
    ended = check.status is None or result.status == check.status
    return ended and (check.contains is None or check.contains in result.text)


def budget(expectation: Expectation, transcript: Transcript) -> str | None:
    """No more was used than allowed, by the run, or by all calls of ``agent:`` together."""
    check = given(expectation.max)
    calls = everywhere(expectation, transcript)
    wrong = []
    for name in check.model_fields_set:
        limit = getattr(check, name)
        used = _USED[name](calls, transcript if expectation.agent is None else None)
        if isinstance(used, str):
            wrong.append(f"{name}: {used}")
        elif used > limit:
            wrong.append(
                f"{name}: expected at most {limit:g}, seen {_figure(used)}{_by(name, calls)}"
            )
    return "; ".join(sorted(wrong)) or None


def _figure(used: float) -> str:
    return f"{used:,}" if isinstance(used, int) else f"{used:.6g}"


def _by(name: str, calls: Sequence[Call]) -> str:
    """Who used the most of it, if several did."""
    if len(calls) < 2:
        return ""
    if name == "first_token":
        slowest = max(calls, key=lambda call: _first_token([call], None))
        return f", in {slowest.path}"
    if name == "seconds":  # whoever calls others takes as long as they do: it is models that count
        at_models = {call.path: sum(it.duration for it in call.messages) for call in calls}
        most = max(at_models, key=lambda path: at_models[path])
        return f", longest at its model: {most} ({_figure(at_models[most])})"
    figures = {call.path: _USED[name]([call], None) for call in calls}
    used = {path: it for path, it in figures.items() if not isinstance(it, str)}
    most = max(used, key=lambda path: used[path])
    return f", most by {most} ({_figure(used[most])})"


def _model_calls(calls: Sequence[Call], _: Transcript | None) -> int:
    return sum(len(call.messages) for call in calls)


def _tool_calls(calls: Sequence[Call], _: Transcript | None) -> int:
    return sum(len(call.tool_calls) for call in calls)


def _tokens(calls: Sequence[Call], _: Transcript | None) -> int | str:
    used = 0
    for call in calls:
        for message in call.messages:
            if message.usage is None:
                return f"{call.path} reports no usage, so its tokens are not known"
            used += message.usage.input_tokens + message.usage.output_tokens
    return used


def _cost(calls: Sequence[Call], _: Transcript | None) -> float | str:
    used = 0.0
    for call in calls:
        for message in call.messages:
            if message.cost is None:
                return f"the model of {call.path} does not say what it costs"
            used += message.cost
    return used


def _seconds(calls: Sequence[Call], run: Transcript | None) -> float | str:
    if run is not None:
        return run.finished.duration if run.finished else "the run never finished"
    if unended := next((call.path for call in calls if call.seconds is None), None):
        return f"{unended} never ended"
    return sum(call.seconds or 0.0 for call in calls)


def _first_token(calls: Sequence[Call], _: Transcript | None) -> float:
    firsts = [m.first_token for call in calls for m in call.messages if m.first_token is not None]
    return max(firsts, default=0.0)


_USED = {
    "model_calls": _model_calls,
    "tool_calls": _tool_calls,
    "tokens": _tokens,
    "cost": _cost,
    "seconds": _seconds,
    "first_token": _first_token,
}

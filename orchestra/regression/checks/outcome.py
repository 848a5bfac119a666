"""Checks on how a run went: ``status``, ``output``, ``calls``, ``handoffs``."""

from __future__ import annotations

from ...scenario.expect import Expectation
from ...text import one_line
from ..transcript import Transcript

SHOWN = 200  # characters of a text in a reason


def status(expectation: Expectation, transcript: Transcript) -> str | None:
    """The run ended so; with ``agent:``, every call of that agent did."""
    expected = expectation.status
    if expectation.agent is None:
        finished = transcript.finished
        seen = finished.status if finished else "no end"
        error = finished.error if finished else None
        return None if seen == expected else _unlike("the run", expected, seen, error)
    found = transcript.find(expectation.agent)
    if not found:
        return f"agent {expectation.agent!r} was never called"
    for call in found:
        if call.status != expected:
            return _unlike(call.path, expected, call.status, call.error)
    return None


def _unlike(where: str, expected: str | None, seen: str, error: str | None) -> str:
    because = f" ({one_line(error, SHOWN)})" if error else ""
    return f"{where}: expected status {expected!r}, seen {seen!r}{because}"


def output(expectation: Expectation, transcript: Transcript) -> str | None:
    """The final text of the run, or of every call of ``agent:``, fits."""
    check = expectation.output
    assert check is not None  # noqa: S101 - the table has chosen this check by it
    if expectation.agent is None:
        texts = [("", transcript.finished.output if transcript.finished else "")]
    else:
        texts = [(call.path, call.output) for call in transcript.find(expectation.agent)]
        if not texts:
            return f"agent {expectation.agent!r} was never called"
    for where, text in texts:
        if reason := check.reason(text):
            return f"{where}: {reason}" if where else reason
    return None


def calls(expectation: Expectation, transcript: Transcript) -> str | None:
    """Each agent was delegated to so often; the main agent's own call is no delegation."""
    assert expectation.calls is not None  # noqa: S101 - the table has chosen this check by it
    wrong = []
    for agent, expected in expectation.calls.items():
        paths = [c.path for c in transcript.calls.values() if c.agent == agent and c.delegated]
        if len(paths) not in expected:
            seen = f"{len(paths)} ({', '.join(paths)})" if paths else "0"
            wrong.append(f"{agent}: expected {expected} calls, seen {seen}")
    return "; ".join(wrong) or None


def handoffs(expectation: Expectation, transcript: Transcript) -> str | None:
    """The conversation of the main agent, or the one that ``agent:`` took part in, moved so."""
    expected = list(expectation.handoffs or ())
    found = transcript.moves(expectation.agent)
    if not found:
        return f"agent {expectation.agent or transcript.main!r} was never called"
    for call, seen in found:
        if seen != expected:
            said = " → ".join(expected) or "none"
            return f"{call}: expected {said}, seen {' → '.join(seen)}"
    return None

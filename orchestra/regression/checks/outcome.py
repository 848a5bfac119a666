"""Checks on how a run went: ``status``, ``output``, ``error``, ``calls``, ``handoffs`` …."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

from ...scenario.expect import Expectation
from ...text import one_line
from ...trajectory import Transcript
from .nearness import hints
from .scope import calls_of, given, listed, never

SHOWN = 200  # characters of a text in a reason


def status(expectation: Expectation, transcript: Transcript) -> str | None:
    """The run ended so; with ``agent:``, every call of that agent did."""
    expected = expectation.status
    if expectation.agent is None:
        finished = transcript.finished
        seen = finished.status if finished else "no end"
        error = finished.error if finished else None
        return None if seen == expected else _unlike("the run", expected, seen, error)
    for call in calls_of(expectation, transcript):
        if call.status != expected:
            return _unlike(call.path, expected, call.status, call.error)
    return None


def _unlike(where: str, expected: str | None, seen: str, error: str | None) -> str:
    return f"{where}: expected status {expected!r}, seen {seen!r}{because(error)}"


def because(error: str | None) -> str:
    """An error behind what is said of it."""
    return f" ({one_line(error, SHOWN)})" if error else ""


def output(expectation: Expectation, transcript: Transcript) -> str | None:
    """The final text of the run, or of every call of ``agent:``, fits."""
    check = given(expectation.output)
    if expectation.agent is None:
        texts = [("", transcript.finished.output if transcript.finished else "")]
    else:
        texts = [(call.path, call.output) for call in calls_of(expectation, transcript)]
    for where, text in texts:
        if reason := check.reason(text):
            told = f"{where}: {reason}" if where else reason
            said = [] if where else _said_by(transcript, text)
            return "\n".join([told, *hints(check, text), *said])
    return None


def _said_by(transcript: Transcript, text: str) -> list[str]:
    """Whose words the output of a run are, where they are not a main agent's own."""
    says = {it.path: it.messages[-1].text for it in transcript.calls.values() if it.messages}
    if not text or any(says.get(main) == text for main in transcript.mains):
        return []
    return [f"these are the words of {path}" for path in says if says[path] == text][-1:]


def error(expectation: Expectation, transcript: Transcript) -> str | None:
    """The run failed, or every call of ``agent:`` did, and the error fits."""
    check, finished = given(expectation.error), transcript.finished
    if expectation.agent is None:
        ends = [("the run", str(finished.status), finished.error)] if finished else []
    else:
        found = calls_of(expectation, transcript)
        ends = [(call.path, call.status, call.error) for call in found]
    for where, ended, text in ends:
        if ended != "failed":
            return f"{where}: expected an error, seen status {ended!r}"
        if reason := check.reason(text or ""):
            return "\n".join([f"{where}: {reason}", *hints(check, text or "")])
    return None if ends else "expected an error, but the run never ended"


def no_warnings(_: Expectation, transcript: Transcript) -> str | None:
    """Nothing was warned of. What a script or a cassette has left over, or in what a loose replay
    differs, is told by itself."""
    left = {it.message for it in [*transcript.unused.values(), *transcript.undecided.values()]}
    left.update(transcript.unasked, transcript.drift)
    seen = [it for it in transcript.warnings if it not in left]
    return f"expected no warnings, seen {listed([repr(it) for it in seen])}" if seen else None


def calls(expectation: Expectation, transcript: Transcript) -> str | None:
    """Each agent was delegated to so often; the main agent's own call is no delegation."""
    wanted, wrong = given(expectation.calls), []
    for agent, expected in wanted.items():
        paths = [c.path for c in transcript.calls.values() if c.agent == agent and c.delegated]
        if len(paths) not in expected:
            seen = f"{len(paths)} ({listed(paths)})" if paths else "0"
            own = "; a main agent's own call is not counted" if agent in transcript.mains else ""
            wrong.append(f"{agent}: expected {expected} calls, seen {seen}{own}")
    if not wrong:
        return None
    called = Counter(call.agent for call in transcript.calls.values() if call.delegated)
    others = [f"{agent} {times}" for agent, times in called.items() if agent not in wanted]
    return "\n".join(["; ".join(wrong), *([f"others: {listed(others)}"] if others else [])])


def handoffs(expectation: Expectation, transcript: Transcript) -> str | None:
    """The conversation of the main agent, or the one that ``agent:`` took part in, moved so."""
    expected = list(expectation.handoffs or ())
    # In a turn of a conversation it may be another's by now, and the main agent not called at all.
    for call, seen in transcript.moves(expectation.agent) or never(expectation.agent, transcript):
        if seen != expected:
            said = " → ".join(expected) or "none"
            told = f"{call}: expected {said}, seen {' → '.join(seen)}"
            return f"{told}\n{_turning(expected, seen)}" if expected else told
    return None


def _turning(expected: list[str], seen: list[str]) -> str:
    """Where a conversation went another way."""
    alike = sum(1 for _ in takewhile(lambda it: it[0] == it[1], zip(expected, seen, strict=False)))
    if alike == len(seen):
        return f"it stayed with {seen[-1]}, and did not go on to {expected[alike]}"
    if alike == len(expected):
        return f"it did not stay with {expected[-1]}, but went on to {seen[alike]}"
    if alike == 0:
        return f"it began with {seen[0]}, not with {expected[0]}"
    return f"after {seen[alike - 1]} it went to {seen[alike]}, not to {expected[alike]}"

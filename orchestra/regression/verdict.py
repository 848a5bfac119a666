"""The verdict on a case: exit code, reasons, and both sides of what was compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import CHECK_FAILED, MISSING, OK, RUN_FAILED, exit_code_of
from ..scenario import Case, Expectation
from ..trajectory import Transcript
from .checks import Judge, judge
from .checks.outcome import because
from .evidence import Diff, evidence
from .golden_check import GoldenCheck


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code`` is the exit code, and 0 if there are no ``reasons``."""

    code: int
    reasons: tuple[str, ...] = ()
    diffs: tuple[Diff, ...] = ()


def verdict(
    case: Case, transcript: Transcript, judges: Mapping[str, Judge] | None = None
) -> Verdict:
    """Of its expectations, at the end and of each turn, and of its end.

    ``judges`` are of the checks that need more than the transcript.
    """
    finished = transcript.finished
    expected = _expected(case, transcript)
    golden = (judges or {}).get("golden")
    wanted = golden.file.cases.get(golden.case) if isinstance(golden, GoldenCheck) else None
    reasons, diffs = list[str](), list[Diff]()
    for expectation, seen, place in expected:
        result = judge(expectation, seen, judges)
        if not result.passed:
            reasons.append(f"{place}{result.check}: {result.reason}")
            diffs += evidence(expectation, seen, wanted)
    if finished is None:
        return Verdict(RUN_FAILED, ("the run never finished", *reasons), tuple(diffs))
    meant = any(means(expectation, finished.status) for expectation, _, _ in expected)
    # A reply that the script lacks is no failure that a scenario could have meant.
    code = exit_code_of(finished.error_type)
    if finished.status != "completed" and (code == MISSING or not meant):
        ended = f"the run {finished.status}: {finished.error}"
        again = because(finished.error)  # said once: it may be long, and is of the first line
        reasons = [reason.removesuffix(again) for reason in reasons]
        return Verdict(code, (ended, *reasons), tuple(diffs))
    reasons += transcript.unasked
    if case.alone:  # of several cases, another may use what this one has left
        left = [*transcript.unused.values(), *transcript.undecided.values()]
        reasons += [warned.message for warned in left]
    return Verdict(CHECK_FAILED if reasons else OK, tuple(reasons), tuple(diffs))


def _expected(case: Case, transcript: Transcript) -> list[tuple[Expectation, Transcript, str]]:
    """Each check, what it looks at, and how to say where."""
    expected = [(expectation, transcript, "") for expectation in case.expect]
    for number, turn in enumerate(case.turns, 1):
        place = f"turn {number}{f' ({turn.name})' if turn.name else ''}: " if case.alone else ""
        played = transcript.turns[number - 1 : number] if case.alone else [transcript]
        missed = Transcript(transcript.mains)  # of a turn that the run never came to
        expected += [(it, played[0] if played else missed, place) for it in turn.expect]
    return expected


def means(expectation: Expectation, status: str) -> bool:
    """Whether a check says that the whole run is to end so."""
    if expectation.agent is not None:
        return False
    if expectation.error is not None:
        return status == "failed"
    if expectation.not_ is not None and expectation.not_.status is not None:
        return expectation.not_.agent is None and expectation.not_.status != status
    return expectation.status == status

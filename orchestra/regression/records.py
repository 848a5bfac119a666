"""A case's result as plain data: a line of the suite's journal, an entry of its JSON report."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from .evidence import Diff
from .leftovers import Left
from .results import CaseResult, RunFigures, outcome
from .told import Played


class DiffRecord(TypedDict):
    """Both sides of what a check compared: of a call, or of the run."""

    check: str
    where: str
    expected: list[str]
    seen: list[str]


class CaseRecord(TypedDict):
    """One case. ``file`` is relative to the project; ``run`` is None if it never ran."""

    file: str
    name: str
    scenario: str
    tags: list[str]
    outcome: str
    exit_code: int
    seconds: float
    runs: int
    passed: int
    reasons: list[str]
    notes: list[str]
    diffs: list[DiffRecord]
    kept: str | None
    run: RunFigures | None


def record_of(result: CaseResult, root: Path) -> CaseRecord:
    """The result of a case of the project in ``root``."""
    return {
        "file": relative(result.path, root),
        "name": result.name,
        "scenario": result.scenario or result.name,
        "tags": [*result.tags],
        "outcome": outcome(result.code),
        "exit_code": result.code,
        "seconds": round(result.seconds, 4),
        "runs": result.runs,
        "passed": result.held,
        "reasons": [*result.reasons],
        "notes": [*result.notes],
        "diffs": [_diff(it) for it in result.diffs],
        "kept": result.kept,
        "run": result.run,
    }


def relative(path: Path, root: Path) -> str:
    """A path as it is the same in every checkout."""
    return _relative(path if path.is_absolute() else Path.cwd() / path, root)


@lru_cache(maxsize=1_024)
def _relative(path: Path, root: Path) -> str:
    """A file of a thousand cases is looked up once."""
    absolute = path.resolve()
    try:
        return absolute.relative_to(root).as_posix()
    except ValueError:
        return absolute.as_posix()


def _diff(it: Diff) -> DiffRecord:
    return {
        "check": it.check,
        "where": it.where,
        "expected": [*it.expected],
        "seen": [*it.seen],
    }


def kept_of(played: Played) -> dict[str, Any]:
    """What has to be known of a case beside its record to go on after it."""
    left = played.left
    told = left and {
        "replies": {key: [sorted(it), count] for key, (it, count) in left.replies.items()},
        "decisions": {str(it): said for it, said in left.decisions.items()},
    }
    return {"short": played.short, "left": told}


def played_of(record: CaseRecord, kept: dict[str, Any], path: Path) -> Played:
    """What :func:`record_of` and :func:`kept_of` have written, read again."""
    told = kept["left"]
    left = told and Left(
        {key: (frozenset(it), count) for key, (it, count) in told["replies"].items()},
        {int(it): said for it, said in told["decisions"].items()},
    )
    result = CaseResult(
        name=record["name"],
        path=path,
        code=record["exit_code"],
        reasons=tuple(record["reasons"]),
        seconds=record["seconds"],
        notes=tuple(record["notes"]),
        runs=record["runs"],
        held=record["passed"],
        kept=record["kept"],
        scenario=record["scenario"],
        tags=tuple(record["tags"]),
        diffs=tuple(
            Diff(it["check"], it["where"], tuple(it["expected"]), tuple(it["seen"]))
            for it in record["diffs"]
        ),
        run=record["run"],
    )
    return Played(result, left or None, kept["short"])

"""What is told of a file while it is played, by this process or by another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from .leftovers import Left
from .results import CaseResult


@dataclass(frozen=True, slots=True)
class Planned:
    """A file has been loaded: its cases, and which of them are to be played.

    ``done`` are those that had been played before, of the same files: see ``fingerprint``.
    """

    path: Path
    scenario: str = ""
    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    fingerprint: str = ""
    concerns: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A run of a case begins."""

    name: str


@dataclass(frozen=True, slots=True)
class Played:
    """A case has been played. ``left`` is what it did not use, if nothing cut it ``short``."""

    result: CaseResult
    left: Left | None = None
    short: bool = True


@dataclass(frozen=True, slots=True)
class Over:
    """All that was to be played of a file has been."""


Told = Planned | Begun | Played | Over


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier try has played of a file: it is not played again if nothing has changed."""

    names: frozenset[str] = frozenset()
    fingerprint: str | None = None


def noted(played: Played, note: str) -> Played:
    """The same, with one more note."""
    result = replace(played.result, notes=(*played.result.notes, note))
    return replace(played, result=result)

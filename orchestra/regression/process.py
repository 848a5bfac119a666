"""The process of one worker as its parent sees it: what it is at, and what it has to spare."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from .told import Known, Planned

SHORTEST, SLOW = 0.004, 2.0  # seconds of a case, before one has been played
_START = 0.5  # seconds: less work than that is not worth another worker
_SHARE = 0.05  # and less than that not a share of it


@dataclass(frozen=True, slots=True)
class Part:
    """What one worker is to play of a file: what is not known of it."""

    number: int
    known: Known


@dataclass(slots=True)
class Process:
    """A worker's process, and what it is at. Times are on the monotonic clock."""

    process: BaseProcess
    link: Connection
    trace: Path
    ready: bool = False
    part: Part | None = None
    plan: Planned | None = None
    name: str | None = None  # of the case that runs
    since: float = 0.0  # when that began
    until: float | None = None
    left: list[str] = field(default_factory=list)  # cases of its part, in their order
    given: float = 0.0  # when it was given its part
    planned: float = 0.0  # when it had loaded it
    played: int = 0
    asked: bool = False  # to give some away
    kept: str | None = None  # the file of the run that has taken too long
    knows: int | None = None  # the file that it has loaded last
    loads: bool = False  # that file, beforehand

    @property
    def own(self) -> Part:
        """Its part; only of a worker that is at something."""
        if self.part is None:
            raise AssertionError("a worker that is at nothing was asked for its part")
        return self.part

    def to_share(
        self, takers: int = 1, *, known: bool = False, guess: float = SHORTEST
    ) -> list[str]:
        """Of what it has not begun an equal share for each of the others, if one is worth it.

        ``known``: they have loaded the file already. A case takes ``guess`` seconds as long as
        none has been played.
        """
        if self.asked or not self.plan:
            return []
        so_far, load = time.monotonic() - self.planned, self.planned - self.given
        each = so_far / self.played if self.played else max(so_far, guess)
        count = len(self.left) * takers // (takers + 1)
        share = each * count / max(min(takers, count), 1)
        if not count or share < (_SHARE if known else 2 * load + _START):
            return []
        return [name for name in self.left[-count:] if name != self.name]

    def kill(self) -> None:
        """End it, and what its tools have begun."""
        if self.process.pid is not None:
            with contextlib.suppress(OSError, AttributeError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.link.close()

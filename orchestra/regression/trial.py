"""One run of a case, and what is to be said of it."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..cassette.replay import DRIFTED
from ..errors import OK
from ..events import Event
from ..scenario import Case, Scenario
from ..trajectory import Course, Transcript
from .checks import Judge
from .figures import figures_of
from .leftovers import Left
from .results import RunFigures, failure
from .verdict import Verdict, verdict

Seed = int | None
"""The order of what happens side by side in a run; None: as it comes."""
Complete = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end, in an event loop of its own."""


class Player(Protocol):
    """Plays the cases of one scenario, whose team is built once.

    It is given by the verb, so that to judge a recorded run needs no runtime.
    """

    def play(self, case: Case, seed: Seed) -> AsyncIterable[Event]:
        """The events of a new run."""
        ...

    def keep(self) -> str | None:
        """Keep the run just played; the name of its file, if that could be written."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that is over. Without a ``transcript`` it never came to an end that could be judged."""

    seed: Seed
    verdict: Verdict
    transcript: Transcript | None
    course: Course

    @property
    def held(self) -> bool:
        return self.verdict.code == OK


@dataclass(frozen=True, slots=True)
class Trial:
    """Runs one case, under whatever seed, and judges it."""

    case: Case
    player: Player
    complete: Complete
    judges: Mapping[str, Judge]

    def run(self, seed: Seed) -> Ran:
        transcript, course = None, Course()
        try:
            seen = self.complete(_follow(self.player.play(self.case, seed), course))
            transcript = seen
            judged = verdict(self.case, seen, self.judges)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it must not end the others
            judged = Verdict(*failure(error))
        return Ran(seed, judged, transcript, course)


@dataclass(slots=True)
class Tries:
    """What has come of a case so far. Of several runs, the first that failed is told.

    ``again`` is how to have that once more: options of ``orchestra test``.
    """

    failed: Verdict | None = None
    kept: str | None = None
    again: str = ""
    runs: int = 0
    held: int = 0
    short: bool = False
    left: Left | None = None
    figures: RunFigures | None = None
    notes: list[str] = field(default_factory=list)

    def see(self, ran: Ran, scenario: Scenario) -> None:
        """Take in what a run used and left over, however it was judged."""
        transcript = ran.transcript
        finished = transcript.finished if transcript else None
        if transcript and (self.failed is None or not self.figures):
            self.figures = figures_of(transcript)
        for told in _folded(transcript.drift) if transcript else ():
            self.note(told)
        if transcript and finished and finished.status == "completed":
            self.left = Left.of(transcript, scenario).both(self.left)
        else:
            self.short = True

    def note(self, told: str) -> None:
        if told not in self.notes:
            self.notes.append(told)

    def fail(self, judged: Verdict, kept: str | None, again: str) -> None:
        """A run was not as it should be; only of the first it is told."""
        if self.failed is None:
            self.failed, self.kept, self.again = judged, kept, again


def _folded(drift: Iterable[str]) -> Iterator[str]:
    """What differs in one request differs in all that follow, as they repeat it: told once."""
    replies = dict[tuple[str, str], list[str]]()
    for told in drift:
        whose, _, what = told.partition(DRIFTED)
        call, _, reply = whose.rpartition(": reply ")
        replies.setdefault((call, what), []).append(reply)
    for (call, what), (first, *more) in replies.items():
        told = f"{call}: reply {first}{DRIFTED}{what}"
        yield f"{told} (and in {len(more)} more)" if more else told


async def _follow(events: AsyncIterable[Event], course: Course) -> Transcript:
    transcript = Transcript()
    async for event in events:
        transcript.feed(event)
        course.feed(event)
    return transcript

"""The split-pane viewer: every agent of a run live in its own pane.

How a token gets onto the screen::

    run ──(its own thread and loop: feed)──▶ deque ──(30 ticks a second: app)──▶ board
        board: plain state, agents ▶ blocks ▶ items
        transcript, views, wrap: that state as lines of a width
        canvas ▶ pane, outline, bars: those lines as strips, painted where they changed

Only ``canvas`` and what stands on it know Textual; all before it is plain Python with plain tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from ..errors import OrchestraError
from ..events import Event, Member, RunFinished
from .alone import alone
from .app import Viewer
from .comfort import Comfort
from .console import Stray
from .feed import Run, Source
from .gallery import Exhibit, Gallery
from .pauses import short_pauses
from .playing import Clock, Recording
from .questions import Questions
from .reader import Reader
from .replay import Replay

__all__ = [
    "Comfort", "Exhibit", "Questions", "Run", "Source", "Terminated", "beside", "choose", "replay",
    "view",
]  # fmt: skip


class Terminated(OrchestraError):  # noqa: N818 - it is no error of anybody's
    """A signal ended the viewer, and the terminal is restored: exit with ``exit_code``."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by signal {number}")
        self.number = number
        self.exit_code = 128 + number


def view(
    title: str,
    team: Sequence[Member],
    source: Source,
    *,
    questions: Questions | None = None,
    recording: Recording | None = None,
    clock: Clock = time.monotonic,
    comfort: Comfort | None = None,
) -> RunFinished | None:
    """Show a run until the user quits; blocks. Needs a terminal.

    ``source`` is called in a thread of its own, after the first frame. Whoever quits before the
    run is over cancels it. What the user types goes to whoever awaits ``questions.ask()``
    or ``questions.decide()``. ``recording`` reads what the run has left behind, to be replayed once
    it is over.

    Returns:
        The run's last event. ``None`` if the run was left before it came to that.

    Raises:
        OrchestraError: what ``source`` or the run raised, after the user has read it and quit.
        Terminated: SIGTERM, SIGHUP or SIGINT ended the viewer.
    """
    return _shown(
        Viewer(
            title,
            team,
            source,
            questions=questions,
            recording=recording,
            clock=clock,
            comfort=comfort,
        )
    )


def replay(
    title: str,
    team: Sequence[Member],
    recorded: Sequence[Event],
    *,
    rest: Iterator[Event] | None = None,
    share: Callable[[], float] = lambda: 0.0,
    comfort: Comfort | None = None,
) -> None:
    """Show a recorded run until the user quits; blocks. Needs a terminal.

    ``rest`` is what comes after ``recorded``, where that takes its time to be read; ``share`` is
    how much of the whole has been.

    Raises:
        Terminated: as of :func:`view`.
        OrchestraError: the rest cannot be read.
    """
    source = Replay(recorded) if rest is None else Reader(recorded, rest, share)
    _shown(Viewer(title, team, source, comfort=comfort))


def _shown(viewer: Viewer) -> RunFinished | None:
    with alone(viewer.stray):
        try:
            with short_pauses():
                viewer.run()
        finally:
            viewer.attention.give_back()
            viewer.feed.stop()
    if viewer.signal is not None:
        raise Terminated(viewer.signal)
    if viewer.feed.error is not None:
        raise viewer.feed.error
    if viewer.return_code:
        raise OrchestraError("the viewer failed; its traceback is above")
    return viewer.result()


def choose(
    exhibits: Sequence[Exhibit],
    *,
    at: int = 0,
    notice: str = "",
    comfort: Comfort | None = None,
) -> int | None:
    """Show the gallery until one is chosen: its index, or None if the user left.

    Raises:
        Terminated: a signal ended it.
    """
    gallery = Gallery(exhibits, at=at, notice=notice, comfort=comfort)
    with alone(Stray()):
        chosen = gallery.run()
    if gallery.signal is not None:
        raise Terminated(gallery.signal)
    if gallery.return_code:
        raise OrchestraError("the gallery failed; its traceback is above")
    return chosen


def beside(
    a: tuple[str, Sequence[Event]],
    b: tuple[str, Sequence[Event]],
    *,
    comfort: Comfort | None = None,
) -> None:
    """Show two recorded runs side by side, each with its name, until the user quits; blocks.

    Raises:
        Terminated: a signal ended it.
    """
    from .twins import Twins  # here: few who watch a run compare two

    twins = Twins(a, b, comfort or Comfort())
    with alone(Stray()):
        twins.run()
    if twins.signal is not None:
        raise Terminated(twins.signal)
    if twins.return_code:
        raise OrchestraError("the viewer failed; its traceback is above")

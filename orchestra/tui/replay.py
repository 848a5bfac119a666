"""A recorded run in place of a live one: the same events, at the pace that the reader sets.

It stands where :class:`~orchestra.tui.feed.Feed` stands, so nothing after it can tell the two
apart. Going back is going forward from the start again, faster than a frame for most runs.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence

from ..events import AgentFinished, Event, ModelAborted, ModelFinished, RunFinished

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, math.inf)
_TURN = (ModelFinished, ModelAborted, AgentFinished)  # what a step of a model's turn ends with


class Replay:
    """The events of one file, given out as their time comes.

    Attributes:
        events: for the reader to take from the left, as of a live run.
        at: how many events have been given out.
        position: seconds from the first event; it goes on while ``playing``.
        length: seconds that the whole takes.
        speed: seconds of the run in a second; ``inf`` is at once.
    """

    error: BaseException | None = None

    def __init__(
        self, recorded: Sequence[Event], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.recorded = recorded
        self.events: deque[Event] = deque()
        self.at = 0
        self.position = 0.0
        self.playing = True
        self.speed = 1.0
        self._clock = clock
        self._looked: float | None = None
        self._times = _times(recorded)
        self.length = self._times[-1] if recorded else 0.0

    @property
    def over(self) -> bool:
        return self.at == len(self.recorded)

    @property
    def since(self) -> float:
        """Seconds since the last event that was given out."""
        return self.position - self._times[self.at - 1] if self.at else 0.0

    def start(self) -> None:
        self._looked = self._clock()

    def stop(self) -> bool:
        self.playing = False
        return True

    def pull(self) -> None:
        """Give out what is due by now."""
        now = self._clock()
        passed, self._looked = now - (self._looked or now), now
        if not self.playing or self.over:
            return
        self.position = min(self.position + passed * self.speed, self.length)
        if math.isinf(self.speed):
            self.position = self.length
        self._give(bisect_right(self._times, self.position))
        self.playing = not self.over

    def toggle(self) -> bool:
        """Play or pause; from the end, play from the start. True if that goes back."""
        if self.over:
            back = self.go_to(0)
            self.playing = True
            return back
        self.playing = not self.playing
        return False

    def faster(self, by: int) -> None:
        """The next speed, or the one before."""
        index = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[max(0, min(index, len(SPEEDS) - 1))]

    def step(self, by: int) -> bool:
        """On by so many events, or back; it then stands still. True if it goes back."""
        return self.go_to(self.at + by)

    def step_turn(self, by: int) -> bool:
        """To the end of the next turn of a model, or of the one before."""
        ends = range(self.at, len(self.recorded)) if by > 0 else range(self.at - 2, -1, -1)
        found = (index for index in ends if isinstance(self.recorded[index], _TURN))
        return self.go_to(next(found, len(self.recorded) - 1 if by > 0 else -1) + 1)

    def seek(self, position: float) -> bool:
        """To a time, in seconds from the first event; plays on if it played."""
        playing = self.playing
        position = max(0.0, min(position, self.length))
        find = bisect_right if position else bisect_left
        back = self.go_to(find(self._times, position))
        self.position, self.playing = position, playing and not self.over
        return back

    def go_to(self, index: int) -> bool:
        """To where so many events have happened. True if the reader has to start anew."""
        self.playing = False
        index = max(0, min(index, len(self.recorded)))
        back = index < self.at
        if back:
            self.at = 0
            self.events.clear()
        self._give(index)
        self.position = self._times[index - 1] if index else 0.0
        return back

    def last(self) -> RunFinished | None:
        return None

    def _give(self, until: int) -> None:
        self.events.extend(self.recorded[self.at : until])
        self.at = max(self.at, until)


def _times(recorded: Sequence[Event]) -> list[float]:
    """When each event happens. The runs of a file, each with a clock of its own, follow on."""
    times: list[float] = []
    start = last = 0.0
    for index, event in enumerate(recorded):
        if index and event.run != recorded[index - 1].run:
            start = last
        last = max(last, start + event.t)
        times.append(last)
    return times

"""The bar of a replay: where it stands, how fast it goes. A click on it goes there."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from .canvas import Canvas
from .figures import duration
from .items import State
from .replay import Replay
from .rows import Span, Spans


class Player(Canvas):
    """Hidden until there is something to play."""

    DEFAULT_CSS = "Player { dock: bottom; height: 1; margin-bottom: 1; display: none; }"

    class Sought(Message):
        """Somebody has clicked at this share of the whole."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self) -> None:
        super().__init__()
        self._spans: Spans = ()
        self._track = (0, 0)  # the first column of the track, and how many it has

    def read(self, share: float) -> None:
        """Say how much of it has been read."""
        self.display = True
        left = f" {State.WAIT.glyph} reading … {share:>4.0%}  "
        room = max(self.size.width - cell_len(left) - 2, 0)
        done = round(share * room)
        self._track = 0, 0
        self._spans = (
            Span(left, "key"),
            Span("━" * done, "run"),
            Span("─" * (room - done), "edge"),
        )
        self.repaint()

    def show(self, replay: Replay) -> None:
        """Say how the replay stands now."""
        self.display = True
        glyph, word = "▶", "play"
        if not replay.playing:
            glyph, word = ("■", "end") if replay.over else ("⏸", "pause")
        left = f" {glyph} {word:<5} {speed(replay.speed):>7}  "
        left += f"{duration(replay.position):>7} / {duration(replay.length)}  "
        right = f"  event {replay.at:,} of {len(replay.recorded):,} "
        if self.size.width < 60:
            right = " "
        room = max(self.size.width - cell_len(left) - cell_len(right), 0)
        share = replay.position / replay.length if replay.length else float(replay.over)
        done = round(share * room)
        self._track = cell_len(left), room
        self._spans = (
            Span(left, "key"),
            Span("━" * done, "run"),
            Span("─" * (room - done), "edge"),
            Span(right, "figure"),
        )
        self.repaint()

    def keys(self) -> Sequence[Hashable]:
        return [self._spans]

    def draw(self, row: int) -> tuple[Spans, str]:  # noqa: ARG002 - of Canvas
        return self._spans, "bar-row"

    def on_click(self, event: events.Click) -> None:
        start, room = self._track
        if room and start <= event.x < start + room:
            self.post_message(self.Sought((event.x - start) / max(room - 1, 1)))


def speed(value: float) -> str:
    """``2×``; ``at once``."""
    return "at once" if math.isinf(value) else f"{value:g}×"

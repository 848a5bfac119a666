"""The keys of a replay. They do nothing, and are told nowhere, while a run is live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ..errors import OrchestraError
from ..events import Event, RunFinished
from .board import Board
from .feed import Feed
from .player import Player, speed
from .reader import Reader
from .replay import Replay
from .screen import Split
from .typeahead import TypeAhead

_SEEK = 0.05  # of the whole
_LEAST = 1.0  # seconds
Clock = Callable[[], float]
Recording = Callable[[], Sequence[Event]]
"""Reads what the run has left behind; may take seconds. Empty: nothing was kept."""
_ACTIONS = ("event", "turn", "seek", "speed")


class Playing(TypeAhead):
    """An app that may show a recorded run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "again", "Replay", id="run.again", key_display="^r"),
        Binding("comma", "event(-1)", "Step", id="replay.back", key_display=", ."),
        Binding("full_stop", "event(1)", "Step on", id="replay.on", show=False),
        Binding("less_than_sign", "turn(-1)", "Turn", id="replay.turn-back", key_display="< >"),
        Binding("greater_than_sign", "turn(1)", "Turn on", id="replay.turn-on", show=False),
        Binding("shift+left", "seek(-1)", "Back", id="replay.seek-back", show=False),
        Binding("shift+right", "seek(1)", "On", id="replay.seek-on", show=False),
        Binding("left_curly_bracket", "speed(-1)", "Speed", id="replay.slower", key_display="{ }"),
        Binding("right_curly_bracket", "speed(1)", "Faster", id="replay.faster", show=False),
    ]

    feed: Feed | Replay | Reader
    board: Board
    split: Split
    clock: Clock
    recording: Recording | None
    zero: float | None
    told = False
    returning = False  # what was seen before comes again, and is not shown again
    lived: RunFinished | None = None  # the end of the run that is now replayed

    def result(self) -> RunFinished | None:
        raise NotImplementedError

    def restart(self, *, returning: bool = True) -> None:
        """All that is shown begins anew."""
        self.board.restart()
        self.split.restart()
        self.told, self.returning, self.zero = False, returning, None

    def action_again(self) -> None:
        """Replay the run that is over."""
        self.split.footer.say("reading what the run has left …")
        self.run_worker(self._again(), exclusive=True)

    async def _again(self) -> None:
        if self.recording is None:
            return
        try:
            recorded = await asyncio.to_thread(self.recording)
        except OrchestraError as error:
            self.split.footer.say(str(error))
            return
        if not recorded:
            self.split.footer.say("this run was not kept: there is nothing to replay")
            return
        self.split.footer.say("")
        self.lived = self.result()
        self._play(Replay(recorded, clock=self.clock))

    def _play(self, replay: Replay) -> None:
        self.feed = replay
        self.feed.start()
        self.restart(returning=False)
        self.refresh_bindings()

    def keep_reading(self, reader: Reader) -> None:
        """Say how much has been read; begin once it is all, and leave if it cannot be."""
        if reader.error is not None:
            self.exit()
        elif reader.replay is not None:
            self._play(reader.replay)
        else:
            self.split.set_class(True, "-replay")
            self.split.player.read(reader.share())

    @property
    def replay(self) -> Replay | None:
        return self.feed if isinstance(self.feed, Replay) else None

    def show_player(self) -> None:
        if self.replay is not None:
            self.split.set_class(True, "-replay")
            self.split.player.show(self.replay)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "again":
            return self.recording is not None and self.feed.over
        if action in _ACTIONS:
            return self.replay is not None
        return super().check_action(action, parameters)

    def _moved(self, *, back: bool) -> None:
        if back:
            self.restart()
        self.show_player()

    def action_play(self) -> None:
        if self.replay is not None:
            self._moved(back=self.replay.toggle())

    def action_event(self, by: int) -> None:
        if self.replay is not None:
            self._moved(back=self.replay.step(by))

    def action_turn(self, by: int) -> None:
        if self.replay is not None:
            self._moved(back=self.replay.step_turn(by))

    def action_seek(self, by: int) -> None:
        if self.replay is not None:
            far = max(self.replay.length * _SEEK, _LEAST)
            self._moved(back=self.replay.seek(self.replay.position + by * far))

    def action_speed(self, by: int) -> None:
        if self.replay is not None:
            self.replay.faster(by)
            self.split.footer.say(f"speed: {speed(self.replay.speed)}")
            self.show_player()

    def on_player_sought(self, message: Player.Sought) -> None:
        if self.replay is not None:
            self._moved(back=self.replay.seek(self.replay.length * message.share))

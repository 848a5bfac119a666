"""The keys of a replay. They do nothing, and are told nowhere, while a run is live."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from .feed import Feed
from .player import Player, speed
from .replay import Replay
from .screen import Split

_SEEK = 0.05  # of the whole
_LEAST = 1.0  # seconds
_ACTIONS = ("event", "turn", "seek", "speed")


class Playing(App[None]):
    """An app that may show a recorded run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("comma", "event(-1)", "Step", id="replay.back", key_display=", ."),
        Binding("full_stop", "event(1)", "Step on", id="replay.on", show=False),
        Binding("less_than_sign", "turn(-1)", "Turn", id="replay.turn-back", key_display="< >"),
        Binding("greater_than_sign", "turn(1)", "Turn on", id="replay.turn-on", show=False),
        Binding("shift+left", "seek(-1)", "Back", id="replay.seek-back", show=False),
        Binding("shift+right", "seek(1)", "On", id="replay.seek-on", show=False),
        Binding("left_curly_bracket", "speed(-1)", "Speed", id="replay.slower", key_display="{ }"),
        Binding("right_curly_bracket", "speed(1)", "Faster", id="replay.faster", show=False),
    ]

    feed: Feed | Replay
    split: Split

    def restart(self, *, returning: bool = True) -> None:
        """All that is shown begins anew."""
        raise NotImplementedError

    @property
    def replay(self) -> Replay | None:
        return self.feed if isinstance(self.feed, Replay) else None

    def show_player(self) -> None:
        if self.replay is not None:
            self.split.set_class(True, "-replay")
            self.split.player.show(self.replay)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
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

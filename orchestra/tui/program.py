"""What the viewer, the gallery and two runs side by side have in common, as programs."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable
from typing import ClassVar

from textual.app import App, ReturnType, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen

from .columns import placing
from .keymap import Keymap
from .palette import Deed, Deeds

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_KEPT = ("Theme", "Screenshot")  # of Textual's own commands; what the others do is ours


class Program(App[ReturnType]):
    """Ends on a signal with the terminal restored, sleeps on ctrl+z, and has a palette.

    Attributes:
        signal: the number of the signal that ended it, if one did.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend_process", "Suspend", id="app.suspend", show=False),
    ]
    COMMANDS = App.COMMANDS | {Deeds}

    keymap: Keymap
    signal: int | None = None

    def get_driver_class(self) -> type[Driver]:
        return placing(super().get_driver_class())

    def on_load(self) -> None:
        # Before the terminal changes. Textual restores it for none of these.
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: int) -> None:
        self.signal = number
        self.exit()

    def on_mount(self) -> None:
        self.set_keymap(self.keymap.fit(typing=False))
        self.app_resume_signal.subscribe(self, self._come_back)

    def _come_back(self, _: object) -> None:
        """The terminal shows nothing of what was there, and may have another size."""
        for screen in self.screen_stack:
            screen.refresh(layout=True)

    def deeds(self) -> Iterable[Deed]:
        """What the palette has beside what the keys do."""
        return ()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return (it for it in super().get_system_commands(screen) if it.title in _KEPT)

"""A process on a pty, as a person at a terminal has it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import forks

PATIENCE = 60  # seconds, before a hanging test is given up


@dataclass
class Terminal:
    process: subprocess.Popen[bytes]
    fd: int
    before: list[object]
    seen: bytes = b""
    closed: bool = field(default=False)

    def shows(self, wanted: bytes, patience: float) -> bool:
        """Whether it comes within so many seconds."""
        with contextlib.suppress(AssertionError):
            self.read_until(wanted, patience)
        return wanted in self.seen

    def read_until(self, wanted: bytes, patience: float = PATIENCE) -> None:
        until = time.monotonic() + patience
        while wanted not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(until - time.monotonic(), 0))
            assert ready, f"{wanted!r} did not come in {self.seen[-2000:]!r}"
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""  # Linux's way to say that the other side is gone
            assert data, f"{wanted!r} did not come in {self.seen[-2000:]!r}"
            self.seen += data

    def leave(self) -> int:
        """Quit the viewer once the run is over, and can be replayed; its exit code."""
        self.read_until(b"replay")
        os.write(self.fd, b"q")
        return self.drain()

    def drain(self) -> int:
        with contextlib.suppress(AssertionError):
            self.read_until(b"never")
        return self.process.wait(PATIENCE)

    def hang_up(self) -> None:
        self.closed = True
        os.close(self.fd)


Spawn = Callable[[list[str]], Terminal]


def spawning() -> Iterator[Spawn]:
    begun: list[Terminal] = []

    def begin(command: list[str]) -> Terminal:
        master, slave = pty.openpty()
        # xdist sets COLUMNS and LINES, which would win over the size of the pty.
        environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
        environment["TERM"] = "xterm-256color"
        termios.tcsetwinsize(slave, (40, 120))
        process = forks.Popen(
            [sys.executable, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
        )
        before = termios.tcgetattr(slave)
        os.close(slave)
        begun.append(Terminal(process, master, before))
        return begun[-1]

    yield begin
    for terminal in begun:
        terminal.process.kill()
        terminal.process.wait()
        if not terminal.closed:
            os.close(terminal.fd)

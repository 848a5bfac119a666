"""The real program on a pty while a dozen agents stream: keys, sizes and signals.

What it writes goes to a terminal emulator, and what that shows is looked at.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from terminal import PATIENCE, Spawn, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pty")

AGENTS = 12
SENTENCE = "the agent reads a `tool` and says **what** it found.\n\n"
# pyte knows no private forms of `u` (the keyboard's protocol), and would show their letters.
_UNKNOWN = re.compile(rb"\x1b\[[<=>?][0-9;]*u|\x1b\[\?[0-9;]*\$p|\x1b\[>[0-9;]*[qm]")
_LEFT_ON = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l")


class Emulator:
    """A terminal of any size, with the viewer in it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""

    def press(self, keys: str) -> None:
        os.write(self.terminal.fd, keys.encode())

    def resize(self, width: int, height: int) -> None:
        self.screen.resize(height, width)
        termios.tcsetwinsize(self.terminal.fd, (height, width))
        self.terminal.process.send_signal(signal.SIGWINCH)

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]

    def until(self, shown: Callable[[list[str]], bool]) -> list[str]:
        """Read until the screen is like that; the screen."""
        end = time.monotonic() + PATIENCE
        while not shown(self.rows):
            ready, _, _ = select.select([self.terminal.fd], [], [], max(end - time.monotonic(), 0))
            assert ready, "\n".join(["it never came to what was waited for:", *self.rows])
            self._feed(os.read(self.terminal.fd, 65536))
        return self.rows

    def _feed(self, data: bytes) -> None:
        self.terminal.seen += data
        data = self._held + data
        cut = data.rfind(b"\x1b", -24)  # a sequence that is not whole yet waits for its end
        data, self._held = (data[:cut], data[cut:]) if cut > 0 else (data, b"")
        self._stream.feed(_UNKNOWN.sub(b"", data))


def scenario() -> str:
    names = [f"agent{n}" for n in range(AGENTS)]
    calls = ", ".join(f"{{{name}: {{query: go}}}}" for name in names)
    said = (SENTENCE * 400).replace("\n", "\\n")
    return "\n".join(
        [
            "version: 1",
            "main: lead",
            f"agents:\n  lead: {{subagents: [{', '.join(names)}]}}",
            *(f"  {name}: {{}}" for name in names),
            "input: Go.",
            f"run: {{max_concurrency: {AGENTS}}}",
            f"script:\n  lead: [{{tool_calls: [{calls}], rate: 100000}}, {{text: done}}]",
            *(f'  {name}: [{{text: "{said}", rate: 40}}]' for name in names),
        ]
    )


@pytest.fixture
def loaded(spawn: Spawn, tmp_path: Path) -> Emulator:
    path = tmp_path / "crowd.yaml"
    path.write_text(scenario())
    emulator = Emulator(spawn(["-m", "orchestra", "tui", str(path)]))
    emulator.until(lambda rows: sum("found" in row for row in rows) > 3)
    return emulator


def has(*words: str) -> Callable[[list[str]], bool]:
    return lambda rows: all(any(word in row for row in rows) for word in words)


def lacks(word: str) -> Callable[[list[str]], bool]:
    return lambda rows: not any(word in row for row in rows)


def panes(rows: list[str]) -> int:
    """How many agents have a title row on the screen: only those tell their tokens."""
    return sum(row.count(" tok") for row in rows)


def test_keys_do_what_they_say(loaded: Emulator) -> None:
    loaded.press("3z")
    loaded.until(lambda rows: panes(rows) == 1 and has("agent1 ")(rows))
    loaded.press("z?")
    loaded.until(has("Anywhere", "In a pane"))
    loaded.press("\x1b")
    loaded.until(lacks("Anywhere"))
    loaded.press("/found")
    loaded.until(has(" of "))
    loaded.press("\rb")
    loaded.until(lacks("├"))  # the tree is gone
    loaded.press("bT")
    loaded.until(has("├", "timeline"))  # and is back, and a timeline under all
    loaded.press("T")
    loaded.until(lacks("timeline"))
    loaded.press("p")
    loaded.until(lambda rows: "paused" in rows[0])
    loaded.press("p\x03")
    loaded.until(lambda rows: "stopped" in rows[0])
    loaded.press("q")
    assert loaded.terminal.drain() == 130


def test_every_size_that_a_terminal_may_take(loaded: Emulator) -> None:
    for width, height in ((20, 6), (250, 70), (33, 9), (60, 15), (1, 1), (100, 30), (80, 24)):
        loaded.resize(width, height)
        if width < 10:
            continue  # nothing can be read there; it only has to live through it
        rows = loaded.until(
            lambda rows: rows[0].startswith(" ● run") and rows[-1].startswith(" ? help")
        )
        assert len(rows) == height
        if width == 250:
            loaded.until(lambda rows: panes(rows) == AGENTS + 1)
    loaded.press("q")
    assert loaded.terminal.drain() == 130
    assert b"Traceback" not in loaded.terminal.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_restores_the_terminal(loaded: Emulator, number: signal.Signals) -> None:
    loaded.terminal.process.send_signal(number)
    assert loaded.terminal.drain() == 128 + number
    end = loaded.terminal.seen
    assert b"Traceback" not in end
    assert b"destroyed" not in end
    for sequence in _LEFT_ON:
        assert sequence in end[-1000:], sequence

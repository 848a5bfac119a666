"""How long a key waits while agents stream: the real viewer on a pty, beside a plain one.

Both programs run the same scenario through the whole runtime; the plain viewer gives each agent a
``Markdown`` and writes its tokens with ``Markdown.get_stream`` in a worker, as Textual's manual
says. A key is pressed 20 times a second; it has waited until a method of the screen is called for
it. What a program has not come to when the time is up counts as waited until then. CPU is of the
process between the first key and the last.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from table import Measured, Row, of_pairs

SIZE = (200, 50)
KEY, SENT = "f12", b"\x1b[24~"
EVERY = 0.05  # seconds between two keys
WARM = 5.0  # seconds from the first screen to the first key: the import of LangChain is over
GRACE = 8.0  # seconds to come to the last keys
# What a model writes: a heading, sentences, a list.
WORDS = (
    "## What was found\n\n"
    "The agent reads a `tool` and says **what** it found in it, in a sentence or two.\n\n"
    "- the moon is near, and the tides follow it twice a day\n"
    "- the sun is far, and adds its part when both stand in one line\n"
    "- the wind does what it will\n\n"
)


@dataclass(frozen=True)
class Pressed:
    waits: list[float]
    cpu: float
    """Cores."""

    def wait(self, share: float) -> float:
        """Milliseconds that this share of the keys waited at most."""
        return sorted(self.waits)[min(int(share * len(self.waits)), len(self.waits) - 1)] * 1e3


def scenario(agents: int, rate: int, seconds: float) -> str:
    """All agents at once: a lead that says nothing, and its subagents at ``rate`` tokens a second."""
    names = [f"agent{n}" for n in range(agents)]
    text = WORDS * (round(rate * seconds / 56) + 1)
    calls = ", ".join(f"{{{name}: {{query: go}}}}" for name in names)
    lines = [
        "version: 1",
        "main: lead",
        "agents:",
        f"  lead: {{subagents: [{', '.join(names)}]}}",
        *(f"  {name}: {{}}" for name in names),
        "input: Go.",
        f"run: {{max_concurrency: {agents}, limits: {{tokens: 100000000}}}}",
        "script:",
        f"  lead: [{{tool_calls: [{calls}], rate: 100000}}, {{text: done}}]",
        *(f"  {name}: [{{text: {json.dumps(text)}, rate: {rate}}}]" for name in names),
    ]
    return "\n".join(lines) + "\n"


def child(which: str, path: str, log: str) -> None:
    """One of the two programs, telling ``log`` of every key that it comes to."""
    from textual.screen import Screen

    told = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def pressed(_: Screen[object]) -> None:
        os.write(told, f"{time.monotonic()} {time.process_time()}\n".encode())

    setattr(Screen, f"key_{KEY}", pressed)
    if which == "ours":
        from orchestra.cli import main

        main(["tui", path])
    else:
        plain(path)


def plain(path: str) -> None:
    from textual.app import App, ComposeResult
    from textual.containers import Grid, VerticalScroll
    from textual.widgets import Markdown

    import orchestra
    from orchestra.events import TextDelta

    loaded = orchestra.load(path)

    class Plain(App[None]):
        def compose(self) -> ComposeResult:
            with Grid() as grid:
                grid.styles.grid_size_columns = round(len(loaded.agents) ** 0.5)
                for name in loaded.agents:
                    with VerticalScroll() as scroll:
                        yield Markdown(id=name)
                    scroll.anchor()

        def on_mount(self) -> None:
            self.run_worker(self.stream())

        async def stream(self) -> None:
            streams = {
                name: Markdown.get_stream(self.query_one(f"#{name}", Markdown))
                for name in loaded.agents
            }
            async for event in orchestra.run(loaded):
                if isinstance(event, TextDelta):
                    await streams[event.agent].write(event.text)

    Plain().run()


def measure(which: str, path: Path, seconds: float, slow: int) -> Pressed:
    """Run a program on a pty that is read at ``slow`` bytes a second (0: at once)."""
    log = path.with_suffix(f".{which}")
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
        os.environ["ORCHESTRA_HOME"] = str(path.parent)
        os.execv(sys.executable, [sys.executable, __file__, "child", which, str(path), str(log)])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    try:
        sent = drive(fd, log, seconds, slow)
    finally:
        end = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)
    rows = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    came = [row[0] for row in rows] + [end] * (len(sent) - len(rows))
    waits = [max(there - pressed, 0.0) for pressed, there in zip(sent, came, strict=True)]
    wall = rows[-1][0] - rows[0][0]
    return Pressed(waits, (rows[-1][1] - rows[0][1]) / wall if wall else 1.0)


def drive(fd: int, log: Path, seconds: float, slow: int) -> list[float]:
    """Press keys and read; when each key was pressed."""
    sent: list[float] = []
    begun, seen, taken = 0.0, b"", 0
    while True:
        now = time.monotonic()
        if begun:
            last = begun + WARM + seconds
            if now >= begun + WARM + len(sent) * EVERY and now < last:
                os.write(fd, SENT)
                sent.append(now)
            if now > last and (now > last + GRACE or _all_there(log, len(sent))):
                return sent
        if slow and begun and taken > slow * (now - begun):
            time.sleep(0.002)
            continue
        if not select.select([fd], [], [], 0.002)[0]:
            continue
        data = os.read(fd, 4096 if slow else 65536)
        taken += len(data)
        if b"\x1b[?2026$p" in data:
            os.write(fd, b"\x1b[?2026;1$y")  # a terminal that can show a frame at once
        if not begun:
            seen += data
            begun = now if b"\x1b[?1049h" in seen else 0.0


def _all_there(log: Path, count: int) -> bool:
    return log.exists() and log.read_bytes().count(b"\n") >= count


@cache
def compare(agents: int, rate: int, seconds: int, slow: int = 0) -> tuple[Pressed, Pressed]:
    """The plain viewer and ours under one load."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "load.yaml")
        path.write_text(scenario(agents, rate, WARM + seconds + GRACE))
        theirs, ours = (measure(which, path, seconds, slow) for which in ("plain", "ours"))
    return theirs, ours


def _waits(load: tuple[int, ...]) -> Measured:
    theirs, ours = compare(*load)
    notes = [
        f"median {it.wait(0.5):.1f} ms, most {it.wait(1):.0f} ms, {it.cpu:.2f} cores: {name}"
        for name, it in (("orchestra", ours), ("Markdown.get_stream", theirs))
    ]
    return replace(of_pairs([(theirs.wait(0.95), ours.wait(0.95))], "ms"), notes=notes)


def _cpu(load: tuple[int, ...]) -> Measured:
    theirs, ours = compare(*load)
    return of_pairs([(theirs.cpu, ours.cpu)], "cores")


def _slow() -> Measured:
    """Both are ours: on a terminal that reads slowly, and on one that reads at once."""
    quick, slow = compare(*LIGHT)[1], compare(*LIGHT, 60_000)[1]
    return of_pairs([(quick.wait(0.95), slow.wait(0.95))], "ms")


LIGHT, HEAVY = (16, 50, 6), (64, 100, 12)  # agents, tokens a second, seconds: the plain one falls
# behind for as long as it is looked at, so that a few seconds at the second load say little.
GET = "Markdown.get_stream"
ROWS = [
    Row(
        "keys-16",
        "a key's wait (p95), 16 agents at 50 tokens/s",
        GET,
        partial(_waits, LIGHT),
        most=1 / 50,
    ),
    Row("cpu-16", "CPU of the viewer at that load", GET, partial(_cpu, LIGHT), most=1 / 4),
    Row(
        "keys-64",
        "a key's wait (p95), 64 agents at 100 tokens/s",
        GET,
        partial(_waits, HEAVY),
        most=1 / 200,
    ),
    Row("cpu-64", "CPU of the viewer at that load", GET, partial(_cpu, HEAVY), most=0.4),
    Row(
        "keys-slow",
        "a key's wait (p95), 16 agents, 60 kB/s",
        "the same on a fast terminal",
        _slow,
        most=2,
    ),
]


if __name__ == "__main__":
    child(*sys.argv[2:])

"""Whole processes, measured in pairs: what a person waits for, and what it costs."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PYTHON = sys.executable
PATIENCE = 60.0  # seconds; for what never comes


@dataclass(frozen=True)
class Cost:
    """Of a process and all that it has waited for: seconds, and MB at its largest."""

    wall: float
    user: float
    cpu: float
    megabytes: float


@contextmanager
def project() -> Iterator[Path]:
    """A new folder that is a project, where runs are kept as well."""
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as name:
        folder = Path(name)
        (folder / "pyproject.toml").touch()
        os.environ["ORCHESTRA_HOME"] = str(folder / "home")
        yield folder


def cost(command: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(wall, used.ru_utime, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def pairs(
    count: int, theirs: Callable[[], float], ours: Callable[[], float]
) -> list[tuple[float, float]]:
    """Both in turns, after one of each that does not count."""
    theirs(), ours()
    return [(theirs(), ours()) for _ in range(count)]


def until(text: bytes, command: Sequence[str], folder: Path) -> float:
    """Seconds until a command has written a text to a pipe; it is let go on to its end."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        seen, came = b"", 0.0
        while part := os.read(process.stdout.fileno(), 65536):
            seen += part
            if not came and text in seen:
                came = time.perf_counter() - began
    if not came:
        raise SystemExit(f"{' '.join(command)}: no {text!r} in {seen[-500:]!r}")
    return came


def until_shown(text: bytes, command: Sequence[str], folder: Path) -> float:
    """Seconds until a program has shown a text on a terminal; then it is killed."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LINES="40", COLUMNS="120")
        os.execv(command[0], list(command))
    seen = b""
    try:
        while text not in seen:
            if not select.select([fd], [], [], PATIENCE)[0]:
                raise SystemExit(f"{' '.join(command)}: no {text!r} in {seen[-500:]!r}")
            seen += os.read(fd, 65536)
        return time.perf_counter() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)

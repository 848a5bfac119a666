"""Runs that are ended from outside, whatever their tools are doing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import forks
import pytest
from runs import check_promises, of

from orchestra import events
from orchestra.events import Event
from orchestra.verbs.ending import Threads

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

TOOLS = """
import asyncio
import threading
from langgraph.config import get_stream_writer

def stuck() -> str:
    "Waits in a thread for what never comes."
    threading.Event().wait()

async def talkative() -> str:
    "Tells of its progress."
    while True:
        await asyncio.sleep(0.01)
        get_stream_writer()("more")

async def greedy() -> str:
    "Lets its beginning be told, and then never lets go of the loop."
    for _ in range(1000):
        await asyncio.sleep(0)
    print("blocked", flush=True)
    while True:
        pass
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ORCHESTRA_HOME")
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "my_tools.py").write_text(TOOLS)
    return tmp_path


@contextlib.contextmanager
def running(project: Path, tools: str, more: str = "") -> Iterator[subprocess.Popen[str]]:
    """A run, as soon as its first tool has begun."""
    names = tools.split(", ")
    listed = "".join(f"  {name}: {{python: 'my_tools:{name}'}}\n" for name in names)
    (project / "s.yaml").write_text(
        f"version: 1\nagents: {{a: {{tools: [{tools}]}}}}\ntools:\n{listed}input: go\n"
        f"script: {{a: [tool_calls: [{tools}]]}}\n{more}"
    )
    command = [sys.executable, "-m", "orchestra", "run", "s.yaml", "--display", "jsonl"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with forks.Popen(command, cwd=project, **pipes) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"tool_started"' in line:
                break
        yield process


def kept(project: Path) -> list[Event]:
    (file,) = (project / ".orchestra" / "runs").glob("*.jsonl")
    return list(events.read(file.read_text("utf-8").splitlines())[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_thread_that_never_ends_holds_nothing_up(project: Path, number: signal.Signals) -> None:
    with running(project, "stuck") as process:
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 128 + number
    seen = kept(project)
    check_promises(seen)
    (failed,) = of(events.ToolFailed, seen)
    assert failed.error == "cancelled, but its thread runs on"


def test_nor_does_it_when_the_time_of_the_run_is_over(project: Path) -> None:
    with running(project, "stuck", "run: {timeout: 0.2}\n") as process:
        process.communicate(timeout=60)
        assert process.returncode == 124
    check_promises(kept(project))


def test_a_second_signal_ends_the_process_where_the_loop_is_blocked(project: Path) -> None:
    with running(project, "greedy") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "blocked\n"
        for _ in range(100):  # two signals that come at once may be one
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.3)
                break
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGINT


def full_pipe(room: int) -> tuple[int, int]:
    """A pipe that takes only so much more, until somebody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b" " * room):
            pass
    os.set_blocking(writer, True)
    os.read(reader, room)
    return reader, writer


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_reader_that_has_stopped_holds_nothing_up(project: Path, number: signal.Signals) -> None:
    text = "word " * 1000
    (project / "s.yaml").write_text(
        f"version: 1\nagents: {{a: {{}}}}\ninput: go\nscript: {{a: [text: {text}]}}\n"
    )
    command = [sys.executable, "-m", "orchestra", "run", "s.yaml", "--display", "jsonl"]
    room = 4096
    reader, writer = full_pipe(room)
    with forks.Popen(command, cwd=project, stdout=writer) as process:
        runs = project / ".orchestra" / "runs"
        while not any(file.stat().st_size > room for file in runs.glob("*.jsonl")):
            assert process.poll() is None
        process.send_signal(number)
        try:
            assert process.wait(60) == 128 + number
        finally:
            process.kill()
    os.close(reader)
    os.close(writer)
    seen = kept(project)
    check_promises(seen)
    assert seen[-1].type == "run_finished"
    assert len(seen) < 1000


def test_who_closes_the_terminal_has_hung_up(project: Path) -> None:
    (project / "s.yaml").write_text(
        "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: [{text: a b c, rate: 0.1}]}\n"
    )
    command = [sys.executable, "-m", "orchestra", "run", "s.yaml", "--display", "plain"]
    pid, terminal = pytest.importorskip("pty").fork()
    if pid == 0:
        os.chdir(project)
        os.execv(sys.executable, command)
    said = b""
    while b"[a]" not in said:
        said += os.read(terminal, 1024)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP
    check_promises(kept(project))


def test_a_thread_that_never_ends_holds_a_broken_pipe_up_neither(project: Path) -> None:
    with running(project, "stuck, talkative") as process:
        assert process.stdout is not None
        process.stdout.close()
        try:
            assert process.wait(60) == 141
        finally:
            process.kill()


def test_threads_are_waited_for_unless_they_are_abandoned() -> None:
    threads, go, done = Threads(), threading.Event(), threading.Event()
    future = threads.submit(lambda: go.wait() and done.set())
    threads.abandoned = True
    threads.shutdown()
    assert not future.done()
    threads.abandoned = False
    go.set()
    threads.shutdown()
    assert done.is_set()


def test_a_thread_tells_its_error() -> None:
    threads = Threads()
    future = threads.submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        future.result(60)


WALKS_AWAY = """
import asyncio, sys
import orchestra
from orchestra.scenario import loads

TEAM = '''
version: 1
agents: {lead: {subagents: [w]}, w: {}}
input: x
script:
  lead: [{tool_calls: [{w: {query: a}}, {w: {query: b}}]}, {text: e}]
  w: [{text: one two three four five, rate: 20}]
'''

async def main() -> None:
    async for event in orchestra.run(loads(TEAM, path="team.yaml")):
        if event.type == "text_delta":
            break

asyncio.run(main())
"""


def test_a_script_that_breaks_out_of_a_run_ends_in_silence() -> None:
    """The loop's end closes all async generators at once; none of that is the user's."""
    strict = {**os.environ, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", WALKS_AWAY]
    done = forks.run(command, capture_output=True, text=True, timeout=60, env=strict)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BUSY = """
import asyncio, os, signal
from orchestra.verbs.ending import on_signals

async def main() -> None:
    ended, caught = asyncio.Event(), []
    on_signals(ended.set, caught)
    loop = asyncio.get_running_loop()
    for _ in range(100_000):  # as threads do that have much to tell: the loop's pipe is full
        loop.call_soon_threadsafe(int)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(30):
        await ended.wait()
    print([it.name for it in caught])

asyncio.run(main())
"""


def test_a_busy_loop_misses_no_signal() -> None:
    done = forks.run([sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['SIGTERM']\n", "")


# Kills itself where a module is imported, or where a verb begins.
DIES = """
import os, sys
from importlib.abc import MetaPathFinder
from orchestra.__main__ import main

def dies(*_, **__):
    os.kill(os.getpid(), int(sys.argv[1]))

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[2]:
            dies()

class Arguments:  # of the command; sys.argv is the test's
    argv = ["orchestra", "validate", "none.yaml"]

sys.meta_path.insert(0, Finder())
if sys.argv[2] == "a verb":
    import orchestra.verbs.validate
    orchestra.verbs.validate.validate = dies
main.__globals__["sys"] = Arguments
try:
    code = main()
finally:
    print("closed")
sys.exit(code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("where", "out"), [("orchestra.cli", ""), ("pydantic_core", ""), ("a verb", "closed\n")]
)
def test_a_signal_before_the_run_ends_in_silence(
    number: signal.Signals, where: str, out: str
) -> None:
    command = [sys.executable, "-c", DIES, str(int(number)), where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, out, "")


def test_who_is_told_to_outlive_the_terminal_does(project: Path) -> None:
    """As ``nohup`` tells it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(project, "stuck", "run: {timeout: 0.5}\n") as process:
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=60)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert process.returncode == 124

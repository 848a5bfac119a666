"""The viewer on a real terminal: a process on a pty, ended in every way it can end."""

from __future__ import annotations

import os
import signal
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import PATIENCE, Spawn, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pty")

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from test_tui_hostile import EVIL, everywhere
from tui_events import NEWSROOM, FakeRun, midway, newsroom
from orchestra.tui import Terminated, view
mode = sys.argv[2]
events = {"hold": midway(), "whole": newsroom().events, "evil": everywhere(EVIL)}[mode]
run = FakeRun(events, hold=mode == "hold")
try:
    finished = view("How far is far?", NEWSROOM, run)
except Terminated as end:
    sys.exit(end.exit_code)
print("RESULT", finished and finished.status)
"""
RESTORED = b"\x1b[?1049l"


Start = Callable[[str], Terminal]


@pytest.fixture
def start(spawn: Spawn, tmp_path: Path) -> Start:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    return lambda mode: spawn([str(program), str(Path(__file__).parent), mode])


DESK = """
version: 1
agents: {lead: {title: The lead, subagents: [helper]}, helper: {}}
input: go
script:
  lead: [{text: asking, tool_calls: [{helper: {query: x}}]}, {text: all is well}]
  helper: [{text: helping now}]
"""


@pytest.mark.parametrize(
    ("script", "sign", "code"),
    [
        (DESK, "all is well", 0),
        (DESK.replace(", {text: all is well}", ""), "reply 2 was asked for", 3),
        (DESK + "main: nobody\n", "unknown agent 'nobody'", 2),
    ],
)
def test_the_command_itself(
    spawn: Spawn, tmp_path: Path, script: str, sign: str, code: int
) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text(script)
    terminal = spawn(["-m", "orchestra", "tui", str(path)])
    terminal.read_until(sign.encode())
    assert (terminal.drain() if code == 2 else terminal.leave()) == code
    assert b"Traceback" not in terminal.seen
    if code != 2:
        assert RESTORED in terminal.seen


CHAT = "version: 1\nagents: {a: {model: echo}}\ninput: hello\ninteractive: true\n"


def test_the_viewer_asks_for_further_turns(spawn: Spawn, tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(CHAT)
    terminal = spawn(["-m", "orchestra", "tui", str(path)])
    terminal.read_until(b"panes")  # the bar has the focus
    os.write(terminal.fd, b"\x1b")  # away from the bar, and back
    terminal.read_until(b"answer")
    terminal.seen = b""
    os.write(terminal.fd, b"i")
    terminal.read_until(b"panes")
    os.write(terminal.fd, b"once more")
    terminal.read_until(b"once more")
    terminal.seen = b""
    os.write(terminal.fd, b"\r")
    for text in (b"turn 2", b"next message"):  # it asks for another
        terminal.read_until(text)
    for _ in range(100):  # a key that comes at once may have been meant for something else
        os.write(terminal.fd, b"\x04")  # ctrl+d: the conversation ends
        if terminal.shows(b"replay", 0.3):
            break
    assert terminal.leave() == 0
    assert RESTORED in terminal.seen


def test_the_prompt_asks_for_further_turns(spawn: Spawn, tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(CHAT)
    terminal = spawn(["-m", "orchestra", "run", str(path), "--display", "plain"])
    terminal.read_until(b"chat > ")
    os.write(terminal.fd, b"once more\n")
    terminal.read_until(b"[a]\r\nonce more")
    os.write(terminal.fd, b"\n")
    assert terminal.drain() == 0


@pytest.mark.parametrize("verb", ["run", "tui"])
def test_ctrl_c_while_it_asks(spawn: Spawn, tmp_path: Path, verb: str) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(CHAT)
    terminal = spawn(["-m", "orchestra", verb, str(path)])
    terminal.read_until(b"chat > " if verb == "run" else b"panes")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.drain() == 130
    assert b"Traceback" not in terminal.seen


def test_left_before_the_end_the_command_says_interrupted(spawn: Spawn, tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text(DESK.replace("helping now", "helping now, rate: 0.001"))
    terminal = spawn(["-m", "orchestra", "tui", str(path)])
    terminal.read_until(b"helping")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 130
    assert RESTORED in terminal.seen


def test_q_restores_the_terminal_and_returns_the_result(start: Start) -> None:
    terminal = start("whole")
    terminal.read_until(b"Mars is far")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0
    assert RESTORED in terminal.seen
    assert terminal.seen.rstrip().endswith(b"RESULT completed")


def test_ctrl_c_twice_quits(start: Start) -> None:
    terminal = start("hold")
    terminal.read_until(b"Apollo")
    os.write(terminal.fd, b"\x03")
    terminal.read_until("■ stopped".encode())
    os.write(terminal.fd, b"\x03")
    assert terminal.drain() == 0
    assert terminal.seen.rstrip().endswith(b"RESULT cancelled")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_restore_the_terminal(start: Start, number: signal.Signals) -> None:
    terminal = start("hold")
    terminal.read_until(b"Apollo")
    terminal.process.send_signal(number)
    terminal.read_until(RESTORED)
    after = termios.tcgetattr(terminal.fd)
    assert after[3] & termios.ECHO
    assert terminal.drain() == 128 + number
    assert b"Traceback" not in terminal.seen
    assert b"destroyed" not in terminal.seen


def test_it_sleeps_and_comes_back_whole(start: Start) -> None:
    terminal = start("hold")
    terminal.read_until(b"Apollo")
    os.write(terminal.fd, b"\x1a")  # ctrl+z
    terminal.read_until(RESTORED)
    os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED)
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    terminal.seen = b""
    terminal.process.send_signal(signal.SIGCONT)
    for text in (b"Apollo", b"help", b"Researcher"):  # it had been painted, and is again
        terminal.read_until(text)
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_terminal_that_goes_away_leaves_nothing_running(start: Start, told: bool) -> None:
    terminal = start("hold")
    terminal.read_until(b"Apollo")
    terminal.hang_up()
    if told:  # as the kernel does, if the terminal is the controlling one
        terminal.process.send_signal(signal.SIGHUP)
    assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP


def test_the_command_ends_with_its_terminal(spawn: Spawn, tmp_path: Path) -> None:
    """Also where nobody is left who could be told why."""
    path = tmp_path / "chat.yaml"
    path.write_text(CHAT)
    terminal = spawn(["-m", "orchestra", "tui", str(path)])
    terminal.read_until(b"panes")
    terminal.hang_up()
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP


def test_hostile_bytes_never_reach_the_terminal(start: Start) -> None:
    terminal = start("evil")
    terminal.read_until("✗ failed".encode())
    terminal.read_until("␛]52;".encode())  # shown, and inert
    os.write(terminal.fd, b"z2q")
    terminal.drain()
    for obeyed in ("\x1b]52", "\x1b]0;owned", "\x1b[2J", "\x9b", "\u202e", "\u2066"):
        assert obeyed.encode() not in terminal.seen


LOUD = """
import ctypes, os, subprocess, sys


def shout(how: str) -> str:
    if how == "write":
        os.write(1, b"STRAY" * 2_000 + b"\\n")
        os.write(2, b"STRAY\\n")
    elif how == "program":
        subprocess.run("echo STRAY; echo STRAY >&2; printf '\\033]0;STRAY\\007'", shell=True)
    elif how == "c":
        ctypes.CDLL(None).puts(b"STRAY")
        ctypes.CDLL(None).fflush(None)
    elif how == "dunder":
        print("STRAY", file=sys.__stdout__, flush=True)
        print("STRAY", file=sys.__stderr__, flush=True)
    elif how == "read":  # it would wait for keys, and take them from the viewer
        return repr(subprocess.run("cat", capture_output=True).stdout)
    return "heard " + how
"""
LOUD_DESK = """
version: 1
tools: {shout: {python: "loud:shout"}}
agents: {lead: {tools: [shout]}}
input: go
script:
  lead:
    - tool_calls:
        [shout: {how: write}, shout: {how: program}, shout: {how: c}, shout: {how: dunder}]
    - tool_calls: [shout: {how: read}]
    - {match: "b''", text: all is said}
"""


def test_nobody_else_writes_on_the_terminal_or_reads_its_keys(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    (tmp_path / "desk.yaml").write_text(LOUD_DESK)
    terminal = spawn(["-m", "orchestra", "tui", str(tmp_path / "desk.yaml"), "--trust"])
    terminal.read_until(b"all is said")
    terminal.read_until(b"replay")
    assert b"STRAY" not in terminal.seen
    os.write(terminal.fd, b"o")
    terminal.read_until(b"7 lines")
    os.write(terminal.fd, b"q")
    terminal.read_until(b"all is said")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0
    assert b"\x1b]0;STRAY" not in terminal.seen
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO


def test_it_draws_where_stdout_leads(spawn: Spawn, tmp_path: Path) -> None:
    path, log = tmp_path / "desk.yaml", tmp_path / "log"
    path.write_text(DESK)
    start = "import os, sys; f = open(sys.argv[1], 'w'); os.dup2(f.fileno(), 2); "
    terminal = spawn(
        ["-c", f"{start}os.execv(sys.executable, [sys.executable, *sys.argv[2:]])",
         str(log), "-m", "orchestra", "tui", str(path)]
    )  # fmt: skip
    terminal.read_until(b"all is well")
    assert terminal.leave() == 0
    assert RESTORED in terminal.seen
    assert log.read_bytes() == b""

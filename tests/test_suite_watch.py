"""`orchestra test` on a terminal: the bar, and what a change has played again."""

from __future__ import annotations

import os
import re
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from suites import TOOLS, orchestra, talk, tool

if sys.platform == "win32":
    pytest.skip("of terminals", allow_module_level=True)

from terminal import Spawn, Terminal

from orchestra.errors import CHECK_FAILED, OK

WAITS = b"waiting for a change; ctrl+c ends it"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    for name in ("CI", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "suite_tools.py").write_text(TOOLS)
    (tmp_path / "a.yaml").write_text(talk("one"))
    (tmp_path / "b.yaml").write_text(talk("two", "else"))
    return tmp_path


def lines(seen: bytes) -> list[str]:
    """What stays on the screen: without colours, and without what was wiped away."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode().replace("\r\n", "\n"))
    return [line.rpartition("\r")[2].rstrip() for line in text.split("\n")]


def test_a_bar_on_a_terminal_and_the_summary_last(project: Path, spawn: Spawn) -> None:
    terminal = spawn(["-m", "orchestra", "test"])
    assert terminal.drain() == CHECK_FAILED
    assert b"\x1b[" in terminal.seen
    assert "0/2" in terminal.seen.decode() or "1/2" in terminal.seen.decode()
    seen = [line for line in lines(terminal.seen) if line]
    assert seen[-1] == "1 passed, 1 failed"
    assert [line.split()[:2] for line in seen if line[:4] in ("PASS", "FAIL")] == [
        ["PASS", "a"],
        ["FAIL", "b"],
    ]


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("CI", "true"), ("TERM", "dumb")])
def test_plain_lines_where_nobody_watches(
    project: Path, spawn: Spawn, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    code = f"import os; os.environ[{name!r}] = {value!r}; from orchestra.cli import main; "
    terminal = spawn(["-c", f"{code}raise SystemExit(main(['test']))"])
    assert terminal.drain() == CHECK_FAILED
    assert b"\x1b" not in terminal.seen
    assert lines(terminal.seen)[-2] == "1 passed, 1 failed"


def test_plain_lines_in_a_pipe(project: Path) -> None:
    done = orchestra("test", "a.yaml")
    assert done.returncode == OK
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed"


def again(terminal: Terminal) -> list[str]:
    """What is said of the next round, once it waits."""
    terminal.seen = b""
    terminal.read_until(WAITS)
    return [
        " ".join(it.split()[:2])
        for it in lines(terminal.seen)
        if it[:4] in ("PASS", "FAIL", "ERRO")
    ]


def test_what_a_changed_file_concerns_is_played_again(project: Path, spawn: Spawn) -> None:
    (project / "c.yaml").write_text(tool("fine"))
    (project / "agent.yaml").write_text("system_prompt: hi\n")
    (project / "d.yaml").write_text(talk("three").replace("{a: {}}", "{a: {use: agent.yaml}}"))
    terminal = spawn(["-m", "orchestra", "test", "--watch"])
    assert sorted(again(terminal)) == ["FAIL b", "PASS a", "PASS c", "PASS d"]
    (project / "b.yaml").write_text(talk("two"))
    assert again(terminal) == ["PASS b"]
    (project / "suite_tools.py").write_text(TOOLS.replace('return "ok"', "raise OSError"))
    assert again(terminal) == ["ERROR c"]
    (project / "agent.yaml").write_text("system_prompt: ho\n")
    assert again(terminal) == ["PASS d"]
    (project / "e.yaml").write_text(talk("new", "old"))
    assert again(terminal) == ["FAIL e"]
    (project / "notes.txt").write_text("of no concern")
    (project / "a.yaml").write_text(talk("one", "two"))
    assert again(terminal) == ["FAIL a"]
    assert b"still failing, and not changed: c.yaml, e.yaml" in terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.drain() == 128 + signal.SIGINT
    assert b"Traceback" not in terminal.seen


def test_ctrl_c_in_the_middle_of_a_round_ends_it(project: Path, spawn: Spawn) -> None:
    (project / "c.yaml").write_text(tool("waits"))
    os.mkfifo("pipe")
    terminal = spawn(["-m", "orchestra", "test", "--watch"])
    with ThreadPoolExecutor(1) as thread, Path("pipe").open("r+b", buffering=0) as pipe:
        ended = thread.submit(terminal.drain)  # a terminal that nobody reads holds everything up
        assert pipe.read(4) == b"here"
        terminal.process.send_signal(signal.SIGINT)
        assert ended.result() == 128 + signal.SIGINT
    assert lines(terminal.seen)[-2] == "1 passed, 1 failed"

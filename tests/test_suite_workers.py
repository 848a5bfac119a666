"""Workers of `orchestra test`: one that dies costs nothing but its case; nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import forks
import pytest
from suites import TOOLS, orchestra, report, talk, tool

from orchestra.errors import CHECK_FAILED, INVALID, OK, RUN_FAILED, TIMED_OUT

if sys.platform == "win32":
    pytest.skip("of signals and pipes", allow_module_level=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "suite_tools.py").write_text(TOOLS)
    return tmp_path


def test_who_dies_costs_its_case_and_is_named(project: Path) -> None:
    names = ["crashes", "dies", "dies_once", "ends_itself", "fine", "leaves", "never_ends"]
    for name in names:
        (project / f"{name}.yaml").write_text(tool(name))
    (project / "plain.yaml").write_text(talk())
    done = orchestra("test", "--timeout", "8", "--json", "r.json", "-n", "2")
    cases = report("r.json")
    assert {name: it["exit_code"] for name, it in cases.items()} == {
        **dict.fromkeys(["crashes", "dies", "ends_itself", "leaves"], RUN_FAILED),
        **dict.fromkeys(["dies_once", "fine", "plain"], OK),
        "never_ends": TIMED_OUT,
    }
    assert done.returncode == TIMED_OUT
    reasons = {name: "\n".join(it["reasons"]) for name, it in cases.items()}
    assert "was killed by SIGSEGV in suite_tools.py:" in reasons["crashes"]
    assert "(crashes)" in reasons["crashes"]
    assert "was killed by SIGKILL" in reasons["dies"]
    assert "ended itself with exit code 0" in reasons["ends_itself"]
    assert "sys.exit(0)" in reasons["leaves"]
    assert reasons["never_ends"].startswith("took longer than --timeout 8 s; it was in suite_tools")
    assert "(never_ends)" in reasons["never_ends"]
    kept = Path(cases["never_ends"]["kept"])  # what had happened by then can be looked at
    assert f"{kept}" in next(line for line in done.stdout.splitlines() if "never_ends.yaml" in line)
    seen = [json.loads(line)["type"] for line in kept.read_text().splitlines()]
    assert seen[-1] == "tool_started"
    assert "model_finished" in seen
    assert cases["dies_once"]["notes"] == [
        "its worker died in the first try; it was tried once more"
    ]
    assert "a worker was killed by SIGKILL (out of memory?) at 'dies_once' of dies_once.yaml" in (
        done.stderr
    )
    assert "fine was here\n" in done.stderr
    assert "so was a program\n" in done.stderr
    assert "was here" not in done.stdout
    assert "a program" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "3 passed, 5 failed"


def test_what_came_before_a_death_in_its_file_is_kept(project: Path) -> None:
    """The cases after it are played by another worker, and what is unused is known all the same."""
    text = (
        "version: 1\nagents: {a: {tools: [t]}}\ntools: {t: {python: 'suite_tools:dies_once'}}\n"
        "inputs: [one, two, three]\nscript: {a: [{match: two, tool_calls: [t]}, {match: one, text: first}"
        ", {match: three, text: third}, {match: ok, text: second}, {match: nobody, text: never}]}\n"
    )
    (project / "many.yaml").write_text(text)
    done = orchestra("test", "many.yaml")
    told = [line.split()[:2] for line in done.stdout.splitlines() if "many.yaml" in line]
    assert told == [["PASS", f"many[{at}]"] for at in range(3)] + [["FAIL", "many"]]
    assert "reply 5 of 5 was never used" in done.stdout
    assert done.returncode == CHECK_FAILED


def test_code_that_cannot_be_loaded_kills_nobody_else(project: Path) -> None:
    (project / "deadly.py").write_text("import os\nos._exit(0)\n")
    (project / "bad.yaml").write_text(tool("x").replace("suite_tools", "deadly"))
    (project / "good.yaml").write_text(tool("fine"))
    done = orchestra("test", "--json", "r.json")
    assert {name: it["exit_code"] for name, it in report("r.json").items()} == {
        "bad": RUN_FAILED,
        "good": OK,
    }
    assert done.returncode == RUN_FAILED


def test_a_suite_that_is_killed_takes_its_workers_along_and_goes_on_later(project: Path) -> None:
    for name in ("a", "b"):
        (project / f"{name}.yaml").write_text(talk(name))
    (project / "c.yaml").write_text(tool("waits"))
    os.mkfifo("pipe")
    command = [sys.executable, "-m", "orchestra", "test", "-n", "1"]
    suite = forks.Popen(command, stdout=subprocess.PIPE, text=True)
    with Path("pipe").open("rb", buffering=0) as pipe:
        assert pipe.read(4) == b"here"
        suite.kill()
        assert pipe.read() == b""  # whoever had the other end is gone
    told, _ = suite.communicate()
    assert [line.split()[1] for line in told.splitlines()] == ["a", "b"]
    (project / "b.yaml").write_text(talk("changed"))
    (project / "c.yaml").write_text(tool("fine"))
    done = orchestra("test", "--resume", "--json", "r.json", "--junit", "j.xml")
    assert done.returncode == OK, done.stdout
    assert "1 of them was played before" in done.stdout
    assert done.stdout.splitlines()[-1] == "3 passed, 0 failed"
    assert report("r.json").keys() == {"a", "b", "c"}
    assert report("r.json")["b"]["run"]["output"] == "changed"
    again = orchestra("test", "--resume")
    assert (again.returncode, again.stdout) == (INVALID, "")
    assert "came to its end" in again.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_suite_tells_what_it_knows(project: Path, number: signal.Signals) -> None:
    (project / "a.yaml").write_text(talk(wanted="else"))
    (project / "b.yaml").write_text(tool("waits"))
    os.mkfifo("pipe")
    command = [sys.executable, "-m", "orchestra", "test", "--json", "r.json", "--html", "r.html"]
    suite = forks.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with Path("pipe").open("rb", buffering=0) as pipe:
        assert pipe.read(4) == b"here"
        suite.send_signal(number)
        told, complaints = suite.communicate(timeout=60)
        assert pipe.read() == b""
    assert suite.returncode == 128 + number
    assert told.splitlines()[-2:] == [
        "interrupted with 1 of 2 files to go; --resume goes on",
        "0 passed, 1 failed",
    ]
    assert "Traceback" not in complaints
    assert report("r.json").keys() == {"a"}
    assert "interrupted" in Path("r.html").read_text()


def test_as_many_workers_as_asked_for_give_the_same_report(project: Path) -> None:
    for at in range(6):
        (project / f"{at}.yaml").write_text(talk(f"text {at}", "text 3" if at == 4 else None))
    (project / "bad.yaml").write_text("version: 1\nagents: {a: {colour: red}}\n")
    seen = []
    for count in ("0", "3"):
        done = orchestra("test", "-n", count, "--json", "r.json")
        assert done.returncode == INVALID
        cases = report("r.json").values()
        seen.append([{**it, "seconds": 0, "kept": None} for it in cases])
    assert seen[0] == seen[1]
    assert [it["name"] for it in seen[0]] == [*"012345", "bad"]

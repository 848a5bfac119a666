"""`orchestra review`: what waits is shown, and goes where a person, or a script, says."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_house import HEAVY, modules_after

from orchestra import cli
from orchestra.console.sides import Sides
from orchestra.errors import CHECK_FAILED, INVALID, OK
from orchestra.regression import GoldenFile
from orchestra.regression.reviewing import Waiting, waiting
from orchestra.verbs.reviewing import _Desk

TEAM = """\
version: 1
name: team
agents: {lead: {subagents: [w]}, w: {}}
inputs: [{input: go, name: one}, {input: run, name: two}]
script:
  lead: [{tool_calls: [{w: {query: "q"}}]}, {text: over}]
  w: [{text: "SAID"}]
expect: [{golden: true}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two scenarios: one that has been accepted and says something else now, and a new one."""
    monkeypatch.chdir(tmp_path)
    for name in ("ORCHESTRA_HOME", "CI", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "old.yaml").write_text(TEAM.replace("SAID", "first"))
    assert cli.main(["test", "old.yaml", "--update"]) == OK
    (tmp_path / "old.yaml").write_text(TEAM.replace("SAID", "fourth"))
    new = TEAM.replace("SAID", "\\e[2Jnew").replace(", {input: run, name: two}", "")
    (tmp_path / "sub/new.yaml").write_text(new)
    assert cli.main(["test"]) == CHECK_FAILED
    return tmp_path


def waits(project: Path, name: str) -> list[str]:
    return [*GoldenFile.at(project / ".orchestra/goldens" / f"{name}.golden.yaml").cases]


def accepted(path: str, case: str) -> str:
    return str(
        GoldenFile.beside(Path(path)).cases[case]["calls"]["lead/w#1"]["messages"][0]["text"]
    )


def test_in_a_pipe_it_lists(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for args in ([], ["--list"], ["."]):
        assert cli.main(["review", *args]) == CHECK_FAILED
        out, err = capsys.readouterr()
        assert out.splitlines() == [
            "old.golden.yaml  team[one]  lead/w#1, lead",
            "old.golden.yaml  team[two]  lead/w#1, lead",
            "sub/new.golden.yaml  team[one]  new",
        ]
        assert err.startswith("3 wait; ")
        assert "--accept" in err
    assert cli.main(["review", "sub"]) == CHECK_FAILED
    assert capsys.readouterr().out == "sub/new.golden.yaml  team[one]  new\n"
    assert waits(project, "old") == ["team[one]", "team[two]"]


def test_all_are_accepted_or_rejected(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["review", "--accept", "old.yaml"]) == OK
    out = capsys.readouterr().out.splitlines()
    assert out == ["wrote old.golden.yaml", "wrote old.golden.yaml", "2 accepted"]
    assert (accepted("old.yaml", "team[one]"), waits(project, "old")) == ("fourth", [])
    written = Path("old.golden.yaml").read_text()
    assert cli.main(["test", "old.yaml", "--update"]) == OK
    assert Path("old.golden.yaml").read_text() == written  # just as --update writes it
    assert cli.main(["review", "--reject"]) == OK
    assert not waits(project, "sub/new")
    assert not Path("sub/new.golden.yaml").exists()
    assert capsys.readouterr().out.splitlines()[-1] == "1 rejected"
    assert cli.main(["review"]) == OK
    assert capsys.readouterr().out == "nothing waits for a review\n"


def test_what_is_accepted_by_now_does_not_wait(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project / ".orchestra/goldens"
    (project / "old.golden.yaml").write_text((folder / "old.golden.yaml").read_text())
    assert cli.main(["review", "old.yaml"]) == OK
    (project / "sub/new.yaml").unlink()
    capsys.readouterr()
    assert cli.main(["review"]) == OK
    assert "new.golden.yaml: waits, and its scenario is gone" in capsys.readouterr().err


def desk_of(project: Path) -> _Desk:
    """Somebody is looking at what waits of old.yaml."""
    pending = project / ".orchestra/goldens/old.golden.yaml"
    found = [it for it in waiting([(Path("old.golden.yaml"), pending)]) if isinstance(it, Waiting)]
    assert len(found) == 2
    return _Desk(lambda golden: pending.parent, found)


@pytest.mark.parametrize("answer", ["accept", "reject"])
def test_an_answer_is_only_about_what_was_shown(
    project: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    """A test that is played meanwhile has seen something newer, which nobody has looked at yet."""
    desk = desk_of(project)
    (project / "old.yaml").write_text(TEAM.replace("SAID", "fifth"))
    assert cli.main(["test", "old.yaml", "-k", "one"]) == CHECK_FAILED
    capsys.readouterr()
    desk.all(answer)
    out = capsys.readouterr().out
    assert "team[one]  old.golden.yaml  is newer than what was shown: it waits on" in out
    assert out.endswith(f"1 {answer}ed, 1 still waits\n")
    assert waits(project, "old") == ["team[one]"]
    assert accepted("old.yaml", "team[one]") == "first"
    assert accepted("old.yaml", "team[two]") == ("fourth" if answer == "accept" else "first")


def test_what_passes_again_meanwhile_is_not_accepted(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_of(project)
    (project / "old.yaml").write_text(TEAM.replace("SAID", "first"))
    assert cli.main(["test", "old.yaml"]) == OK
    desk.all("accept")
    assert "team[one]  old.golden.yaml  waits no longer" in capsys.readouterr().out
    assert desk.left == 0
    assert accepted("old.yaml", "team[one]") == "first"


@pytest.mark.parametrize("more", [[], ["--update"]])
def test_a_suite_writes_goldens_while_nobody_else_does(
    project: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    """Two suites of one project, or one beside a review, would lose what the other has written."""
    pending, before = project / ".orchestra/goldens/old.golden.yaml", list[tuple[Path, bool]]()
    pending.unlink()

    @contextmanager
    def seen(folder: Path) -> Iterator[None]:
        before.append((folder, pending.exists() or accepted("old.yaml", "team[one]") == "fourth"))
        yield

    monkeypatch.setattr("orchestra.verbs.suite.alone", seen)
    cli.main(["test", "old.yaml", *more])
    assert before == [(pending.parent, False)]
    assert pending.exists() != bool(more)


def test_what_is_wrong_is_told_and_the_rest_goes_on(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".orchestra/goldens/old.golden.yaml").write_text("- \x1b[2J")
    capsys.readouterr()
    assert cli.main(["review", "nowhere.yaml", "."]) == INVALID
    out, err = capsys.readouterr()
    assert out == "sub/new.golden.yaml  team[one]  new\n"
    assert "nowhere.yaml: no such file" in err
    assert "old.golden.yaml is no golden file" in err
    assert "\x1b" not in err
    with pytest.raises(SystemExit):
        cli.main(["review", "--accept", "--reject"])
    Path("sub/new.golden.yaml").mkdir()
    assert cli.main(["review", "--accept", "sub"]) == INVALID
    assert waits(project, "sub/new") == ["team[one]"]


@pytest.mark.skipif(sys.platform == "win32", reason="no links for everyone")
def test_a_link_to_a_scenario_outside_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.yaml").write_text(TEAM)
    for link, target in (("link.yaml", outside / "far.yaml"), ("folder", outside)):
        (project / link).symlink_to(target)
    for path in ("link.yaml", "folder/far.yaml"):
        assert cli.main(["test", path]) == CHECK_FAILED
        capsys.readouterr()
        assert cli.main(["review", path]) == CHECK_FAILED
        assert path.replace(".yaml", ".golden.yaml") in capsys.readouterr().out
        assert cli.main(["review", path, "--accept"]) == OK
        assert cli.main(["test", path]) == OK


def test_it_costs_no_langchain() -> None:
    code = "from orchestra.cli import main; main(['review', '--list', 'scenarios'])"
    assert not modules_after(code) & HEAVY


DIFFERENCE = (
    "lead",
    [("alike", "7 lines alike", None), ("same", "a", "a"), ("other", "b" * 60, "c"), ("other", None, "d\x1b[2J"), ("other", "[red]e", None)],
    ["@@ -1 +1 @@", " a", "-b", "+c\x1b[2J"],
)  # fmt: skip


@pytest.mark.parametrize("columns", [120, 99, 30])
def test_how_it_looks(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    sides = Sides(out, ("accepted", "new"))
    sides.title("case\x1b[2J")
    sides.difference(*DIFFERENCE)
    told = out.getvalue().replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "\x1b[2J" not in told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    if columns < 100:
        assert lines[3:] == ["lead - accepted, + new", "@@ -1 +1 @@", "a", "-b", "+c␛[2J"]
        return
    assert lines[3:] == [
        "lead", "accepted new", "… 7 lines alike", "a a", f"{'b' * 58} ≠ c", "bb",
        "> d␛[2J", "[red]e <",
    ]  # fmt: skip


def test_only_what_differs_is_shown(project: Path) -> None:
    (one, *_) = waiting([(Path("old.golden.yaml"), project / ".orchestra/goldens/old.golden.yaml")])
    assert isinstance(one, Waiting)
    parts = {it.where: it for it in one.parts}
    assert [*parts] == ["lead/w#1", "lead"]
    assert ("other", "- text: first", "- text: fourth") in parts["lead/w#1"].rows
    assert [it for it in parts["lead/w#1"].lines if it[0] in "+-"] == [
        "-- text: first",
        "+- text: fourth",
    ]


if sys.platform != "win32":
    from terminal import Spawn

    ASKS = b"[q]uit? > "

    def test_a_person_decides_one_by_one(project: Path, spawn: Spawn) -> None:
        terminal = spawn(["-m", "orchestra", "review"])
        for answer in ("what", "accept", "s", "R"):
            terminal.read_until(ASKS)
            terminal.seen = b""
            os.write(terminal.fd, f"{answer}\n".encode())
        assert terminal.drain() == CHECK_FAILED  # what was skipped still waits
        assert b"1 accepted, 1 rejected, 1 still waits" in terminal.seen
        assert b"\x1b[2J" not in terminal.seen
        assert accepted("old.yaml", "team[one]") == "fourth"
        assert accepted("old.yaml", "team[two]") == "first"
        assert (waits(project, "old"), waits(project, "sub/new")) == (["team[two]"], [])

    def test_a_whole_file_is_accepted(project: Path, spawn: Spawn) -> None:
        terminal = spawn(["-m", "orchestra", "review"])
        terminal.read_until(ASKS)
        assert "≠" in terminal.seen.decode()  # side by side: it has 120 columns
        assert b"- text: fourth" in terminal.seen
        terminal.seen = b""
        os.write(terminal.fd, b"f\n")
        terminal.read_until(ASKS)
        assert b"[2Jnew" in terminal.seen
        os.write(terminal.fd, b"\x04")  # the end of the input
        assert terminal.drain() == CHECK_FAILED
        assert accepted("old.yaml", "team[two]") == "fourth"
        assert waits(project, "sub/new") == ["team[one]"]

    def test_ctrl_c_loses_nothing(project: Path, spawn: Spawn) -> None:
        terminal = spawn(["-m", "orchestra", "review"])
        terminal.read_until(ASKS)
        os.write(terminal.fd, b"a\n")
        terminal.seen = b""
        terminal.read_until(ASKS)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.drain() == cli.INTERRUPT
        assert b"1 accepted, 2 still wait" in terminal.seen
        assert b"Traceback" not in terminal.seen
        assert accepted("old.yaml", "team[one]") == "fourth"
        assert waits(project, "old") == ["team[two]"]

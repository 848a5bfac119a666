"""Runs that are kept: what a run leaves behind, whatever happens to it, and `orchestra runs`."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path

import forks
import pytest
from runs import check_promises, collect, scenario

from orchestra import events
from orchestra.cli import main
from orchestra.console import save
from orchestra.errors import UsageError
from orchestra.events import Event, Header, RunFinished, RunStarted, TextDelta, Usage, dumps
from orchestra.runtime import run
from orchestra.store import Keeper, find, heads, keep, lock, look, open_run

ORCHESTRA = [sys.executable, "-m", "orchestra"]
DESK = """
version: 1
agents: {a: {}}
input: what now
script: {a: [{text: all is well, usage: {input_tokens: 30, output_tokens: 4}}]}
"""
SLOW = DESK.replace("all is well,", f"{'word ' * 2000}, rate: 400,")
CASES = """
version: 1
agents: {a: {model: echo}}
inputs: [{name: one, input: first}, {name: two, input: second}]
"""
Put = Callable[..., Path]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project to stand in, and nothing of the developer's own environment."""
    for name in list(os.environ):
        if name.startswith(("ORCHESTRA_", "OPENAI_")):
            monkeypatch.delenv(name)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "desk.yaml").write_text(DESK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(project: Path) -> Path:
    return project / ".orchestra" / "runs"


@pytest.fixture
def put(folder: Path) -> Put:
    """Writes the file of a run that ended in some way, so many days ago."""

    def write(run: str, status: str = "completed", days: float = 0.0) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        began = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        lines = [dumps(Header(scenario="desk", started=began))]
        lines.append(dumps(RunStarted(run=run, seq=0, scenario="desk", main="a", input="go")))
        lines.append(dumps(TextDelta(run=run, seq=1, t=1.5, message_id="m", text="hi")))
        if status != "killed":
            usage = Usage(input_tokens=1200, output_tokens=34)
            end = RunFinished(run=run, seq=2, t=2.0, status=status, usage=usage, duration=2.0)
            lines.append(dumps(end))
        path = folder / f"{run}.jsonl"
        path.write_text("".join(f"{it}\n" for it in lines))
        return path

    return write


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl")) if folder.exists() else []


def only(folder: Path) -> tuple[Header, list[Event]]:
    (path,) = kept(folder)
    header, found = open_run(path)
    return header, list(found)


# What a run leaves behind


def test_a_run_keeps_its_events(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "desk.yaml", "--display", "jsonl", "--model", "a=scripted"]) == 0
    shown = capsys.readouterr()
    header, found = only(folder)
    assert list(events.read(shown.out.splitlines())[1]) == found
    check_promises(found)
    assert kept(folder)[0].stem == found[0].run
    assert (header.scenario, header.models, header.inputs) == ("desk", {"a": "scripted"}, None)
    assert (Path(header.path), Path(header.root)) == (Path.cwd() / "desk.yaml", Path.cwd())
    assert datetime.fromisoformat(header.started).tzinfo
    assert not shown.err


def test_only_its_owner_reads_it_and_git_never_does(folder: Path) -> None:
    assert main(["run", "desk.yaml"]) == 0
    modes = {stat.S_IMODE(it.stat().st_mode) for it in (folder, folder.parent)}
    assert modes == {0o700}
    assert stat.S_IMODE(kept(folder)[0].stat().st_mode) == 0o600
    assert (folder.parent / ".gitignore").read_text() == "*\n"


def test_no_keep(folder: Path) -> None:
    assert main(["run", "desk.yaml", "--no-keep"]) == 0
    assert not folder.parent.exists()


def test_the_root_and_the_home_say_where(
    project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sub = project / "sub"
    sub.mkdir()
    assert main(["run", "desk.yaml", "--root", str(project)]) == 0
    assert len(kept(folder)) == 1
    monkeypatch.setenv("ORCHESTRA_HOME", "sub")
    assert main(["run", "desk.yaml"]) == 0
    assert len(kept(sub / "runs")) == len(kept(folder)) == 1
    assert not (sub / ".gitignore").exists(), "a folder of the user's own is not hidden from git"
    monkeypatch.setenv("ORCHESTRA_HOME", "~nobody-of-this-name/x")
    assert main(["runs"]) == 2


def test_each_run_of_a_batch_has_its_own_file(
    project: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "desk.yaml").write_text(CASES)
    assert main(["run", "desk.yaml", "--display", "quiet"]) == 0
    found = {}
    for path in kept(folder):
        header, seen = open_run(path)
        check_promises(seen := list(seen))
        assert seen[0].run == path.stem
        found[header.case] = seen[0].input
    assert found == {"desk[one]": "first", "desk[two]": "second"}
    assert main(["runs"]) == 0
    assert {line.split()[3] for line in capsys.readouterr().out.splitlines()[2:]} == set(found)


def test_what_was_given_is_kept_but_no_secret(
    project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_KEY", "s3cr3t-canary-42")
    (project / "desk.yaml").write_text(
        DESK.replace("{a: {}}", "{a: {tools: [t]}}")
        + "tools: {t: {python: 'desk_tools:T', args: {key: '${DESK_KEY}'}}}\n"
    )
    (project / "desk_tools.py").write_text(
        "class T:\n    def __init__(self, key: str) -> None:\n        pass\n"
        '    def t(self) -> str:\n        """T."""\n        return ""\n'
    )
    monkeypatch.syspath_prepend(project)
    assert main(["run", "desk.yaml", "--input", "is it s3cr3t-canary-42?"]) == 0
    assert only(folder)[0].inputs == ("is it ***?",)
    assert "canary" not in kept(folder)[0].read_text()


def test_the_viewer_keeps_its_run(spawn: Callable[..., object], folder: Path) -> None:
    terminal = spawn(["-m", "orchestra", "tui", "desk.yaml"])
    terminal.read_until(b"well")
    terminal.leave()
    check_promises(only(folder)[1])


def test_the_viewer_says_after_it_closed_that_nothing_is_kept(
    spawn: Callable[..., object], folder: Path
) -> None:
    folder.parent.touch()
    terminal = spawn(["-m", "orchestra", "tui", "desk.yaml"])
    terminal.read_until(b"well")
    assert terminal.leave() == 0
    assert b"is not kept" in terminal.seen.rpartition(b"\x1b[?1049l")[2]


def test_a_suite_keeps_what_failed(
    project: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "bad.yaml").write_text(DESK + "expect: [{output: bad}]\n")
    (project / "broken.yaml").write_text("version: 1\nagents: {a: {colour: red}}\n")
    assert main(["test", "desk.yaml"]) == 0
    assert not folder.exists()
    assert main(["test", "bad.yaml", "broken.yaml", "desk.yaml"]) == 2
    (path,) = kept(folder)
    check_promises(only(folder)[1])
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if ".jsonl" in line]
    assert [line.split()[:2] for line in told] == [["FAIL", "bad"]]
    assert Path(told[0].split()[-1]) == path.relative_to(project)


# Whatever happens


def start(*args: str, **options: object) -> subprocess.Popen[str]:
    return forks.Popen(
        [*ORCHESTRA, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.fixture
def slow(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in the middle of a long text, in a process of its own; 100 lines have been read."""
    (project / "slow.yaml").write_text(SLOW)
    process = start("run", "slow.yaml", "--display", "jsonl")
    for _ in range(100):
        assert process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_kill_loses_nothing_that_was_said(slow: subprocess.Popen[str], folder: Path) -> None:
    slow.kill()
    rest, _ = slow.communicate()
    assert slow.returncode == -signal.SIGKILL
    header, found = only(folder)
    assert header.scenario == "slow"
    assert len(found) >= 99 + rest.count("\n")
    assert [it.seq for it in found] == list(range(len(found)))
    assert not isinstance(found[-1], RunFinished)
    (head,) = heads(folder, pytest.fail)
    assert (look(head).status, look(head).input) == ("killed", "what now")


def test_a_run_that_goes_on_is_running_and_never_removed(
    slow: subprocess.Popen[str],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (head,) = heads(folder, pytest.fail)
    assert look(head).status == "running"
    assert main(["runs", "prune", "--all"]) == 0
    assert kept(folder)
    with pytest.raises(UsageError, match="a process still writes it"):
        Keeper(folder, Header(), pytest.fail).go_on(head.path)
    assert main(["runs", "show", "last"]) == 0
    assert "the run has no end: running" in capsys.readouterr().err
    monkeypatch.setattr(lock, "LOCKS", False)  # as on Windows
    assert look(head).status == "unfinished"
    assert main(["runs", "prune", "--all"]) == 0
    assert kept(folder)
    slow.kill()
    slow.communicate()
    monkeypatch.setattr(lock, "LOCKS", True)
    assert main(["runs", "prune", "--all", "--status", "killed"]) == 0
    assert not kept(folder)


def test_a_signal_ends_the_file_in_good_order(slow: subprocess.Popen[str], folder: Path) -> None:
    slow.send_signal(signal.SIGTERM)
    slow.communicate()
    check_promises(only(folder)[1])
    assert look(heads(folder, pytest.fail)[0]).status == "cancelled"


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits")
def test_a_disk_that_fills_up_midway(project: Path, folder: Path) -> None:
    import resource

    (project / "slow.yaml").write_text(SLOW.replace(", rate: 400", ""))
    process = start(
        "run", "slow.yaml", "--display", "quiet",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )  # fmt: skip
    out, err = process.communicate()
    assert (process.returncode, out.count("word")) == (0, 2000)
    (path,) = kept(folder)
    assert err.count("\n") == 1
    assert f"this run is kept only in part: {path}: File too large; " in err
    assert path.read_bytes().endswith(b"}\n"), "no half line is left"
    assert 50 < len(only(folder)[1]) < 2000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> FileIO:
        path.touch()
        return Path("/dev/full").open("wb", buffering=0)

    monkeypatch.setattr(keep, "open_new", full)
    assert main(["run", "desk.yaml", "--display", "quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "all is well\n"
    assert not kept(folder), "an empty file is not left behind"
    assert shown.err == (
        f"orchestra: this run is not kept: {folder}: No space left on device; "
        "ORCHESTRA_HOME=FOLDER keeps runs elsewhere, --no-keep nowhere\n"
    )


@pytest.mark.parametrize("where", [".orchestra", ".orchestra/runs", "readonly"])
def test_a_folder_that_cannot_be_written(
    project: Path, where: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "readonly":
        if os.geteuid() == 0:  # who may write anywhere, but not there
            monkeypatch.setenv("ORCHESTRA_HOME", "/proc/nowhere")
        project.chmod(0o500)
    else:
        (project / where).parent.mkdir(exist_ok=True)
        (project / where).touch()
    assert main(["run", "desk.yaml", "--display", "quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "all is well\n"
    assert shown.err.startswith("orchestra: this run is not kept: /")
    assert shown.err.count("\n") == 1
    project.chmod(0o700)


def test_trouble_of_a_suite_is_said_once(
    project: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.parent.touch()
    for name in ("x.yaml", "y.yaml"):
        (project / name).write_text(DESK + "expect: [{output: bad}]\n")
    assert main(["test", "x.yaml", "y.yaml"]) == 1
    shown = capsys.readouterr()
    assert shown.err.count("is not kept") == 1
    assert ".jsonl" not in shown.out


def test_a_run_whose_name_is_a_path_is_not_kept(project: Path, folder: Path) -> None:
    said: list[str] = []
    keeper = Keeper(folder, Header(), said.append)
    keeper.feed(TextDelta(run="../../x", message_id="m", text="t"))
    keeper.feed(TextDelta(run="../../x", message_id="m", text="t"))
    assert len(said) == 1
    assert sorted(it.name for it in project.iterdir()) == ["desk.yaml", "pyproject.toml"]


def test_what_happens_together_is_written_at_once(folder: Path) -> None:
    """A token is not worth a system call; and what has been told is in the file before."""
    writes: list[int] = []

    class Counted(FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            writes.append(data.count(b"\n"))
            return super().write(data)

    lines = save.Lines(Counted(folder.parent.parent / "x.jsonl", "w"))
    together = [TextDelta(run="aaa", seq=n, message_id="m", text="t") for n in range(5)]
    lines.put(*together)
    lines.close()
    assert writes == [5]


async def test_a_run_is_in_its_file_before_it_is_told(folder: Path) -> None:
    followed = Keeper(folder, Header(), pytest.fail).follow(run(scenario(DESK[12:])))
    async for event in followed:
        (path,) = kept(folder)
        assert event in list(open_run(path)[1])


async def test_a_run_goes_on_in_its_old_file(folder: Path, put: Put) -> None:
    path = put("aaa", "killed")
    before = path.read_bytes()
    more = [
        TextDelta(run="aaa", seq=2, message_id="m", text="more"),
        RunFinished(run="aaa", seq=3, status="completed"),
    ]
    for torn in (b"", b'{"run":"aaa","seq":2,"t', dumps(more[0]).encode()):
        path.write_bytes(before + torn)
        keeper = Keeper(folder, Header(), pytest.fail)
        keeper.go_on(path)
        for event in more[1:] if torn.endswith(b"}") else more:
            keeper.feed(event)
        keeper.close()
        found = list(open_run(path)[1])
        assert found[2:] == more
        assert path.read_bytes().endswith(b"}\n")
    assert kept(folder) == [path]


async def test_who_walks_away_closes_the_file(folder: Path) -> None:
    followed = Keeper(folder, Header(), pytest.fail).follow(run(scenario(DESK[12:])))
    happening = aiter(followed)
    await anext(happening)
    await happening.aclose()
    assert look(heads(folder, pytest.fail)[0]).status == "cancelled"
    again = Keeper(folder, Header(), pytest.fail).follow(run(scenario(DESK[12:])))
    again.cancel()
    assert (await collect(again))[-1].status == "cancelled"


# Reading


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_passed_over(put: Put, cut: int) -> None:
    path = put("aaa")
    path.write_bytes(path.read_bytes()[:-cut])
    _, found = open_run(path)
    assert len(list(found)) == (3 if cut == 1 else 2)  # only its newline is missing, or more


@pytest.mark.parametrize("text", ["", "{", '{"type":"header","form'])
def test_a_file_that_was_only_just_begun(folder: Path, put: Put, text: str) -> None:
    path = put("aaa")
    path.write_text(text)
    assert list(open_run(path)[1]) == []
    os.utime(path, (0, 0))
    assert look(heads(folder, pytest.fail)[0]).status == "killed"
    os.utime(path)
    assert look(heads(folder, pytest.fail)[0]).status == ("killed" if text else "running")


WRONG = {
    "half": (2, '{"run":"aaa"', "Invalid JSON"),
    "kind": (2, '{"run":"aaa","seq":1,"type":"nonsense"}', "Input tag 'nonsense'"),
    "lost": (1, "", "event 1 where event 0"),
    "header": (2, dumps(Header()), "a header in the middle of a recorded run"),
    "first": (0, '{"run":"aaa","seq":1,"type":"text_delta","message_id":"m","text":"x"}', "no header"),
    "text": (0, "once upon a time", "Invalid JSON"),
    "newer": (0, '{"type":"header","format":99}', "format 99 is newer"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_said_with_its_line(
    put: Put, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    number, text, message = WRONG[wrong]
    path = put("aaa")
    lines = path.read_text().splitlines()
    if wrong == "lost":  # the first event stays, the second is gone
        number = 2
        del lines[2]
        message = "event 2 where event 1"
    else:
        lines[number] = text
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError) as caught:
        list(open_run(path)[1])
    assert str(caught.value).startswith(f"{path}: line {number + 1}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert main(["runs", "show", "aaa"]) == 2
    assert f"line {number + 1}" in capsys.readouterr().err


def test_a_run_is_found_by_what_people_type(folder: Path, put: Put) -> None:
    old, _, new = put("abc1", days=2), put("abd2", days=1), put("b", days=0)
    put("bcd", days=3)
    assert find(folder, "last") == new
    assert find(folder, "abc1") == find(folder, "abc") == old
    assert find(folder, "b") == new, "a whole id is no prefix"
    assert find(folder, str(old)) == old
    with pytest.raises(UsageError, match=r"^'ab' is the beginning of 2 runs: abc1, abd2$"):
        find(folder, "ab")
    with pytest.raises(UsageError, match=r"there is no run 'abd3' in .*did you mean 'abd2'\?"):
        find(folder, "abd3")
    with pytest.raises(UsageError, match="no such file"):
        open_run(find(folder, "nowhere/x.jsonl"))
    with pytest.raises(UsageError, match="is no file"):
        open_run(folder)


def test_reading_imports_no_langchain(project: Path, put: Put) -> None:
    put("aaa")
    script = (
        "import sys; from orchestra.cli import main\n"
        "assert main(['runs']) == main(['runs', 'show', 'last']) == 0\n"
        "assert not {'langchain', 'langchain_core', 'langgraph', 'textual'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# The verb


def test_the_list(put: Put, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("old", "failed", days=3)
    put("new", "completed", days=1)
    put("dead", "killed", days=2)
    (folder / "notes.jsonl").write_text("once upon a time\n")
    (folder / "notes.txt").touch()
    assert main(["runs"]) == 0
    shown = capsys.readouterr()
    rows = [line.split() for line in shown.out.splitlines()]
    assert [row[0] for row in rows] == ["new", "dead", "old"]
    assert rows[0][3:] == ["desk", "completed", "2.0s", "1,234", "tokens", "go"]
    assert rows[1][3:] == ["desk", "killed", "1.5s", "-", "go"]
    began = datetime.now().astimezone() - timedelta(days=1)
    assert rows[0][1] == f"{began:%Y-%m-%d}"
    assert shown.err.startswith(f"{folder}/notes.jsonl: line 1: ")
    assert main(["runs", "--limit", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1
    assert "(2 more; --limit 0 lists all 3)" in shown.err


def test_the_list_as_json(put: Put, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(30):
        put(f"r{number:02}", days=number)
    assert main(["runs", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["folder"], document["total"]) == (str(folder), 30)
    assert [it["id"] for it in document["runs"]] == [f"r{number:02}" for number in range(30)]
    first = document["runs"][0]
    assert (first["status"], first["input_tokens"], first["output_tokens"]) == (
        "completed",
        1200,
        34,
    )
    assert Path(first["path"]).exists()
    assert main(["runs", "--json", "--limit", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 2


def test_no_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, code in ([], 0), (["prune"], 0), (["show", "last"], 2):
        assert main(["runs", *args]) == code
        assert capsys.readouterr() == ("", f"no runs are kept in {folder}\n")
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_the_root_of_the_list(
    put: Put, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put("aaa")
    (project / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(project / "deep" / "er")
    assert main(["runs"]) == 0
    for args in (["--root", "..", "show", "aaa"], ["show", "aaa", "--root", ".."]):
        assert main(["runs", *args]) == 2
        assert "there is no run 'aaa'" in capsys.readouterr().err
    assert main(["runs", "show", "aaa", "--root", str(project)]) == 0


def test_show_prints_the_run_as_a_pipe_has_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "desk.yaml", "--display", "plain"]) == 0
    live = capsys.readouterr()
    assert main(["runs", "show", "last"]) == 0
    assert capsys.readouterr() == (f"{kept(folder)[0]}\n\n{live.out}", live.err)


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"], ["--limit", "x"], ["--limit", "-1"], ["show"], ["prune", "--status", "running"],
        ["prune", "--keep", "1", "--all"], ["prune", "--older-than", "nan"], ["prune", "aaa"],
        ["--limit", "1", "prune"], ["--json", "show", "last"],
    ],
)  # fmt: skip
def test_wrong_calls(put: Put, folder: Path, args: list[str]) -> None:
    put("aaa")
    try:
        code = main(["runs", *args])
    except SystemExit as left:
        code = int(str(left.code))
    assert code == 2
    assert len(kept(folder)) == 1


HAD = {"r1": ("failed", 1), "r2": ("completed", 2), "r3": ("killed", 3), "r4": ("failed", 40)}


@pytest.mark.parametrize(
    ("args", "left"),
    [
        ([], "r1 r2 r3 r4"),
        (["--keep", "1"], "r1"),
        (["--keep", "0"], ""),
        (["--all"], ""),
        (["--older-than", "2.5"], "r1 r2"),
        (["--older-than", "2.5", "--keep", "1"], "r1 r2 r3"),
        (["--status", "failed"], "r2 r3"),
        (["--status", "failed", "--keep", "1"], "r1 r2 r3"),
        (["--status", "failed", "--older-than", "30"], "r1 r2 r3"),
        (["--status", "killed"], "r1 r2 r4"),
        (["--all", "--dry-run"], "r1 r2 r3 r4"),
    ],
)
def test_prune(
    put: Put, folder: Path, capsys: pytest.CaptureFixture[str], args: list[str], left: str
) -> None:
    for name, (status, days) in HAD.items():
        put(name, status, days)
    (folder / "notes.jsonl").write_text("not a run\n")
    assert main(["runs", "prune", *args]) == 0
    assert [it.stem for it in kept(folder)] == ["notes", *left.split()]
    *told, total = capsys.readouterr().out.splitlines()
    gone = set(HAD) if "--dry-run" in args else set(HAD) - set(left.split())
    assert {re.split(r"removed?\s+", line)[1].split()[0] for line in told} == gone
    assert total.endswith(f"removed, {len(HAD) - len(gone)} kept in {folder}")


def test_prune_leaves_fifty(put: Put, folder: Path) -> None:
    for number in range(53):
        put(f"r{number:02}", days=number)
    assert main(["runs", "prune"]) == 0
    assert [it.stem for it in kept(folder)] == [f"r{number:02}" for number in range(50)]


def test_a_list_reads_the_ends_of_a_file_only(put: Put, folder: Path) -> None:
    path = put("aaa")
    first, begun, said, end = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + begun + b"rubbish that is never read\n" * 50_000 + end)
    assert look(heads(folder, pytest.fail)[0]).status == "completed"
    long = replace(events.loads(end), output="long " * 100_000)
    path.write_bytes(first + begun + said + dumps(long).encode() + b"\n")
    assert look(heads(folder, pytest.fail)[0]).usage == Usage(input_tokens=1200, output_tokens=34)


def test_a_hostile_file_is_inert(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    path = put("aaa")
    path.write_text(path.read_text().replace('"input":"go"', '"input":"\\u001b]0;x\\u0007\\u202e"'))
    assert main(["runs"]) == main(["runs", "--json"]) == main(["runs", "show", "last"]) == 0
    shown = capsys.readouterr()
    assert not re.search("[\x1b\x07\u202e]", shown.out + shown.err)


def test_a_header_of_old_reads_as_ever() -> None:
    old = '{"type":"header","format":1,"scenario":"s","digest":"d","orchestra":"0.1.0"}'
    header, _ = events.read([old])
    assert header == Header(scenario="s", digest="d", orchestra="0.1.0")
    given = Header(path="p", models={"a": "echo"}, inputs=("x",), case="one")
    assert events.read([dumps(given)])[0] == given

"""The command line as its users meet it: output, exit codes, one clear message each."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import forks
import pytest
from runs import ROOT, SCENARIOS, by_call, check_promises
from terminal import Spawn

from orchestra import events
from orchestra.cli import main

ORCHESTRA = [sys.executable, "-m", "orchestra"]
NEWSROOM = str(SCENARIOS / "newsroom.yaml")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own environment takes part."""
    for name in list(os.environ):
        if name.startswith(("ORCHESTRA_", "OPENAI_")) and name != "ORCHESTRA_HOME":
            monkeypatch.delenv(name)


def orchestra(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return forks.run([*ORCHESTRA, *args], capture_output=True, text=True, timeout=120, **options)


def recorded(text: str) -> tuple[events.Header, list[events.Event]]:
    header, found = events.read(text.splitlines())
    return header, list(found)


def test_run_in_a_pipe_is_plain() -> None:
    done = orchestra("run", NEWSROOM)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "[editor/researcher#2]" in done.stdout
    assert "16 m in the Bay of Fundy" in done.stdout


def test_run_as_json_lines_and_saved(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    done = orchestra("run", NEWSROOM, "--display", "jsonl", "--save", str(file), "--stats")
    assert done.returncode == 0
    header, seen = recorded(done.stdout)
    check_promises(seen)
    assert header.scenario == "newsroom"
    assert len(header.digest) >= 16
    assert recorded(file.read_text()) == (header, seen), "what is saved is what is shown"
    assert "researcher" in done.stderr, "--stats goes where it does not spoil the JSON"
    again = recorded(orchestra("run", NEWSROOM, "--display", "jsonl").stdout)[1]
    assert by_call(again) == by_call(seen)


def test_events_are_not_saved_over_the_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.yaml").write_text("model: echo\n")
    path, link = tmp_path / "s.yaml", tmp_path / "link.jsonl"
    path.write_text("version: 1\nagents: {w: {use: w.yaml}}\ninput: go\n")
    link.symlink_to(path)
    files = {it: it.read_text() for it in tmp_path.iterdir()}
    for own in (path, link, tmp_path / "w.yaml", tmp_path / "." / "s.yaml"):
        assert main(["run", str(path), "--save", str(own)]) == 2
        assert capsys.readouterr().err.endswith("is a file of this scenario; name another\n")
        assert {it: it.read_text() for it in tmp_path.iterdir()} == files


def test_run_quietly() -> None:
    done = orchestra("run", NEWSROOM, "--display", "quiet")
    assert (done.stdout, done.returncode) == (
        "Published on page 1, “The sea answers the moon”.\n",
        0,
    )


def test_stats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", NEWSROOM, "--stats"]) == 0
    out = capsys.readouterr().out
    for word in ("researcher", "checker", "first", "/s"):
        assert word in out.lower()


def test_filters_and_what_they_leave_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "all.jsonl"
    args = ["--agent", "researcher#2", "--agent", "checker", "--node", "model"]
    assert main(["run", NEWSROOM, "--display", "jsonl", *args, "--save", str(file)]) == 0
    _, shown = recorded(capsys.readouterr().out)
    assert {e.call for e in shown} == {None, "editor/researcher#2", "editor/writer#1/checker#1"}
    assert not [e for e in shown if e.type.startswith("tool_") and e.type != "tool_call_delta"]
    _, saved = recorded(file.read_text())
    check_promises(saved)


def test_input_and_model(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--model", "echo", "--input", "say this", "--display", "quiet"]
    assert main(["run", NEWSROOM, *args]) == 0
    assert capsys.readouterr().out == "say this\n"


def test_settings_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_MODEL", "echo")
    assert main(["run", NEWSROOM, "--display", "quiet"]) == 0
    assert capsys.readouterr().out == "Write a note on the tides for the front page.\n"
    assert main(["run", NEWSROOM, "--display", "quiet", "--model", "scripted"]) == 0
    assert "Published" in capsys.readouterr().out


SHORT = "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: []}\n"
LONG = "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: [{text: hi}, {text: more}]}\n"
MISSPELT = "version: 1\nagents:\n  a:\n    sytem_prompt: hi\ninput: go\n"
NOBODY = (
    "version: 1\nagents: {editor: {subagents: [writter]}, writer: {}}\nmain: editor\ninput: go\n"
)


@pytest.mark.parametrize(
    ("name", "content", "verb", "code", "message"),
    [
        ("short.yaml", SHORT, "run", 3, "a: reply 1 was asked for, but script key 'a' has 0"),
        ("short.yaml", SHORT, "test", 3, "a: reply 1 was asked for, but script key 'a' has 0"),
        ("long.yaml", LONG, "run", 0, "script key 'a': reply 2 of 2 was never used"),
        ("long.yaml", LONG, "test", 1, "script key 'a': reply 2 of 2 was never used"),
        ("bad.yaml", MISSPELT, "run", 2, "bad.yaml:4:5: agents.a: unknown key 'sytem_prompt'; did you mean 'system_prompt'?"),
        ("bad.yaml", MISSPELT, "test", 2, "did you mean 'system_prompt'?"),
        ("who.yaml", NOBODY, "run", 2, "did you mean 'writer'?"),
        ("picture.yaml", b"\x89PNG\r\n\x1a\n\0\0", "run", 2, "picture.yaml"),
        ("latin.yaml", "name: é".encode("latin-1"), "test", 2, "is not UTF-8 text"),
        ("gone.yaml", None, "run", 2, "gone.yaml: no such file"),
        ("gone.yaml", None, "test", 2, "gone.yaml: no such file"),
        ("folder", "", "run", 2, "is a folder, not a scenario file"),
        ("empty.yaml", "", "run", 2, "empty.yaml"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_clearly(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str | bytes | None,
    verb: str,
    code: int,
    message: str,
) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main([verb, str(path)]) == code
    shown = capsys.readouterr()
    told = shown.out if verb == "test" and content is not None else shown.err
    assert told.count(message) == 1
    assert "Traceback" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--model", "eco"], "--model: there is no model 'eco'; did you mean 'echo'?"),
        (["--model", "editr=echo"], "--model: there is no agent 'editr'; did you mean 'editor'?"),
        (["--agent", "riter"], "--agent: there is no agent 'riter'; did you mean 'writer'?"),
        (["--agent", "#2"], "--agent '#2': expected the end of a call path"),
        (["--save", "/no/such/folder/x/y.jsonl"], "/no/such"),
    ],
)
def test_wrong_options(capsys: pytest.CaptureFixture[str], args: list[str], message: str) -> None:
    if os.geteuid() == 0 and "--save" in args:
        args = ["--save", "/proc/nowhere/y.jsonl"]
        message = "/proc/nowhere"
    assert main(["run", NEWSROOM, *args]) == 2
    assert message in capsys.readouterr().err


def test_a_wrong_verb_is_argparse_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["rnu", NEWSROOM])
    assert left.value.code == 2


def test_a_python_tool_of_another_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "version: 1\nagents: {a: {tools: [t]}}\ntools: {t: {python: 'm:f'}}\ninput: go\n"
        "script: {a: [{tool_calls: [t]}, {text: end}]}\n"
    )
    (tmp_path / "m.py").write_text('def f() -> str:\n    """F."""\n    return "ran"\n')
    assert main(["run", str(path)]) == 2
    assert "--trust" in capsys.readouterr().err
    assert main(["run", str(path), "--trust"]) == 0
    assert "ran" in capsys.readouterr().out


def test_what_a_tool_prints_does_not_spoil_the_output(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        'def f() -> str:\n    """F."""\n    print("stray")\n    return "x"\n'
    )
    path = tmp_path / "s.yaml"
    path.write_text(
        "version: 1\nagents: {a: {tools: [t]}}\ntools: {t: {python: 'm:f'}}\ninput: go\n"
        "script: {a: [{tool_calls: [t]}, {text: end}]}\n"
    )
    done = orchestra("run", str(path), "--trust", "--display", "jsonl")
    check_promises(recorded(done.stdout)[1])
    assert done.stderr == "stray\n"


def test_test_prints_a_line_each_and_a_reason_for_each_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(LONG)
    (tmp_path / "b.yaml").write_text(LONG.replace(", {text: more}", ""))
    (tmp_path / "notes.yaml").write_text("just: notes\n")
    assert main(["test", str(tmp_path), str(tmp_path / "nowhere")]) == 2
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith("FAIL  a ")
    assert "never used" in lines[1]
    assert lines[2].startswith("PASS  b ")
    assert lines[-1] == "1 passed, 2 failed"
    assert "nowhere" in shown.err


def test_tui_on_a_terminal_that_cannot_show_it(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = spawn(
        [
            "-c",
            "import os; os.environ['TERM'] = 'dumb'; from orchestra.cli import main;"
            f" raise SystemExit(main(['tui', {NEWSROOM!r}]))",
        ]
    )
    terminal.read_until(b"TERM is dumb; use: orchestra run")
    assert terminal.drain() == 2
    assert b"\x1b" not in terminal.seen


def test_tui_without_a_terminal() -> None:
    done = orchestra("tui", NEWSROOM, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stderr == (
        f"orchestra tui needs a terminal; in a pipe, use: orchestra run {NEWSROOM}\n"
    )


SLOW = """
version: 1
agents: {lead: {subagents: [w]}, w: {}}
input: go
script:
  lead: [{text: start, tool_calls: [{w: {query: x}}, {w: {query: y}}]}]
  w: [{text: a b c d, rate: 0.001}]
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_end_a_run_in_good_order(tmp_path: Path, number: int, code: int) -> None:
    path = tmp_path / "slow.yaml"
    path.write_text(SLOW)
    process = forks.Popen(
        [*ORCHESTRA, "run", str(path), "--display", "jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    lines = []
    speaking: set[str] = set()
    for line in process.stdout:
        lines.append(line)
        event = json.loads(line)
        if event["type"] == "text_delta" and event["agent"] == "w":
            speaking.add(event["call"])
            if len(speaking) == 2:
                process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    _, seen = recorded("".join(lines))
    check_promises(seen)
    last = seen[-1]
    assert isinstance(last, events.RunFinished)
    assert last.status == "cancelled"


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    process = forks.Popen(
        [*ORCHESTRA, "run", NEWSROOM, "--display", "jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "ORCHESTRA_HOME": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    assert json.loads(process.stdout.readline())["type"] == "header"
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141
    [kept] = (tmp_path / "runs").iterdir()
    _, seen = recorded(kept.read_text(encoding="utf-8"))
    check_promises(seen)  # the file tells the end that nobody waited for
    last = seen[-1]
    assert isinstance(last, events.RunFinished)
    assert last.status == "cancelled"


def test_a_full_disk() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = forks.run(
            [*ORCHESTRA, "run", NEWSROOM], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 4
    assert "the output cannot be written: No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


def test_settings_that_are_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_RATE", "fast")
    assert main(["run", NEWSROOM]) == 2
    assert capsys.readouterr().err.startswith("ORCHESTRA_RATE='fast': ")


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "cp1252"])
def test_any_encoding(encoding: str) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    if encoding == "ascii":  # as that of the files then is, by default
        environ |= {"PYTHONUTF8": "0", "LC_ALL": "C"}
    done = forks.run(
        [*ORCHESTRA, "run", str(SCENARIOS / "city-guide.yaml")],
        capture_output=True, env=environ, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"Palace Museum" in done.stdout


def test_the_program_runs_from_anywhere(tmp_path: Path) -> None:
    done = orchestra("test", str(SCENARIOS), "--trust", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith("passed, 0 failed")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for args in (
        ["--version"],
        ["--help"],
        ["run", "--help"],
        ["tui", "--help"],
        ["test", "--help"],
    ):
        with pytest.raises(SystemExit) as left:
            main(args)
        assert left.value.code == 0
    out = capsys.readouterr().out
    assert "exit codes" in out
    assert str(ROOT) not in out


EVERY = [
    (["list", str(SCENARIOS)], 0), (["show", NEWSROOM], 0), (["validate", NEWSROOM], 0),
    (["run", NEWSROOM], 0), (["run", NEWSROOM, "--display", "rich", "--stats"], 0),
    (["test", NEWSROOM], 0), (["new"], 0), (["new", "chat", "-"], 0), (["schema"], 0),
    (["--help"], 0), (["--version"], 0), (["run", "--help"], 0), (["list", "nowhere"], 2),
    (["run", "nowhere.yaml"], 2), (["tui", NEWSROOM], 2), (["nonsense"], 2),
]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="no such redirections")
@pytest.mark.parametrize(("args", "code"), EVERY)
def test_closed_streams(args: list[str], code: int) -> None:
    """As `orchestra list >&-`: what cannot be said is not said, and that is all."""
    for closed in ((0,), (1,), (2,), (0, 1, 2)):
        done = forks.run([*ORCHESTRA, *args], closed=closed, capture_output=True, text=True)
        assert done.returncode == code, (closed, done.stderr)
        assert "Error" not in done.stderr
        assert not (done.stdout if 1 in closed else "")
        if closed == (1,):
            assert bool(done.stderr) == bool(code), done.stderr


def test_a_closed_output_is_not_another_file(tmp_path: Path) -> None:
    """The next file that is opened gets the lowest number, and all that is printed with it."""
    saved = tmp_path / "run.jsonl"
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *ORCHESTRA, "run", NEWSROOM, "--save", str(saved)]
    assert subprocess.run(shell, timeout=120).returncode == 0
    check_promises(recorded(saved.read_text())[1])


@pytest.mark.parametrize("path", ["x" * 5000, "x/" * 2500 + "y.yaml"])
@pytest.mark.parametrize(
    "args",
    [
        ["validate"], ["run"], ["test"], ["list"], ["show"], ["new", "chat"],
        ["run", NEWSROOM, "--root"], ["validate", NEWSROOM, "--root"],
    ],
)  # fmt: skip
def test_a_path_that_is_too_long(
    capsys: pytest.CaptureFixture[str], args: list[str], path: str
) -> None:
    named = path if path.endswith(".yaml") or args[0] != "new" else f"{path}.yaml"
    assert main([*args, named]) == 2
    shown = capsys.readouterr()
    assert ": File name too long\n" in shown.err + shown.out
    assert "Errno" not in shown.err


def test_a_mistake_of_our_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError("on\x1b[2J\npurpose")

    monkeypatch.setattr("orchestra.verbs.show.show", fail)
    assert main(["show", NEWSROOM]) == 4
    told = (
        "orchestra: ZeroDivisionError: on␛[2J purpose "
        "(a mistake of orchestra's own; ORCHESTRA_DEBUG=1 shows where)\n"
    )
    assert capsys.readouterr().err == told
    monkeypatch.setenv("ORCHESTRA_DEBUG", "1")
    assert main(["show", NEWSROOM]) == 4
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.endswith(told)


def test_every_tool_says_why_it_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "version: 1\nagents: {a: {tools: [t, u]}}\ninput: go\n"
        "tools: {t: {returns: [{error: no such city}]}, u: {returns: [{error: no such city}]}}\n"
        "script: {a: [{tool_calls: [t, u]}, {text: end}]}\n"
    )
    assert main(["run", str(path)]) == 0
    out = capsys.readouterr().out
    assert "✗ t no such city" in out
    assert "✗ u no such city" in out


def test_at_a_readers_pace_and_kept_as_text(tmp_path: Path) -> None:
    """On virtual time, so a slow pace costs none; the events are those of every run."""
    text = tmp_path / "said" / "run.txt"
    done = orchestra(
        "run", NEWSROOM, "--pace", "2", "--seed", "1", "--save-text", str(text), "--no-keep"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert text.read_text("utf-8") == done.stdout
    assert "16 m in the Bay of Fundy" in done.stdout


def test_debug_tells_every_event(tmp_path: Path) -> None:
    done = orchestra("run", NEWSROOM, "--debug", "--no-keep")
    lines = done.stderr.splitlines()
    seen = [events.loads(line) for line in lines]
    assert [e.seq for e in seen] == list(range(len(seen)))
    assert seen[-1].type == "run_finished"


@pytest.mark.parametrize("pace", ["0", "-1", "nan", "inf", "fast"])
def test_a_pace_is_a_number(pace: str) -> None:
    done = orchestra("run", NEWSROOM, "--pace", pace)
    assert done.returncode == 2
    assert "--pace" in done.stderr


def test_text_is_not_saved_over_the_scenario(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("version: 1\nagents: {a: {model: echo}}\ninput: go\n")
    done = orchestra("run", str(file), "--save-text", str(file))
    assert done.returncode == 2
    assert "--save-text" in done.stderr
    assert file.read_text().startswith("version")

"""What can be said after `orchestra test`: which cases, how often, and what it ends with."""

from __future__ import annotations

from pathlib import Path

import pytest
from suites import TOOLS, report, talk, tool

from orchestra.cli import main
from orchestra.errors import CHECK_FAILED, INVALID, MISSING, OK, TIMED_OUT, UsageError
from orchestra.regression.choice import Choice, words
from orchestra.scenario import load, loads

MANY = """\
version: 1
name: moods
tags: [many]
agents: {a: {model: echo}}
inputs: [{input: glad, name: happy}, {input: sad, name: sad}, {input: mad, expect: [{output: nope}]}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "suite_tools.py").write_text(TOOLS)
    (tmp_path / "cats.yaml").write_text(talk("meow", tag="animals"))
    (tmp_path / "dogs.yaml").write_text(talk("wow", "wuff", tag="animals"))
    (tmp_path / "many.yaml").write_text(MANY)
    return tmp_path


def played(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, list[str]]:
    """The exit code, and which cases were played."""
    capsys.readouterr()
    code = main(["test", *args])
    out = capsys.readouterr().out
    lines = (line.split() for line in out.splitlines())
    return code, [it[1] for it in lines if it and it[0] in ("PASS", "FAIL", "ERROR")]


# Which cases

FITS = [
    ("cats", True), ("CATS", True), ("dogs", False), ("not dogs", True), ("not cats", False),
    ("cats and dogs", False), ("cats or dogs", True), ("not cats or dogs", False),
    ("not (cats or dogs)", False), ("not not cats", True), ("'a cat'", False), ('"s.y"', True),
    ("dogs or cats and not x", True), ("(dogs or cats) and x", False), ("not'x'", True),
    ("'and' or cats", True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "fits"), FITS)
def test_words(expression: str, fits: bool) -> None:
    scenario = loads("version: 1\nagents: {a: {}}\ninput: x\n", path="cats.yaml")
    assert Choice(words(expression)).takes("cats", Path("cats.yaml"), scenario) is fits


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("cats and", "expected a word, at character 9"),
        ("and cats", "expected a word, found 'and', at character 1"),
        ("(cats", "expected ')', at character 6"),
        ("cats dogs", "expected 'and' or 'or', found 'dogs', at character 6"),
        ("cats )", "expected 'and' or 'or', found ')', at character 6"),
        ("'cats", "a quote that is not closed, at character 1"),
        ("not " * 60 + "x", "too deep"),
        ("()", "expected a word, found ')'"),
        (" ", "expected a word"),
    ],
)
def test_words_that_say_nothing(expression: str, told: str) -> None:
    with pytest.raises(UsageError, match=r"^-k ") as wrong:
        words(expression)
    assert told in str(wrong.value)


def test_chosen_by_words_and_by_tag(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(capsys, "-k", "cats or happy") == (OK, ["cats", "moods[happy]"])
    assert played(capsys, "-k", "moods and not 2") == (OK, ["moods[happy]", "moods[sad]"])
    assert played(capsys, "--tag", "animals") == (CHECK_FAILED, ["cats", "dogs"])
    assert played(capsys, "--tag", "animals", "-k", "not dogs", "--tag", "many") == (
        CHECK_FAILED,
        ["cats", "moods[happy]", "moods[sad]", "moods[2]"],
    )
    (project / "broken.yaml").write_text("version: 1\nagents: {}\n")
    assert played(capsys, "-k", "cats") == (OK, ["cats"])
    assert played(capsys, "-k", "broken") == (INVALID, ["broken"])


@pytest.mark.parametrize("mode", [[], ["--dry-run"], ["-n", "2"]])
@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["-k", "birds"], "nothing to play: -k 'birds' fits no case"),
        (["--tag", "animal"], "--tag: no scenario has 'animal'; did you mean 'animals'?"),
        (["--tag", "animals", "--tag", "xyz"], "--tag: no scenario has 'xyz'; known: animals"),
        (["nowhere"], "nowhere: no such file or folder"),
        (["--last-failed"], "--last-failed: nothing failed the last time"),
        (["--resume"], "--resume: the last suite came to its end"),
    ],
)
def test_nothing_is_never_well(
    project: Path, capsys: pytest.CaptureFixture[str], args: list[str], told: str, mode: list[str]
) -> None:
    if mode == ["-n", "2"] and "cats.yaml" in args:
        return
    assert main(["test", *args, *mode]) == INVALID
    shown = capsys.readouterr()
    assert told in shown.err
    assert "Traceback" not in shown.err


def test_an_empty_folder_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["test"]) == INVALID
    assert "no scenario in this folder" in capsys.readouterr().err


def test_a_dry_run_plays_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "-k", "moods", "--dry-run"]) == OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "3 cases to play"
    assert [line.split()[0] for line in lines[:-1]] == [
        "moods[happy]", "moods[sad]", "moods[2]",
    ]  # fmt: skip
    assert not (project / "home").exists()
    (project / "broken.yaml").write_text("version: 1\nagents: {}\n")
    assert main(["test", "--dry-run"]) == INVALID


def test_what_failed_the_last_time(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(capsys)[0] == CHECK_FAILED
    failed = (CHECK_FAILED, ["dogs", "moods[2]"])
    assert played(capsys, "--last-failed") == failed
    assert played(capsys, "cats.yaml") == (OK, ["cats"])  # it says nothing of the others
    assert played(capsys, "--last-failed") == failed
    assert main(["test", "--last-failed", "--dry-run"]) == OK
    (project / "dogs.yaml").write_text(talk("wuff"))
    assert played(capsys, "--last-failed") == failed
    assert played(capsys, "--last-failed") == (CHECK_FAILED, ["moods[2]"])
    assert played(capsys, "--last-failed", "cats.yaml") == (INVALID, [])
    (project / "many.yaml").unlink()
    assert played(capsys, "--last-failed") == (INVALID, [])


def test_a_file_that_was_broken_is_played_as_a_whole(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "many.yaml").write_text(MANY.replace("glad", "glad, colour: red"))
    assert played(capsys, "many.yaml") == (INVALID, ["many"])
    (project / "many.yaml").write_text(MANY.replace("nope", "mad"))
    assert len(played(capsys, "--last-failed")[1]) == 3
    assert played(capsys, "--last-failed") == (INVALID, [])


def test_an_update_of_some_cases_leaves_the_others(project: Path) -> None:
    path = project / "many.yaml"
    path.write_text(MANY.replace("nope", "mad") + "expect: [{golden: true}]\n")
    golden = project / "many.golden.yaml"
    assert main(["test", "many.yaml", "--update"]) == OK
    first = golden.read_text()
    assert main(["test", "many.yaml", "--update", "-k", "sad"]) == OK
    assert golden.read_text() == first
    assert main(["test", "many.yaml", "-n", "1"]) == OK
    path.write_text(path.read_text().replace("glad", "happy"))
    assert main(["test", "many.yaml", "--update", "-n", "1"]) == OK
    assert golden.read_text() == first.replace("glad", "happy")


# How often


def test_a_pass_rate_is_that_of_each_case(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "often.yaml").write_text(
        "version: 1\nagents: {a: {tools: [t]}}\ntools: {t: {python: 'suite_tools:fails_sometimes'}}\n"
        "input: go\nscript: {a: [{tool_calls: [t]}, {text: end}]}\n"
        "expect: [{tool_result: {tool: t, contains: good}}]\n"
    )

    def often(*args: str) -> tuple[int, str]:
        (project / "count").unlink(missing_ok=True)
        capsys.readouterr()
        code = main(["test", "often.yaml", "cats.yaml", "-n", "0", "--json", "r.json", *args])
        return code, capsys.readouterr().out

    assert often()[0] == OK
    code, told = often("--repeat", "8")
    assert code == CHECK_FAILED
    assert "! passed 6 of 8 times" in told
    assert (report("r.json")["often"]["runs"], report("r.json")["often"]["passed"]) == (8, 6)
    assert report("r.json")["cats"]["passed"] == 8
    code, told = often("--repeat", "8", "--min-pass-rate", "75%")
    assert code == OK
    assert "passed 6 of 8 times; one that failed: tool_result: " in told
    # Never a mean: the case that always passes makes up for nothing.
    assert often("--repeat", "8", "--min-pass-rate", "0.8")[0] == CHECK_FAILED


WRONG = [
    (["--min-pass-rate", "0.5"], "say how many with --repeat N"),
    (["--min-pass-rate", "0", "--repeat", "3"], "'0' is no part of a whole"),
    (["--min-pass-rate", "150%", "--repeat", "3"], "'150%' is no part of a whole"),
    (["--repeat", "0"], "at least 1"),
    (["--timeout", "x"], "'x' is no number of seconds"),
    (["--timeout", "3", "-n", "0"], "--timeout needs a process that can be ended"),
    (["--watch", "-n", "0"], "--watch needs a process that can be ended"),
    (["--resume", "--last-failed"], "it does not go with --last-failed"),
    (["-n", "-1"], "is no number"),
]


@pytest.mark.parametrize(("args", "told"), WRONG)
def test_wrong_calls(
    project: Path, capsys: pytest.CaptureFixture[str], args: list[str], told: str
) -> None:
    try:
        code = main(["test", *args])
    except SystemExit as left:
        code = int(str(left.code))
    assert code == INVALID
    assert told in capsys.readouterr().err


def test_one_team_serves_all_cases_of_a_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestra.runtime import graph

    built: list[str] = []
    agent = graph.create_agent

    def counted(*args: object, **options: object) -> object:
        built.append(str(options["name"]))
        return agent(*args, **options)

    monkeypatch.setattr(graph, "create_agent", counted)
    main(["test", "many.yaml", "--repeat", "3", "--seeds", "2", "-n", "0"])
    assert built == ["a"]


def test_a_run_that_takes_too_long_on_its_own_clock(project: Path) -> None:
    slow = "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: [{text: x, first_token: 9}]}\n"
    (project / "slow.yaml").write_text(slow + "run: {timeout: 1}\n")
    assert main(["test", "slow.yaml"]) == TIMED_OUT
    (project / "short.yaml").write_text("version: 1\nagents: {a: {}}\ninput: go\n")
    assert main(["test", "slow.yaml", "short.yaml"]) == TIMED_OUT
    assert main(["test", "short.yaml", "dogs.yaml"]) == MISSING


# What is seen


def test_a_screen_is_enough_for_a_failure(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "\\n".join(f"line {at}" for at in range(200))
    (project / "long.yaml").write_text(
        f'version: 1\nagents: {{a: {{}}}}\ninput: go\nscript: {{a: [{{text: "{said}"}}]}}\n'
        + "expect: [{golden: true}]\n"
    )
    assert main(["test", "long.yaml", "--update"]) == OK
    text = (project / "long.yaml").read_text()
    checks = ", ".join(f"{{output: nothing {at}}}" for at in range(60))
    (project / "long.yaml").write_text(text.replace("expect: [", f"expect: [{checks}, "))
    capsys.readouterr()
    assert main(["test", "long.yaml"]) == CHECK_FAILED
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 34
    assert "more lines; --json and --html have them" in lines[-2]


def test_a_folder_that_cannot_be_written_ends_no_suite(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "home").touch()
    assert main(["test", "cats.yaml", "--json", "r.json"]) == OK
    assert "--resume and --last-failed will not know of this suite" in capsys.readouterr().err
    assert report("r.json")["cats"]["outcome"] == "passed"


def test_few_journals_are_left(project: Path) -> None:
    for _ in range(6):
        main(["test", "cats.yaml"])
    assert len([*(project / "home" / "suites").iterdir()]) == 4
    assert not (project / "home" / "runs").exists()


def test_what_a_file_concerns(project: Path) -> None:
    from orchestra.regression.concerns import concerns, fingerprint

    (project / "pack").mkdir()
    (project / "pack" / "__init__.py").write_text("from . import inner\n")
    (project / "pack" / "inner.py").write_text("import other, os\n")
    (project / "other.py").write_text("def f() -> str:\n    return ''\n")
    (project / "agent.yaml").write_text("system_prompt: hi\n")
    text = (
        tool("f")
        .replace("suite_tools:f", "pack:f")
        .replace("agents: {a: {", "agents: {a: {use: agent.yaml, ")
    )
    (project / "s.yaml").write_text(text)
    scenario = load(project / "s.yaml")
    names = {it.name for it in concerns(scenario)}
    assert names == {"s.yaml", "agent.yaml", "s.golden.yaml", "__init__.py", "inner.py", "other.py"}
    before = fingerprint(scenario)
    assert before == fingerprint(load(project / "s.yaml"))
    (project / "other.py").write_text("def f() -> str:\n    return 'else'\n")
    assert before != fingerprint(load(project / "s.yaml"))

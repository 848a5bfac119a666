"""Golden trajectories: what is in them, when they are written, how a difference is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import play, scenario
from virtual import run_virtually

from orchestra import cli
from orchestra.errors import CHECK_FAILED, INVALID, OK
from orchestra.regression import GoldenFile, Transcript
from orchestra.regression.differing import difference
from orchestra.regression.golden import dump, golden_of, plain
from orchestra.runtime import run

TEAM = """\
version: 1
agents:
  lead: {subagents: [w], tools: [t], approve: [t]}
  w: {tools: [t]}
tools: {t: {parameters: {result: string}, returns: [{when: {result: bad}, error: refused}, {value: "1\\n2"}]}}
input: go
decisions: [{agent: lead, tool: t, decide: reject}]
script:
  lead:
    - tool_calls: [{w: {query: one}}, {w: {query: two}}, {t: {result: x}}]
    - text: "all: done"
  w#1: [{tool_calls: [{t: {result: bad}}], rate: 10}, {text: first, rate: 3}]
  w#2: [{reasoning: hm, text: "second\\n  indented \\nyes", rate: 7}]
expect:
  - golden: true
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORCHESTRA_HOME", raising=False)
    path = tmp_path / "team.yaml"
    path.write_text(TEAM)
    return path


def test_what_is_in_it() -> None:
    loaded = scenario(TEAM.removeprefix("version: 1\n"))
    seen = golden_of(Transcript.of(run_virtually(play(loaded))))
    assert seen == {
        "status": "completed",
        "output": "all: done",
        "calls": {
            "lead": {
                "task": "go",
                "messages": [
                    {
                        "text": "",
                        "tool_calls": [
                            {"tool": "w", "args": {"query": "one"}, "result": "first"},
                            {
                                "tool": "w",
                                "args": {"query": "two"},
                                "result": "second\n  indented \nyes",
                            },
                            {
                                "tool": "t",
                                "args": {"result": "x"},
                                "rejected": "rejected by a person, and not run",
                            },
                        ],
                    },
                    {"text": "all: done"},
                ],
                "decisions": [{"tool": "t", "decide": "reject"}],
            },
            "lead/w#1": {
                "task": "one",
                "messages": [
                    {
                        "text": "",
                        "tool_calls": [
                            {"tool": "t", "args": {"result": "bad"}, "failed": "refused"}
                        ],
                    },
                    {"text": "first"},
                ],
            },
            "lead/w#2": {
                "task": "two",
                "messages": [{"reasoning": "hm", "text": "second\n  indented \nyes"}],
            },
        },
    }
    assert plain(seen) == seen


def test_it_is_the_same_in_any_order_of_what_runs_side_by_side() -> None:
    loaded = scenario(TEAM.removeprefix("version: 1\n"))

    async def seeded(seed: int) -> Transcript:
        return Transcript.of([event async for event in run(loaded, seed=seed)])

    dumps = {dump(golden_of(run_virtually(seeded(seed)))) for seed in range(12)}
    assert len(dumps) == 1


def test_only_update_writes_it(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    golden = team.with_name("team.golden.yaml")
    assert cli.main(["test", "team.yaml"]) == CHECK_FAILED
    told = capsys.readouterr().out
    assert "golden: no golden of 'team' yet in team.golden.yaml" in told
    assert "orchestra test --update" in told
    assert not golden.exists()
    assert cli.main(["test", "team.yaml", "--update"]) == OK
    assert "wrote team.golden.yaml" in capsys.readouterr().out
    first = golden.read_text()
    assert cli.main(["test", "team.yaml"]) == OK
    assert cli.main(["test", "team.yaml", "--update"]) == OK
    assert "wrote" not in capsys.readouterr().out
    assert golden.read_text() == first


def test_a_change_is_told_by_call_and_line_and_waits_for_a_review(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["test", "team.yaml", "--update"]) == OK
    before = team.with_name("team.golden.yaml").read_text()
    team.write_text(TEAM.replace("text: first", "text: fourth"))
    capsys.readouterr()
    assert cli.main(["test", "team.yaml"]) == CHECK_FAILED
    told = capsys.readouterr().out
    assert "golden: lead/w#1, lead differ from the golden file; lead/w#1:" in told
    assert "@@ message 2 @@" in told
    assert "-- text: first" in told
    assert "+- text: fourth" in told
    assert team.with_name("team.golden.yaml").read_text() == before
    waiting = GoldenFile.at(team.parent / ".orchestra/goldens/team.golden.yaml")
    assert waiting.cases["team"]["calls"]["lead/w#1"]["messages"][1] == {"text": "fourth"}
    team.write_text(TEAM)
    assert cli.main(["test", "team.yaml"]) == OK
    assert not waiting.path.exists()


def test_a_case_that_fails_otherwise_is_not_written(team: Path) -> None:
    assert cli.main(["test", "team.yaml", "--update"]) == OK
    before = team.with_name("team.golden.yaml").read_text()
    team.write_text(TEAM.replace("all: done", "all: over") + "  - output: done\n")
    assert cli.main(["test", "team.yaml", "--update"]) == CHECK_FAILED
    assert team.with_name("team.golden.yaml").read_text() == before


def test_every_case_has_its_own_and_old_ones_go(team: Path) -> None:
    golden = team.with_name("team.golden.yaml")
    text = TEAM.replace("input: go\n", "inputs: [go, {input: run, name: fast}]\n")
    team.write_text(text)
    assert cli.main(["test", "team.yaml", "--update"]) == OK
    assert [*GoldenFile.at(golden).cases] == ["team[0]", "team[fast]"]
    team.write_text(text.replace("name: fast", "name: slow"))
    assert cli.main(["test", "team.yaml", "--update"]) == OK
    assert [*GoldenFile.at(golden).cases] == ["team[0]", "team[slow]"]


@pytest.mark.parametrize(
    "text", ["", "- 1", "version: 2\ncases: {}", "version: 1", "a: [", "version: !!python/x 1"]
)
def test_a_file_that_is_no_golden_is_an_error(
    team: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    team.with_name("team.golden.yaml").write_text(text)
    assert cli.main(["test", "team.yaml"]) == INVALID
    assert "team.golden.yaml is no golden file" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "a\n\nb",
        " a\nb",
        "a \nb",
        "\n",
        "a: b\n# c\n",
        "'\"\\",
        "火星\n👩‍🚀",
        "\x1b[1m\nx",
        "a\x85b\nc",
        "- a",
    ],
)
def test_every_text_comes_back(text: str) -> None:
    assert plain({"output": text}) == {"output": text}


def test_a_long_difference_is_cut() -> None:
    old = {"calls": {"a": {"output": "\n".join(map(str, range(100)))}}}
    new = {"calls": {"a": {"output": "\n".join(map(str, range(100, 200)))}}}
    told = difference(old, new)
    assert told is not None
    assert len(told.splitlines()) < 30
    assert told.endswith("more lines")


def calls(**told: list[str | dict[str, object]]) -> dict[str, object]:
    """A golden: of each call its messages, each a text, or the tool calls that it asks for."""
    return {
        "status": "completed",
        "output": "",
        "calls": {
            path.replace("_", "/"): {
                "messages": [
                    {"text": it} if isinstance(it, str) else {"text": "", "tool_calls": [it]}
                    for it in messages
                ]
            }
            for path, messages in told.items()
        },
    }


def asked(tool: str, result: str = "ok", **args: object) -> dict[str, object]:
    return {"tool": tool, "args": args, "result": result}


def test_who_began_it_comes_before_all_who_only_heard_of_it() -> None:
    """Of the call's parent and its sibling only tasks and results differ, or what came after."""
    old = calls(
        **{"a": [asked("w", "x"), asked("v", "y"), "end"], "a_w#1": ["x"], "a_v#1": ["y"]},
    )
    new = calls(
        **{"a": [asked("w", "z"), asked("v", "q", of="z"), "is z"], "a_w#1": ["z"], "a_v#1": ["q"]},
    )
    new["calls"]["a/v#1"]["task"] = "z"  # type: ignore[index]
    told = difference(old, new)
    assert told is not None
    assert told.split("\n") == [
        "a/w#1, a, a/v#1 differ from the golden file; a/w#1:",
        "@@ message 1 @@",
        " messages:",
        "-- text: x",
        "+- text: z",
    ]


def test_each_that_began_it_is_shown() -> None:
    old = calls(**{"a": [asked("w"), "end"], "a_w#1": ["one"], "a_w#2": ["two"], "b": ["b"]})
    new = calls(**{"a": [asked("w"), "end"], "a_w#1": ["one"], "a_w#2": ["2"], "b": [asked("t")]})
    told = difference(old, new)
    assert told is not None
    assert "a/w#2, b differ from the golden file; a/w#2:" in told
    assert "\nb:\n@@ message 1 @@" in told


def test_who_is_another_now_and_does_the_same() -> None:
    old, new = calls(**{"a": ["x"], "a_w#1": ["y"]}), calls(**{"b": ["x"], "b_w#1": ["y"]})
    assert difference(old, new) == (
        "a, a/w#1, b, b/w#1 differ from the golden file\na is b now, and does the same"
    )


def test_who_is_not_called_any_more() -> None:
    told = difference(calls(a=["x"], b=["y"]), calls(a=["x"]))
    assert told == (
        "b differs from the golden file; b:\n@@ no longer called @@\n-messages:\n-- text: y"
    )


def test_true_is_not_1_but_3_is_3_0() -> None:
    old, new = calls(a=[asked("t", n=1)]), calls(a=[asked("t", n=True)])
    told = difference(old, new)
    assert told is not None
    assert "+      n: true" in told
    assert difference(calls(a=[asked("t", n=3)]), calls(a=[asked("t", n=3.0)])) is None

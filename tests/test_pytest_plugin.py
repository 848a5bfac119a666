"""The pytest plugin: inert until asked, then scenario files are test files like others."""

from __future__ import annotations

import re
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from runs import ROOT

# Imported here, once: what a run in this process imports is forgotten at its end.
from orchestra import cli
from orchestra.pytest_plugin import items
from orchestra.regression import GoldenFile

pytest_plugins = "pytester"

GREETING = """\
version: 1
name: greeting
tags: [demo, "team:x y", skip, xfail]
agents:
  clerk: {subagents: [translator]}
  translator: {}
inputs:
  - {input: Hello!, name: short}
  - {input: Good evening!, name: long, expect: [{calls: {translator: 1}}]}
script:
  clerk:
    - {match: Hello, text: Bonjour !}
    - {match: evening, text: Bonsoir !}
expect:
  - output: {matches: "^Bon"}
"""
TOOLS = """
import asyncio, sys
from pathlib import Path

def ring() -> str:
    "Rings."
    with Path("rung").open("a") as file:
        file.write("x")
    return "rung"

async def clock() -> str:
    "Which one."
    return type(asyncio.get_running_loop()).__name__

def leaves() -> str:
    "Politely."
    sys.exit(0)
"""
DESK = """\
version: 1
agents: {{a: {{tools: [t]}}}}
tools: {{t: {{python: "desk:{tool}"}}}}
inputs: [{inputs}]
script: {{a: [{{tool_calls: [t]}}, {{text: end}}]}}
"""
COUNTED = """
import os
from pathlib import Path
from orchestra.pytest_plugin import items

class Counted(items.Stage):
    @classmethod
    def of(cls, *args):
        with Path("built").open("a") as file:
            file.write(f"{os.getpid()}\\n")
        return super().of(*args)

items.Stage = Counted
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a scenario, of whose two cases one fails, and a test of another kind."""
    monkeypatch.delenv("ORCHESTRA_HOME", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others import what they like
    monkeypatch.setattr(sys, "path", [*sys.path])
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\naddopts = "--strict-markers -p orchestra.pytest_plugin"\n'
    )
    write(pytester, "scenarios/greeting.yaml", GREETING)
    write(pytester, "scenarios/greeting.golden.yaml", "version: 1\ncases: {}\n")
    write(pytester, "scenarios/compose.yaml", "version: 1\nservices: {}\n")
    write(pytester, "test_other.py", "def test_other(): pass\n")
    return pytester


def write(pytester: pytest.Pytester, name: str, text: str) -> Path:
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:cacheprovider", *args)


def desk(tool: str, count: int = 1) -> str:
    """A scenario with a Python tool, and so many cases."""
    return DESK.format(tool=tool, inputs=", ".join(f"go {it}" for it in range(count)))


def test_it_comes_with_the_package() -> None:
    (point,) = [it for it in entry_points(group="pytest11") if it.name == "orchestra"]
    assert point.value == "orchestra.pytest_plugin"


LOADED = """
import sys
def pytest_unconfigure():
    print("loaded:", *(it for it in sys.modules if it.startswith("orchestra.")))
    print("heavy:", *({"langchain_core", "langgraph", "pydantic", "yaml", "rich"} & {*sys.modules}))
"""


@pytest.mark.parametrize("asked", [False, True])
def test_it_costs_nothing_until_it_is_asked(project: pytest.Pytester, asked: bool) -> None:
    project.makeconftest(LOADED)
    write(project, "scenarios/broken.yaml", "version: 1\nagents: [\n")
    args = ["--collect-only", "scenarios/greeting.yaml"] if asked else []
    result = project.runpytest_subprocess(*args)
    assert result.ret == 0
    if asked:
        result.stdout.fnmatch_lines(["*2 tests collected*", "heavy: *"])
        result.stdout.no_fnmatch_line("heavy:*lang*")
    else:
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(
            ["loaded: orchestra.lazily orchestra.option_values orchestra.pytest_plugin", "heavy:"]
        )


def test_what_is_collected_when(project: pytest.Pytester) -> None:
    write(project, "scenarios/more/second.yml", GREETING)
    expected = {
        (): 0,
        ("scenarios",): 0,
        ("scenarios/greeting.yaml",): 2,
        ("--orchestra",): 4,
        ("--orchestra", "scenarios/more"): 2,
        ("-o", "orchestra_files=*.yaml"): 2,
        ("-o", "orchestra_files=scenarios/*.yaml more/*.yml"): 4,
        ("-o", "orchestra_files=second.* other/*"): 2,
    }
    for args, count in expected.items():
        found, _ = project.inline_genitems(*args)
        assert sum(isinstance(it, items.ScenarioCase) for it in found) == count, args


def test_a_yaml_file_that_is_no_scenario_is_left_alone(project: pytest.Pytester) -> None:
    for name in ("compose.yaml", "greeting.golden.yaml"):
        result = run(project, f"scenarios/{name}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR  # nobody collects it: pytest's own word
        assert "not found" in result.stderr.str()


def test_cases_are_tests_with_ids(project: pytest.Pytester) -> None:
    result = run(project, "-v", "scenarios/greeting.yaml", "test_other.py")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["scenarios/greeting.yaml::greeting?short? PASSED*", "*::greeting?long? FAILED*"]
    )
    run(project, "scenarios/greeting.yaml::greeting[short]").assert_outcomes(passed=1)
    run(project, "scenarios/greeting.yaml::greeting").assert_outcomes(passed=1, failed=1)
    run(project, "scenarios/greeting.yaml", "-x", "-k", "long").assert_outcomes(failed=1)
    (found, _) = project.inline_genitems("scenarios/greeting.yaml")
    assert [it.reportinfo()[1] for it in found] == [7, 8]  # counted from 0, as pytest does


@pytest.mark.parametrize(
    ("args", "passed", "failed"),
    [
        (["-k", "short"], 1, 0),
        (["-k", "demo and long"], 0, 1),
        (["-k", "not greeting"], 1, 0),
        (["-m", "demo"], 1, 1),
        (["-m", "team_x_y and not other"], 1, 1),
        (["-m", "not demo"], 1, 0),
        (["-W", "error", "-m", "demo"], 1, 1),
    ],
)
def test_choosing(project: pytest.Pytester, args: list[str], passed: int, failed: int) -> None:
    """Tags are markers, known to --strict-markers; none of them skips, or excuses a failure."""
    result = run(project, "--orchestra", *args)
    result.assert_outcomes(passed=passed, failed=failed, deselected=3 - passed - failed)


def test_last_failed(project: pytest.Pytester) -> None:
    project.runpytest_inprocess("--orchestra").assert_outcomes(passed=2, failed=1)
    project.runpytest_inprocess("--orchestra", "--lf").assert_outcomes(failed=1)


@pytest.mark.parametrize("style", ["auto", "long", "short", "native", "line"])
def test_a_failure_is_told_in_our_words(project: pytest.Pytester, style: str) -> None:
    result = run(project, "scenarios/greeting.yaml", f"--tb={style}", "--junitxml=junit.xml")
    reason = "calls: translator: expected 1 calls, seen 0"
    told = result.stdout.str()
    assert f"FAILED scenarios/greeting.yaml::greeting[long] - {reason[:20]}" in told
    if style == "line":
        assert f"scenarios/greeting.yaml:9: {reason}" in told
    else:
        result.stdout.re_match_lines_random(
            [f"^{reason}$", r"^to watch it again: orchestra tui .orchestra/runs/\w+.jsonl$"]
        )
    for ours in ("Traceback", "items.py", "CaseFailed", "raise ", "site-packages"):
        assert ours not in told
    assert f'message="{reason}"' in (project.path / "junit.xml").read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nagents: {a: {subagnts: [b]}}\ninput: x\n", ["*bad.yaml:2:14: agents.a: unknown key 'subagnts'; did you mean 'subagents'?", "* 2 | agents: {a: {subagnts: ?b?}}", "*^"]),
        ("version: 1\nagents: [a\n", ["*bad.yaml:*"]),
        ("version: 1\nagents: {a: {}}\n", ["*bad.yaml: there is no 'input' to test it with"]),
    ],
)  # fmt: skip
def test_a_broken_file_is_an_error_of_the_collection(
    project: pytest.Pytester, text: str, told: list[str]
) -> None:
    write(project, "scenarios/bad.yaml", text)
    result = run(project, "--orchestra")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ERROR collecting scenarios/bad.yaml*", *told])
    assert str(project.path) not in result.stdout.str().partition("ERRORS")[2]
    assert "Traceback" not in result.stdout.str()


def test_a_wrong_setting_and_a_wrong_call(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(project, "--orchestra-seed", "1", "--orchestra-real-time")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--orchestra-seed does not go with --orchestra-real-time"])
    assert run(project, "--orchestra-seeds", "many").ret == pytest.ExitCode.USAGE_ERROR
    monkeypatch.setenv("ORCHESTRA_RATE", "fast")
    result = run(project, "scenarios/greeting.yaml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["ORCHESTRA_RATE='fast': *"])


def test_a_team_that_cannot_be_built(project: pytest.Pytester) -> None:
    write(project, "scenarios/no.yaml", desk("ring", 2))
    result = run(project, "scenarios/no.yaml")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*scenarios/no.yaml:3:*no module 'desk'*"])
    assert "Traceback" not in result.stdout.str()


def test_a_tool_that_ends_the_process_fails_its_case(project: pytest.Pytester) -> None:
    write(project, "desk.py", TOOLS)
    write(project, "scenarios/leaves.yaml", desk("leaves", 2))
    result = run(project, "scenarios/leaves.yaml", "test_other.py")
    result.assert_outcomes(passed=1, failed=2)


def test_what_no_case_has_used_is_told_at_the_end_of_a_file(project: pytest.Pytester) -> None:
    text = GREETING.replace(", expect: [{calls: {translator: 1}}]", "")
    text = text.replace("clerk:\n    -", "clerk:\n    - {match: Never, text: x}\n    -")
    write(project, "scenarios/greeting.yaml", text)
    result = run(project, "scenarios/greeting.yaml")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*script*clerk*"])
    assert "Traceback" not in result.stdout.str()
    run(project, "scenarios/greeting.yaml", "-k", "short").assert_outcomes(passed=1)


def test_goldens_wait_for_a_review(project: pytest.Pytester) -> None:
    text = GREETING.partition("inputs:")[0] + "input: go\n"
    text += "script: {clerk: [{text: WORD}]}\nexpect: [{golden: true}]\n"
    path = write(project, "scenarios/gold.yaml", text.replace("WORD", "hi"))
    result = run(project, "scenarios/gold.yaml")
    result.stdout.fnmatch_lines(
        ["golden: no golden of 'greeting' yet in gold.golden.yaml; write it with: *--update"]
    )
    result.stdout.fnmatch_lines(["to look at it: orchestra review scenarios/gold.yaml"])
    waiting = project.path / ".orchestra/goldens/scenarios/gold.golden.yaml"
    assert GoldenFile.at(waiting).cases["greeting"]["output"] == "hi"
    assert cli.main(["test", "scenarios/gold.yaml", "--update"]) == 0
    assert not waiting.exists()
    path.write_text(text.replace("WORD", "ho"))
    result = run(project, "scenarios/gold.yaml")
    result.stdout.fnmatch_lines(["-- text: hi", "+- text: ho"])
    assert waiting.exists()
    path.write_text(text.replace("WORD", "hi"))
    run(project, "scenarios/gold.yaml").assert_outcomes(passed=1)
    assert not waiting.exists()


def test_a_team_is_built_once_for_each_worker_and_file(project: pytest.Pytester) -> None:
    project.makeconftest(COUNTED)
    write(project, "desk.py", TOOLS)
    write(project, "scenarios/desk.yaml", desk("ring", 6))
    result = project.runpytest_subprocess(
        "-p", "xdist", "-n", "2", "scenarios/desk.yaml", "test_other.py"
    )
    result.assert_outcomes(passed=7)
    built = (project.path / "built").read_text().split()
    assert len(built) == len({*built}) == 2
    assert (project.path / "rung").read_text() == "x" * 6


def test_clocks_and_seeds_are_those_of_a_suite(project: pytest.Pytester) -> None:
    write(project, "desk.py", TOOLS)
    text = desk("clock") + "expect: [{tool_result: {tool: t, contains: VirtualLoop}}]\n"
    write(project, "scenarios/clock.yaml", text)
    run(project, "scenarios/clock.yaml").assert_outcomes(passed=1)
    run(project, "scenarios/clock.yaml", "--orchestra-seed", "0").assert_outcomes(passed=1)
    run(project, "scenarios/clock.yaml", "--orchestra-real-time").assert_outcomes(failed=1)
    write(project, "scenarios/desk.yaml", desk("ring"))
    run(project, "scenarios/desk.yaml", "--orchestra-seeds", "3").assert_outcomes(passed=1)
    assert (project.path / "rung").read_text() == "xxxx"


RACE = """\
version: 1
name: race
agents: {lead: {subagents: [w]}, w: {tools: [take]}}
tools: {take: {returns: [{value: first, times: 1}, {value: second}]}}
input: go
script:
  lead: [{tool_calls: [{w: {query: a}}, {w: {query: b}}]}, {text: done}]
  w: [{tool_calls: [take]}, {text: taken}]
"""


def test_orders_that_do_not_come_out_alike(project: pytest.Pytester) -> None:
    write(project, "scenarios/race.yaml", RACE)
    run(project, "scenarios/race.yaml").assert_outcomes(passed=1)
    result = run(project, "scenarios/race.yaml", "--orchestra-interleave", "4")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "order: the outcome depends on what comes first: 4 schedules, *",
            "to repeat it: --interleave *",
        ]
    )
    assert run(project, "--orchestra-interleave", "x").ret == pytest.ExitCode.USAGE_ERROR


def test_hostile_text(project: pytest.Pytester) -> None:
    text = GREETING.replace("name: greeting", 'name: "a::b [0] /x"')
    text = text.replace("{match: Hello, text: Bonjour !}", '{match: Hello, text: "\\e[2J"}')
    write(project, "scenarios/greeting.yaml", text.replace('"^Bon"', '"^no"'))
    result = run(project, "scenarios/greeting.yaml", "-v", "-k", "short")
    result.assert_outcomes(failed=1, deselected=1)
    assert "\x1b[2J" not in result.stdout.str()
    assert "[2J" in result.stdout.str()
    found, _ = project.inline_genitems("scenarios/greeting.yaml")
    run(project, found[0].nodeid).assert_outcomes(failed=1)


REGRESSION = (ROOT / "docs" / "regression.md").read_text(encoding="utf-8")


def test_its_options_are_told(project: pytest.Pytester) -> None:
    offered = set(
        re.findall(r"orchestra_files|--orchestra[a-z-]*", run(project, "--help").stdout.str())
    )
    assert len(offered) == 6
    assert offered <= set(re.findall(r"[\w-]+", REGRESSION))


def test_the_test_of_the_page_runs(project: pytest.Pytester) -> None:
    for name, text in re.findall(
        r"^<!-- file: (\w*clerk\.\w+) -->\n```\w+\n(.*?)^```$", REGRESSION, re.MULTILINE | re.DOTALL
    ):
        write(project, name, text)
    run(project, "-W", "error", "clerk.yaml", "test_clerk.py").assert_outcomes(passed=2)

"""What ships: scenarios and agents that are demo, document and test at once."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from runs import ROOT

import orchestra
from orchestra.cli import main
from orchestra.errors import OK, RUN_FAILED, TIMED_OUT
from orchestra.scenario import AgentSpec, Decision, PythonTool, Reply, RouteSpec, Scenario, discover
from orchestra.scenario.agents import kind_of

SCENARIOS = discover([ROOT / "scenarios"])
EXAMPLES = discover([ROOT / "agents" / "examples"])
AGENTS = sorted((ROOT / "agents").glob("*.y*ml"))
FAULTS = ROOT / "scenarios" / "faults"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_scenario = pytest.mark.parametrize("path", [*SCENARIOS, *EXAMPLES], ids=name_of)
every_file = pytest.mark.parametrize("path", [*SCENARIOS, *EXAMPLES, *AGENTS], ids=name_of)


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a person who stands in the project, has no key, and has chosen no model."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is asked, not even with `pytest -s`
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "ORCHESTRA_MODEL"):
        monkeypatch.delenv(name, raising=False)


@every_file
def test_it_is_valid_and_nothing_in_it_is_odd(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", name_of(path)]) == 0
    said = "".join(capsys.readouterr())
    assert "warning" not in said


@every_scenario
def test_it_passes_its_own_checks(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["test", name_of(path)])
    assert code == 0, "".join(capsys.readouterr())


@every_scenario
def test_it_runs_as_well(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = orchestra.load(path)
    code = main(["run", name_of(path), "--no-keep", "--display", "plain"])
    said = "".join(capsys.readouterr())
    fails = any(check.status == "failed" and not check.agent for check in scenario.expect)
    expected = TIMED_OUT if scenario.run.timeout else RUN_FAILED
    assert code == (expected if fails else OK), said
    assert "never used" not in said  # no reply is left, and no decision


def test_folders_are_searched_to_the_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    assert {path.parent.name for path in SCENARIOS} == {"scenarios", "faults"}
    assert main(["list", "scenarios"]) == 0
    listed = {line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert listed == {name_of(path) for path in SCENARIOS}


@every_scenario
def test_it_tells_what_it_is(path: Path) -> None:
    scenario = orchestra.load(path)
    assert scenario.description
    assert scenario.tags
    # The same file runs with a real model; that has faults of its own, but not on demand.
    assert "live" in scenario.models or path.parent == FAULTS
    assert ("faults" in scenario.tags) == (path.parent == FAULTS)
    assert scenario.expect
    assert path.stem == scenario.name.removesuffix("-example")


@every_file
def test_an_editor_finds_its_schema(path: Path) -> None:
    kind = "agent" if path in AGENTS else "scenario"
    first, second = path.read_text("utf-8").split("\n")[:2]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == ROOT / "orchestra/scenario" / f"{kind}.schema.json"
    assert second.startswith("# ")  # what it shows, or how to name it


@pytest.mark.parametrize("path", AGENTS, ids=name_of)
def test_an_agent_can_be_reused(path: Path) -> None:
    example = path.parent / "examples" / path.name
    scenario = orchestra.load(example)
    assert path.resolve() in {Path(file).resolve() for file in scenario.source.used}
    spec = scenario.agents[path.stem]
    assert isinstance(spec, AgentSpec)
    assert spec.title
    assert spec.description
    assert spec.system_prompt
    assert "agent" in scenario.tags


def test_there_is_no_example_without_its_agent() -> None:
    assert {path.name for path in EXAMPLES} == {path.name for path in AGENTS}
    assert len(AGENTS) >= 10


def _agents(scenario: Scenario) -> Iterator[AgentSpec]:
    return (spec for spec in scenario.agents.values() if isinstance(spec, AgentSpec))


def _routes(scenario: Scenario) -> Iterator[RouteSpec]:
    return (spec for spec in scenario.agents.values() if isinstance(spec, RouteSpec))


def _kinds(scenario: Scenario) -> set[str]:
    return {kind_of(spec) for spec in scenario.agents.values()}


def _replies(scenario: Scenario) -> Iterator[Reply]:
    return (reply for replies in scenario.script.values() for reply in replies)


DECISIONS = set(get_args(Decision.model_fields["decide"].annotation))
SHOWN: dict[str, Callable[[Scenario], object]] = {
    "sequence": lambda it: "sequence" in _kinds(it),
    "parallel": lambda it: "parallel" in _kinds(it),
    "map": lambda it: "map" in _kinds(it),
    "loop": lambda it: "loop" in _kinds(it),
    "route by rules": lambda it: any(spec.rules and not spec.choices for spec in _routes(it)),
    "route by a model": lambda it: any(spec.choices for spec in _routes(it)),
    "join": lambda it: any(getattr(spec, "join", None) for spec in it.agents.values()),
    "nested": lambda it: len(_kinds(it) - {"agent"}) > 2,
    "subagents": lambda it: any(spec.subagents for spec in _agents(it)),
    "handoffs": lambda it: any(spec.handoffs for spec in _agents(it)),
    "response_format": lambda it: any(spec.response_format for spec in _agents(it)),
    "middleware": lambda it: any(spec.middleware for spec in _agents(it)),
    "turns": lambda it: it.turns,
    "inputs": lambda it: it.inputs,
    "several mains": lambda it: len(it.mains) > 1,
    "use": lambda it: it.source.used,
    "python tool": lambda it: any(isinstance(tool, PythonTool) for tool in it.tools.values()),
    "canned tool": lambda it: any(not isinstance(t, PythonTool) for t in it.tools.values()),
    "approve": lambda it: any(spec.approve for spec in _agents(it)),
    "every decision": lambda it: {one.decide for one in it.decisions} == DECISIONS,
    "a tool that asks": lambda it: it.decisions and not any(spec.approve for spec in _agents(it)),
    "pace": lambda it: any(reply.rate and reply.first_token for reply in _replies(it)),
    "chunks": lambda it: any(reply.chunks for reply in _replies(it)),
    "中文": lambda it: "中文" in it.tags,
}


@pytest.mark.parametrize("what", SHOWN)
def test_every_pattern_is_shown(what: str) -> None:
    assert any(SHOWN[what](orchestra.load(path)) for path in SCENARIOS)

"""Loading: what a file becomes, what it may use, and where scenarios are found."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.errors import ScenarioError, UsageError
from orchestra.scenario import (
    AgentSpec,
    CannedTool,
    Count,
    Expectation,
    LoopSpec,
    Matcher,
    ModelSpec,
    PythonTool,
    Reply,
    ScriptedCall,
    Step,
    ToolCallsCheck,
    discover,
    load,
    loads,
)
from orchestra.scenario.nodes import Node
from orchestra.scenario.use import Reader

WHOLE = """\
version: 1
description: Everything the language has.
tags: [demo, 中文]
models:
  default: live
  live: {model: "openai:gpt-5-mini", temperature: 0, base_url: "${URL:-}", timeout: 60}
  any: ${MODEL}
tools:
  publish: {python: "newsroom_tools:publish"}
  weather:
    description: Weather of a city.
    parameters: {city: string}
    returns: [{when: {city: 北京}, value: 晴天, delay: 0.2}, {value: null}]
agents:
  editor:
    title: Editor-in-chief ✍️
    tools: [publish, weather]
    subagents: [writer, editor]
    model: {model: scripted}
  writer: {model: echo, system_prompt: "no"}
input: Write.
script:
  /editor:
    - text: Off we go.
      tool_calls: [writer: {query: Which moon?}, weather]
  editor: [{text: Done., usage: {output_tokens: 2}, rate: 40}]
  writer#2: []
expect:
  - status: completed
  - output: Done
  - {agent: editor/writer#1, output: {equals: x}}
  - calls: {writer: 2, editor: 1..}
  - tool_calls: [writer, {weather: {city: [a, {b: 1}]}}]
  - tool_calls: {match: subset, args: subset, steps: [publish, {name: {}}]}
"""


def test_everything_a_file_can_say() -> None:
    scenario = loads(WHOLE, path="scenarios/whole.yaml")
    assert (scenario.name, scenario.main, scenario.input) == ("whole", "editor", "Write.")
    assert isinstance(scenario.models["live"], ModelSpec)
    assert isinstance(scenario.tools["publish"], PythonTool)
    weather = scenario.tools["weather"]
    assert isinstance(weather, CannedTool)
    assert weather.returns[0].when == {"city": "北京"}
    first = scenario.script["/editor"][0]
    assert [(call.name, call.args) for call in first.tool_calls] == [
        ("writer", {"query": "Which moon?"}),
        ("weather", {}),
    ]
    assert scenario.agents["writer"].system_prompt == "no"
    assert scenario.expect[1].output is not None
    assert scenario.expect[1].output.contains == "Done"
    assert scenario.expect[3].calls == {"writer": Count(low=2, high=2), "editor": Count(low=1)}
    steps = scenario.expect[4].tool_calls
    assert steps is not None
    assert steps.match == "strict"
    assert [(step.name, step.args) for step in steps.steps] == [
        ("writer", None),
        ("weather", {"city": ["a", {"b": 1}]}),
    ]
    named = scenario.expect[5].tool_calls
    assert named is not None
    assert [(step.name, step.args) for step in named.steps] == [("publish", None), ("name", {})]
    assert scenario.source.digest == hashlib.sha256(WHOLE.encode()).hexdigest()


def test_checks_and_replies_can_be_built_in_python_too() -> None:
    assert Count(low=1, high=2) == Expectation(calls={"a": "1..2"}).calls["a"]
    call = ScriptedCall(name="a", args={"b": 1})
    assert Reply(tool_calls=(call,)).tool_calls == (call,)
    check = ToolCallsCheck(steps=(Step(name="a"), Step(name="b", args={})))
    assert Expectation(tool_calls=check).tool_calls is check
    assert Matcher(contains="x") == Expectation(output=Matcher(contains="x")).output


def test_a_source_points_at_any_place_of_its_file() -> None:
    source = loads(WHOLE, path="w.yaml").source
    problem = source.problem(("agents", "editor", "tools", 1), "is slow", "be patient")
    assert str(problem).split("\n")[0] == (
        "w.yaml:17:22: agents.editor.tools[1]: is slow; be patient"
    )
    key = source.problem(("agents", "writer"), "is idle", at_key=True)
    assert (key.line, key.column, key.key) == (20, 3, "agents")
    lost = source.problem(("agents", "writer", "tools", 3), "is not there")
    assert (lost.line, lost.column, lost.key) == (20, 11, "agents.writer")


@pytest.mark.parametrize(
    ("agents", "main"),
    [
        ("{a: {}}", "a"),
        ("{b: {}, a: {subagents: [b]}}", "a"),
        ("{a: {subagents: [a]}}", "a"),
        ("{a: {subagents: [a, b]}, b: {subagents: [b]}}", "a"),
        ("{a: {}, b: {}}\nmain: b", "b"),
    ],
)
def test_the_main_agent_is_the_one_nobody_calls(agents: str, main: str) -> None:
    assert loads(f"version: 1\nagents: {agents}\n").main == main


def test_byte_order_mark_and_windows_line_ends() -> None:
    text = "\ufeffversion: 1\r\nagents:\r\n  a: {titel: x}\r\n"
    with pytest.raises(ScenarioError, match=r"^s.yaml:3:7: agents.a: unknown key 'titel'"):
        loads(text, path="s.yaml")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two reusable agents, and the current folder in it."""
    root = tmp_path / "project"
    for folder in ("agents", "scenarios"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").touch()
    agent = "title: Researcher\ntools: [look, search]\nsystem_prompt: You research.\n"
    (root / "agents" / "researcher.yaml").write_text(agent)
    (root / "agents" / "senior.yaml").write_text("use: researcher.yaml\ntitle: Senior\n")
    (tmp_path / "secret.yaml").write_text("title: Secret\n")
    monkeypatch.chdir(root)
    return root


TOOLS = "tools: {look: {returns: [{value: 1}]}, search: {returns: [{value: 1}]}}\n"


def using(agent: str, tools: str = TOOLS) -> str:
    return f"version: 1\n{tools}agents:\n  a: {agent}\n"


def test_use_takes_an_agent_and_keys_here_override(project: Path) -> None:
    path = project / "scenarios" / "s.yaml"
    path.write_text(using("{use: ../agents/senior.yaml, tools: [look]}"))
    agent = load(path).agents["a"]
    assert (agent.title, agent.tools, agent.system_prompt) == (
        "Senior",
        ("look",),
        "You research.",
    )
    before = load(path).source
    assert before.root == project
    (project / "agents" / "researcher.yaml").write_text("title: Other\n")
    assert load(path).source.digest != before.digest


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("{use: ../agents/resercher.yaml}",
         "s.yaml:4:12: agents.a.use: no file '../agents/resercher.yaml'; "
         "did you mean 'researcher.yaml'?"),
        ("{use: ../../secret.yaml}", "'../../secret.yaml' lies outside the root"),
        ("{use: /etc/passwd}", "'/etc/passwd' lies outside the root"),
        ("{use: ../../nothing.yaml}", "lies outside the root"),
        ("{use: ../agents/link.yaml}", "'../agents/link.yaml' lies outside the root"),
        ("{use: ../agents/loop.yaml}", "'../agents/loop.yaml' cannot be opened"),
        ("{use: ../agents}", "is a folder"),
        ("{use: ../agents/pipe.yaml}", "is not a regular file"),
        ("{use: [x]}", "s.yaml:4:12: agents.a.use: expected a file name"),
        ("{use: ''}", "expected a file name"),
        ('{use: "a\\e[2J"}', "expected a file name"),
        ("{use: s.yaml}", "this is the scenario itself, and no agent"),
        ("{use: other.yaml}", "this file is a scenario, and no agent"),
        ("{use: ../agents/list.yaml}",
         "agents/list.yaml:1:1: agents.a.use: expected an agent: a mapping with keys as 'tools' "
         "(used at scenarios/s.yaml:4:12)"),
        ("{use: ../agents/empty.yaml}",
         "agents/empty.yaml: is empty (used at scenarios/s.yaml:4:12)"),
        ("{use: ../agents/broken.yaml}",
         "agents/broken.yaml:2:1: a key cannot stand among the items of a list "
         "(used at scenarios/s.yaml:4:12); check its indentation"),
        ("{use: ../agents/one.yaml}",
         "agents/two.yaml:1:6: agents.a.use: the files use one another: "
         "agents/one.yaml → agents/two.yaml → agents/one.yaml (used at agents/one.yaml:1:6)"),
        ("{use: ../agents/typo.yaml}",
         "agents/typo.yaml:2:1: agents.a: unknown key 'toools' (used at scenarios/s.yaml:4:12); "
         "did you mean 'tools'?"),
        ("{use: ../agents/chain0.yaml}", "more than 16 files use one another"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(project: Path, agent: str, expected: str) -> None:
    agents = project / "agents"
    (agents / "link.yaml").symlink_to("../../secret.yaml")
    (agents / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(agents / "pipe.yaml")
    for name, text in {
        "list": "- a\n",
        "empty": "",
        "broken": "- a\nb: 1\n",
        "one": "use: two.yaml\n",
        "two": "use: one.yaml\n",
        "typo": "title: T\ntoools: []\n",
        **{f"chain{n}": f"use: chain{n + 1}.yaml\n" for n in range(20)},
    }.items():
        (agents / f"{name}.yaml").write_text(text)
    path = Path("scenarios", "s.yaml")
    path.with_name("other.yaml").write_text(using("{}"))
    path.write_text(using(agent))
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert expected in str(caught.value)
    assert len(caught.value.problems) == 1
    assert "Secret" not in str(caught.value)


def test_mistakes_in_a_used_file_are_told_once_and_there(project: Path) -> None:
    path = Path("scenarios", "s.yaml")
    text = "version: 1\nagents:\n  a: {use: ../agents/researcher.yaml, subagents: [b]}\n"
    path.write_text(text + "  b: {use: ../agents/senior.yaml}\n")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert [str(problem).split("\n")[0] for problem in caught.value.problems] == [
        f"agents/researcher.yaml:2:{column}: agents.a.tools[{at}]: unknown tool {tool!r} "
        "(used at scenarios/s.yaml:3:12); the file has no tools"
        for at, column, tool in ((0, 9, "look"), (1, 15, "search"))
    ]


def test_the_bounds_hold_for_all_files_together(project: Path) -> None:
    (project / "agents" / "big.yaml").write_text(f"tags: [{'x, ' * 3000}]\n")
    path = project / "scenarios" / "s.yaml"
    agents = "".join(f"  a{n}: {{use: ../agents/big.yaml}}\n" for n in range(9))
    path.write_text(f"version: 1\nmain: a0\nagents:\n{agents}")
    with pytest.raises(ScenarioError, match="more than 10,000 values in all used files"):
        load(path)


def test_the_root_is_given_or_the_project_or_the_folder(project: Path, tmp_path: Path) -> None:
    path = project / "scenarios" / "s.yaml"
    path.write_text(using("{use: ../../secret.yaml}", tools=""))
    assert load(path, root=tmp_path).agents["a"].title == "Secret"
    (project / "pyproject.toml").rename(project / ".git")
    path.write_text(using("{}"))
    assert load(path).source.root == project
    (project / ".git").unlink()
    if not any((above / ".git").exists() for above in tmp_path.parents):
        assert load(path).source.root == path.parent
    with pytest.raises(UsageError, match="the root is no folder"):
        load(path, root=path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scenarios", "^scenarios: is a folder, not a scenario file$"),
        ("scenarios/tides.yaml", "^scenarios/tides.yaml: no such file; did you mean 'tide.yaml'"),
        ("scenario/tide.yaml", "no such file; there is no folder scenario$"),
        ("pipe", "^pipe: is not a regular file$"),
        ("a\0b", "^a␀b: no such file$"),
        ("x" * 300, "cannot be read: File name too long"),
        ("latin.yaml", r"^latin.yaml:2:10: is not UTF-8 text: byte 0xe9; save the file as UTF-8\n"),
        ("utf16.yaml", "^utf16.yaml: is UTF-16 text; save the file as UTF-8$"),
        ("utf16be.yaml", "^utf16be.yaml: is UTF-16 text; save the file as UTF-8$"),
        ("large.yaml", "^large.yaml: is larger than 1 MiB$"),
        ("agents/researcher.yaml", "1:1: this is an agent; name it in a scenario with 'use:'"),
    ],
)
def test_what_cannot_be_loaded(project: Path, name: str, expected: str) -> None:
    (project / "scenarios" / "tide.yaml").write_text(using("{}"))
    os.mkfifo(project / "pipe")
    (project / "latin.yaml").write_bytes("version: 1\nname: café\n".encode("latin-1"))
    (project / "utf16.yaml").write_bytes("version: 1\n".encode("utf-16"))
    (project / "utf16be.yaml").write_bytes("version: 1\n".encode("utf-16-be"))
    (project / "large.yaml").write_bytes(b"#" * (1 << 21))
    with pytest.raises(UsageError, match=expected):
        load(name)


def test_a_byte_that_is_not_utf_8_is_shown_in_its_line(project: Path) -> None:
    (project / "latin.yaml").write_bytes("\ufeffversion: 1\nname: 中".encode() + b"\xe9 b\n")
    with pytest.raises(ScenarioError) as caught:
        load("latin.yaml")
    assert str(caught.value).split("\n") == [
        "latin.yaml:2:8: is not UTF-8 text: byte 0xe9; save the file as UTF-8",
        "     2 | name: 中\N{REPLACEMENT CHARACTER} b",
        " " * len("     2 | name: 中_") + "^",
    ]


def test_whole_numbers_with_a_point_are_whole_numbers() -> None:
    """As in JSON Schema; where any value may stand, the file's own is kept."""
    scenario = loads(
        "version: 1.0\n"
        "agents:\n"
        "  a: {limits: {model_calls: 8.0}, tools: [t], model: {model: echo, seed: 1e3}}\n"
        "  b: {loop: [a], max_rounds: 2.0}\n"
        "tools: {t: {returns: [{value: 8.0, times: 3.0, delay: 1}]}}\n"
        "script: {a: [{text: x, fault: {error: stall, attempts: [1.0]}, tool_calls: [t: {n: 2.0}]}]}\n"
        "expect: [calls: {a: 1.0, b: 0..1}]\n"
        "run: {max_concurrency: 4.0, timeout: 5.0}\n"
    )
    agent, loop = scenario.agents["a"], scenario.agents["b"]
    assert isinstance(agent, AgentSpec)
    assert isinstance(agent.model, ModelSpec)
    assert isinstance(loop, LoopSpec)
    calls = scenario.expect[0].calls or {}
    reply = scenario.script["a"][0]
    tool = scenario.tools["t"]
    assert isinstance(tool, CannedTool)
    assert reply.fault
    whole = [
        agent.limits.model_calls, agent.model.seed, loop.max_rounds, tool.returns[0].times,
        *reply.fault.attempts, calls["a"].low, calls["a"].high,
        scenario.run.max_concurrency,
    ]  # fmt: skip
    assert whole == [8, 1000, 2, 3, 1, 1, 1, 4]
    kept = [tool.returns[0].value, reply.tool_calls[0].args["n"], scenario.run.timeout]
    assert kept == [8.0, 2.0, 5.0]
    assert [type(it) for it in whole + kept] == [int] * 8 + [float] * 3
    with pytest.raises(ScenarioError, match=r"expected a whole number, found the number 4\.5"):
        loads("version: 1\nagents: {a: {}}\nrun: {max_concurrency: 4.5}\n")


def test_discover_finds_scenarios_and_nothing_else(project: Path) -> None:
    good = "version: 1\nagents: {a: {}}\n"
    files = {
        "scenarios/b.yaml": good,
        "scenarios/a.yml": good.replace("\n", "\r\n"),
        "scenarios/broken.yaml": good + "a: b: c\n",
        "scenarios/quoted.yaml": "\ufeff\"version\": 1\n'agents' : {a: {}}\n",
        "scenarios/json.yaml": '{"version": 1, "agents": {"a": {}}}',
        "scenarios/b.golden.yaml": good,
        "scenarios/other.yaml": "version: 3\nservices: {}\n",
        "scenarios/nested.yaml": "x:\n  version: 1\n  agents: {}\n",
        "scenarios/json-other.yaml": '{"version": 1',
        "scenarios/text.txt": good,
        ".hidden/c.yaml": good,
        "node_modules/c.yaml": good,
        ".venv/c.yaml": good,
        "deep/er/d.yaml": good,
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(text.encode())
    (project / "scenarios/utf16.yaml").write_bytes(good.encode("utf-16"))
    expected = [f"scenarios/{name}" for name in ["a.yml", "b.yaml", "broken.yaml", "json.yaml"]]
    expected = ["deep/er/d.yaml", *expected, "scenarios/quoted.yaml", "scenarios/utf16.yaml"]
    assert [path.as_posix() for path in discover(["."])] == expected
    given = ["scenarios/text.txt", "deep", "scenarios", "deep/er/d.yaml"]
    assert [path.as_posix() for path in discover(given)][:3] == [
        "scenarios/text.txt", "deep/er/d.yaml", "scenarios/a.yml",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"^agents: no scenario in this folder; a scenario is"):
        discover(["agents"])
    with pytest.raises(UsageError, match=r"^scenarois: no such file or folder; did you mean"):
        discover(["scenarois"])


@pytest.mark.parametrize("path", discover([Path(__file__).parent.parent / "scenarios"]))
def test_every_shipped_scenario_loads(path: Path) -> None:
    assert load(path).main


def test_importing_the_language_is_light() -> None:
    code = (
        "import sys, orchestra.scenario as s; s.loads('version: 1\\nagents: {a: {}}');"
        "print([m for m in ('langchain', 'langchain_core', 'langgraph', 'textual', 'rich',"
        " 'openai') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def places(node: Node, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield where
    match node.value:
        case dict() as entries:
            for key, entry in entries.items():
                yield from places(entry.node, (*where, key))
        case list() as items:
            for at, item in enumerate(items):
                yield from places(item, (*where, at))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_document_is_let_go_and_its_places_are_found_again(end: str) -> None:
    text = """\
# é
version: 1
agents: {a: &a {system_prompt: "one\\ttwo", limits: {seconds: 8.0}}, b: *a}
main: a
inputs:
  - {input: 'x', expect: [{output: {contains: x}}]}
  - input: |
      some
      lines

script:
  a:
    - text: ü
    - text: >-
        folded
        text
""".replace("\n", end)
    data = b"\xef\xbb\xbf" + text.encode()
    loaded = loads(data.decode())
    assert loaded.source.node.value is None
    whole = Reader(Path("scenario.yaml"), Path()).source(data)
    for where in places(whole.node):
        told = whole.problem(where, "m"), whole.problem(where, "m", at_key=True)
        again = loaded.source
        assert (again.problem(where, "m"), again.problem(where, "m", at_key=True)) == told

"""Canned tools, and tools that are Python."""

import json
from pathlib import Path

import pytest
from runs import check_promises, collect, finished, of, play, scenario

from orchestra import ScenarioError, events, load
from orchestra.runtime import run


def canned(returns: str, *calls: str, parameters: str = "{}") -> str:
    asked = ", ".join(calls)
    return f"""
        agents: {{a: {{tools: [t]}}}}
        tools: {{t: {{parameters: {parameters}, returns: {returns}}}}}
        input: go
        script: {{a: [{{tool_calls: [{asked}]}}, {{text: end}}]}}
    """


async def outcomes(text: str) -> list[str]:
    seen = await play(text)
    check_promises(seen)
    assert finished(seen).status == "completed", finished(seen).error
    found = [e for e in seen if isinstance(e, events.ToolFinished | events.ToolFailed)]
    found.sort(key=lambda e: e.tool_call_id)
    return [e.result if isinstance(e, events.ToolFinished) else f"! {e.error}" for e in found]


@pytest.mark.parametrize(
    ("returns", "call", "outcome"),
    [
        ("[{value: 晴天}]", "t", "晴天"),
        ("[{value: {a: [1, null, 二]}}]", "t", '{"a": [1, null, "二"]}'),
        ("[{value: null}]", "t", "null"),
        ("[{when: {c: 1}, value: one}, {value: other}]", "{t: {c: 1}}", "one"),
        ("[{when: {c: 1}, value: one}, {value: other}]", "{t: {c: 2}}", "other"),
        ("[{error: no such city}]", "t", "! no such city"),
        ("[{when: {c: 1}, value: one}]", "{t: {c: 3}}", '! t: no canned answer fits {"c": 3}'),
    ],
)
async def test_the_first_answer_that_fits(returns: str, call: str, outcome: str) -> None:
    assert await outcomes(canned(returns, call)) == [outcome]


async def test_times() -> None:
    returns = "[{value: busy, times: 2}, {value: free}]"
    text = f"""
        agents: {{a: {{tools: [t]}}}}
        tools: {{t: {{returns: {returns}}}}}
        input: go
        script: {{a: [{{tool_calls: [t]}}, {{tool_calls: [t]}}, {{tool_calls: [t]}}, {{text: end}}]}}
    """
    assert await outcomes(text) == ["busy", "busy", "free"]


@pytest.mark.parametrize(
    "parameters",
    [
        "{city: string}",
        "{type: object, properties: {city: {type: string}}, required: [city]}",
    ],
)
async def test_arguments_are_checked(parameters: str) -> None:
    calls = ("{t: {city: x}}", "{t: {}}", "{t: {city: x, town: y}}")
    assert await outcomes(canned("[{value: ok}]", *calls, parameters=parameters)) == [
        "ok",
        "! t: missing argument city",
        "! t: unknown argument town",
    ]


PYTHON = '''
from __future__ import annotations
import os
from langchain.tools import ToolRuntime
from langchain_core.tools import ToolException, tool
from langgraph.config import get_stream_writer

def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b

async def shout(text: str) -> str:
    """Says it loudly."""
    get_stream_writer()({"half": text[:2]})
    return text.upper()

def mutate(items: list[int]) -> int:
    """Changes its arguments."""
    items.clear()
    return len(items)

def refuse() -> str:
    """Is of no help."""
    raise ToolException("not today")

def crash() -> str:
    """Is broken."""
    raise RuntimeError("broken inside")

def who(runtime: ToolRuntime, greeting: str = "hi") -> str:
    """Says whose tool it is."""
    return greeting + " " + runtime.config["metadata"]["lc_agent_name"]

class Panic(BaseException): pass

def panic() -> str:
    """Panics."""
    raise Panic("lost")

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")

def mute() -> str:
    """Fails without words."""
    raise Mute

def ask() -> str:
    """Asks a person."""
    from langgraph.types import interrupt
    return interrupt("may I?")

@tool
def ready_to_leave(x: str = "") -> str:
    """Leaves."""
    raise SystemExit(0)

def odd() -> str:
    """Reports oddly."""
    circle = []
    circle.append(circle)
    for data in ({(1, 2): 3}, {"x": float("nan")}, circle):
        get_stream_writer()(data)
    return "fine"

def parts():
    """Answers in parts."""
    yield 1

class Greeter:
    def __call__(self, name: str) -> str:
        """Greets."""
        return "hello " + name

greeter = Greeter()

import functools
half = functools.partial(add, 1)

def leave() -> str:
    """Leaves."""
    raise SystemExit(3)

async def leave_async() -> str:
    """Leaves."""
    raise SystemExit(3)

@tool
def ready_made(x: str) -> str:
    """A LangChain tool."""
    return f"<{x}>"

sneaky = os.system
number = 3
class Desk: pass
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "my_tools.py").write_text(PYTHON)
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def use(project: Path, target: str, args: object = None, *, trust: bool = False) -> list:
    path = project / "s.yaml"
    path.write_text(
        f"version: 1\nagents: {{a: {{tools: [t]}}}}\ntools: {{t: {{python: '{target}'}}}}\n"
        f"input: go\nscript: {{a: [{{tool_calls: [{{t: {json.dumps(args or {})}}}]}}, {{text: end}}]}}\n"
    )
    return await collect(run(load(path), trust=trust))


@pytest.mark.parametrize(
    ("target", "args", "result"),
    [
        ("my_tools:add", {"a": 2, "b": 3}, "5"),
        ("my_tools:shout", {"text": "hey"}, "HEY"),
        ("my_tools:ready_made", {"x": "y"}, "<y>"),
        ("my_tools:who", {}, "hi a"),
    ],
)
async def test_python_tools(project: Path, target: str, args: dict, result: str) -> None:
    seen = await use(project, target, args)
    check_promises(seen)
    (done,) = of(events.ToolFinished, seen)
    assert (done.name, done.result) == ("t", result)


async def test_progress(project: Path) -> None:
    seen = await use(project, "my_tools:shout", {"text": "hey"})
    (progress,) = of(events.ToolProgress, seen)
    assert (progress.call, progress.tool_call_id, progress.data) == ("a", "a:1.1", {"half": "he"})


async def test_a_tool_that_changes_its_arguments_changes_no_history(project: Path) -> None:
    seen = await use(project, "my_tools:mutate", {"items": [1, 2]})
    assert of(events.ToolStarted, seen)[0].args == {"items": [1, 2]}
    assert of(events.ModelFinished, seen)[0].tool_calls[0].args == {"items": [1, 2]}


async def test_a_tool_exception_is_for_the_model_any_other_ends_the_run(project: Path) -> None:
    seen = await use(project, "my_tools:refuse")
    assert of(events.ToolFailed, seen)[0].error == "not today"
    assert finished(seen).status == "completed"
    seen = await use(project, "my_tools:crash")
    check_promises(seen)
    assert of(events.ToolFailed, seen)[0].error == "RuntimeError: broken inside"
    assert finished(seen).status == "failed"
    assert finished(seen).error == "a: RuntimeError: broken inside"


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("my_tools:leave", "a: RuntimeError: the tool called sys.exit(3)"),
        ("my_tools:leave_async", "a: RuntimeError: the tool called sys.exit(3)"),
        ("my_tools:ready_to_leave", "a: RuntimeError: the tool called sys.exit(0)"),
        ("my_tools:panic", "a: RuntimeError: Panic: lost"),
        ("my_tools:mute", "a: RuntimeError: no words"),
    ],
)
async def test_whatever_a_tool_raises_ends_the_run_in_good_order(
    project: Path, target: str, error: str
) -> None:
    seen = await use(project, target)
    check_promises(seen)
    assert finished(seen).status == "failed"
    assert finished(seen).error == error


async def test_a_question_that_nobody_can_answer_is_no_success(project: Path) -> None:
    seen = await use(project, "my_tools:ask")
    check_promises(seen)
    assert finished(seen).status == "failed"
    assert finished(seen).error == "nobody can answer what a tool asked: 'may I?'"


async def test_odd_progress_is_spelled_out(project: Path) -> None:
    seen = await use(project, "my_tools:odd")
    check_promises(seen)
    data = [e.data for e in of(events.ToolProgress, seen)]
    assert data[:2] == [{"(1, 2)": 3}, {"x": "nan"}]
    assert finished(seen).status == "completed"


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("my_tool:add", "no module 'my_tool'"),
        ("my_tools:ad", "has no 'ad'; did you mean 'add'?"),
        ("my_tools:number", "is neither a function nor a LangChain tool"),
        ("my_tools:Desk", "is a class"),
        ("my_tools:parts", "is a generator"),
        ("my_tools:half", "is neither a function nor a LangChain tool"),
        ("my_tools:greeter", "is neither a function nor a LangChain tool"),
        ("my_tools:sneaky", "is defined outside the project"),
        ("my_tools:os.system", "is defined outside the project"),
    ],
)
async def test_what_is_no_tool_is_told_at_its_line(
    project: Path, target: str, complaint: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        await use(project, target)
    (problem,) = caught.value.problems
    assert complaint in str(problem)
    assert (problem.line, problem.key) == (3, "tools.t.python")


async def test_code_is_loaded_only_from_the_project_one_stands_in(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ScenarioError, match="--trust"):
        await use(project, "my_tools:add", {"a": 1, "b": 1})
    seen = await use(project, "my_tools:add", {"a": 1, "b": 1}, trust=True)
    assert of(events.ToolFinished, seen)[0].result == "2"


async def test_two_projects_with_a_module_of_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pyproject.toml").touch()
        (folder / "my_tools.py").write_text(
            f'def who() -> str:\n    """Who."""\n    return "{name}"\n'
        )
        monkeypatch.chdir(folder)
        seen = await use(folder, "my_tools:who")
        assert of(events.ToolFinished, seen)[0].result == name


def test_a_tool_nobody_uses_is_not_loaded(tmp_path: Path) -> None:
    run(scenario("agents: {a: {model: echo}}\ntools: {t: {python: 'gone:gone'}}\ninput: go\n"))

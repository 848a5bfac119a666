"""Canned tools, and tools that are Python."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from runs import check_promises, collect, finished, of, play, scenario

from orchestra import Scenario, ScenarioError, events, load
from orchestra.runtime import Run, build, run
from orchestra.runtime.finder import Finder
from orchestra.runtime.tools import _methods


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

def count(to: int, runtime: ToolRuntime) -> str:
    """Count."""
    for number in range(1, to + 1):
        runtime.emit_output_delta(number)
    return "done"

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
from subprocess import Popen
class Empty: pass

class Desk:
    """A counter with a memory."""

    made = 0

    def __init__(self, size: int = 1, name: str = "desk") -> None:
        Desk.made += 1
        self.size, self.log = size, []

    def note(self, text: str) -> str:
        """Writes it down."""
        self.log.append(text)
        return f"{len(self.log)}/{self.size}: {text}"

    async def read(self, runtime: ToolRuntime) -> str:
        """All of it."""
        return ", ".join(self.log) + f" ({runtime.tool_call_id})"

    @staticmethod
    def rules() -> str:
        """The rules."""
        return "none"

    def _secret(self) -> None: ...
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


def test_no_annotation_of_a_tool_is_a_text() -> None:
    """LangChain would evaluate each at every call."""
    from langchain_core.tools import StructuredTool

    from orchestra.runtime.delegate import Crew, delegate, transfer

    made = scenario("agents: {a: {handoffs: [b]}, b: {}}\nmain: a\ninput: go")
    crew = Crew(dict(made.agents))
    own = [delegate(crew, "b").coroutine, transfer(crew, "b").coroutine]
    for function in [StructuredTool._arun, *own]:
        assert not any(isinstance(it, str) for it in function.__annotations__.values())


async def test_deltas_of_the_output_are_progress(project: Path) -> None:
    seen = await use(project, "my_tools:count", {"to": 2})
    check_promises(seen)
    told = [(e.call, e.tool_call_id, e.data) for e in of(events.ToolProgress, seen)]
    assert told == [("a", "a:1.1", 1), ("a", "a:1.1", 2)]


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
        ("my_tools:number", "is no function, no class and no LangChain tool"),
        ("my_tools:Empty", "the class Empty has no public methods"),
        ("my_tools:parts", "is a generator"),
        ("my_tools:half", "is no function, no class and no LangChain tool"),
        ("my_tools:greeter", "is no function, no class and no LangChain tool"),
        ("my_tools:sneaky", "is defined outside the project"),
        ("my_tools:os.system", "is defined outside the project"),
        ("my_tools:os.popen", "is defined outside the project"),
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


DESK = """
agents: {a: {tools: [desk, other], subagents: [b]}, b: {tools: [desk]}}
main: a
tools:
  desk: {python: "my_tools:Desk", args: {size: 3}}
  other: {returns: [{value: x}]}
input: go
script:
  a:
    - tool_calls: [{note: {text: one}}]
    - tool_calls: [{b: {query: more}}]
    - tool_calls: [read, rules, {note: {text: 3, more: 4}}]
    - text: end
  b: [{tool_calls: [{note: {text: two}}]}, {text: ok}]
"""


async def test_a_class_is_one_instance_a_run_for_all_its_agents(project: Path) -> None:
    loaded = scenario(DESK, path=project / "desk.yaml")
    team = build(loaded)
    first, second = await asyncio.gather(collect(Run(team)), collect(Run(team)))
    for seen in (first, second):
        check_promises(seen)
        results = [(e.name, e.result) for e in of(events.ToolFinished, seen) if e.name != "b"]
        assert results[:2] == [("note", "1/3: one"), ("note", "2/3: two")]
        assert sorted(results[2:]) == [("read", "one, two (a:3.1)"), ("rules", "none")]
        (wrong,) = of(events.ToolFailed, seen)
        assert "text" in wrong.error  # the model is told what was wrong with the arguments
    own = str(project)
    module = next(
        m for m in sys.modules.values() if str(getattr(m, "__file__", "")).startswith(own)
    )
    assert module.Desk.made == 2
    await team.aclose()


@pytest.mark.parametrize(
    ("tools", "complaint"),
    [
        ('{python: "my_tools:Desk", args: {sise: 3}}', "Desk cannot be made: got an unexpected"),
        ('{python: "my_tools:add", args: {a: 3}}', "is no class; only a class takes 'args'"),
        ('{python: "my_tools:Popen"}', "is defined outside the project"),
    ],
)
async def test_a_class_that_cannot_be_made(project: Path, tools: str, complaint: str) -> None:
    text = f"agents: {{a: {{tools: [t]}}}}\ntools: {{t: {tools}}}\ninput: go\n"
    with pytest.raises(ScenarioError, match=complaint):
        run(scenario(text, path=project / "desk.yaml"))


async def test_two_tools_of_one_name(project: Path) -> None:
    text = DESK.replace("tools: [desk, other]", "tools: [desk, rules]").replace(
        "  other:", "  rules:"
    )
    with pytest.raises(ScenarioError, match="two tools of this agent are called 'rules'"):
        run(scenario(text, path=project / "desk.yaml"))


async def test_packages_that_the_settings_allow(project: Path) -> None:
    """Installed code is allowed by its package, and only what is defined there."""
    text = "agents: {a: {tools: [t]}}\ntools: {t: {python: 'TARGET'}}\ninput: go\n"
    text += "script: {a: [{tool_calls: [{t: {value: x}}]}, {text: end}]}\n"

    def loaded(target: str) -> Scenario:
        return scenario(text.replace("TARGET", target), path=project / "desk.yaml")

    with pytest.raises(ScenarioError, match="ORCHESTRA_PACKAGES"):
        run(loaded("rich.cells:cell_len"))
    seen = await collect(run(loaded("rich.markup:escape"), packages=["rich"]))
    assert finished(seen).status in ("completed", "failed")
    with pytest.raises(ScenarioError, match="outside the project"):
        run(loaded("rich.console:os.system"), packages=["rich"])
    with pytest.raises(ScenarioError, match=r"no module 'textual\.app'"):
        run(loaded("textual.app:App"), packages=["rich"])


async def test_methods_from_elsewhere_are_no_tools(project: Path) -> None:
    (project / "foreign.py").write_text(
        "import os, shutil, string\n"
        "class Desk(string.Formatter):\n"
        '    """A desk."""\n'
        "    remove = staticmethod(shutil.rmtree)\n"
        "    system = staticmethod(os.system)\n"
        "    tree = shutil.copytree\n"
        "    made = classmethod(shutil.copy)\n"
        "    def own(self) -> str:\n"
        '        """Its own."""\n'
        '        return "mine"\n'
        "class Hollow:\n"
        "    remove = staticmethod(shutil.rmtree)\n"
    )
    finder = Finder(scenario("agents: {a: {}}\n", path=project / "s.yaml"))
    (own,) = _methods("desk", finder.find("foreign:Desk", ()), {}, finder)
    assert own.name == "own"
    with pytest.raises(ScenarioError, match="Hollow has no public methods"):
        await use(project, "foreign:Hollow")
    for target in ("foreign:Desk.remove", "foreign:Desk.system", "foreign:Desk.format"):
        with pytest.raises(ScenarioError, match="is defined outside the project"):
            await use(project, target)


async def test_a_link_that_leads_out_of_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "evil.py"
    outside.write_text("raise SystemExit('loaded')")
    (project / "linked.py").symlink_to(outside)
    with pytest.raises(ScenarioError, match="no module 'linked'"):
        await use(project, "linked:f")


FLAKY = '''
import time

class Slow:
    """Takes its time to be made."""

    def __init__(self) -> None:
        seen = getattr(Slow, "made", 0)
        time.sleep(0.02)  # the others come in meanwhile
        Slow.made = seen + 1
        self.count = 0

    def bump(self) -> int:
        """Counts."""
        self.count += 1
        return self.count

class Flaky:
    """Fails once."""

    def __init__(self) -> None:
        self.failed = False

    def flaky(self) -> str:
        """Fails the first time."""
        if not self.failed:
            self.failed = True
            raise ValueError("not yet")
        return "now"
'''


async def test_one_instance_also_when_all_come_at_once(project: Path) -> None:
    (project / "slow.py").write_text(FLAKY)
    text = """
agents: {p: {parallel: [a, b, c]}, a: {tools: [s]}, b: {tools: [s]}, c: {tools: [s]}}
tools: {s: {python: "slow:Slow"}}
input: go
script:
  a: [{tool_calls: [bump]}, {text: x}]
  b: [{tool_calls: [bump]}, {text: x}]
  c: [{tool_calls: [bump]}, {text: x}]
"""
    seen = await collect(run(scenario(text, path=project / "slow.yaml")))
    assert sorted(e.result for e in of(events.ToolFinished, seen)) == ["1", "2", "3"]


async def test_a_subagent_that_is_tried_again(project: Path) -> None:
    """Its script begins anew, its handoffs too; no message id is given twice."""
    (project / "slow.py").write_text(FLAKY)
    text = """
main: lead
agents:
  lead: {subagents: [first], middleware: [{tool_retry: {initial_delay: 0, jitter: false}}]}
  first: {handoffs: [sub]}
  sub: {tools: [f], middleware: [{summarization: {trigger: [messages, 4], keep: [messages, 2]}}]}
tools: {f: {python: "slow:Flaky"}}
input: go
script:
  lead: [{tool_calls: [{first: {query: q}}]}, {text: end}]
  first: [{text: over, tool_calls: [transfer_to_sub]}]
  sub: [{text: let me, tool_calls: [flaky]}, {text: done}]
  sub.summarization: [{text: so far}, {text: so far again}]
"""
    seen = await collect(run(scenario(text, path=project / "slow.yaml")))
    check_promises(seen)
    assert finished(seen).output == "end"
    starts = [e.call for e in of(events.AgentStarted, seen)]
    assert starts == ["lead", *["lead/first#1", "lead/first#1>sub"] * 2]

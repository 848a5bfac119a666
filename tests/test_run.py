"""Whole runs: cancelled, failed, abandoned, many at once."""

import asyncio
import random

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from runs import by_call, check_promises, collect, finished, of, play, scenario, texts

from orchestra import UsageError, events
from orchestra.runtime import Run, build, graph, run

SLOW = """
agents: {lead: {subagents: [w], tools: [wait]}, w: {}}
tools: {wait: {returns: [{value: late, delay: 3600}]}}
input: go
script:
  lead: [{text: "off they go ", tool_calls: [{w: {query: x}}, {w: {query: y}}, wait]}]
  w: [{text: a b c d e f, rate: 0.001}]
"""


async def test_cancel_ends_everything_in_good_order() -> None:
    begun = run(scenario(SLOW))
    seen = []
    async for event in begun:
        seen.append(event)
        if len({e.call for e in of(events.TextDelta, seen)}) == 3 and of(events.ToolStarted, seen):
            begun.cancel()
    check_promises(seen)
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead": "cancelled", "lead/w#1": "cancelled", "lead/w#2": "cancelled"}
    assert {e.reason for e in of(events.ModelAborted, seen)} == {"cancelled"}
    assert {e.error for e in of(events.ToolFailed, seen)} == {"cancelled"}
    assert len(of(events.ToolFailed, seen)) == 3
    assert finished(seen).status == "cancelled"
    assert finished(seen).error is None
    assert not of(events.Warned, seen), "unused replies are no news of a run cut short"


async def test_cancel_before_and_at_once() -> None:
    begun = run(scenario(SLOW))
    begun.cancel()
    seen = await collect(begun)
    check_promises(seen)
    assert finished(seen).status == "cancelled"
    assert not of(events.AgentStarted, seen)

    again = run(scenario(SLOW))
    seen = []
    async for event in again:
        if isinstance(event, events.TurnStarted):
            again.cancel()
        seen.append(event)
    check_promises(seen)
    assert finished(seen).status == "cancelled"


async def test_a_consumer_that_walks_away_stops_the_agents() -> None:
    before = asyncio.all_tasks()
    stream = aiter(run(scenario(SLOW)))
    async for event in stream:
        if isinstance(event, events.TextDelta) and event.agent == "w":
            break
    await stream.aclose()
    left = asyncio.all_tasks() - before
    assert not left


async def test_an_abandoning_task_stops_the_agents() -> None:
    before = asyncio.all_tasks()
    far = asyncio.Event()

    async def consume() -> None:
        async for event in run(scenario(SLOW)):
            if isinstance(event, events.TextDelta) and event.agent == "w":
                far.set()

    task = asyncio.create_task(consume())
    await far.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not asyncio.all_tasks() - before


def numbered(number: int) -> str:
    return f"""
        agents: {{lead: {{subagents: [w]}}, w: {{}}}}
        input: question {number}
        script:
          lead:
            - text: lead {number}
              tool_calls: [{{w: {{query: left {number}}}}}, {{w: {{query: right {number}}}}}]
            - text: end {number}
          w: [{{text: word {number} {"and more " * (number % 7)}}}]
    """


async def test_64_runs_side_by_side_and_nothing_of_one_in_another() -> None:
    runs = await asyncio.gather(*(play(numbered(n)) for n in range(64)))
    assert len({seen[0].run for seen in runs}) == 64
    for number, seen in enumerate(runs):
        check_promises(seen)
        said = texts(seen)
        assert said["lead"] == f"lead {number}end {number}"
        assert said["lead/w#1"] == said["lead/w#2"]
        assert said["lead/w#1"].startswith(f"word {number}")
        tasks = {e.call: e.task for e in of(events.AgentStarted, seen)}
        assert tasks == {
            "lead": f"question {number}",
            "lead/w#1": f"left {number}",
            "lead/w#2": f"right {number}",
        }
        assert finished(seen).totals["w"].calls == 2


async def test_64_runs_of_one_team_side_by_side() -> None:
    loaded = scenario("""
        agents: {lead: {subagents: [w], tools: [once]}, w: {model: echo}}
        tools: {once: {returns: [{value: first, times: 1}, {value: later}]}}
        input: unused
        script:
          lead:
            - tool_calls: [{w: {query: mine}}, once]
            - tool_calls: [once]
            - text: end
    """)
    team = build(loaded)
    started = [Run(team, [f"input {n:02}"]) for n in range(64)]
    random.Random(1).shuffle(started)
    runs = await asyncio.gather(*map(collect, started))
    alike = {repr(sorted(by_call(seen[3:-2]).items(), key=str)) for seen in runs}
    assert len(alike) == 1, "apart from the input they are the same"
    for mine, seen in zip(started, runs, strict=True):
        check_promises(seen)
        assert {e.run for e in seen} == {mine.id}
        assert next(iter(of(events.AgentStarted, seen))).task == mine.case.turns[0].input
        results = [e.result for e in of(events.ToolFinished, seen) if e.name == "once"]
        assert results == ["first", "later"]


async def test_inputs_replace_the_scenarios_own() -> None:
    loaded = scenario("agents: {a: {model: echo}}\nturns: [x, y]\n")
    one = await play(loaded, input="only this")
    assert [t.output for t in of(events.TurnFinished, one)] == ["only this"]
    two = await play(loaded, input=["first", "second"])
    assert [t.output for t in of(events.TurnFinished, two)] == ["first", "second"]


def test_no_input_at_all() -> None:
    with pytest.raises(UsageError, match="there is no 'input'; give one with --input"):
        run(scenario("agents: {a: {model: echo}}\n"))


async def test_models_by_agent() -> None:
    loaded = scenario("""
        models: {parrot: echo}
        agents: {a: {subagents: [b]}, b: {}}
        input: go
        script: {a: [{tool_calls: [{b: {query: say this}}]}, {text: end}], b: [{text: scripted}]}
    """)
    seen = await play(loaded, models={"b": "parrot"})
    assert texts(seen)["a/b#1"] == "say this"
    assert {e.agent: e.model for e in of(events.ModelStarted, seen)} == {
        "a": "scripted",
        "b": "echo",
    }
    assert {m.name: m.model for m in seen[0].team} == {"a": "scripted", "b": "echo"}
    assert not of(events.Warned, seen), "a script is not needed by an agent that echoes"
    every = await play(loaded, models={"": "echo"})
    assert finished(every).output == "go"


class Repeating(BaseChatModel):
    """A provider that gives all its tool calls one id, or none."""

    call_id: str | None

    @property
    def _llm_type(self) -> str:
        return "repeating"

    def bind_tools(self, tools: object, **kwargs: object) -> BaseChatModel:
        return self

    def _generate(self, messages: list, *args: object, **kwargs: object) -> ChatResult:
        message = AIMessage("end")
        if messages[-1].type == "human":
            calls = [{"name": "w", "args": {"query": q}, "id": self.call_id} for q in "xy"]
            message = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.mark.parametrize("call_id", ["same", "", None])
async def test_tool_calls_without_an_id_of_their_own(
    call_id: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = scenario("agents: {a: {model: 'p:m', subagents: [w]}, w: {model: echo}}\ninput: go\n")
    monkeypatch.setattr(
        "langchain.chat_models.init_chat_model", lambda *a, **k: Repeating(call_id=call_id)
    )
    seen = await play(loaded)
    check_promises(seen)
    assert texts(seen) == {"a": "end", "a/w#1": "x", "a/w#2": "y"}


def test_where_an_error_arose_is_not_forgotten_for_another() -> None:
    """Middleware swallows errors, Python frees them, and the next one may have their id."""
    from orchestra.runtime.state import RunState

    state = RunState()
    for number in range(50):
        error = ValueError(number)
        state.blame(error, f"call{number}")
        assert state.origin(error) == f"call{number}"
        del error


async def test_of_a_large_team_only_who_is_called_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []

    def compile_one(*args: object, name: str, **options: object) -> object:
        compiled.append(name)
        return create_agent(*args, name=name, **options)

    monkeypatch.setattr(graph, "create_agent", compile_one)
    agents = "".join(f"  a{n}: {{subagents: [a{n + 1}]}}\n" for n in range(300))
    text = f"agents:\n{agents}  a300: {{}}\nmain: a0\ninput: go\nscript:\n"
    seen = await play(text + "  a0: [tool_calls: [{a1: {query: x}}], text: end]\n  a1: [text: b]")
    assert finished(seen).status == "completed"
    assert compiled == ["a0", "a1"]

"""The promises of the event stream, on runs that go well and on runs that do not."""

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from runs import (
    SCENARIOS,
    by_call,
    calls,
    check_promises,
    finished,
    of,
    play,
    scenario,
    texts,
)

from orchestra import events, load
from orchestra.runtime import Run, build
from orchestra.runtime.stream import Adapter
from orchestra.scenario.script import find

TEAM = """
agents:
  lead: {subagents: [helper, writer], tools: [lookup]}
  helper: {}
  writer: {subagents: [helper]}
tools:
  lookup: {parameters: {key: string}, returns: [{when: {key: a}, value: {found: 1}}, {error: no such key}]}
input: go
script:
  lead:
    - text: "both at once "
      tool_calls: [{helper: {query: one}}, {writer: {query: two}}, {lookup: {key: a}}, {helper: {query: three}}]
    - {text: "again ", tool_calls: [{helper: {query: four}}, {lookup: {key: b}}]}
    - done
  helper: [{reasoning: "hm, ", text: default helper}]
  helper#2: [{text: second helper}]
  writer/helper#1: [{text: the writer's helper}]
  writer: [{tool_calls: [{helper: {query: nested}}]}, {text: written 文字 👩‍👩‍👧}]
""".replace("    - done", "    - {text: done}")


async def test_call_paths_text_and_order() -> None:
    seen = await play(TEAM)
    check_promises(seen)
    assert set(calls(seen)) == {
        "lead", "lead/helper#1", "lead/helper#2", "lead/helper#3",
        "lead/writer#1", "lead/writer#1/helper#1",
    }  # fmt: skip
    assert texts(seen) == {
        "lead": "both at once again done",
        "lead/helper#1": "default helper",
        "lead/helper#2": "second helper",
        "lead/helper#3": "default helper",
        "lead/writer#1": "written 文字 👩‍👩‍👧",
        "lead/writer#1/helper#1": "the writer's helper",
    }
    assert finished(seen).status == "completed"
    assert finished(seen).output == "done"


async def test_the_same_events_every_time_per_call_path() -> None:
    first = by_call(await play(TEAM))
    for _ in range(10):
        assert by_call(await play(TEAM)) == first


async def test_tasks_parents_and_tool_calls_of_a_delegation() -> None:
    seen = await play(TEAM)
    started = {e.call: e for e in of(events.AgentStarted, seen)}
    asked = next(e for e in of(events.ModelFinished, seen) if e.message_id == "lead:1")
    assert [c.name for c in asked.tool_calls] == ["helper", "writer", "lookup", "helper"]
    assert asked.finish_reason == "tool_calls"
    third = started["lead/helper#2"]
    assert (third.parent, third.task) == ("lead", "three")
    assert third.tool_call_id == asked.tool_calls[3].id
    assert started["lead"].parent is None
    deltas = [
        e for e in of(events.ToolCallDelta, seen) if e.message_id == "lead:1" and e.index == 1
    ]
    assert deltas[0].name == "writer"
    assert deltas[0].tool_call_id == asked.tool_calls[1].id
    assert len(deltas) > 2, "arguments come in fragments"
    assert {e.name for e in deltas[1:]} == {None}
    assert "".join(e.args for e in deltas) == '{"query": "two"}'


async def test_causal_order_within_a_call() -> None:
    seen = await play(TEAM)
    at = {(type(e), e.call, getattr(e, "tool_call_id", None)): e.seq for e in seen}
    for start in of(events.AgentStarted, seen):
        if start.parent is None:
            continue
        own = [e.seq for e in seen if e.call == start.call]
        end = at[events.AgentFinished, start.call, None]
        asked = at[events.ToolStarted, start.parent, start.tool_call_id]
        answered = at[events.ToolFinished, start.parent, start.tool_call_id]
        assert asked < start.seq == own[0] < end == own[-1] < answered


async def test_tool_results_and_errors_are_told() -> None:
    seen = await play(TEAM)
    good = next(e for e in of(events.ToolFinished, seen) if e.name == "lookup")
    assert good.result == '{"found": 1}'
    bad = next(e for e in of(events.ToolFailed, seen) if e.name == "lookup")
    assert bad.error == "no such key"
    assert finished(seen).status == "completed", "a tool's error is the model's to deal with"


async def test_usage_and_totals() -> None:
    seen = await play("""
        agents: {a: {subagents: [b]}, b: {}}
        input: go
        script:
          a:
            - tool_calls: [{b: {query: x}}]
              usage: {input_tokens: 10, output_tokens: 2}
            - {text: end, usage: {input_tokens: 20, output_tokens: 3, cached_tokens: 8}}
          b: [{text: hi, usage: {input_tokens: 5, output_tokens: 1, reasoning_tokens: 1}}]
    """)
    done = finished(seen)
    assert done.usage == events.Usage(
        input_tokens=35, output_tokens=6, reasoning_tokens=1, cached_tokens=8
    )
    assert done.totals["a"].usage.input_tokens == 30
    assert (done.totals["a"].model_calls, done.totals["a"].tool_calls) == (2, 1)
    assert (done.totals["b"].calls, done.totals["b"].usage.output_tokens) == (1, 1)
    own = {e.call: e.usage.output_tokens for e in of(events.AgentFinished, seen)}
    assert own == {"a": 5, "a/b#1": 1}


async def test_five_parallel_calls_of_one_agent() -> None:
    asked = ", ".join(f"{{w: {{query: q{n}}}}}" for n in range(1, 6))
    script = "\n".join(f"  w#{n}: [{{text: answer {n}}}]" for n in range(1, 6))
    seen = await play(
        f"agents: {{a: {{subagents: [w]}}, w: {{}}}}\ninput: go\nscript:\n"
        f"  a: [{{tool_calls: [{asked}]}}, {{text: end}}]\n{script}\n"
    )
    check_promises(seen)
    tasks = {e.call: e.task for e in of(events.AgentStarted, seen)}
    said = texts(seen)
    for n in range(1, 6):
        assert tasks[f"a/w#{n}"] == f"q{n}"
        assert said[f"a/w#{n}"] == f"answer {n}"


async def test_an_agent_whose_name_recurs_below_itself() -> None:
    seen = await play("""
        agents: {a: {subagents: [a, b]}, b: {subagents: [a]}}
        main: a
        input: go
        script:
          /a: [{tool_calls: [{a: {query: x}}, {b: {query: y}}]}, {text: top}]
          a: [{text: below}]
          b/a: [{text: below b}]
          b: [{tool_calls: [{a: {query: z}}]}, {text: b}]
    """)
    check_promises(seen)
    assert texts(seen) == {
        "a": "top", "a/a#1": "below", "a/b#1": "b", "a/b#1/a#1": "below b",
    }  # fmt: skip


@pytest.mark.parametrize("depth", [4, 25])
async def test_deep_nesting(depth: int) -> None:
    names = [f"n{i}" for i in range(depth)]
    agents = "\n".join(f"  {n}: {{subagents: [n{i + 1}]}}" for i, n in enumerate(names))
    script = "\n".join(
        f"  {n}: [{{tool_calls: [{{n{i + 1}: {{query: q}}}}]}}, {{text: t{i}}}]"
        for i, n in enumerate(names)
    )
    seen = await play(
        f"agents:\n{agents}\n  n{depth}: {{}}\ninput: go\nscript:\n{script}\n"
        f"  n{depth}: [{{text: bottom}}]\n"
    )
    check_promises(seen)
    assert finished(seen).status == "completed", finished(seen).error
    deepest = "n0" + "".join(f"/n{i}#1" for i in range(1, depth + 1))
    assert texts(seen)[deepest] == "bottom"


async def test_endless_delegation_ends() -> None:
    seen = await play("""
        agents: {a: {subagents: [a]}}
        input: go
        script: {a: [{tool_calls: [{a: {query: again}}]}]}
    """)
    check_promises(seen)
    assert "deep" in (finished(seen).error or "")


async def test_ordinals_count_on_across_turns() -> None:
    seen = await play("""
        agents: {a: {subagents: [w]}, w: {}}
        turns: [one, two]
        script:
          a:
            - tool_calls: [{w: {query: x}}]
            - text: first
            - tool_calls: [{w: {query: y}}, {w: {query: z}}]
            - text: second
          w: [{text: ok}]
    """)
    check_promises(seen)
    assert calls(seen) == ["a", "a/w#1", "a/w#2", "a/w#3"]
    turns = of(events.TurnFinished, seen)
    assert [(t.turn, t.output) for t in turns] == [(1, "first"), (2, "second")]
    assert [t.input for t in of(events.TurnStarted, seen)] == ["one", "two"]


async def test_a_conversation_remembers() -> None:
    seen = await play("""
        agents: {a: {model: echo}}
        turns: [hello, and again]
    """)
    assert [t.output for t in of(events.TurnFinished, seen)] == ["hello", "and again"]
    read = [e.usage.input_tokens for e in of(events.ModelFinished, seen)]
    assert read[1] > read[0], "the second turn reads the first"


FAILING = """
agents: {lead: {subagents: [good, bad]}, good: {}, bad: {}}
input: go
script:
  lead: [{tool_calls: [{good: {query: x}}, {bad: {query: y}}]}, {text: never}]
  good: [{text: "a b c d e f", rate: 2, first_token: 0.01}]
  bad: [{text: soon gone, tool_calls: [{nothing: {}}], first_token: 0.02}]
"""


async def test_a_failing_sibling_takes_the_others_along_and_all_is_closed() -> None:
    seen = await play(FAILING)
    check_promises(seen)
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead": "failed", "lead/good#1": "cancelled", "lead/bad#1": "failed"}
    aborted = {e.call: e.reason for e in of(events.ModelAborted, seen)}
    assert aborted == {"lead/good#1": "cancelled", "lead/bad#1": "error"}
    failed = {e.tool_call_id: e.error for e in of(events.ToolFailed, seen) if e.call == "lead"}
    assert failed["lead:1.1"] == "cancelled"
    done = finished(seen)
    assert (done.status, done.error_type) == ("failed", "MissingReply")
    assert done.error == ("lead/bad#1: reply 2 was asked for, but script key 'bad' has 1")
    assert texts(seen)["lead/bad#1"] == "soon gone", "what was said before is not lost"


async def test_an_unknown_tool_is_told_to_the_model() -> None:
    seen = await play("""
        agents: {a: {}}
        input: go
        script: {a: [{tool_calls: [{nothing: {x: 1}}]}, {text: sorry}]}
    """)
    check_promises(seen)
    (failed,) = of(events.ToolFailed, seen)
    assert failed.name == "nothing"
    assert "not a valid tool" in failed.error
    assert finished(seen).output == "sorry"


async def test_a_call_without_any_script() -> None:
    seen = await play("agents: {a: {}}\ninput: go\n")
    assert finished(seen).error_type == "MissingReply"
    told = "a: no key of 'script' fits this call (its keys: none); 'orchestra record' keeps what a"
    assert finished(seen).error == f"{told} real model says"


async def test_replies_never_used_are_warned_of() -> None:
    seen = await play("""
        agents: {a: {subagents: [b]}, b: {}}
        input: go
        script: {a: [{text: hi}, {text: extra}, {text: more}], b: [{text: never}]}
    """)
    assert [e.message for e in of(events.Warned, seen)] == [
        "script key 'a': replies 2 to 3 of 3 were never used",
        "script key 'b': reply 1 of 1 was never used",
    ]
    assert finished(seen).status == "completed"


@pytest.mark.parametrize("name", ["newsroom", "city-guide", "chat"])
async def test_shipped_scenarios_say_exactly_their_script(name: str) -> None:
    loaded = load(SCENARIOS / f"{name}.yaml")
    seen = await play(loaded)
    check_promises(seen)
    assert not of(events.Warned, seen)
    said = texts(seen)
    for key, replies in loaded.script.items():
        expected = "".join(reply.text for reply in replies)
        spoken = [text for call, text in said.items() if find(loaded.script, call) == key]
        assert spoken, key
        assert all(text == expected for text in spoken)


async def test_one_graph_serves_many_runs() -> None:
    team = build(scenario(TEAM))
    first = by_call([event async for event in Run(team)])
    again = by_call([event async for event in Run(team)])
    assert again == first


def test_a_character_cut_in_two_is_put_together() -> None:
    adapter = Adapter("run")
    who = {"agent": "a", "call": "a"}
    parts: list[object] = [
        events.AgentStarted(**who),
        events.ModelStarted(**who, message_id="a:1", model="m"),
        AIMessageChunk(content="moon \ud83c"),
        AIMessageChunk(content="\udf19 and half \ud83c"),
        AIMessageChunk(
            "", tool_call_chunks=[tool_call_chunk(name="t", id="1", args='{"x": "\ud83c', index=0)]
        ),
        AIMessageChunk("", tool_call_chunks=[tool_call_chunk(args='\udf19"}', index=0)]),
        events.ModelFinished(**who, message_id="a:1"),
        events.AgentFinished(**who, status="completed"),
    ]
    seen = []
    for part in parts:
        custom = isinstance(part, events.BaseEvent)
        data = part if custom else (part, {"orchestra_message": "a:1"})
        seen += adapter.feed({"type": "custom" if custom else "messages", "ns": (), "data": data})
    check_promises(seen)
    assert texts(seen) == {"a": "moon 🌙 and half \N{REPLACEMENT CHARACTER}"}
    assert "".join(e.args for e in of(events.ToolCallDelta, seen)) == '{"x": "🌙"}'

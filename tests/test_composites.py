"""Sequence, parallel, map, loop and route: their paths, their inputs, and how they fail."""

import asyncio

import pytest
from runs import by_call, calls, check_promises, collect, finished, of, play, scenario, texts

from orchestra import ScenarioError, events
from orchestra.events import Event
from orchestra.runtime import Run, build, run


def tasks(among: list[Event]) -> dict[str, str]:
    """What each call was asked."""
    return {event.call: event.task for event in of(events.AgentStarted, among)}


def warnings(among: list[Event]) -> list[str]:
    return [event.message for event in of(events.Warned, among)]


async def test_a_sequence_hands_each_output_on() -> None:
    seen = await play("""
        agents: {line: {sequence: [a, b, a]}, a: {}, b: {}}
        input: go
        script: {a#1: [{text: one}], b: [{text: two}], a#2: [{text: three}]}
    """)
    check_promises(seen)
    assert tasks(seen) == {"line": "go", "line/a#1": "go", "line/b#1": "one", "line/a#2": "two"}
    assert {e.call: e.parent for e in of(events.AgentStarted, seen)} == {
        "line": None,
        "line/a#1": "line",
        "line/b#1": "line",
        "line/a#2": "line",
    }
    assert finished(seen).output == "three"
    # The composite says nothing itself: the last step's words are not said again under its name.
    assert set(texts(seen)) == {"line/a#1", "line/b#1", "line/a#2"}


async def test_templates() -> None:
    seen = await play("""
        agents:
          line:
            sequence:
              - {agent: a, input: "{{input}}? {{ input }}!"}
              - {agent: b, input: "{{previous}} of {{input}}"}
              - {agent: c, input: "{{steps.a}} and {{steps.b}}"}
          a: {}
          b: {}
          c: {model: echo}
        input: go {{previous}}
        script: {a: [{text: "{{input}}"}], b: [{text: two}]}
    """)
    # Nothing in a value is taken for a template.
    assert tasks(seen)["line/a#1"] == "go {{previous}}? go {{previous}}!"
    assert tasks(seen)["line/b#1"] == "{{input}} of go {{previous}}"
    assert finished(seen).output == "{{input}} and two"


async def test_templates_that_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.runtime.composites.LONGEST", 1000)
    text = """
        agents:
          doubling:
            max_rounds: 40
            loop: [{agent: a, input: "{{input}}{{previous}}{{previous}}"}]
          a: {model: echo}
    """
    seen = await play(scenario(text), input="x")
    check_promises(seen)
    assert finished(seen).status == "failed"
    assert finished(seen).error == "doubling/a#10: its input is longer than 1,000 characters"
    assert max(map(len, tasks(seen).values())) == 511


async def test_parallel_joins_in_listed_order() -> None:
    seen = await play("""
        agents:
          panel: {parallel: [slow, fast], join: judge}
          slow: {}
          fast: {}
          judge: {model: echo}
        input: well?
        script: {slow: [{text: late, first_token: 0.02}], fast: [{text: early}]}
    """)
    check_promises(seen)
    assert calls(seen) == ["panel", "panel/slow#1", "panel/fast#1", "panel/judge#1"]
    assert finished(seen).output == "## slow\nlate\n\n## fast\nearly"
    assert tasks(seen)["panel/slow#1"] == tasks(seen)["panel/fast#1"] == "well?"


async def test_parallel_without_join_and_one_agent_twice() -> None:
    seen = await play("""
        agents: {panel: {parallel: [a, {agent: a, input: "not {{input}}"}]}, a: {model: echo}}
        input: x
    """)
    assert finished(seen).output == "## a\nx\n\n## a\nnot x"
    assert calls(seen) == ["panel", "panel/a#1", "panel/a#2"]


@pytest.mark.parametrize(
    ("over", "given", "expected"),
    [
        ("", "one\\n\\n two ", ["one", "two"]),
        ("", '["a", {"b": 1}, 2]', ["a", '{"b": 1}', "2"]),
        ("over: $.items", '{"items": ["x", "y"]}', ["x", "y"]),
        ("over: '$.items[*].name'", '{"items": [{"name": "x"}, {"name": "y"}]}', ["x", "y"]),
        ("over: $.items", '```json\\n{"items": ["fenced"]}\\n```', ["fenced"]),
        ("", '{"a": 1}', ['{"a": 1}']),
    ],
)
async def test_map_over(over: str, given: str, expected: list[str]) -> None:
    given = given.encode().decode("unicode_escape")
    seen = await play(
        scenario(f"agents: {{crowd: {{map: w, {over}}}, w: {{model: echo}}}}\ninput: x\n"),
        input=given,
    )
    check_promises(seen)
    asked = [task for call, task in tasks(seen).items() if call != "crowd"]
    assert asked == expected
    assert [call for call in tasks(seen) if call != "crowd"] == [
        f"crowd/w#{n + 1}" for n in range(len(expected))
    ]
    assert finished(seen).output == "\n\n".join(f"## w\n{item}" for item in expected)


async def test_map_without_items_warns_and_without_json_fails() -> None:
    text = "agents: {crowd: {map: w, over: $.items, join: j}, w: {}, j: {model: echo}}\ninput: x\n"
    none = await play(scenario(text), input='{"items": []}')
    assert warnings(none) == ["crowd: found no items at $.items"]
    assert finished(none).status == "completed"
    wrong = await play(scenario(text), input="no json")
    check_promises(wrong)
    assert finished(wrong).error == "crowd: 'over' needs JSON, but got 'no json'"


POLISH = """
    agents:
      polish: {loop: [writer, critic], until: {matches: "^APPROVED"}, max_rounds: 3}
      writer: {}
      critic: {}
    input: a poem
    script:
      writer: [{match: "## critic", text: draft two}, {text: draft one}]
      critic#1: [{text: shorter}]
"""


async def test_a_loop_ends_when_the_last_step_says_so() -> None:
    seen = await play(POLISH + "      critic#2: [{text: APPROVED at last}]\n")
    check_promises(seen)
    assert tasks(seen) == {
        "polish": "a poem",
        "polish/writer#1": "a poem",
        "polish/critic#1": "draft one",
        "polish/writer#2": "a poem\n\n## writer\ndraft one\n\n## critic\nshorter",
        "polish/critic#2": "draft two",
    }
    assert finished(seen).output == "draft two"  # the first step's last one
    assert warnings(seen) == []


async def test_a_loop_that_runs_out_of_rounds_warns() -> None:
    seen = await play(POLISH + "      critic: [{text: shorter}]\n")
    assert finished(seen).status == "completed"
    assert finished(seen).output == "draft two"
    (told,) = warnings(seen)
    assert told.startswith("polish: gave up after 3 rounds: expected to match '^APPROVED'")


async def test_a_loop_of_one_without_until() -> None:
    seen = await play("""
        agents: {again: {loop: [a], max_rounds: 2}, a: {model: echo}}
        input: x
    """)
    assert finished(seen).output == "x\n\n## a\nx"
    assert warnings(seen) == []


ROUTE = """
    agents:
      triage:
        route:
          - {when: {contains: refund}, to: billing}
          - {when: {matches: "(?i)^help"}, to: human}
          - {billing: Money, tech: Machines}
        default: human
      billing: {}
      tech: {}
      human: {}
    script:
      billing: [{text: paid}]
      tech: [{text: fixed}]
      human: [{text: hello}]
"""


@pytest.mark.parametrize(
    ("given", "said", "answer"),
    [
        ("a refund please", None, "paid"),
        ("HELP", None, "hello"),
        ("my bill", "billing", "paid"),
        ("broken", " `Tech`. ", "fixed"),
        ("broken", "I think tech is best.", "fixed"),
        ("odd", "billing or tech", "hello"),
        ("odd", "nobody", "hello"),
    ],
)
async def test_a_route(given: str, said: str | None, answer: str) -> None:
    reply = f'      triage: [{{text: "{said}"}}]\n' if said else ""
    seen = await play(scenario(ROUTE + reply), input=given)
    check_promises(seen)
    assert finished(seen).output == answer
    asked = [e.call for e in of(events.ModelStarted, seen)]
    assert ("triage" in asked) == (said is not None)
    if said in ("nobody", "billing or tech"):
        assert warnings(seen)[0] == f"triage: no agent is called {said!r}; human answers"


async def test_a_route_that_leads_nowhere() -> None:
    text = "agents: {r: {route: {a: A}}, a: {}}\ninput: x\nscript: {r: [{text: b}]}\n"
    seen = await play(text)
    check_promises(seen)
    assert finished(seen).error == "r: no agent is called 'b' (of a)"
    text = "agents: {r: {route: [{when: y, to: a}]}, a: {}}\ninput: x\n"
    assert finished(await play(text)).error == "r: no rule fits, and there is no 'default'"


async def test_a_route_remembers_the_conversation() -> None:
    seen = await play("""
        agents: {r: {route: {a: A, b: B}}, a: {}, b: {}}
        turns: [one, two]
        script: {r: [{text: a}, {text: b}], a: [{text: from a}], b: [{text: from b}]}
    """)
    assert calls(seen) == ["r", "r/a#1", "r/b#1"]
    second = [e for e in of(events.ModelFinished, seen) if e.call == "r/b#1"]
    assert second[0].usage.input_tokens == 4  # it read the first turn too


NESTED = """
    main: top
    agents:
      top: {subagents: [pipeline, pipeline2]}
      pipeline: {sequence: [crowd, polish]}
      pipeline2: {parallel: [polish, crowd]}
      crowd: {map: w}
      w: {subagents: [polish]}
      polish: {loop: [writer, critic], until: ok, max_rounds: 2}
      writer: {model: echo}
      critic: {}
    input: x
    script:
      top:
        - tool_calls: [{pipeline: {query: "a"}}, {pipeline2: {query: "b"}}, {pipeline: {query: c}}]
        - text: end
      w: [{tool_calls: [{polish: {query: p}}]}, {text: worked}]
      critic: [{text: ok}]
"""


async def test_patterns_nest_in_each_other() -> None:
    seen = await play(NESTED)
    check_promises(seen)
    assert finished(seen).output == "end"
    assert set(calls(seen)) >= {
        "top/pipeline#1/crowd#1/w#1/polish#1/critic#1",
        "top/pipeline#2/polish#1/writer#1",
        "top/pipeline2#1/polish#1/critic#1",
        "top/pipeline2#1/crowd#1/w#1/polish#1/writer#1",
    }
    again = await play(NESTED)
    assert by_call(again) == by_call(seen)


async def test_a_step_that_fails_ends_its_siblings() -> None:
    seen = await play("""
        agents: {all: {parallel: [bad, slow]}, bad: {}, slow: {}}
        input: x
        script: {slow: [{text: one two three four, rate: 20}]}
    """)
    check_promises(seen)
    assert finished(seen).error_type == "MissingReply"
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"all/bad#1": "failed", "all/slow#1": "cancelled", "all": "failed"}


async def test_the_team_says_who_is_what() -> None:
    (begun, *_) = await play("""
        agents: {p: {parallel: [a, r], title: Panel}, r: {route: {a: A}}, a: {tools: [t]}}
        tools: {t: {returns: [{value: 1}]}}
        input: x
        script: {a: [{text: x}], r: [{text: a}]}
    """)
    team = {m.name: (m.kind, m.model, m.parents, m.title) for m in begun.team}
    assert team == {
        "p": ("parallel", "", (), "Panel"),
        "r": ("route", "scripted", ("p",), "r"),
        "a": ("agent", "scripted", ("p", "r"), "a"),
    }


async def test_several_mains_side_by_side() -> None:
    seen = await play("""
        main: [a, b]
        agents: {a: {handoffs: [c]}, b: {handoffs: [c]}, c: {}}
        turns: [one, two]
        script:
          a: [{tool_calls: [transfer_to_c]}]
          b: [{text: b one}, {tool_calls: [transfer_to_c]}]
          c: [{text: c for now}, {text: c again}]
          b>c: [{text: c of b}]
    """)
    check_promises(seen)
    assert seen[0].main == ("a", "b")
    assert finished(seen).output == "## a\nc again\n\n## b\nc of b"
    assert set(calls(seen)) == {"a", "b", "a>c", "b>c"}


def test_wrong_composites_are_told() -> None:
    with pytest.raises(ScenarioError, match="without end: 'a' → 'b' → 'a'"):
        scenario("agents: {a: {sequence: [b]}, b: {loop: [a]}}\nmain: a")
    # What a model decides may end.
    scenario("agents: {a: {sequence: [r]}, r: {route: {a: again, end: stop}}, end: {}}\nmain: a")
    with pytest.raises(ScenarioError, match="'tools'; it does not go with 'sequence'"):
        scenario("agents: {a: {sequence: [b], tools: [t]}, b: {}}")
    with pytest.raises(ScenarioError, match="'rules'; rules stand in its list"):
        scenario("agents: {r: {route: {b: x}, rules: []}, b: {}}")
    with pytest.raises(ScenarioError, match="'temperature'; it belongs to a model"):
        scenario("agents: {a: {temperature: 1}}")
    with pytest.raises(
        ScenarioError, match=r"nothing is called '\{\{inptu\}\}'; did you mean 'input'"
    ):
        scenario("agents: {a: {sequence: [{agent: b, input: '{{inptu}}'}]}, b: {}}")
    with pytest.raises(ScenarioError, match="is a loop: it says nothing itself"):
        scenario("agents: {a: {loop: [b]}, b: {}}\nscript: {a: [{text: x}]}")


EVERYTHING = """
    main: [lead, desk]
    agents:
      lead: {subagents: [line, team]}
      line: {sequence: [crowd, polish, desk]}
      crowd: {map: w, over: $.items, join: {agent: merger, input: "{{previous}} {{input}}"}}
      w: {handoffs: [helper], tools: [pad]}
      helper: {middleware: [todo_list, {summarization: {trigger: [messages, 3], keep: [messages, 1]}}]}
      merger: {response_format: {type: object, required: [items]}}
      polish: {loop: [writer, critic], until: {json_path: {path: $.ok, equals: true}}}
      writer: {}
      critic: {response_format: {type: object, properties: {ok: {type: boolean}}}}
      desk: {route: [{when: never ever, to: w}, {team: A team, w: A worker}], default: w}
      team: {parallel: [writer, helper]}
    tools:
      pad: {parameters: {x: integer}, returns: [{value: ok, delay: 0.001}]}
    turns: ['{"items": [1, 2]}', again]
    script:
      lead:
        - tool_calls: [{line: {query: '{"items": ["a", "b", "c"]}'}}, {team: {query: t}}]
        - text: first done
        - tool_calls: [{team: {query: u}}]
        - text: second done
      w: [{tool_calls: [{pad: {x: 1}}, {pad: {x: 2}}]}, {tool_calls: [transfer_to_helper]}]
      helper: [{tool_calls: [{write_todos: {todos: []}}], reasoning: hmm 世界}, {text: helped 🌙}]
      helper.summarization: [{text: s1}, {text: s2}]
      merger: [{structured: {wrong: 1}}, {structured: {items: [1]}}]
      writer: [{text: a draft of it}]
      critic#1: [{structured: {ok: false}}]
      critic: [{structured: {ok: true}}]
      desk: [{text: w}, {text: the team}]
      line/desk: [{text: team}]
"""


async def test_everything_at_once_and_many_times() -> None:
    loaded = scenario(EVERYTHING)
    team = build(loaded)
    seen = await collect(Run(team))
    check_promises(seen)
    assert finished(seen).status == "completed"
    assert "lead/line#1/crowd#1/w#3>helper" in calls(seen)
    for other in await asyncio.gather(*(collect(Run(team)) for _ in range(8))):
        check_promises(other)
        assert by_call(other) == by_call(seen)
    await team.aclose()


async def test_everything_can_be_cancelled_anywhere() -> None:
    team = build(scenario(EVERYTHING))
    for at in range(0, 320, 19):
        begun, seen = Run(team), []
        async for event in begun:
            seen.append(event)
            if len(seen) == at + 1:
                begun.cancel()
        check_promises(seen)
        assert finished(seen).status in ("cancelled", "completed")
    await team.aclose()


async def test_everything_may_lack_any_reply() -> None:
    loaded = scenario(EVERYTHING)
    for key, replies in loaded.script.items():
        cut = {**loaded.script, key: replies[:-1]}
        seen = await collect(run(loaded.model_copy(update={"script": cut})))
        check_promises(seen)
        if key != "helper.summarization":  # whose second reply not every run comes to
            assert finished(seen).error_type == "MissingReply", key

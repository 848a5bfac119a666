"""Handoffs: there and back, beside delegation, across turns, inside teams and composites."""

from runs import calls, check_promises, finished, of, play

from orchestra import events
from orchestra.events import Event


def ends(among: list[Event]) -> list[tuple[str, str, str | None]]:
    return [(e.call, e.status, e.to) for e in of(events.AgentFinished, among)]


DESK = """
    main: triage
    agents:
      triage: {handoffs: [billing, tech], subagents: [crm]}
      billing: {handoffs: [triage]}
      tech: {}
      crm: {}
"""


async def test_there_and_back_across_turns() -> None:
    seen = await play(
        DESK
        + """
    turns: [my bill, my phone, thanks]
    script:
      triage:
        - {text: moving you, tool_calls: [transfer_to_billing]}
        - {tool_calls: [transfer_to_tech]}
      billing: [{text: paid}, {tool_calls: [transfer_to_triage]}]
      tech: [{text: fixed}, {text: bye}]
    """
    )
    check_promises(seen)
    assert finished(seen).output == "bye"
    assert ends(seen) == [
        ("triage", "handed_off", "billing"),
        ("billing", "completed", None),
        ("billing", "handed_off", "triage"),  # the next turn went to who has the conversation
        ("triage", "handed_off", "tech"),  # coming back resumes triage, at its second reply
        ("tech", "completed", None),
        ("tech", "completed", None),
    ]
    tasks = [(e.call, e.task) for e in of(events.AgentStarted, seen)]
    assert tasks[1] == ("billing", "my bill")
    # The history is shared: tech read all that was said before.
    first = next(e for e in of(events.ModelFinished, seen) if e.call == "tech")
    assert first.usage.input_tokens > 15


async def test_beside_other_tools_it_is_refused_and_no_result_is_lost() -> None:
    seen = await play(
        DESK
        + """
    input: hi
    script:
      triage:
        - tool_calls: [{crm: {query: who}}, transfer_to_billing]
        - tool_calls: [transfer_to_tech, transfer_to_billing]
      crm: [{text: Ada}]
      tech: [{text: fixed}]
    """
    )
    check_promises(seen)
    assert finished(seen).output == "fixed"
    failed = [(e.name, e.error) for e in of(events.ToolFailed, seen)]
    assert failed == [
        ("transfer_to_billing", "not handed over: call this tool alone, after the others"),
        ("transfer_to_billing", "not handed over: transfer_to_tech came first"),
    ]
    assert calls(seen) == ["triage", "triage/crm#1", "tech"]


async def test_inside_a_delegated_team_and_a_step() -> None:
    seen = await play("""
        main: lead
        agents:
          lead: {subagents: [triage, line]}
          line: {sequence: [triage, last]}
          triage: {handoffs: [billing]}
          billing: {handoffs: [triage, crowd]}
          crowd: {map: w}
          w: {model: echo}
          last: {model: echo}
        input: go
        script:
          lead:
            - tool_calls: [{triage: {query: "1"}}, {line: {query: "2"}}, {triage: {query: "3"}}]
            - text: end
          triage: [{tool_calls: [transfer_to_billing]}, {text: back in triage}]
          billing: [{tool_calls: [transfer_to_triage]}]
          line/triage>billing: [{tool_calls: [transfer_to_crowd]}]
    """)
    check_promises(seen)
    assert finished(seen).output == "end"
    assert set(calls(seen)) == {
        "lead",
        "lead/triage#1",
        "lead/triage#1>billing",
        "lead/line#1",
        "lead/line#1/triage#1",
        "lead/line#1/triage#1>billing",
        "lead/line#1/triage#1>crowd",  # a composite may be handed the conversation, too
        "lead/line#1/triage#1>crowd/w#1",
        "lead/line#1/last#1",
        "lead/triage#2",
        "lead/triage#2>billing",
    }
    results = {e.name: e.result for e in of(events.ToolFinished, seen) if e.call == "lead"}
    assert results == {"triage": "back in triage", "line": "## w\n2"}


async def test_a_lone_transfer_inside_a_delegate_is_followed() -> None:
    """In LangGraph it is silently ignored: nothing is there to follow it."""
    seen = await play("""
        main: lead
        agents: {lead: {subagents: [a]}, a: {handoffs: [b]}, b: {}}
        input: go
        script:
          lead: [{tool_calls: [{a: {query: x}}]}, {text: end}]
          a: [{tool_calls: [transfer_to_b]}]
          b: [{text: from b}]
    """)
    assert [e.result for e in of(events.ToolFinished, seen) if e.name == "a"] == ["from b"]


async def test_endless_handoffs_are_bounded() -> None:
    seen = await play("""
        main: a
        agents: {a: {handoffs: [b], model: scripted}, b: {handoffs: [a]}}
        input: go
        run: {limits: {model_calls: 7}}
        script:
          a: [{tool_calls: [transfer_to_b]}, {tool_calls: [transfer_to_b]}, {tool_calls: [transfer_to_b]}, {tool_calls: [transfer_to_b]}]
          b: [{tool_calls: [transfer_to_a]}, {tool_calls: [transfer_to_a]}, {tool_calls: [transfer_to_a]}, {tool_calls: [transfer_to_a]}]
    """)
    check_promises(seen)
    assert finished(seen).error == "the run used more than 7 model calls (run.limits.model_calls)"
    assert finished(seen).error_type == "LimitExceeded"


async def test_a_refused_transfer_is_no_answer() -> None:
    """LangChain ends an agent whose last tools are all transfers, whatever came of them."""
    seen = await play(
        DESK
        + """
    input: hi
    script:
      triage: [{tool_calls: [no_such_tool, transfer_to_billing]}, {tool_calls: [transfer_to_billing]}]
      billing: [{text: paid}]
    """
    )
    check_promises(seen)
    assert finished(seen).output == "paid"


async def test_a_team_that_is_tried_again_begins_where_it_began() -> None:
    seen = await play("""
        main: lead
        agents:
          lead: {subagents: [triage], middleware: [{tool_retry: {initial_delay: 0, jitter: false}}]}
          triage: {handoffs: [billing]}
          billing: {tools: [flaky], middleware: [{model_retry: {max_retries: 0}}]}
        tools: {flaky: {returns: [{value: ok}]}}
        input: go
        script:
          lead: [{tool_calls: [{triage: {query: q}}]}, {text: end}]
          triage: [{text: moving, tool_calls: [transfer_to_billing]}]
          billing: [{tool_calls: [flaky]}, {text: paid}]
    """)
    check_promises(seen)
    assert finished(seen).output == "end"


async def test_a_turn_that_fails_after_a_handoff_has_failed() -> None:
    from orchestra.regression import Transcript

    seen = await play("""
        main: a
        agents: {a: {handoffs: [b]}, b: {}}
        turns: [one]
        script: {a: [{tool_calls: [transfer_to_b]}]}
    """)
    (turn,) = Transcript.of(seen).turns
    assert turn.finished.status == "failed"

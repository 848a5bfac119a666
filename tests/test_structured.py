"""``response_format``: the answer is what the agent says, checked, and handed on as JSON."""

import json

from runs import check_promises, finished, of, play, scenario, texts

from orchestra import events

FORMAT = (
    "response_format: {type: object, properties: {mood: {enum: [good, bad]}}, required: [mood]}"
)


async def test_a_structured_answer() -> None:
    seen = await play(f"""
        agents: {{a: {{{FORMAT}}}}}
        input: well?
        script: {{a: [{{text: Let me see., structured: {{mood: good, why: 天气}}}}]}}
    """)
    check_promises(seen)
    answer = {"mood": "good", "why": "天气"}
    (end,) = of(events.AgentFinished, seen)
    assert end.structured == answer
    assert json.loads(end.output) == json.loads(finished(seen).output) == answer
    # It streams as what the agent says, and is no tool call.
    assert texts(seen)["a"] == f"Let me see.\n{end.output}"
    assert of(events.ToolCallDelta, seen) == []
    (message,) = of(events.ModelFinished, seen)
    assert message.tool_calls == ()


async def test_an_answer_that_does_not_fit_is_asked_for_again() -> None:
    seen = await play(f"""
        agents: {{a: {{{FORMAT}}}}}
        input: well?
        script:
          a:
            - structured: {{mood: odd}}
            - {{match: "'odd' is not one of", structured: {{mood: bad}}}}
    """)
    check_promises(seen)
    assert finished(seen).output == '{"mood": "bad"}'


async def test_an_answer_that_is_not_structured_fails() -> None:
    seen = await play(f"""
        agents: {{a: {{{FORMAT}}}}}
        input: well?
        script: {{a: [{{text: fine}}]}}
    """)
    check_promises(seen)
    assert finished(seen).status == "failed"
    assert "a: ended without the answer its response_format asks for" in finished(seen).error


async def test_with_tools_as_a_subagent_and_as_a_step() -> None:
    seen = await play(f"""
        main: lead
        agents:
          lead: {{subagents: [line]}}
          line: {{sequence: [a, {{agent: b, input: "so {{{{previous}}}}"}}]}}
          a: {{{FORMAT}, tools: [look]}}
          b: {{model: echo}}
        tools: {{look: {{returns: [{{value: sun}}]}}}}
        input: well?
        script:
          lead: [{{tool_calls: [{{line: {{query: x}}}}]}}, {{text: end}}]
          a: [{{tool_calls: [look]}}, {{structured: {{mood: good}}}}]
    """)
    check_promises(seen)
    (result,) = [e.result for e in of(events.ToolFinished, seen) if e.name == "line"]
    assert result == 'so {"mood": "good"}'


async def test_a_schema_never_fetches_and_never_hangs() -> None:
    seen = await play(
        scenario(
            'agents: {a: {response_format: {type: object, $ref: "http://127.0.0.1:9/x"}}}\n'
            "input: x\nscript: {a: [{structured: {a: 1}}, {text: x}]}\n"
        )
    )
    assert finished(seen).status == "failed"
    loop = '{type: object, $ref: "#"}'
    seen = await play(
        scenario(
            f"agents: {{a: {{response_format: {loop}}}}}\n"
            "input: x\nscript: {a: [{structured: {a: 1}}, {text: x}]}\n"
        )
    )
    assert finished(seen).status == "failed"

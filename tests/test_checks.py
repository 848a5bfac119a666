"""The checks on order, use, results, errors and warnings, and what negates them."""

import pytest
from runs import play, scenario
from virtual import run_virtually

from orchestra.errors import CHECK_FAILED, OK
from orchestra.events import AgentStarted, ModelFinished, RunFinished, RunStarted, ToolCall
from orchestra.regression import Transcript, verdict
from orchestra.regression.checks import judge
from orchestra.scenario.expect import CHECKS

DESK = """
agents:
  lead: {subagents: [reader, writer], tools: [fetch, erase], approve: [erase]}
  reader: {tools: [fetch]}
  writer: {subagents: [checker]}
  checker: {}
tools:
  fetch: {parameters: {url: string}, returns: [{when: {url: x}, error: no such page}, {value: a page}]}
  erase: {returns: [{value: erased}]}
input: go
decisions: [{agent: lead, tool: erase, decide: reject, message: keep it}]
script:
  lead:
    - tool_calls: [{reader: {query: one}}, {reader: {query: two}}, {fetch: {url: x}}]
      usage: {input_tokens: 10, output_tokens: 5, cost: 0.25}
    - tool_calls: [{writer: {query: tides and moon}}, erase]
      usage: {input_tokens: 20, output_tokens: 5}
    - {text: all done, usage: {input_tokens: 30, output_tokens: 5}}
  reader#1: [{tool_calls: [{fetch: {url: y}}], first_token: 1}, {text: first}]
  reader#2: [{text: second, first_token: 3}]
  writer: [{tool_calls: [{checker: {query: check}}]}, {text: written}]
  checker: [{text: right, usage: {input_tokens: 1, output_tokens: 1, cost: 0.5}}]
"""
TRIAGE = """
agents:
  triage: {handoffs: [billing]}
  billing: {handoffs: [triage], tools: [look]}
tools: {look: {returns: [{error: closed}]}}
main: triage
input: go
script:
  triage: [{tool_calls: [transfer_to_billing]}]
  billing: [{tool_calls: [look]}, {text: sorry}]
"""
STEPS = """
agents:
  desk: {sequence: [panel, judge]}
  panel: {parallel: [left, right], join: sum}
  crowd: {map: left, over: ""}
  left: {}
  right: {}
  sum: {}
  judge: {subagents: [crowd]}
main: desk
input: go
script:
  left: [{text: l, rate: 1}]
  right: [{text: r}]
  sum: [{text: s}]
  judge: [{tool_calls: [{crowd: {query: "a\\nb"}}]}, {text: j}]
"""


def judged(expect: str, text: str = DESK) -> tuple[int, list[str]]:
    loaded = scenario(text + f"expect: [{expect}]\n")
    found = verdict(loaded.cases[0], Transcript.of(run_virtually(play(loaded))))
    return found.code, [*found.reasons]


HOLDS = [
    (DESK, "{order: [reader, writer]}"),
    (DESK, "{order: [reader, writer, checker]}"),
    (DESK, "{order: [reader#2, checker]}"),
    (DESK, "{order: [lead, reader]}"),
    (DESK, "{agent: lead, order: [reader, checker]}"),
    (DESK, "{not: {order: [writer, reader]}}"),
    (DESK, "{not: {order: [reader#1, reader#2]}}"),
    (DESK, "{parallel: [reader]}"),
    (DESK, "{parallel: [reader#1, 'lead/reader#2']}"),
    (DESK, "{not: {parallel: [reader, writer]}}"),
    (DESK, "{forbidden_tools: [rm, look]}"),
    (DESK, "{agent: reader, forbidden_tools: [erase]}"),
    (DESK, "{agent: reader, not: {forbidden_tools: [fetch]}}"),
    (DESK, "{tool_result: {tool: fetch, status: failed, contains: no such}}"),
    (DESK, "{tool_result: {tool: fetch, status: succeeded}}"),
    (DESK, "{agent: reader#1, tool_result: {tool: fetch, contains: page}}"),
    (DESK, "{tool_result: {tool: erase, status: rejected, contains: keep it}}"),
    (DESK, "{tool_result: {tool: writer, contains: written}}"),
    (DESK, "{max: {model_calls: 9, tool_calls: 7, cost: 0.75, first_token: 3}}"),
    (DESK, "{agent: lead, max: {model_calls: 3, tool_calls: 5, tokens: 75, cost: 0.25}}"),
    (DESK, "{agent: checker, max: {tokens: 2, cost: 0.5}}"),
    (DESK, "{no_warnings: true}"),
    (DESK, "{not: {error: x}}"),
    (DESK, "{agent: reader, not: {output: first}}"),  # of one only
    (DESK, "{not: {not: {output: done}}}"),
    (DESK, "{tool_calls: {match: in_order, steps: [reader, writer]}}"),
    (DESK, "{tool_calls: {match: in_order, steps: [fetch, reader, erase]}}"),
    (DESK, "{tool_calls: {match: in_order, steps: []}}"),
    (DESK, "{agent: writer, tool_calls: [{checker: {query: {$contains: eck}}}]}"),
    (DESK, "{agent: writer, tool_calls: [{checker: {query: {$matches: '^c.*k$'}}}]}"),
    (DESK, "{agent: writer, tool_calls: [{checker: {query: {$any: true}}}]}"),
    (TRIAGE, "{order: [triage, billing]}"),
    (TRIAGE, "{not: {order: [billing, triage]}}"),
    (TRIAGE, "{not: {parallel: [billing, triage]}}"),
    (STEPS, "{order: [panel, judge]}"),
    (STEPS, "{order: [right, sum, judge, crowd]}"),
    (STEPS, "{order: [panel/left, sum]}"),
    (STEPS, "{parallel: [panel/left, right]}"),
    (STEPS, "{agent: crowd, parallel: [left]}"),
    (STEPS, "{not: {order: [right, panel/left]}}"),
    (STEPS, "{not: {parallel: [right, sum]}}"),
]


@pytest.mark.parametrize(("text", "expect"), HOLDS, ids=[expect for _, expect in HOLDS])
def test_what_holds(text: str, expect: str) -> None:
    assert judged(expect, text) == (OK, [])


FAILS = [
    (
        DESK,
        "{order: [writer, reader]}",
        "order: expected lead/writer#1 before lead/reader#1: "
        "lead/reader#1 in turn 1 of lead, lead/writer#1 in turn 2 of lead",
    ),
    (
        DESK,
        "{order: [reader#1, reader#2]}",
        "order: expected lead/reader#1 before lead/reader#2, asked for in one turn of lead",
    ),
    (
        DESK,
        "{order: [checker, writer]}",
        "order: expected lead/writer#1/checker#1 before lead/writer#1, which asked for it",
    ),
    (
        DESK,
        "{order: [reader#3, writer]}",
        "order: agent 'reader#3' was never called; its calls were lead/reader#1, lead/reader#2",
    ),
    (
        DESK,
        "{agent: writer, order: [reader, checker]}",
        "order: agent 'reader' was never called by lead/writer#1",
    ),
    (
        DESK,
        "{parallel: [reader, writer]}",
        "parallel: expected in one turn: lead/reader#1 in turn 1 of lead, lead/writer#1 in turn 2 of lead",
    ),
    (
        DESK,
        "{parallel: [writer]}",
        "parallel: expected several calls in one turn, seen only lead/writer#1",
    ),
    (
        DESK,
        "{name: leave it, forbidden_tools: [erase, fetch]}",
        "leave it: lead called fetch in turn 1; lead called erase in turn 2; "
        "lead/reader#1 called fetch in turn 1",
    ),
    (
        DESK,
        "{tool_result: {tool: erase, status: succeeded}}",
        "tool_result: the run: expected that erase succeeded, seen in lead rejected: "
        "'rejected by a person, and not run: keep it'",
    ),
    (
        DESK,
        "{agent: lead, tool_result: {tool: fetch, status: succeeded}}",
        "tool_result: lead: expected that fetch succeeded, seen in lead failed: 'no such page'",
    ),
    (
        DESK,
        "{agent: reader, tool_result: {tool: fetch}}",
        "tool_result: lead/reader#2: expected that fetch answered, but it gave no result",
    ),
    (
        DESK,
        "{tool_result: {tool: fetch, contains: a book}}",
        "tool_result: the run: expected that fetch answered with 'a book'; 2 results, none of them "
        "so:",
    ),
    (
        DESK,
        "{max: {model_calls: 7, cost: 0.5}}",
        "max: cost: expected at most 0.5, seen 0.75, most by lead/writer#1/checker#1 (0.5); "
        "model_calls: expected at most 7, seen 9, most by lead (3)",
    ),
    (
        DESK,
        "{agent: reader, max: {first_token: 2.5, tool_calls: 0}}",
        "max: first_token: expected at most 2.5, seen 3, in lead/reader#2; tool_calls: expected at most 0, seen 1, most by lead/reader#1 (1)",
    ),
    (
        DESK,
        "{agent: lead, max: {tokens: 74}}",
        "max: tokens: expected at most 74, seen 75",
    ),
    (
        DESK,
        "{max: {seconds: 1}}",
        "max: seconds: expected at most 1, seen 3, longest at its model: lead/reader#2 (3)",
    ),
    (DESK, "{error: x}", "error: the run: expected an error, seen status 'completed'"),
    (
        DESK,
        "{agent: reader, error: x}",
        "error: lead/reader#1: expected an error, seen status 'completed'",
    ),
    (
        DESK,
        "{agent: writer, not: {output: written}}",
        'not: expected that output: {"contains": "written"} of writer does not hold, and it does',
    ),
    (
        DESK,
        "{not: {agent: checker#2, output: x}}",
        "not: agent 'checker#2' was never called; its calls were lead/writer#1/checker#1",
    ),
    (
        DESK,
        "{tool_calls: {match: in_order, steps: [writer, reader]}}",
        "tool_calls: lead: expected (in_order) [writer, reader]; reader was not called after writer",
    ),
    (
        DESK,
        "{agent: writer, tool_calls: [{checker: {query: {$matches: '^k'}}}]}",
        'tool_calls: lead/writer#1: expected (strict) [checker{"query": {"$matches": "^k"}}]; '
        'at step 1 seen checker{"query": "check"}',
    ),
    (
        TRIAGE,
        "{order: [billing, triage]}",
        "order: expected billing before triage: triage, billing got the conversation by handoff 1",
    ),
]


@pytest.mark.parametrize(("text", "expect", "reason"), FAILS, ids=[it for _, it, _ in FAILS])
def test_what_fails_says_expected_seen_and_where(text: str, expect: str, reason: str) -> None:
    code, reasons = judged(expect, text)
    assert (code, [it.partition("\n")[0] for it in reasons]) == (CHECK_FAILED, [reason])


def test_the_steps_stand_beside_what_was_called() -> None:
    _, (reason,) = judged("{tool_calls: [reader, fetch, reader, reader, erase]}")
    assert reason.split("\n")[1:] == [
        "  reader{\"query\": \"one\"}",
        "  fetch{\"url\": \"x\"}",
        "  reader{\"query\": \"two\"}",
        "- reader",
        "+ writer{\"query\": \"tides and moon\"}  (turn 2)",
        "  erase{}",
    ]  # fmt: skip


def test_a_failure_that_is_expected_by_its_error_passes() -> None:
    text = (
        "agents: {a: {tools: [t], limits: {tool_calls: 1}}}\ntools: {t: {returns: [{value: 1}]}}\n"
        "input: go\nscript: {a: [{tool_calls: [t, t]}]}\n"
    )
    assert judged("{error: {matches: 'more than 1 tool calls?'}}", text) == (OK, [])
    code, (reason,) = judged("{error: nothing}", text)
    assert code == CHECK_FAILED
    assert reason.startswith("error: the run: expected to contain 'nothing', seen ")
    assert judged("{not: {status: completed}}", text) == (OK, [])


def test_what_nobody_reports_is_not_nothing() -> None:
    loaded = scenario("agents: {a: {}}\ninput: go\nexpect: [{max: {tokens: 5}}, {max: {cost: 1}}]")
    told = [
        RunStarted(scenario="s", main="a"),
        AgentStarted(agent="a", call="a"),
        ModelFinished(agent="a", call="a", message_id="1"),
        RunFinished(status="completed"),
    ]
    assert verdict(loaded.cases[0], Transcript.of(told)).reasons == (
        "max: tokens: a reports no usage, so its tokens are not known",
        "max: cost: the model of a does not say what it costs",
    )


def test_a_thousand_delegations_are_placed_without_a_search() -> None:
    """The work for each new call must not grow with the calls before it."""

    class Counting(str):
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counting.compared += 1
            return super().__eq__(other)

        __hash__ = str.__hash__

    def work(count: int) -> int:
        Counting.compared = 0
        transcript = Transcript()
        transcript.feed(RunStarted(scenario="s", main="a"))
        transcript.feed(AgentStarted(agent="a", call="a"))
        for at in range(count):
            asked = ToolCall(id=Counting(f"id{at}"), name="w", args={})
            made = ModelFinished(agent="a", call="a", message_id=str(at), tool_calls=(asked,))
            transcript.feed(made)
            path, by = f"a/w#{at + 1}", Counting(f"id{at}")
            transcript.feed(AgentStarted(agent="w", call=path, parent="a", tool_call_id=by))
        assert transcript.calls["a/w#7"].asked == (6, 0)
        return Counting.compared

    assert work(1000) <= 11 * work(100)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{t: {x: {$contain: a}}}", "no matcher '$contain'; did you mean '$contains'?"),
        ("{t: {x: {$contains: 3}}}", "'$contains' takes a text"),
        ("{t: {x: {$any: 1}}}", "expected '$any: true'"),
        ("{t: {x: {$matches: '('}}}", "is no regular expression"),
        ("{t: {x: {$any: true, y: 1}}}", "'$any' stands alone"),
    ],
)
def test_a_matcher_that_is_none_is_told(step: str, told: str) -> None:
    with pytest.raises(Exception, match="expect") as caught:
        scenario(f"agents: {{a: {{}}}}\ninput: go\nexpect: [{{tool_calls: [{step}]}}]\n")
    assert told in str(caught.value)


def test_other_words_with_a_dollar_are_arguments() -> None:
    loaded = scenario(
        "agents: {a: {}}\ninput: go\nexpect: [{tool_calls: [{t: {q: {$filter: a, $top: 3}}}]}]\n"
    )
    assert loaded.expect[0].tool_calls is not None


# Of every check, one that holds and one that does not; of the lead, or of the whole run.
EACH = {
    "status": ("completed", "failed"),
    "output": ("all done", "half done"),
    "calls": ("{reader: 2}", "{reader: 3..}"),
    "tool_calls": ("[reader, reader, fetch, writer, erase]", "[reader]"),
    "handoffs": ("[lead]", "[lead, writer]"),
    "order": ("[reader, writer]", "[writer, reader]"),
    "parallel": ("[reader#1, reader#2]", "[reader, writer]"),
    "forbidden_tools": ("[rm]", "[fetch]"),
    "tool_result": ("{tool: fetch, status: failed}", "{tool: fetch, contains: nothing}"),
    "max": ("{model_calls: 99}", "{model_calls: 1}"),
    "error": (None, "broken"),
    "no_warnings": ("true", None),
    "golden": ("true", None),
    "python": ("m:good", "m:bad"),
}
ASKED = {
    "golden": lambda it, _: None,
    "python": lambda it, _: None if it.python == "m:good" else "it is not",
}


@pytest.mark.parametrize("agent", ["", "agent: lead, "])
@pytest.mark.parametrize("kind", CHECKS)
def test_every_check_has_a_name_an_agent_and_its_contrary(kind: str, agent: str) -> None:
    if kind == "not":
        return  # beside each of the others
    transcript = Transcript.of(run_virtually(play(scenario(DESK))))

    def told(check: str) -> str:
        loaded = scenario(DESK + f"expect: [{{{agent}name: mine, {check}}}]\n")
        found = judge(loaded.cases[0].expect[0], transcript, ASKED)
        assert found.check == "mine"
        return found.reason

    holds, fails = EACH[kind]
    if holds:
        assert told(f"{kind}: {holds}") == ""
        assert told(f"not: {{{kind}: {holds}}}").startswith("expected that ")
    if fails:
        assert told(f"{kind}: {fails}") != ""
        assert told(f"not: {{{kind}: {fails}}}") == ""

"""What goes wrong with model calls, and what the scenario says becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from runs import check_promises, finished, of, play, texts
from virtual import run_virtually

from orchestra import events
from orchestra.events import Event
from orchestra.runtime.faults import ending, failure_of, wait_before

TEAM = """
main: a
agents: {a: {tools: [t]}}
tools: {t: {parameters: {x: string}, returns: [{value: done}]}}
input: go
"""


def run(text: str) -> list[Event]:
    """The events of a run on virtual time, with the promises checked."""
    seen = run_virtually(play(TEAM + text))
    check_promises(seen)
    return seen


def aborted(seen: list[Event]) -> list[tuple[str, str]]:
    return [(e.message_id, e.reason) for e in of(events.ModelAborted, seen)]


def said(seen: list[Event]) -> list[tuple[str, str]]:
    return [(e.message_id, e.text) for e in of(events.ModelFinished, seen)]


@pytest.mark.parametrize("error", ["connection", "rate_limit", "timeout", "server", "malformed"])
def test_a_failed_call_is_tried_again(error: str) -> None:
    seen = run(f"script: {{a: [{{text: one two three, fault: {{error: {error}, after: 2}}}}]}}")
    assert aborted(seen) == [("a:1", "retry")]
    assert said(seen) == [("a:1~2", "one two three")]
    assert [e.attempt for e in of(events.ModelStarted, seen)] == [1, 2]
    assert finished(seen).output == "one two three"
    void = [e.text for e in of(events.TextDelta, seen) if e.message_id == "a:1"]
    assert "".join(void) == "one two "


def test_the_waits_double_and_are_exact() -> None:
    seen = run("""
script: {a: [{text: hi, fault: {error: server, attempts: [1, 2, 3]}}]}
run: {retry: {attempts: 4, backoff: 2}}
""")
    waits = [e.retry_in for e in of(events.ModelAborted, seen)]
    for wait, whole in zip(waits, [2, 4, 8], strict=True):
        assert whole * 0.75 <= wait <= whole
    assert of(events.ModelStarted, seen)[-1].t == pytest.approx(sum(waits), abs=1e-6)
    again = run("""
script: {a: [{text: hi, fault: {error: server, attempts: [1, 2, 3]}}]}
run: {retry: {attempts: 4, backoff: 2}}
""")
    assert waits == [e.retry_in for e in of(events.ModelAborted, again)]


def test_it_is_not_tried_for_ever() -> None:
    seen = run("script: {a: [{text: hi, fault: {error: server, attempts: [1, 2, 3, 4]}}]}")
    assert aborted(seen) == [("a:1", "retry"), ("a:1~2", "retry"), ("a:1~3", "error")]
    assert finished(seen).status == "failed"
    assert finished(seen).error == (
        "a: ScriptedFault (500): the server failed after 0 chunks, as scripted"
    )


def test_only_what_the_scenario_lists_is_tried_again() -> None:
    script = "script: {a: [{text: hi, fault: {error: connection}}]}\n"
    seen = run(script + "run: {retry: {errors: [rate_limit]}}")
    assert aborted(seen) == [("a:1", "error")]
    assert finished(seen).status == "failed"


HALF = "script: {a: [{text: I will, tool_calls: [{t: {x: all of it}}], %s}, text: end]}\n"


@pytest.mark.parametrize("how", ["fault: {error: unfinished, after: 4}", "finish_reason: length"])
@pytest.mark.parametrize("policy", ["fail", "keep", "invoke"])
def test_half_a_tool_call_is_never_run(how: str, policy: str) -> None:
    seen = run(HALF % how + f"run: {{on_broken_stream: {policy}}}")
    if policy == "invoke" and "fault" in how:  # the second attempt is whole
        assert aborted(seen) == [("a:1", "broken_stream")]
        assert [e.args for e in of(events.ToolStarted, seen)] == [{"x": "all of it"}]
        assert finished(seen).output == "end"
        whole = [e.text for e in of(events.TextDelta, seen) if e.message_id == "a:1~2"]
        assert whole == ["I will"]  # said at once: nothing was streamed
        return
    assert of(events.ToolStarted, seen) == []
    if policy == "keep":
        assert [e.truncated for e in of(events.ModelFinished, seen)] == [True]
        assert (finished(seen).status, finished(seen).output) == ("completed", "I will")
    else:
        assert finished(seen).status == "failed"
        assert finished(seen).error_type == "BrokenStream"
        assert "in a tool call" in finished(seen).error


def test_a_text_without_an_end_is_not_taken_for_an_answer() -> None:
    script = "script: {a: [{text: one two three, fault: {error: unfinished, after: 2}}]}\n"
    seen = run(script)
    assert aborted(seen) == [("a:1", "broken_stream")]
    assert finished(seen).error == "a: the stream ended without a finish reason"
    kept = run(script + "run: {on_broken_stream: keep}")
    assert finished(kept).output == "one two "
    assert [e.truncated for e in of(events.ModelFinished, kept)] == [True]
    whole = run(script + "run: {on_broken_stream: invoke}")
    assert finished(whole).output == "one two three"


def test_a_text_that_ran_into_the_models_limit_is_whole_as_far_as_it_goes() -> None:
    seen = run("script: {a: [{text: one two, finish_reason: length}]}")
    assert [(e.truncated, e.finish_reason) for e in of(events.ModelFinished, seen)] == [
        (True, "length")
    ]
    assert finished(seen).status == "completed"


def test_arguments_that_are_no_json_are_told_to_the_model() -> None:
    seen = run("""
script:
  a:
    - {tool_calls: [{t: {x: one}}], fault: {error: malformed}}
    - tool_calls: [{t: {x: two}}]
    - {text: end, match: {contains: done}}
""")
    assert [e.args for e in of(events.ToolStarted, seen)] == [{}, {"x": "two"}]
    (failed,) = of(events.ToolFailed, seen)
    assert failed.error == "not run: its arguments are not JSON"
    assert [e.result for e in of(events.ToolFinished, seen)] == ["done"]
    assert finished(seen).output == "end"


def test_a_structured_answer_that_is_no_json_is_asked_for_again() -> None:
    seen = run_virtually(
        play("""
agents: {a: {response_format: {type: object, properties: {x: {type: integer}}}}}
input: go
script: {a: [{structured: {x: 12}, fault: {error: malformed}}]}
""")
    )
    check_promises(seen)
    assert aborted(seen) == [("a:1", "retry")]
    assert finished(seen).output == '{"x": 12}'


def test_a_first_token_that_never_comes() -> None:
    script = "script: {a: [{text: hi, fault: {error: stall, attempts: [1, 2, 3]}}]}\n"
    seen = run(script + "run: {first_token_timeout: 5}")
    assert finished(seen).error == "a: no token within 5 s (run.first_token_timeout)"
    assert finished(seen).error_type == "ModelTimeout"
    assert [e.reason for e in of(events.ModelAborted, seen)] == ["retry", "retry", "error"]
    assert of(events.ModelAborted, seen)[0].t == pytest.approx(5)


def test_the_first_token_stops_its_clock_and_no_other() -> None:
    late = "script: {a: [{reasoning: hm, text: one two three four, first_token: 4, rate: 0.5}]}\n"
    seen = run(late + "run: {first_token_timeout: 5}")
    assert finished(seen).output == "one two three four"
    seen = run(late + "run: {first_token_timeout: 5, model_timeout: 7, retry: {attempts: 1}}")
    assert finished(seen).error == "a: no whole answer within 7 s (run.model_timeout)"


def test_a_timeout_may_be_followed_by_one_try_without_streaming() -> None:
    script = "script: {a: [{text: hi there, fault: {error: stall, after: 1}}]}\n"
    seen = run(script + "run: {model_timeout: 3, on_timeout: invoke}")
    assert aborted(seen) == [("a:1", "retry")]
    assert [e.text for e in of(events.TextDelta, seen)] == ["hi ", "hi there"]
    assert said(seen) == [("a:1~2", "hi there")]


def test_that_one_try_is_the_last_and_has_its_bound() -> None:
    script = "script: {a: [{text: hi, fault: {error: stall, attempts: [1, 2, 3]}}]}\n"
    seen = run(script + "run: {first_token_timeout: 3, on_timeout: invoke}")
    assert [e.reason for e in of(events.ModelAborted, seen)] == ["retry", "error"]
    assert finished(seen).error == ("a: no whole answer within 600 s (the bound without streaming)")


def test_a_fallback_speaks_when_all_attempts_have_failed() -> None:
    seen = run_virtually(
        play("""
agents: {a: {middleware: [{model_fallback: {first_model: echo}}]}}
input: go
script: {a: [{text: one two, fault: {error: connection, after: 1, attempts: [1, 2]}}, text: b]}
run: {retry: {attempts: 2}}
""")
    )
    check_promises(seen)
    assert aborted(seen) == [("a:1", "retry"), ("a:1~2", "fallback")]
    assert said(seen) == [("a:1~3", "one two")]
    assert [e.attempt for e in of(events.ModelStarted, seen)] == [1, 2, 3]


def test_a_failing_sibling() -> None:
    seen = run_virtually(
        play("""
main: lead
agents: {lead: {subagents: [w, v]}, w: {}, v: {}}
input: go
script:
  lead: [{tool_calls: [{w: {query: x}}, {v: {query: y}}]}, text: end]
  w: [{text: one two, fault: {error: server, after: 1, attempts: [1, 2, 3]}}]
  v: [{text: slow slow slow slow, rate: 0.1}]
""")
    )
    check_promises(seen)
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead/w#1": "failed", "lead/v#1": "cancelled", "lead": "failed"}
    assert ("lead/v#1:1", "cancelled") in aborted(seen)


def test_every_attempt_is_a_model_call() -> None:
    seen = run_virtually(
        play("""
agents: {a: {limits: {model_calls: 2}}}
input: go
script: {a: [{text: hi, fault: {error: server, attempts: [1, 2]}}]}
""")
    )
    assert finished(seen).error == "a: used more than 2 model calls (limits.model_calls)"


def test_the_whole_run_has_its_time() -> None:
    seen = run("script: {a: [{text: one two three four, rate: 0.1}]}\nrun: {timeout: 15}")
    last = finished(seen)
    assert (last.status, last.error_type) == ("failed", "RunTimeout")
    assert last.error == "the run took more than 15 s (run.timeout)"
    assert last.t == pytest.approx(15)
    assert texts(seen)["a"] == "one two "
    assert [e.status for e in of(events.AgentFinished, seen)] == ["cancelled"]


class _Like(Exception):  # noqa: N818 - the SDKs have such names
    """An error as the SDKs raise them."""

    def __init__(self, **said: Any) -> None:
        super().__init__("x")
        self.__dict__ |= said


class APIConnectionError(_Like):
    pass


class APITimeoutError(APIConnectionError):
    pass


class _Response:
    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (_Like(status_code=429), "rate_limit"),
        (_Like(status_code=429, code="insufficient_quota"), None),
        (_Like(status_code=503), "server"),
        (_Like(status_code=408), "timeout"),
        (_Like(status_code=400), None),
        (_Like(code=502), "server"),
        (_Like(code="502"), "server"),
        (_Like(code="429"), "rate_limit"),
        (_Like(code="400"), None),
        (_Like(code="rate_limit_exceeded"), "rate_limit"),
        (_Like(code=None), None),
        (_Like(code="x", type="overloaded_error"), "server"),
        (APIConnectionError(), "connection"),
        (APITimeoutError(), "timeout"),
        (ConnectionResetError(), "connection"),
        (TimeoutError(), "timeout"),
        (ValueError(), None),
    ],
)
def test_failures_are_known_by_what_the_sdks_have_in_common(
    error: Exception, failure: str | None
) -> None:
    assert failure_of(error) == failure


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "soon"}, 0.0),
        ({"retry_after": "nan"}, 0.0),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry_after": "99999999"}, 3600.0),
        ({}, 0.0),
    ],
)
def test_a_server_may_ask_for_a_longer_wait(headers: dict[str, str], wait: float) -> None:
    assert wait_before(_Like(response=_Response(**headers)), 0.0, 1, "a:1") == wait


def test_how_a_message_ended() -> None:
    class Known:
        says_why_it_ends = True

    def ended(model: Any = None, **said: str) -> str:
        return ending(AIMessage("", response_metadata=said), model)

    assert ended(Known()) == "missing"
    assert ended() == "orderly"
    assert ended(finish_reason="stop") == "orderly"
    assert ended(stop_reason="max_tokens") == "cut"
    assert ended(finish_reason="SAFETY") == "cut"
    assert ended(status="incomplete") == "cut"

"""Faults of a real server, on loopback: what the run makes of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model_server import DONE, USAGE, Answer, Quirky, chunk, event, quirky, says
from runs import check_promises, finished, of, play

from orchestra import events
from orchestra.events import Event

LOCAL = """
models: {{default: {{model: "openai:tiny", base_url: "{url}", api_key: none-needed}}}}
agents: {{a: {{tools: [t]}}}}
tools: {{t: {{parameters: {{x: string}}, returns: [{{value: done}}]}}}}
input: Go.
run: {run}
"""
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "t", "arguments": ""}}
ARGS = {"index": 0, "function": {"arguments": '{"x": "/da'}}
HALF_CALL = (chunk({"tool_calls": [CALL]}), chunk({"tool_calls": [ARGS]}))
HALF_TEXT = (chunk({"content": "This sen"}),)
WHOLE = (
    b'{"id": "c1", "choices": [{"index": 0, "finish_reason": "stop", "message": '
    b'{"role": "assistant", "content": "Whole."}}], "usage": {"prompt_tokens": 7, '
    b'"completion_tokens": 3, "total_tokens": 10}}'
)
FAST = "{retry: {attempts: 3, backoff: 0}}"


@pytest.fixture(scope="module")
def running() -> Iterator[Quirky]:
    with quirky() as server:
        yield server


@pytest.fixture
def server(running: Quirky) -> Quirky:
    return running


async def run_on(server: Quirky, *answers: Answer, run: str = FAST) -> list[Event]:
    server.plays(*answers)
    seen = await play(LOCAL.format(url=server.url, run=run))
    check_promises(seen)
    return seen


def refusal(status: int, **headers: str) -> Answer:
    body = b'{"error": {"message": "not now"}}'
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer([body], status=status, kind="application/json", headers=said)


@pytest.mark.parametrize(
    "first",
    [
        refusal(429),
        refusal(500),
        refusal(503),
        refusal(408),
        Answer(HALF_TEXT, breaks_off=True),
        Answer(HALF_CALL, breaks_off=True),
        Answer((*HALF_TEXT, b"data: {nonsense\n\n")),
        Answer((*HALF_TEXT, event({"error": {"message": "gone", "code": "server_error"}}))),
        Answer(()),
    ],
    ids=["429", "500", "503", "408", "cut text", "cut call", "no JSON", "error chunk", "nothing"],
)
async def test_it_is_tried_again(server: Quirky, first: Answer) -> None:
    seen = await run_on(server, first, says("Hello."))
    assert [e.reason for e in of(events.ModelAborted, seen)] == ["retry"]
    assert finished(seen).output == "Hello."
    assert of(events.ToolStarted, seen) == []
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_what_would_fail_again_is_not(server: Quirky, status: int) -> None:
    seen = await run_on(server, refusal(status), says("Hello."))
    assert finished(seen).status == "failed"
    assert len(server.requests) == 1


async def test_the_server_says_how_long_to_wait(server: Quirky) -> None:
    seen = await run_on(server, refusal(429, retry_after_ms="120"), says("Hello."))
    (aborted,) = of(events.ModelAborted, seen)
    assert aborted.retry_in == 0.12
    assert of(events.ModelStarted, seen)[1].t - aborted.t >= 0.12


@pytest.mark.parametrize("end", [(), (DONE,)], ids=["end of file", "done"])
@pytest.mark.parametrize("half", [HALF_TEXT, HALF_CALL], ids=["text", "call"])
async def test_an_end_without_a_reason_is_none(
    server: Quirky, half: tuple[bytes, ...], end: tuple[bytes, ...]
) -> None:
    seen = await run_on(server, Answer((*half, *end)), says("Hello."))
    assert finished(seen).error_type == "BrokenStream"
    assert of(events.ToolStarted, seen) == []
    invoke = FAST.replace("}}", "}, on_broken_stream: invoke}")
    whole = Answer((WHOLE,), kind="application/json")
    seen = await run_on(server, Answer((*half, *end)), whole, run=invoke)
    assert [e.reason for e in of(events.ModelAborted, seen)] == ["broken_stream"]
    assert finished(seen).output == "Whole."
    assert [bool(it.get("stream")) for it in server.requests] == [True, False]
    assert "stream_options" not in server.requests[1]


async def test_a_call_cut_at_the_length_limit_is_not_run(server: Quirky) -> None:
    seen = await run_on(server, Answer((*HALF_CALL, chunk({}, "length"), DONE)))
    assert finished(seen).error == "a: the stream ended with 'length', in a tool call"
    assert of(events.ToolStarted, seen) == []


async def test_arguments_that_end_too_soon_are_told_to_the_model(server: Quirky) -> None:
    half = Answer((*HALF_CALL, chunk({}, "tool_calls"), DONE))
    seen = await run_on(server, half, says("Sorry."))
    (failed,) = of(events.ToolFailed, seen)
    assert failed.error == "not run: its arguments are not JSON"
    assert finished(seen).output == "Sorry."
    assert server.requests[1]["messages"][-1]["role"] == "tool"


async def test_what_it_costs(server: Quirky) -> None:
    usage = event({"id": "c1", "choices": [], "usage": {**USAGE, "cost": 0.3}})
    call = {**CALL, "function": {"name": "t", "arguments": '{"x": "y"}'}}
    asks = Answer((chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), usage, DONE))
    seen = await run_on(server, asks, run="{limits: {cost: 0.5}}")
    assert finished(seen).error == "the run cost more than 0.5 (run.limits.cost)"
    assert len(of(events.ModelFinished, seen)) == 2
    assert of(events.Warned, seen) == []
    seen = await run_on(server, says("Hello."), run="{limits: {cost: 0.5}}")
    told = [e.message for e in of(events.Warned, seen)]
    assert told == ["openai:tiny reports no cost: run.limits.cost does not hold it"]

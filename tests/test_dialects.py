"""What real providers were seen to stream beside OpenAI's own way, in the smallest shape of it.

Each was found in recorded streams of the provider that is named; the bytes here are our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from model_server import DONE, END, USAGE, Answer, Quirky, chunk, event, quirky, says
from runs import check_promises, finished, of, play

from orchestra import events
from orchestra.events import Event, Usage

AGENT = """
models: {{default: {{model: "openai:tiny", base_url: "{url}", api_key: none-needed{more}}}}}
agents: {{lead: {{tools: [lookup]{agent}}}}}
tools: {{lookup: {{parameters: {{a: integer}}, returns: [{{value: found}}]}}}}
input: Go.
run: {{retry: {{attempts: 1}}}}
"""
REASON = chunk({}, "stop")
CALL = {"index": 0, "id": "k1", "type": "function"} | {
    "function": {"name": "lookup", "arguments": '{"a": 1}'}
}
CALLED = chunk({"tool_calls": [CALL]})


@pytest.fixture(scope="module")
def server() -> Iterator[Quirky]:
    with quirky() as running:
        yield running


async def on(server: Quirky, *parts: bytes, more: str = "", agent: str = "") -> list[Event]:
    """A run whose model streams these parts; if it calls a tool it says hello then."""
    server.plays(Answer(parts), says("Hello."))
    seen = await play(AGENT.format(url=server.url, more=more, agent=agent))
    check_promises(seen)
    return seen


def first(seen: list[Event]) -> events.ModelFinished:
    return of(events.ModelFinished, seen)[0]


def ended(reason: str, **more: Any) -> bytes:
    return chunk({}, reason, **more)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["stop", "stop"], "stop"),  # OpenRouter, again in the chunk with the usage
        (["length", "length"], "length"),
        (["stop", "length"], "length"),
        (["length", "stop"], "length"),
    ],
)
async def test_the_reason_of_the_end_said_twice(
    server: Quirky, reasons: list[str], told: str
) -> None:
    text = chunk({"content": "Hi"})
    seen = await on(server, text, ended(reasons[0]), ended(reasons[1], usage=USAGE), DONE)
    assert (first(seen).finish_reason, first(seen).truncated) == (told, told == "length")
    assert finished(seen).output == "Hi"


async def test_a_call_that_ends_with_tool_calls_and_stop(server: Quirky) -> None:
    seen = await on(server, CALLED, ended("tool_calls"), ended("stop", usage=USAGE), DONE)
    assert first(seen).finish_reason == "tool_calls"
    assert [it.args for it in of(events.ToolFinished, seen) and of(events.ToolStarted, seen)] == [
        {"a": 1}
    ]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_call_cut_short_twice_is_not_run(server: Quirky, reason: str) -> None:
    seen = await on(server, CALLED, ended(reason), ended(reason, usage=USAGE), DONE)
    assert of(events.ToolStarted, seen) == []
    assert finished(seen).error_type == "BrokenStream"
    assert f"ended with {reason!r}, in a tool call" in (finished(seen).error or "")


ACCOUNT = event({"choices": [], "usage": USAGE})


async def test_no_reason_but_an_account_and_an_end(server: Quirky) -> None:
    """Snowflake: it is an orderly end, of which nothing better is known."""
    seen = await on(server, chunk({"content": "4"}), ACCOUNT, DONE)
    assert (finished(seen).output, first(seen).finish_reason) == ("4", None)
    [warned] = of(events.Warned, seen)
    assert "does not say why its answers end" in warned.message
    seen = await on(server, CALLED, ACCOUNT, DONE)
    assert len(of(events.ToolFinished, seen)) == 1


HALF = chunk({"tool_calls": [CALL | {"function": {"name": "lookup", "arguments": '{"a": '}}]})


@pytest.mark.parametrize(
    "parts",
    [(CALLED, ACCOUNT), (CALLED, DONE), (HALF, ACCOUNT, DONE), (chunk({"content": "4"}), DONE)],
    ids=["no end", "no account", "half a call", "a text without an account"],
)
async def test_no_reason_and_less_than_that_is_a_broken_stream(
    server: Quirky, parts: tuple[bytes, ...]
) -> None:
    seen = await on(server, *parts)
    assert of(events.ToolStarted, seen) == []
    assert finished(seen).error_type == "BrokenStream"


def thinking(text: Any) -> bytes:
    return chunk({"content": [{"type": "thinking", "thinking": text}]})


async def test_mistrals_blocks(server: Quirky) -> None:
    seen = await on(
        server,
        thinking([{"type": "text", "text": "Let me "}]),
        thinking("see."),
        chunk({"content": [{"type": "text", "text": "It is "}, {"type": "reference"}]}),
        chunk({"content": "4."}),
        *END,
    )
    assert (first(seen).reasoning, first(seen).text) == ("Let me see.", "It is 4.")


async def test_reasoning_in_its_details_alone(server: Quirky) -> None:
    said = [{"type": "reasoning.text", "text": "15"}, {"type": "x", "summary": " * 27"}]
    parts = [
        chunk({"content": "", "reasoning_details": said}),
        chunk({"reasoning": " is", "reasoning_details": [{"type": "y", "text": " is"}]}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz"}]}),
    ]
    seen = await on(server, *parts, chunk({"content": "405"}), *END)
    assert (first(seen).reasoning, first(seen).text) == ("15 * 27 is", "405")


async def test_a_refusal_and_a_voice_are_told(server: Quirky) -> None:
    parts = [chunk({"content": None, "refusal": ""}), chunk({"refusal": "I'm sorry, no."})]
    seen = await on(server, *parts, *END)
    assert finished(seen).output == "I'm sorry, no."
    seen = await on(server, chunk({"audio": {"id": "a", "transcript": "Hello"}}), *END)
    assert finished(seen).output == "Hello"


async def test_an_old_function_call(server: Quirky) -> None:
    parts = [
        chunk({"function_call": {"name": "lookup", "arguments": '{"a"'}}),
        chunk({"function_call": {"arguments": ": 2}"}}),
    ]
    seen = await on(server, *parts, ended("function_call"), DONE)
    assert [it.args for it in of(events.ToolStarted, seen)] == [{"a": 2}]


def usage(**details: int) -> dict[str, Any]:
    return {**USAGE, "completion_tokens_details": details}


@pytest.mark.parametrize(
    ("last", "told"),
    [
        # xAI counts what was thought beside what was said.
        ({"usage": usage(reasoning_tokens=40) | {"total_tokens": 50}}, (43, 40)),
        ({"usage": usage(reasoning_tokens=2) | {"total_tokens": 10}}, (3, 2)),
        ({"usage": usage(reasoning_tokens=2), "service_tier": "priority"}, (3, 2)),
        ({"x_groq": {"id": "q", "usage": USAGE}}, (3, 0)),
        ({"choices": [{"index": 0, "delta": {}, "usage": USAGE}]}, (3, 0)),
    ],
    ids=["xai", "openai", "service tier", "groq", "in the choice"],
)
async def test_usage(server: Quirky, last: dict[str, Any], told: tuple[int, int]) -> None:
    seen = await on(server, chunk({"content": "4"}), REASON, event({"choices": [], **last}), DONE)
    used = first(seen).usage
    assert used == Usage(input_tokens=7, output_tokens=told[0], reasoning_tokens=told[1])
    assert of(events.Warned, seen) == []


async def test_one_of_several_answers(server: Quirky) -> None:
    def choices(*found: tuple[int, str, str | None]) -> bytes:
        made = [{"index": i, "delta": {"content": t}, "finish_reason": r} for i, t, r in found]
        return event({"choices": made})

    parts = [
        choices((1, "no", None), (0, "ye", None)),
        choices((1, "pe", "length")),
        choices((0, "s", "stop")),
    ]
    seen = await on(server, *parts, DONE)
    assert (first(seen).text, first(seen).finish_reason) == ("yes", "stop")


async def test_an_error_in_a_field_of_its_own(server: Quirky) -> None:
    error = b'error: {"error": {"message": "failed to decode", "code": 500}}\n'
    for parts in ([error], [error, b"\n"]):
        seen = await on(server, chunk({"content": "Hi"}), *parts)
        assert "failed to decode" in (finished(seen).error or "")


async def test_a_model_that_is_asked_for_json(server: Quirky) -> None:
    """LangChain would read such a stream by other means, and know of no dialect."""
    form = ", model_kwargs: {response_format: {type: json_object}}"
    answer = [thinking("Hm."), chunk({"content": '{"a": 1}'}), REASON, REASON, DONE]
    seen = await on(server, *answer, more=form)
    assert (first(seen).text, first(seen).reasoning) == ('{"a": 1}', "Hm.")
    assert first(seen).finish_reason == "stop"
    assert server.requests[-1]["response_format"] == {"type": "json_object"}

"""The dialects of servers that call themselves OpenAI-compatible, each played on loopback.

Whatever a server does, a run ends: with the right events, or with one clear error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from model_server import DONE, END, USAGE, Answer, Quirky, chunk, event, orchestra, quirky, says
from runs import check_promises, finished, of, play, texts

from orchestra import events
from orchestra.events import Event, Usage

LOCAL = """
models: {{default: {{model: "openai:tiny", base_url: "{url}", api_key: none-needed}}}}
agents:
  lead: {{subagents: [worker], tools: [lookup]}}
  worker: {{}}
tools: {{lookup: {{parameters: {{topic: string}}, returns: [{{value: found}}]}}}}
input: Go.
run: {{retry: {{attempts: 1}}}}
"""
GREETING = "Hello, 世界 🌙."
COUNTED = Usage(input_tokens=7, output_tokens=3)


@pytest.fixture(scope="session")
def running() -> Iterator[Quirky]:
    with quirky() as server:
        yield server


@pytest.fixture
def server(running: Quirky, monkeypatch: pytest.MonkeyPatch) -> Quirky:
    """The server, with nothing left of the test before, and no other in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    running.plays(says("Hello."))
    return running


async def run_on(server: Quirky, *answers: Answer) -> list[Event]:
    """A run on a server that gives these answers; the promises of events.md hold for it."""
    server.plays(*answers)
    seen = await play(LOCAL.format(url=server.url))
    check_promises(seen)
    return seen


def completion(message: dict[str, Any], finish: str = "stop") -> bytes:
    """A whole answer, as it is given to those who do not ask for a stream."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({"id": "c1", "choices": [choice], "usage": USAGE}).encode()


# --- a text, in many ways -------------------------------------------------------------------

ESCAPED = json.dumps(GREETING)[1:-1]  # 🌙 as \ud83c\udf19
CUT = ESCAPED.index("\\udf19")
START = chunk({"role": "assistant", "content": ""})


def raw(text: str) -> bytes:
    """A chunk whose text is given as it stands in the JSON."""
    return event('{"id": "c1", "choices": [{"index": 0, "delta": {"content": "' + text + '"}}]}')


def split(data: bytes, at: int) -> list[bytes]:
    return [data[:at], data[at:]]


HELLO = chunk({"content": GREETING})
UTF8 = raw(GREETING)

TEXTS: dict[str, Sequence[bytes]] = {
    "as OpenAI does": (START, HELLO, *END),
    "no role at all": (HELLO, *END),
    "content null": (chunk({"role": "assistant", "content": None}), HELLO, *END),
    "role in every chunk": (chunk({"role": "assistant", "content": GREETING}), *END),
    "delta null": (event({"choices": [{"index": 0, "delta": None}]}), HELLO, *END),
    "no delta": (HELLO, event({"choices": [{"index": 0, "finish_reason": "stop"}]}), *END[1:]),
    "choices null": (event({"choices": None}), HELLO, *END),
    "no choices": (event({"id": "c1"}), HELLO, *END),
    "finish with the last text": (START, chunk({"content": GREETING}, "stop"), *END[1:]),
    "usage with the finish": (HELLO, chunk({}, "stop", usage=USAGE), DONE),
    "usage null until the end": (chunk({"content": GREETING}, usage=None), *END),
    "usage in every chunk": (
        chunk({"role": "assistant"}, usage={**USAGE, "completion_tokens": 0}),
        chunk({"content": GREETING}, usage={**USAGE, "completion_tokens": 2}),
        *END,
    ),
    "no [DONE]": (START, HELLO, *END[:-1]),
    "chunks after [DONE]": (START, HELLO, *END, chunk({"content": "too late"})),
    "comments to keep alive": (b": ping\n\n", START, b": ping\n\n", HELLO, b":\n\n", *END),
    "event names": (b"event: message\n" + HELLO, b"id: 3\nretry: 10\n" + END[0], *END[1:]),
    "CRLF": [part.replace(b"\n", b"\r\n") for part in (START, HELLO, *END)],
    "CR": [part.replace(b"\n", b"\r") for part in (START, HELLO, *END)],
    "no space after the colon": [p.replace(b"data: ", b"data:") for p in (START, HELLO, *END)],
    "cut within a character": (*split(UTF8, UTF8.index("世".encode()) + 1), *END),
    "byte by byte": [bytes([byte]) for part in (UTF8, *END) for byte in part],
    "all at once": (b"".join((START, HELLO, *END)),),
    "an emoji cut in two chunks": (raw(ESCAPED[:CUT]), raw(ESCAPED[CUT:]), *END),
    "a new id in every chunk": (
        *(
            event({"id": f"x{number}", "choices": [{"delta": {"content": character}}]})
            for number, character in enumerate(GREETING)
        ),
        *END,
    ),
    "values that OpenAI does not have": (
        event({
            "id": None, "created": 1.5, "object": "chunk", "model": ["tiny"],
            "choices": [{"index": "0", "delta": {"role": "bot", "content": GREETING}, "extra": {}}],
        }),
        *END,
    ),
    "ids in the delta": (chunk({"id": "m1", "content": GREETING}), *END),
    "an index of choices that are not asked for": (
        HELLO, event({"choices": [{"index": 0, "delta": {"content": ""}, "logprobs": None}]}), *END,
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", TEXTS)
async def test_a_text(server: Quirky, dialect: str) -> None:
    seen = await run_on(server, Answer(TEXTS[dialect]))
    assert finished(seen).error is None
    assert finished(seen).output == GREETING
    assert texts(seen) == {"lead": GREETING}
    (said,) = of(events.ModelFinished, seen)
    assert (said.text, said.finish_reason, said.usage) == (GREETING, "stop", COUNTED)
    assert finished(seen).usage == COUNTED
    assert not of(events.Warned, seen)


JSON_KINDS = ("application/json", "application/json; charset=utf-8")


@pytest.mark.parametrize("kind", JSON_KINDS)
async def test_a_server_that_does_not_stream(server: Quirky, kind: str) -> None:
    seen = await run_on(server, Answer([completion({"content": GREETING})], kind=kind))
    assert finished(seen).output == GREETING
    assert [e.text for e in of(events.TextDelta, seen)] == [GREETING]
    assert finished(seen).usage == COUNTED
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", *JSON_KINDS])
async def test_a_stream_under_a_wrong_name(server: Quirky, kind: str) -> None:
    seen = await run_on(server, Answer(TEXTS["as OpenAI does"], kind=kind))
    assert finished(seen).output == GREETING


async def test_half_a_character_that_stays_alone(server: Quirky) -> None:
    """It is replaced, and the conversation can go on: nothing unencodable is sent back."""
    call = chunk({"tool_calls": [tool(0, "a", "lookup", '{"topic": "x"}')]})
    seen = await run_on(server, Answer((raw("half \\ud83c"), call, *END)), says("whole"))
    first, second = of(events.ModelFinished, seen)
    assert (first.text, second.text) == ("half \N{REPLACEMENT CHARACTER}", "whole")
    assert server.requests[1]["messages"][1]["content"] == first.text


async def test_an_emoji_cut_in_two_is_sent_back_whole(server: Quirky) -> None:
    call = chunk({"tool_calls": [tool(0, "a", "lookup", '{"topic": "\ud83c')]})
    rest = chunk({"tool_calls": [tool(0, args='\udf19"}')]})
    seen = await run_on(
        server, Answer((raw(ESCAPED[:CUT]), raw(ESCAPED[CUT:]), call, rest, *END)), says("yes")
    )
    assert finished(seen).output == "yes"
    (started,) = of(events.ToolStarted, seen)
    assert started.args == {"topic": "🌙"}
    said = server.requests[1]["messages"][1]
    assert said["content"] == GREETING
    assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == {"topic": "🌙"}


# --- usage ----------------------------------------------------------------------------------

WARNING = "openai:tiny reports no usage; token counts are missing"


async def test_missing_usage_is_a_warning_once_a_run(server: Quirky) -> None:
    silent = (chunk({"content": "Hm."}), END[0], DONE)
    calls = chunk({"tool_calls": [tool(0, "a", "worker", '{"query": "x"}')]}, "tool_calls")
    seen = await run_on(server, Answer((calls, DONE)), Answer(silent))
    assert finished(seen).status == "completed"
    assert [e.message for e in of(events.Warned, seen)] == [WARNING]
    assert {e.usage for e in of(events.ModelFinished, seen)} == {None}
    assert finished(seen).usage == Usage()


async def test_every_run_warns(server: Quirky) -> None:
    for _ in range(2):
        seen = await run_on(server, Answer((chunk({"content": "Hm."}, "stop"), DONE)))
        assert [e.message for e in of(events.Warned, seen)] == [WARNING]


async def test_the_details_of_usage(server: Quirky) -> None:
    usage = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    last = event({"choices": [], "usage": usage})
    seen = await run_on(server, Answer((chunk({"content": "Hm."}, "stop"), last, DONE)))
    assert finished(seen).usage == Usage(
        input_tokens=7, output_tokens=3, reasoning_tokens=2, cached_tokens=5
    )


async def test_usage_is_asked_for(server: Quirky) -> None:
    await run_on(server, says("Hm."))
    assert server.requests[0]["stream_options"] == {"include_usage": True}


# --- reasoning ------------------------------------------------------------------------------


REASONING = [("reasoning_content",), ("reasoning",), ("reasoning", "reasoning_content")]


@pytest.mark.parametrize("keys", REASONING)
async def test_reasoning(server: Quirky, keys: tuple[str, ...]) -> None:
    def thinks(text: str) -> bytes:
        return chunk({"content": None, **dict.fromkeys(keys, text)})

    both = chunk({"content": "No.", keys[0]: " either"})
    seen = await run_on(server, Answer((thinks("Not "), thinks("that"), both, *END)))
    assert [e.text for e in of(events.ReasoningDelta, seen)] == ["Not ", "that", " either"]
    (said,) = of(events.ModelFinished, seen)
    assert (said.reasoning, said.text) == ("Not that either", "No.")
    assert finished(seen).output == "No."


async def test_reasoning_that_is_no_text_is_left_out(server: Quirky) -> None:
    odd = chunk({"reasoning": {"effort": "high"}, "content": "Yes."})
    seen = await run_on(server, Answer((odd, *END)))
    assert finished(seen).output == "Yes."
    assert not of(events.ReasoningDelta, seen)


# --- tool calls, in many ways ---------------------------------------------------------------


def tool(
    index: int | None = None, call_id: str | None = None, name: str | None = None, args: Any = None
) -> dict[str, Any]:
    """A fragment of a tool call with the keys that are given, and no others."""
    function = {k: v for k, v in (("name", name), ("arguments", args)) if v is not None}
    marks = {k: v for k, v in (("index", index), ("id", call_id)) if v is not None}
    return {**marks, "type": "function", "function": function}


def calls(*fragments: dict[str, Any]) -> bytes:
    return chunk({"tool_calls": list(fragments)})


A, B = '{"query": "a"}', '{"query": "b"}'
CALLS_END = (chunk(finish="tool_calls"), *END[1:])

TOOL_CALLS: dict[str, Sequence[bytes]] = {
    "as OpenAI does": (
        calls(tool(0, "ia", "worker", "")), calls(tool(0, args=A[:6])), calls(tool(0, args=A[6:])),
        calls(tool(1, "ib", "worker", "")), calls(tool(1, args=B[:6])), calls(tool(1, args=B[6:])),
    ),
    "whole, in a chunk each": (
        calls(tool(0, "ia", "worker", A)), calls(tool(1, "ib", "worker", B)),
    ),
    "whole, in one chunk": (calls(tool(0, "ia", "worker", A), tool(1, "ib", "worker", B)),),
    "interleaved": (
        calls(tool(0, "ia", "worker", ""), tool(1, "ib", "worker", "")),
        calls(tool(0, args=A[:6]), tool(1, args=B[:6])),
        calls(tool(1, args=B[6:])), calls(tool(0, args=A[6:])),
    ),
    "indices from 1": (calls(tool(1, "ia", "worker", A)), calls(tool(2, "ib", "worker", B))),
    "one index for all": (calls(tool(0, "ia", "worker", A)), calls(tool(0, "ib", "worker", B))),
    "one index for all, in fragments": (
        calls(tool(0, "ia", "worker", A[:6])), calls(tool(0, args=A[6:])),
        calls(tool(0, "ib", "worker", B[:6])), calls(tool(0, args=B[6:])),
    ),
    "no index": (calls(tool(None, "ia", "worker", A)), calls(tool(None, "ib", "worker", B))),
    "no index, in fragments": (
        calls(tool(None, "ia", "worker", A[:6])), calls(tool(None, args=A[6:])),
        calls(tool(None, "ib", "worker", B[:6])), calls(tool(None, "ib", args=B[6:])),
    ),
    "no id": (calls(tool(0, None, "worker", A)), calls(tool(1, None, "worker", B))),
    "empty id": (calls(tool(0, "", "worker", A)), calls(tool(1, "", "worker", B))),
    "empty id in later fragments": (
        calls(tool(0, "ia", "worker", A[:6])), calls(tool(0, "", args=A[6:])),
        calls(tool(1, "ib", "worker", B[:6])), calls(tool(1, "", args=B[6:])),
    ),
    "the same id": (calls(tool(0, "i", "worker", A)), calls(tool(1, "i", "worker", B))),
    "neither index nor id": (
        calls(tool(name="worker", args=A)), calls(tool(name="worker", args=B)),
    ),
    "all with the same marks": (
        calls(tool(0, "", "worker", A)), calls(tool(0, "", "worker", B)),
    ),
    "id and name in every fragment": (
        calls(tool(0, "ia", "worker", A[:6])), calls(tool(0, "ia", "worker", A[6:])),
        calls(tool(1, "ib", "worker", B[:6])), calls(tool(1, "ib", "worker", B[6:])),
        calls(tool(1, "ib", "worker", "")),
    ),
    "arguments as an object": (
        calls(tool(0, "ia", "worker", json.loads(A)), tool(1, "ib", "worker", json.loads(B))),
    ),
    "function null in a fragment": (
        calls(tool(0, "ia", "worker", A)), calls({"index": 0, "function": None}),
        calls(tool(1, "ib", "worker", B)),
    ),
    "text before": (
        chunk({"content": "Two. "}),
        calls(tool(0, "ia", "worker", A), tool(1, "ib", "worker", B)),
    ),
}  # fmt: skip


def answers(first: Answer) -> Any:
    """The lead gives ``first``, its workers repeat their task, and then the lead is done."""

    def answer(request: dict[str, Any]) -> Answer:
        last = request["messages"][-1]
        if last["role"] == "tool":
            return says("Done.")
        return first if last["content"] == "Go." else says(f"<{last['content']}>")

    return answer


async def check_two_workers(server: Quirky, first: Answer) -> None:
    server.answer = answers(first)
    seen = await play(LOCAL.format(url=server.url))
    check_promises(seen)
    assert finished(seen).error is None
    assert finished(seen).output == "Done."
    results = {e.call: e.output for e in of(events.AgentFinished, seen)}
    assert results == {"lead/worker#1": "<a>", "lead/worker#2": "<b>", "lead": "Done."}
    made = next(e.tool_calls for e in of(events.ModelFinished, seen) if e.tool_calls)
    assert [(call.name, call.args) for call in made] == [
        ("worker", {"query": "a"}),
        ("worker", {"query": "b"}),
    ]
    ids = [call.id for call in made]
    assert all(ids)
    assert len(set(ids)) == 2
    check_deltas(seen, made)
    # The server is given back what it can read: results under the ids of their calls, in order.
    *_, message, one, two = server.requests[-1]["messages"]
    assert [call["id"] for call in message["tool_calls"]] == ids
    assert [(m["tool_call_id"], m["content"]) for m in (one, two)] == [
        (ids[0], "<a>"),
        (ids[1], "<b>"),
    ]


def check_deltas(seen: list[Event], made: tuple[events.ToolCall, ...]) -> None:
    """The fragments shown are the calls made: indices from 0, id and name in the first only."""
    deltas = of(events.ToolCallDelta, seen)
    for index, call in enumerate(made):
        first, *more = [e for e in deltas if e.index == index]
        assert (first.tool_call_id, first.name) == (call.id, call.name)
        assert {(e.tool_call_id, e.name) for e in more} <= {(None, None)}
        assert json.loads(first.args + "".join(e.args for e in more)) == call.args
    assert {e.index for e in deltas} == set(range(len(made)))


@pytest.mark.parametrize("dialect", TOOL_CALLS)
async def test_tool_calls(server: Quirky, dialect: str) -> None:
    await check_two_workers(server, Answer((START, *TOOL_CALLS[dialect], *CALLS_END)))


async def test_tool_calls_of_a_server_that_does_not_stream(server: Quirky) -> None:
    whole = [tool(None, "ia", "worker", A), tool(None, "ib", "worker", B)]
    body = completion({"content": None, "tool_calls": whole}, "tool_calls")
    await check_two_workers(server, Answer([body], kind="application/json"))


async def test_ids_that_start_again_with_every_message(server: Quirky) -> None:
    """Two calls of a conversation with one id could not be told apart afterwards."""
    again = Answer((calls(tool(0, "call_0", "lookup", '{"topic": "x"}')), *CALLS_END))
    seen = await run_on(server, again, again, says("Done."))
    assert finished(seen).output == "Done."
    ids = [e.tool_call_id for e in of(events.ToolStarted, seen)]
    assert ids[0] == "call_0"
    assert len(set(ids)) == 2


async def test_made_up_ids_are_the_same_in_every_run(server: Quirky) -> None:
    made = []
    for _ in range(2):
        nameless = Answer((calls(tool(0, None, "lookup", '{"topic": "x"}')), *CALLS_END))
        seen = await run_on(server, nameless, says("Done."))
        made += [e.tool_call_id for e in of(events.ToolStarted, seen)]
    assert len(made) == 2
    assert len(set(made)) == 1
    assert made[0].isalnum()
    assert len(made[0]) == 9  # Mistral takes nothing else


@pytest.mark.parametrize("depth", [900, 3000])
async def test_arguments_that_are_too_deep_are_not_run(server: Quirky, depth: int) -> None:
    deep = '{"city": ' + "[" * depth + "]" * depth + "}"
    fragment = {"index": 0, "id": "i1", "function": {"name": "weather", "arguments": deep}}
    calls = chunk({"tool_calls": [fragment]}), chunk(finish="tool_calls"), *END[1:]
    seen = await run_on(server, Answer(calls), says("I see."))
    assert finished(seen).output == "I see."
    (failed,) = of(events.ToolFailed, seen)
    assert failed.error.startswith("not run: its arguments are not JSON")


async def test_a_tool_that_does_not_exist(server: Quirky) -> None:
    """The model is told so, and may do better."""
    unknown = Answer((calls(tool(0, "i", "nowhere", "{}")), *CALLS_END))
    seen = await run_on(server, unknown, says("Sorry."))
    assert finished(seen).output == "Sorry."
    assert "nowhere" in server.requests[1]["messages"][-1]["content"]


# --- no answer at all -----------------------------------------------------------------------


@dataclass(frozen=True)
class Failure:
    answer: Answer
    error: str  # after the call path
    ends: str = ""


HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
JSON = "application/json"


def refusal(status: int, body: Any, kind: str = JSON) -> Answer:
    said = body if isinstance(body, str) else json.dumps(body)
    return Answer([said.encode()], status=status, kind=kind)


FAILURES = {
    "an error in the stream": Failure(
        Answer((START, HELLO, event({"error": {"message": "out of memory", "code": 500}}))),
        "APIError: out of memory",
    ),
    "an error in the stream, as text": Failure(
        Answer((event({"error": "out of memory"}),)), "APIError: "
    ),
    "an error with status 200": Failure(
        Answer([b'{"error": {"message": "no such model"}}'], kind=JSON), "APIError: no such model"
    ),
    "HTML with status 200": Failure(
        Answer([HTML.encode()], kind="text/html"),
        "APIError: the server answered with text/html, not with a stream: <!DOCTYPE html>",
    ),
    "HTML that says it is JSON": Failure(
        Answer([HTML.encode()], kind=JSON),
        "APIError: the server answered with application/json, not with a stream: <!DOCTYPE",
    ),
    "a list": Failure(Answer([b"[]"], kind=JSON), "APIError: the server answered with "),
    "nothing": Failure(Answer(()), "MalformedAnswerError: the server's answer is empty"),
    "an empty body": Failure(
        Answer((), kind=JSON), "MalformedAnswerError: the server's answer is empty"
    ),
    "[DONE] alone": Failure(Answer((DONE,)), "MalformedAnswerError: the server's answer is empty"),
    "comments alone": Failure(
        Answer((b": ping\n\n",) * 3), "MalformedAnswerError: the server's answer is empty"
    ),
    "plain text": Failure(
        Answer([b"Hello."], kind="text/plain"), "MalformedAnswerError: the server's answer is empty"
    ),
    "no JSON in a chunk": Failure(
        Answer((START, HELLO, event('{"choices": [{"delta"'), *END)),
        'MalformedAnswerError: the server sent what is not JSON: {"choices": [{"delta"',
    ),
    "no object in a chunk": Failure(
        Answer((START, event("5"), *END)),
        "MalformedAnswerError: the server's answer cannot be read: ",
    ),
    "text where choices belong": Failure(
        Answer((event({"choices": "none"}),)),
        "MalformedAnswerError: the server's answer cannot be read: ",
    ),
    "text where the delta belongs": Failure(
        Answer((event({"choices": [{"delta": "Hello."}]}),)),
        "MalformedAnswerError: the server's answer cannot be read: ",
    ),
    "text where tool calls belong": Failure(
        Answer((chunk({"tool_calls": "worker"}),)),
        "MalformedAnswerError: the server's answer cannot be read: ",
    ),
    "bytes that are no text": Failure(
        Answer((START, b'data: {"choices": "\xff\xfe"}\n\n', *END)),
        "MalformedAnswerError: the server's answer cannot be read: UnicodeDecodeError",
    ),
    "a line that goes dead": Failure(
        Answer((START, HELLO), breaks_off=True), "OpenAIConnectionError: "
    ),
    "a line that goes dead at once": Failure(
        Answer((), breaks_off=True), "OpenAIConnectionError: "
    ),
    "404 in FastAPI's words": Failure(
        refusal(404, {"detail": "Not Found"}), "OpenAIModelNotFoundError (404): Not Found"
    ),
    "404 in Ollama's words": Failure(
        refusal(404, {"error": "model 'tiny' not found"}),
        "OpenAIModelNotFoundError (404): model 'tiny' not found",
    ),
    "400 in OpenAI's words": Failure(
        refusal(400, {"error": {"message": "tools are not supported"}}),
        "OpenAIInvalidRequestError (400): tools are not supported",
    ),
    "a page of HTML with status 502": Failure(
        refusal(502, "<html>" + "<p>Bad gateway.</p>\n" * 500, "text/html"),
        "OpenAIAPIError (502): <html><p>Bad gateway.</p> <p>Bad", " …",
    ),
    "a redirect in circles": Failure(
        Answer((), status=307, headers={"Location": "/v1/chat/completions"}),
        "OpenAIConnectionError: ", "TooManyRedirects: Exceeded maximum allowed redirects.)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_no_answer(server: Quirky, name: str) -> None:
    failure = FAILURES[name]
    seen = await run_on(server, failure.answer)
    last = finished(seen)
    assert last.status == "failed"
    error = last.error or ""
    assert error.startswith(f"lead: {failure.error}")
    assert error.endswith(failure.ends)
    assert "\n" not in error
    assert len(error) < 600
    (aborted,) = of(events.ModelAborted, seen)
    assert f"lead: {aborted.error}" == error
    assert [e.status for e in of(events.AgentFinished, seen)] == ["failed"]


# One of each layer that could let a traceback through.
@pytest.mark.parametrize("name", ["no object in a chunk", "a line that goes dead"])
def test_no_traceback_on_the_command_line(server: Quirky, tmp_path: Any, name: str) -> None:
    server.plays(FAILURES[name].answer)
    file = tmp_path / "local.yaml"
    file.write_text("version: 1\n" + LOCAL.format(url=server.url), "utf-8")
    done = orchestra("run", str(file))
    assert done.returncode == 4
    assert "Traceback" not in done.stdout + done.stderr
    assert "never retrieved" not in done.stderr
    assert done.stderr.count(f"lead: {FAILURES[name].error}") == 1


# --- what is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["qwen2.5-codex", "gpt-6", "gpt-5-pro", "org/model:7b"])
async def test_any_model_name_is_asked_the_same_way(server: Quirky, model: str) -> None:
    """langchain-openai takes some names for models of OpenAI's, with another API of its own."""
    server.plays(says("Hm."))
    seen = await play(LOCAL.format(url=server.url).replace("openai:tiny", f"openai:{model}"))
    assert finished(seen).output == "Hm."
    assert server.requests[0]["model"] == model
    assert {e.model for e in of(events.ModelStarted, seen)} == {f"openai:{model}"}


async def test_settings_that_openai_does_not_have_are_sent_on(server: Quirky) -> None:
    server.plays(says("Hm."))
    extra = "api_key: none-needed, temperature: 0, model_kwargs: {top_k: 5}, "
    extra += "default_headers: {X-Team: news}"
    text = LOCAL.format(url=server.url).replace("api_key: none-needed", extra)
    seen = await play(text)
    assert finished(seen).output == "Hm."
    request = server.requests[0]
    assert (request["top_k"], request["temperature"], request["stream"]) == (5, 0, True)
    assert server.headers[0]["x-team"] == "news"
    assert server.headers[0]["authorization"] == "Bearer none-needed"

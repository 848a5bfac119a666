"""The keyless models as LangChain models: sync and async, streamed and whole, at their pace."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from runs import collect, finished, of, play, scenario
from virtual import run_virtually

from orchestra import MissingReply, events
from orchestra.runtime import run
from orchestra.runtime.chunks import chunks
from orchestra.runtime.pieces import tokens
from orchestra.runtime.scripted import EchoModel, ScriptedModel
from orchestra.scenario import Reply

REPLY = Reply.model_validate_json(
    json.dumps(
        {
            "text": "Hello big world",
            "reasoning": "think twice",
            "tool_calls": [{"look": {"city": "北京", "n": 1}}, "stop"],
            "usage": {"input_tokens": 7, "output_tokens": 3, "cached_tokens": 2},
        }
    )
)
QUESTION = [HumanMessage("hi")]


def check_message(message: AIMessageChunk) -> None:
    assert message.text == "Hello big world"
    assert message.additional_kwargs["reasoning_content"] == "think twice"
    assert [(c["name"], c["args"]) for c in message.tool_calls] == [
        ("look", {"city": "北京", "n": 1}),
        ("stop", {}),
    ]
    assert message.usage_metadata["total_tokens"] == 10
    assert message.usage_metadata["input_token_details"]["cache_read"] == 2
    assert message.response_metadata["finish_reason"] == "tool_calls"


def whole(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    message = chunks[0]
    for chunk in chunks[1:]:
        message += chunk
    return message


def test_sync() -> None:
    model = ScriptedModel(script={"a": [REPLY]})
    check_message(model.invoke(QUESTION))
    chunks = list(model.stream(QUESTION))
    check_message(whole(chunks))
    assert [c.content for c in chunks if c.content] == ["Hello ", "big ", "world"]


async def test_async() -> None:
    model = ScriptedModel(script={"a": [REPLY]})
    check_message(await model.ainvoke(QUESTION))
    chunks = [chunk async for chunk in model.astream(QUESTION)]
    check_message(whole(chunks))
    fragments = [f["args"] for c in chunks for f in c.tool_call_chunks if f["index"] == 0]
    assert len(fragments) > 2
    assert json.loads("".join(fragments)) == {"city": "北京", "n": 1}


async def test_in_an_agent_that_orchestra_did_not_build() -> None:
    model = ScriptedModel(script={"a": [Reply(text="one"), Reply(text="two")]})
    agent = create_agent(model, [], name="a")
    first = await agent.ainvoke({"messages": QUESTION})
    assert first["messages"][-1].text == "one"
    second = await agent.ainvoke({"messages": [*first["messages"], HumanMessage("more")]})
    assert second["messages"][-1].text == "two"
    with pytest.raises(MissingReply, match="a: reply 3 was asked for, but script key 'a' has 2"):
        await agent.ainvoke({"messages": [*second["messages"], HumanMessage("more")]})


def test_echo() -> None:
    assert EchoModel().invoke([HumanMessage("one"), HumanMessage("two 二")]).text == "two 二"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello, big world.\n\nNext", ["Hello, ", "big ", "world.\n\n", "Next"]),
        ("今天晴，25°C。 好", ["今", "天", "晴", "，", "25°C", "。 ", "好"]),
        ("👩‍👩‍👧‍👦 e\u0301a", ["👩‍👩‍👧‍👦 ", "e\u0301a"]),
        (" \u0301a", [" \u0301", "a"]),
        ("", []),
    ],
)
def test_tokens(text: str, pieces: list[str]) -> None:
    assert tokens(text) == pieces


@given(st.text())
def test_tokens_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


def times(text: str, **options: object) -> list[float]:
    loaded = scenario(f"agents: {{a: {{}}}}\ninput: go\nscript: {{a: [{text}]}}\n")
    seen = run_virtually(collect(run(loaded, **options)))
    start = of(events.ModelStarted, seen)[0].t
    (done,) = of(events.ModelFinished, seen)
    deltas = [round(e.t - start, 6) for e in of(events.TextDelta, seen)]
    return [*deltas, round(done.duration, 6), round(done.first_token or 0, 6)]


def test_rate_and_first_token() -> None:
    # three tokens, then the end of the message, each a tenth of a second after the one before
    assert times("{text: a b c, rate: 10, first_token: 0.5}") == [0.5, 0.6, 0.7, 0.8, 0.5]
    assert times("{text: a b c}", rate=4) == [0.0, 0.25, 0.5, 0.75, 0.0]
    assert times("{text: a b c, rate: 0}", rate=4) == [0.0, 0.0, 0.0, 0.0, 0.0]


def test_parallel_calls_wait_at_the_same_time() -> None:
    loaded = scenario("""
        agents: {a: {subagents: [w]}, w: {}}
        input: go
        script:
          a: [{tool_calls: [{w: {query: x}}, {w: {query: y}}]}, {text: end}]
          w: [{text: hi, first_token: 3}]
    """)
    seen = run_virtually(collect(run(loaded)))
    assert seen[-1].t == pytest.approx(3.0)


async def test_of_many_script_keys_those_are_told_that_are_nearest() -> None:
    keys = "".join(f"  lead/w#{number}: [{{text: x}}]\n" for number in range(2, 30))
    seen = await play(
        "agents: {lead: {subagents: [w, v]}, w: {}, v: {}}\ninput: go\nscript:\n"
        f"  lead: [{{tool_calls: [{{v: {{query: q}}}}]}}]\n  lead/v#3: [{{text: x}}]\n{keys}"
    )
    told = finished(seen).error
    assert told is not None
    assert told.startswith("lead/v#1: no key of 'script' fits this call (its keys: 'lead/v#3', ")
    assert told.endswith(" and 22 more)")


def test_a_chunk_is_as_if_it_had_been_validated_and_shares_nothing() -> None:
    one, two = [*chunks(Reply(text="one two"), [], "")][:2]
    for chunk, text in ((one, "one "), (two, "two")):
        message = AIMessageChunk(content=text, id=None)
        assert chunk == ChatGenerationChunk(message=message)
        assert chunk.text == text
        assert chunk.message.model_dump() == message.model_dump()
    assert isinstance(one.message, AIMessageChunk)
    one.message.additional_kwargs["of"] = one.message.response_metadata["of"] = "one"
    for listed in (one.message.tool_calls, one.message.invalid_tool_calls):
        listed.append({"name": "one", "args": {}, "id": "1"})
    one.message.tool_call_chunks.append({"name": "one", "args": "", "id": "1", "index": 0})
    one.message.usage_metadata = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    one.message.of = "one"
    (three, _) = chunks(Reply(text="two"), [], "")
    for other in (two, three):
        assert other.message.model_dump() == AIMessageChunk(content="two", id=None).model_dump()
        assert "usage_metadata" not in other.message.model_fields_set

"""The patterns with a real model behind langchain-openai, on a loopback server of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from model_server import END, Answer, Quirky, chunk, quirky, says
from runs import calls, check_promises, finished, of, play, texts

from orchestra import events
from orchestra.events import Event

LIVE = 'models: {{default: {{model: "openai:tiny", base_url: "{url}", api_key: sk-canary-42}}}}\n'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Quirky]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with quirky() as running:
        yield running


def asks(**tools: dict[str, Any]) -> Answer:
    """A message that calls tools, their arguments in pieces."""
    deltas = []
    for index, (name, args) in enumerate(tools.items()):
        text = json.dumps(args)
        first = {"name": name, "arguments": text[:4]}
        deltas.append(
            {"index": index, "id": f"call_{index}", "type": "function", "function": first}
        )
        deltas.append({"index": index, "function": {"arguments": text[4:]}})
    return Answer((*(chunk({"tool_calls": [delta]}) for delta in deltas), *END))


async def run_on(server: Quirky, text: str, *answers: Answer) -> list[Event]:
    server.plays(*answers)
    seen = await play(LIVE.format(url=server.url) + text)
    check_promises(seen)
    return seen


FORMAT = "{type: object, properties: {mood: {enum: [good, bad]}}, required: [mood]}"


@pytest.mark.parametrize("model", ["tiny", "gpt-5-mini", "gpt-4o"])
async def test_a_structured_answer(server: Quirky, model: str) -> None:
    """Also of models that have a way of their own for it, which asks no second time."""
    text = f"agents: {{a: {{response_format: {FORMAT}}}}}\ninput: well?\n"
    wrong, right = (
        asks(structured_response={"mood": "odd"}),
        asks(structured_response={"mood": "bad"}),
    )
    server.plays(wrong, right)
    models = LIVE.format(url=server.url).replace("openai:tiny", f"openai:{model}")
    seen = await play(models + text)
    check_promises(seen)
    (end,) = of(events.AgentFinished, seen)
    assert (end.structured, finished(seen).output) == ({"mood": "bad"}, '{"mood": "bad"}')
    assert texts(seen)["a"] == '{"mood": "odd"}{"mood": "bad"}'
    assert of(events.ToolCallDelta, seen) == []
    assert of(events.ToolStarted, seen) == []


async def test_a_handoff_and_a_route(server: Quirky) -> None:
    text = """
main: desk
agents:
  desk: {route: {billing: Money, triage: All else}}
  triage: {handoffs: [billing]}
  billing: {}
input: hello
"""
    seen = await run_on(
        server, text, says("I would say triage."), asks(transfer_to_billing={}), says("Paid.")
    )
    assert calls(seen) == ["desk", "desk/triage#1", "desk/triage#1>billing"]
    assert finished(seen).output == "Paid."


async def test_composites(server: Quirky) -> None:
    text = """
main: line
agents:
  line: {sequence: [crowd, polish]}
  crowd: {map: w}
  w: {}
  polish: {loop: [writer, critic], until: APPROVED}
  writer: {}
  critic: {}
input: "one\\ntwo"
run: {max_concurrency: 1}
"""
    answers = [says(t) for t in ("1", "2", "draft", "no", "better", "APPROVED")]
    seen = await run_on(server, text, *answers)
    assert finished(seen).output == "better"
    assert len(of(events.ModelFinished, seen)) == 6
    assert "sk-canary-42" not in "".join(map(events.dumps, seen))


async def test_a_key_that_a_model_repeats_is_not_said(
    server: Quirky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_KEY", "sk-live-canary-43")
    server.plays(says("The key is sk-live-canary-43!"))
    models = LIVE.format(url=server.url).replace("sk-canary-42", '"${LIVE_KEY}"')
    seen = await play(models + "agents: {a: {}}\ninput: sk-live-canary-43?\n")
    assert finished(seen).output == "The key is ***!"
    assert "canary-43" not in "".join(map(events.dumps, seen))

"""A team on real models: langchain-openai against a server that nobody here wrote (aimock).

By the API and by the real command line. What the server says is in ``tests/aimock/fixtures``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from model_server import Aimock, aimock, orchestra
from runs import SCENARIOS, calls, check_promises, finished, of, play, scenario, texts

from orchestra import UsageError, events, load
from orchestra.events import Event
from orchestra.runtime import Run, build

# Only ever sent to loopback. One fixture quotes it, as OpenAI's own 401 quotes the key.
CANARY = "sk-canary-5f1d7c0e9b3a"
NEWSROOM = SCENARIOS / "newsroom.yaml"
LIVE = "openai:gpt-5-mini"

FAULTY = """
models: {{default: {{model: "openai:gpt-5-mini", base_url: "{url}"}}}}
agents:
  lead: {{system_prompt: You lead., subagents: [worker]}}
  worker: {{system_prompt: You work., tools: [lookup]}}
tools: {{lookup: {{parameters: {{topic: string}}, returns: [{{value: found}}]}}}}
input: try {fault}
run: {{retry: {{attempts: 1}}}}
"""


@pytest.fixture(scope="session")
def server() -> Iterator[Aimock]:
    with aimock() as running:
        yield running


@pytest.fixture
def live(server: Aimock, monkeypatch: pytest.MonkeyPatch) -> Aimock:
    """The server, and an environment that leads to it."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.delenv("OPENAI_MODEL", raising=False)
    server.requests()
    return server


def environment(server: Aimock) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": CANARY}


def read(done: subprocess.CompletedProcess[str]) -> list[Event]:
    """The events that the command line printed."""
    lines = done.stdout.splitlines()
    return list(events.read(lines)[1]) if lines else []


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


# --- a team at work -------------------------------------------------------------------------

RESEARCH = {
    "editor/researcher#1": "The moon raises two bulges; the earth turns beneath both each day.",
    "editor/researcher#2": "The moon is 384,400 km away on average.",
}


def check_newsroom(seen: list[Event]) -> None:
    """What the fixtures of the newsroom have to come to."""
    check_promises(seen)
    assert finished(seen).status == "completed"
    assert finished(seen).output == "Published: “The sea answers 月” 🌙, on page 1."
    # The order between the two researchers is nobody's business.
    assert sorted(calls(seen)) == [
        "editor", "editor/researcher#1", "editor/researcher#2", "editor/writer#1",
        "editor/writer#1/checker#1",
    ]  # fmt: skip
    results = {e.call: e.output for e in of(events.AgentFinished, seen)}
    assert {call: results[call] for call in RESEARCH} == RESEARCH
    assert texts(seen)["editor/researcher#1"] == (
        "I'll see what the archive has." + RESEARCH["editor/researcher#1"]
    )
    published = next(e for e in of(events.ToolStarted, seen) if e.name == "publish")
    assert published.args == {
        "headline": "The sea answers 月",
        "text": "Twice a day the sea rises.",
    }
    assert [e.result for e in of(events.ToolFinished, seen) if e.name == "archive"]
    assert not of(events.Warned, seen)


def check_fragments(seen: list[Event]) -> None:
    """Tool calls came in fragments, which together are the calls that were made."""
    whole = {
        call.id: (call.name, call.args)
        for e in of(events.ModelFinished, seen)
        for call in e.tool_calls
    }
    begun: dict[tuple[str, int], events.ToolCallDelta] = {}
    said: dict[str, list[str]] = defaultdict(list)
    for delta in of(events.ToolCallDelta, seen):
        first = begun.setdefault((delta.message_id, delta.index), delta)
        assert delta is first or (delta.tool_call_id, delta.name) == (None, None)
        said[first.tool_call_id or ""].append(delta.args)
    assert {i: json.loads("".join(parts)) for i, parts in said.items()} == {
        i: args for i, (_, args) in whole.items()
    }
    assert {e.tool_call_id: e.name for e in begun.values()} == {
        i: name for i, (name, _) in whole.items()
    }
    assert max(len(parts) for parts in said.values()) > 5


async def test_the_newsroom_live(live: Aimock) -> None:
    seen = await play(load(NEWSROOM), models={"": "live"})
    check_newsroom(seen)
    check_fragments(seen)
    assert {e.model for e in of(events.ModelStarted, seen)} == {LIVE}
    reasoning = [e.reasoning for e in of(events.ModelFinished, seen) if e.reasoning]
    assert reasoning == ["Neither depends on the other."]
    deltas = [e.text for e in of(events.ReasoningDelta, seen)]
    assert len(deltas) > 1
    assert "".join(deltas) == reasoning[0]


async def test_usage_is_what_the_server_reports(live: Aimock) -> None:
    seen = await play(load(NEWSROOM), models={"": "live"})
    last = finished(seen)
    assert last.usage == events.Usage(input_tokens=1462, output_tokens=166)
    by_agent = {name: totals.usage.input_tokens for name, totals in last.totals.items()}
    assert by_agent == {"editor": 1000, "researcher": 222, "writer": 150, "checker": 90}
    ends = {e.call: e.usage.input_tokens for e in of(events.AgentFinished, seen)}
    assert ends["editor/researcher#1"] == 110
    assert ends["editor/researcher#2"] == 112


async def test_what_is_sent(live: Aimock) -> None:
    """Tools and agents by name, and results under the ids of the calls they answer."""
    await play(load(NEWSROOM), models={"": LIVE})
    requests = live.requests()
    assert len(requests) == 11
    assert {request["model"] for request in requests} == {"gpt-5-mini"}
    first = requests[0]
    assert sorted(t["function"]["name"] for t in first["tools"]) == [
        "publish", "researcher", "writer",
    ]  # fmt: skip
    last = requests[-1]["messages"]
    made = [c["id"] for m in last for c in m.get("tool_calls") or ()]
    assert made == [m["tool_call_id"] for m in last if m["role"] == "tool"]
    assert len(set(made)) == 4


def test_the_newsroom_on_the_command_line(server: Aimock) -> None:
    arguments = ("run", str(NEWSROOM), "--display", "jsonl", "--model", "live")
    done = orchestra(*arguments, env=environment(server))
    assert (done.returncode, done.stderr) == (0, "")
    check_newsroom(read(done))
    check_fragments(read(done))
    assert CANARY not in done.stdout


async def test_one_agent_live_and_the_others_scripted(live: Aimock) -> None:
    seen = await play(load(NEWSROOM), models={"writer": LIVE})
    check_promises(seen)
    assert finished(seen).status == "completed"
    models = {e.agent: e.model for e in of(events.ModelStarted, seen)}
    assert models == {
        "editor": "scripted", "researcher": "scripted", "writer": LIVE, "checker": "scripted",
    }  # fmt: skip
    requests = live.requests()
    assert len(requests) == 2
    assert {r["messages"][0]["content"][:31] for r in requests} == {
        "You write one short paragraph f"
    }
    # No complaint that the writer's script was not used.
    assert not of(events.Warned, seen)


def test_one_agent_live_on_the_command_line(server: Aimock) -> None:
    arguments = ("run", str(NEWSROOM), "--display", "plain", "--model", f"writer={LIVE}")
    done = orchestra(*arguments, env=environment(server))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Twice a day the sea rises to meet the moon, 384,400 km away." in done.stdout


# --- when it goes wrong ---------------------------------------------------------------------

QUOTED = "Incorrect API key provided: ***. You can find your API key in your account."


@dataclass(frozen=True)
class Fault:
    name: str
    says: str  # the provider's own words
    kind: str
    partial: str = ""  # what was said before
    requests: int = 3  # the lead's, and one of each worker: nothing is tried again behind our back


FAULTS = [
    Fault("401", f"OpenAIAuthenticationError (401): {QUOTED}", "OpenAIAuthenticationError"),
    Fault(
        "429",
        "OpenAIRateLimitError (429): Rate limit reached for gpt-5-mini: 3 of 3 a minute.",
        "OpenAIRateLimitError",
    ),
    Fault(
        "500",
        "OpenAIAPIError (500): The server had an error while processing your request.",
        "OpenAIAPIError",
    ),
    Fault("cut text", "OpenAIConnectionError: ", "OpenAIConnectionError", "This sen"),
    Fault("cut call", "OpenAIConnectionError: ", "OpenAIConnectionError"),
]


def check_fault(seen: list[Event], fault: Fault) -> None:
    check_promises(seen)
    last = finished(seen)
    assert (last.status, last.error_type) == ("failed", fault.kind)
    assert last.error is not None
    assert last.error.startswith(f"lead/worker#1: {fault.says}")
    assert "\n" not in last.error
    aborted = {e.call: e for e in of(events.ModelAborted, seen)}
    assert {call: e.reason for call, e in aborted.items()} == {
        "lead/worker#1": "error",
        "lead/worker#2": "cancelled",
    }
    assert (aborted["lead/worker#1"].error or "").startswith(fault.says)
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead/worker#1": "failed", "lead/worker#2": "cancelled", "lead": "failed"}
    assert len(of(events.ToolFailed, seen)) == 2  # the two delegations
    assert texts(seen).get("lead/worker#1", "").startswith(fault.partial)
    assert not [e for e in of(events.ToolStarted, seen) if e.name == "lookup"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_fails_the_call_its_callers_and_the_run(live: Aimock, fault: Fault) -> None:
    seen = await play(FAULTY.format(url=live.url, fault=fault.name))
    check_fault(seen, fault)
    assert len(live.requests()) == fault.requests


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f.name in ("401", "429", "cut text")], ids=lambda f: f.name
)
def test_a_fault_on_the_command_line(server: Aimock, tmp_path: Path, fault: Fault) -> None:
    file, saved = tmp_path / "faulty.yaml", tmp_path / "run.jsonl"
    file.write_text(
        "version: 1\n" + FAULTY.format(url="${OPENAI_BASE_URL}", fault=fault.name), "utf-8"
    )
    arguments = ("run", str(file), "--display", "jsonl", "--save", str(saved))
    done = orchestra(*arguments, env=environment(server))
    check_fault(read(done), fault)
    assert done.returncode == 4
    for output in (done.stdout, done.stderr, saved.read_text("utf-8")):
        assert CANARY not in output
        assert "Traceback" not in output


def test_a_person_is_told_in_one_line(server: Aimock, tmp_path: Path) -> None:
    file = tmp_path / "faulty.yaml"
    file.write_text("version: 1\n" + FAULTY.format(url=server.url, fault="401"), "utf-8")
    done = orchestra("run", str(file), "--display", "plain", env=environment(server))
    assert done.returncode == 4
    told = [line for line in done.stderr.splitlines() if "OpenAIAuthenticationError" in line]
    assert len(told) == 1
    assert f"lead/worker#1: OpenAIAuthenticationError (401): {QUOTED}" in told[0]
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "nobody.yaml"
    base = f"http://127.0.0.1:{closed_port()}/v1"
    file.write_text("version: 1\n" + FAULTY.format(url=base, fault="401"), "utf-8")
    done = orchestra("run", str(file), "--display", "jsonl", env={"OPENAI_API_KEY": CANARY})
    seen = read(done)
    check_promises(seen)
    assert done.returncode == 4
    error = finished(seen).error or ""
    assert error.startswith("lead: OpenAIConnectionError: Connection error. (")
    assert "Traceback" not in done.stdout + done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_no_key_and_no_server_of_ones_own() -> None:
    done = orchestra("run", str(NEWSROOM), "--model", LIVE, "--display", "jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith("OPENAI_API_KEY is not set; set it, or give the model a ")
    assert len(done.stderr.splitlines()) == 1
    assert not read(done)


async def test_a_server_of_ones_own_needs_no_key(
    live: Aimock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    seen = await play(GREETER.format(url=live.url))
    assert finished(seen).output == "And once more."


def test_an_unset_variable_is_named(live: Aimock) -> None:
    with pytest.raises(UsageError, match="OPENAI_PATH is not set"):
        build(scenario(GREETER.format(url="http://127.0.0.1/${OPENAI_PATH}")))


# --- event loops ----------------------------------------------------------------------------

GREETER = """
models: {{default: {{model: "openai:gpt-5-mini", base_url: "{url}"}}}}
agents: {{greeter: {{system_prompt: You greet.}}}}
turns: [hello, again]
"""
BOTH = {"Good day to you, and a fine one.And once more."}


def test_one_team_in_several_event_loops(live: Aimock) -> None:
    """And nothing is left open in any of them: a ResourceWarning would fail this."""
    team = build(scenario(GREETER.format(url=live.url)))

    async def once() -> list[Event]:
        return [event async for event in Run(team)]

    async def twice_and_close() -> list[list[Event]]:
        both = await asyncio.gather(once(), once())
        await team.aclose()
        return both

    runs = [asyncio.run(once()), asyncio.run(once()), *asyncio.run(twice_and_close())]
    gc.collect()
    assert [set(texts(seen).values()) for seen in runs] == [BOTH] * 4


def test_a_run_in_each_of_two_event_loops(live: Aimock) -> None:
    loaded = scenario(GREETER.format(url=live.url))
    runs = [asyncio.run(play(loaded)), asyncio.run(play(loaded))]
    gc.collect()
    assert [set(texts(seen).values()) for seen in runs] == [BOTH] * 2


async def test_an_abandoned_run_leaves_nothing_open(live: Aimock) -> None:
    """Cancelled while the model speaks: the connection goes with the run."""
    team = build(scenario(FAULTY.format(url=live.url, fault="401")))
    begun = Run(team, ["try 401"])
    seen = []
    async for event in begun:
        seen.append(event)
        if isinstance(event, events.ToolCallDelta):
            begun.cancel()
    await team.aclose()
    gc.collect()
    check_promises(seen)
    assert finished(seen).status == "cancelled"

"""`orchestra record` and `--mode`, with real models behind langchain-openai on loopback servers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import forks
import pytest
from model_server import (
    END,
    PATIENCE,
    USAGE,
    Answer,
    Quirky,
    aimock,
    chunk,
    event,
    quirky,
    says,
)
from runs import ROOT, check_promises, collect, finished, of
from taping import unordered
from terminal import Spawn
from test_live_patterns import asks

from orchestra import cli, events
from orchestra.cassette import Cassette, Recording, Take
from orchestra.cassette.lines import Head
from orchestra.errors import CHECK_FAILED, MISSING, OK, RUN_FAILED
from orchestra.runtime import run
from orchestra.scenario import Decision, load
from orchestra.store import hold

# No text begins like it: what could be the beginning of a key is held back until more comes.
CANARY = "~canary-5f1d7c0e9b3a"
NEWSROOM = ROOT / "scenarios" / "newsroom.yaml"
LIVE = 'version: 1\nmodels: {default: {model: "openai:tiny", base_url: "${URL:-}"}}\n'
DESK = (
    LIVE
    + """
agents: {editor: {system_prompt: You edit., subagents: [writer]}, writer: {}}
input: Hello!
expect: [{output: Published.}]
"""
)


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ORCHESTRA_MODEL", "URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Quirky]:
    """A server of ours; ``gone`` takes away what leads to it."""
    with quirky() as running:
        monkeypatch.setenv("URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        yield running


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def call() -> None:
        monkeypatch.setenv("URL", "http://127.0.0.1:9/v1")
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    return call


Orchestra = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Orchestra:
    def run(*args: str) -> tuple[int, str, str]:
        code = cli.main(args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def takes(path: str | Path) -> list[Take]:
    return [line for line in Cassette.at(Path(path)).lines if isinstance(line, Take)]


def read(text: str) -> list[events.Event]:
    return list(events.read(text.splitlines())[1])


def team(request: dict[str, Any]) -> Answer:
    """An editor who has two notes written at once, and a writer."""
    messages = request["messages"]
    if not messages[0]["content"].startswith("You edit"):
        return says(f"On {messages[-1]['content']}.")
    if all(it["role"] != "assistant" for it in messages):
        calls = [{"query": "tides"}, {"query": "moon"}]
        parts = [
            {
                "index": index,
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": "writer", "arguments": json.dumps(args)},
            }
            for index, args in enumerate(calls)
        ]
        return Answer((chunk({"tool_calls": parts[:1]}), chunk({"tool_calls": parts[1:]}), *END))
    return Answer((*(chunk({"content": it}) for it in ("Pub", "lis", "hed.")), *END))


# The same run, with the server gone


@pytest.mark.parametrize("display", ["plain", "rich", "jsonl", "quiet"])
def test_recorded_while_it_is_shown(
    server: Quirky, gone: Callable[[], None], call: Orchestra, display: str
) -> None:
    server.answer = team
    Path("desk.yaml").write_text(DESK)
    code, shown, told = call("record", "desk.yaml", "--display", display)
    assert (code, told) == (OK, "recorded 4 replies in desk.cassette.jsonl\n")
    assert "Published." in shown.replace("\n", "") or display == "jsonl"
    assert sorted(path.name for path in Path().iterdir()) == [
        "desk.cassette.jsonl", "desk.yaml", "pyproject.toml",
    ]  # fmt: skip
    gone()
    asked = len(server.requests)
    assert call("test", "desk.yaml")[0] == OK
    again = call("run", "desk.yaml", "--mode", "replay", "--display", display)
    assert again[0] == OK
    if display == "jsonl":
        assert unordered(read(again[1])) == unordered(read(shown))
    assert len(server.requests) == asked


def test_against_a_server_that_nobody_here_wrote(
    monkeypatch: pytest.MonkeyPatch, call: Orchestra, tmp_path: Path
) -> None:
    """The newsroom: delegation side by side and below each other, approval, reasoning, a tool."""
    shutil.copytree(ROOT / "agents", tmp_path / "agents")
    path = tmp_path / "scenarios" / "newsroom.yaml"
    path.parent.mkdir()
    shutil.copy(NEWSROOM, path)
    show = ("--display", "jsonl", "--root", str(tmp_path))
    with aimock() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        code, shown, _ = call("record", str(path), "--model", "live", *show)
        assert code == OK
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    code, again, _ = call("run", str(path), "--mode", "replay", *show)
    assert code == OK
    check_promises(read(again))
    assert unordered(read(again)) == unordered(read(shown))
    assert CANARY not in path.with_suffix(".cassette.jsonl").read_text(encoding="utf-8")
    assert call("test", str(path), "--mode", "replay")[0] == OK


def test_chunks_come_when_they_came(server: Quirky, call: Orchestra) -> None:
    """Exactly, on the clock of a test; and the words stay in the pieces that they came in."""
    server.answer = team
    Path("desk.yaml").write_text(DESK)
    assert call("record", "desk.yaml")[0] == OK
    path = Path("desk.cassette.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line.get("call") == "editor" and line.get("turn") == 2:
            said = [it if isinstance(it, str) else it.get("content") for _, it in line["chunks"]]
            texts = [text for text in said if text]
            assert texts == ["Pub", "lis", "hed."]
            line["chunks"] = [[10.0 * at, it] for at, (_, it) in enumerate(line["chunks"], 1)]
            line["seconds"] = 60.0
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    check = "expect: [{max: {seconds: 59}}, {agent: editor, max: {first_token: 9}}]\n"
    Path("desk.yaml").write_text(DESK.partition("expect")[0] + check)
    code, told, _ = call("test", "desk.yaml")
    assert code == CHECK_FAILED
    assert "seconds: expected at most 59, seen 60." in told
    assert "first_token: expected at most 9, seen 10\n" in told


# What has changed since


def recorded(call: Orchestra, gone: Callable[[], None], text: str = DESK) -> None:
    Path("desk.yaml").write_text(text)
    assert call("record", "desk.yaml", "--display", "quiet")[0] == OK
    gone()


def test_another_prompt(server: Quirky, gone: Callable[[], None], call: Orchestra) -> None:
    server.answer = team
    recorded(call, gone)
    Path("desk.yaml").write_text(DESK.replace("You edit.", "You edit briefly."))
    told = "message 1 (system) differs: expected 'You edit.', seen 'You edit briefly.'"
    code, out, _ = call("test", "desk.yaml")
    assert code == MISSING
    assert f"editor: reply 1 in desk.cassette.jsonl is to another request: {told}" in out
    assert "; to record it: orchestra record desk.yaml --missing" in out
    code, out, _ = call("test", "desk.yaml", "--mode", "loose")
    assert code == OK
    assert out.count(f"      ! editor: reply 1: not the request that was recorded: {told}") == 1
    code, out, err = call("run", "desk.yaml", "--mode", "replay", "--display", "plain")
    assert (code, told in err) == (MISSING, True)
    code, out, err = call("run", "desk.yaml", "--mode", "loose", "--display", "jsonl")
    drift = [(e.call, e.recorded_call, e.replies) for e in of(events.Warned, read(out))]
    assert (code, drift) == (OK, [("editor", "editor", (1,)), ("editor", "editor", (2,))])
    assert " (and in 1 more)" in call("test", "desk.yaml", "--mode", "loose")[1]
    text = DESK.replace("You edit.", "You cut.").replace(
        "Published.}", "Published.}, {no_warnings: true}"
    )
    Path("desk.yaml").write_text(text)
    assert call("test", "desk.yaml", "--mode", "loose")[0] == OK  # to allow it is what loose is for


def test_another_name(server: Quirky, gone: Callable[[], None], call: Orchestra) -> None:
    server.answer = team
    recorded(call, gone)
    Path("desk.yaml").write_text(DESK.replace("writer", "author"))
    code, out, _ = call("test", "desk.yaml")
    assert code == MISSING
    assert "is to another request: the tools differ: expected writer, seen author" in out
    code, out, _ = call("test", "desk.yaml", "--mode", "loose")
    assert code == CHECK_FAILED
    for number in (1, 2):
        assert f"cassette: reply 1 of 'editor/writer#{number}' was never asked for" in out


def test_another_name_of_the_main_agent(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    server.answer = team
    recorded(call, gone)
    Path("desk.yaml").write_text(DESK.replace("editor", "chief"))
    code, out, _ = call("test", "desk.yaml")
    assert code == MISSING
    told = (
        "chief: desk.cassette.jsonl has no reply for this call; the same was asked by 'editor' for"
    )
    assert f"{told} reply 1; to record it: " in out


def test_a_call_that_was_never_recorded(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    server.answer = team
    recorded(call, gone)
    path = Path("desk.cassette.jsonl")
    kept = [it for it in path.read_text().splitlines() if '"call": "editor/writer#2"' not in it]
    path.write_text("\n".join(kept) + "\n")
    code, out, _ = call("test", "desk.yaml", "--mode", "loose")
    assert code == MISSING
    assert "editor/writer#2: desk.cassette.jsonl has no reply for this call; " in out
    assert "did you mean 'editor/writer#1'?" in out
    kept = [it for it in kept if '"turn": 2' not in it]
    path.write_text("\n".join(kept) + "\n")
    code, out, _ = call("test", "desk.yaml", "--mode", "replay")
    assert code == MISSING


def test_a_longer_conversation(server: Quirky, gone: Callable[[], None], call: Orchestra) -> None:
    text = LIVE + "agents: {a: {}}\nturns: [one, two]\n"
    server.answer = lambda request: says(f"{len(request['messages'])} messages")
    recorded(call, gone, text)
    Path("desk.yaml").write_text(text.replace("[one, two]", "[one, two, three]"))
    code, out, _ = call("test", "desk.yaml")
    assert (code, "a: reply 3 was asked for, but desk.cassette.jsonl has 2" in out) == (3, True)
    Path("desk.yaml").write_text(text.replace("[one, two]", "[one]"))
    code, out, _ = call("test", "desk.yaml")
    assert (code, "cassette: reply 2 of 'a' was never asked for" in out) == (CHECK_FAILED, True)
    Path("desk.yaml").write_text(text.replace("[one, two]", "[two, one]"))
    code, out, _ = call("test", "desk.yaml")
    assert (code, "message 1 (user) differs: expected 'one', seen 'two'" in out) == (3, True)


def test_only_what_is_missing_is_asked(server: Quirky, call: Orchestra) -> None:
    server.answer = team
    Path("desk.yaml").write_text(DESK)
    assert call("record", "desk.yaml")[0] == OK
    before = takes("desk.cassette.jsonl")
    Path("desk.yaml").write_text(DESK.replace("writer: {}", "writer: {system_prompt: Write.}"))
    server.requests.clear()
    code, _, err = call("record", "desk.yaml", "--missing")
    assert (code, err) == (OK, "recorded 2 replies in desk.cassette.jsonl\n")
    asked = [it["messages"][0]["content"] for it in server.requests]
    assert asked == ["Write."] * 2
    after = takes("desk.cassette.jsonl")
    assert [it for it in after if it.call == "editor"] == [
        it for it in before if it.call == "editor"
    ]
    server.requests.clear()
    code, _, err = call("record", "desk.yaml", "--missing")
    assert (code, err, server.requests) == (OK, "recorded 0 replies in desk.cassette.jsonl\n", [])
    assert takes("desk.cassette.jsonl") == after
    assert call("test", "desk.yaml")[0] == OK


# What breaks off


def test_a_recording_that_is_killed(server: Quirky, call: Orchestra) -> None:
    """The cassette is as it was, and what was said is not asked for again."""
    server.answer = team
    Path("desk.yaml").write_text(DESK)
    assert call("record", "desk.yaml")[0] == OK
    good = Path("desk.cassette.jsonl").read_text()
    Path("desk.yaml").write_text(DESK.replace("You edit.", "You edit well."))
    reached, go_on = threading.Event(), threading.Event()

    def stops(request: dict[str, Any]) -> Answer:
        if request["messages"][-1]["content"] == "moon":
            reached.set()
            go_on.wait(PATIENCE)
        return team(request)

    server.answer = stops
    command = [sys.executable, "-m", "orchestra", "record", "desk.yaml", "--display", "jsonl"]
    with forks.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        for line in process.stdout:  # until the other writer has said all
            if '"type":"agent_finished"' in line and '"call":"editor/writer#1"' in line:
                break
        assert reached.wait(PATIENCE)
        process.kill()
        process.stdout.close()
        process.wait(PATIENCE)
    go_on.set()
    assert Path("desk.cassette.jsonl").read_text() == good
    part = Path("desk.cassette.jsonl.part")
    assert part.read_text().count('"type": "model"') == 2
    with part.open("a") as file:
        file.write('{"type": "model", "call": "edi')  # as if it were killed in the middle of a line
    server.requests.clear()
    server.answer = team
    code, _, err = call("record", "desk.yaml", "--missing")
    assert (code, err) == (OK, "recorded 1 reply in desk.cassette.jsonl\n")
    # The editor's first turn is of the part, the writers' are as the cassette has them.
    assert [it["messages"][-1]["content"] for it in server.requests] == ["On moon."]
    assert not part.exists()
    assert len(takes("desk.cassette.jsonl")) == 4
    assert call("test", "desk.yaml")[0] == OK


def test_what_a_recording_has_left_stays_until_another_has_more(
    server: Quirky, gone: Callable[[], None], call: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = DESK + "run: {retry: {attempts: 1}}\n"
    Path("desk.yaml").write_text(text)
    server.plays(asks(writer={"query": "tides"}), Answer((b"{}",), status=400))
    assert call("record", "desk.yaml")[0] == RUN_FAILED
    part = Path("desk.cassette.jsonl.part")
    left = part.read_text()
    assert left.count('"reply"') == 1
    server.plays(Answer((b"{}",), status=400))
    assert call("record", "desk.yaml")[0] == RUN_FAILED  # nobody said anything
    assert part.read_text() == left
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("URL")
    assert call("record", "desk.yaml")[0] == 2  # nobody could be asked
    assert part.read_text() == left
    monkeypatch.setenv("URL", server.url)
    server.answer = team
    assert call("record", "desk.yaml")[0] == OK
    assert not part.exists()


def test_a_run_that_fails_leaves_a_good_cassette(server: Quirky, call: Orchestra) -> None:
    server.answer = team
    text = DESK + "run: {retry: {attempts: 1}}\n"
    Path("desk.yaml").write_text(text)
    assert call("record", "desk.yaml")[0] == OK
    good = Path("desk.cassette.jsonl").read_text()
    refusal = Answer((b"{}",), status=400, kind="application/json")
    server.answer = lambda request: (
        refusal if request["messages"][-1]["role"] == "tool" else team(request)
    )
    code, _, err = call("record", "desk.yaml")
    assert code == RUN_FAILED
    assert "desk.cassette.jsonl: is as it was, as the run came to no good end\n" in err
    told = "desk.cassette.jsonl.part: has what was said so far; to go on from there: "
    assert f"{told}orchestra record desk.yaml --missing\n" in err
    assert Path("desk.cassette.jsonl").read_text() == good
    # Where the file expects the failure, it is what is wanted.
    Path("desk.yaml").write_text(text.replace("{output: Published.}", "{status: failed}"))
    assert call("record", "desk.yaml")[0] == RUN_FAILED
    assert not Path("desk.cassette.jsonl.part").exists()
    server.answer = team
    assert call("test", "desk.yaml")[0] == OK


# Failures on the way


def same_again(call: Orchestra, gone: Callable[[], None], code: int = OK) -> list[events.Event]:
    """What is recorded of desk.yaml, and is the same when it is replayed."""
    show = ("desk.yaml", "--display", "jsonl")
    done, shown, _ = call("record", *show)
    assert done == code
    gone()
    done, again, _ = call("run", *show, "--mode", "replay", "--seed", "1")
    assert done == code
    seen = read(shown)
    check_promises(read(again))
    assert unordered(read(again)) == unordered(seen)
    return seen


LIMITED = Answer(
    (b'{"error": {"message": "slow down"}}',),
    status=429,
    kind="application/json",
    headers={"retry-after": "0.01"},
)
LOST = Answer((chunk({"content": "Half a "}),), breaks_off=True)
ENDLESS = Answer((chunk({"content": "No end"}), event({"id": "c1", "choices": [], "usage": USAGE})))
GARBLED = Answer((b"data: {nonsense\n\n",))


@pytest.mark.parametrize("wrong", [LIMITED, LOST, GARBLED], ids=["429", "lost", "garbled"])
def test_attempts_that_failed(
    server: Quirky, gone: Callable[[], None], call: Orchestra, wrong: Answer
) -> None:
    run = "run: {retry: {attempts: 3, backoff: 0.001}}\n"
    Path("desk.yaml").write_text(LIVE + "agents: {a: {}}\ninput: go\n" + run)
    server.plays(wrong, wrong, says("Hello."))
    seen = same_again(call, gone)
    aborted = of(events.ModelAborted, seen)
    assert [it.reason for it in aborted] == ["retry", "retry"]
    assert finished(seen).output == "Hello."
    assert [it.attempt for it in takes("desk.cassette.jsonl")] == [1, 2, 3]
    code, spelled, _ = call("record", "desk.yaml", "--as-script")
    assert (code, spelled.count("fault:")) == (OK, 1)
    Path("scripted.yaml").write_text(Path("desk.yaml").read_text() + spelled)
    assert call("test", "scripted.yaml")[0] == OK


@pytest.mark.parametrize(("keep", "code"), [("keep", OK), ("fail", RUN_FAILED), ("invoke", OK)])
def test_a_stream_without_an_end(
    server: Quirky, gone: Callable[[], None], call: Orchestra, keep: str, code: int
) -> None:
    run = f"run: {{on_broken_stream: {keep}}}\nexpect: [{{status: {'failed' if code else 'completed'}}}]\n"
    Path("desk.yaml").write_text(LIVE + "agents: {a: {}}\ninput: go\n" + run)
    server.plays(ENDLESS, says("Hello."))
    seen = same_again(call, gone, code)
    assert bool(of(events.ModelAborted, seen)) == (keep != "keep")


def test_a_model_that_steps_in(server: Quirky, gone: Callable[[], None], call: Orchestra) -> None:
    other = '{model_fallback: {first_model: "openai:other"}}'
    text = (
        LIVE.replace("default:", "live:")
        + f"agents: {{a: {{model: live, middleware: [{other}]}}}}\n"
    )
    Path("desk.yaml").write_text(text + "input: go\nrun: {retry: {attempts: 1}}\n")
    os.environ["OPENAI_BASE_URL"] = server.url  # taken away again by the fixture
    server.answer = lambda request: LIMITED if request["model"] == "tiny" else says("I can do it.")
    seen = same_again(call, gone)
    assert [it.model for it in of(events.ModelStarted, seen)] == ["openai:tiny", "openai:other"]
    assert finished(seen).output == "I can do it."


def test_a_structured_answer_that_is_asked_for_twice(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    kind = "{type: object, properties: {mood: {enum: [good, bad]}}, required: [mood]}"
    Path("desk.yaml").write_text(
        LIVE + f"agents: {{a: {{response_format: {kind}}}}}\ninput: well?\n"
    )
    odd, bad = (asks(structured_response={"mood": it}) for it in ("odd", "bad"))
    server.plays(odd, bad)
    seen = same_again(call, gone)
    assert finished(seen).output == '{"mood": "bad"}'
    _, spelled, _ = call("record", "desk.yaml", "--as-script")
    Path("scripted.yaml").write_text(Path("desk.yaml").read_text() + spelled)
    assert call("test", "scripted.yaml")[0] == OK


def test_middleware_asks_models_too(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    """A summary; the choice of tools; and two tools that are played by a model at once."""
    Path("desk.yaml").write_text(
        LIVE
        + """
tools:
  clock: {parameters: {city: string}, returns: [{value: never}]}
  map: {parameters: {city: string}, returns: [{value: never}]}
  other: {returns: [{value: never}]}
agents:
  a:
    system_prompt: You are asked.
    tools: [clock, map, other]
    middleware:
      - summarization: {trigger: [messages, 4], keep: [messages, 1]}
      - llm_tool_selector: {max_tools: 2}
      - llm_tool_emulator: {tools: [clock, map]}
turns: [one, two, three]
"""
    )

    def answer(request: dict[str, Any]) -> Answer:
        offered = [it["function"]["name"] for it in request.get("tools", ())]
        last = str(request["messages"][-1]["content"])
        if "ToolSelectionResponse" in offered:
            return asks(ToolSelectionResponse={"tools": ["clock", "map"]})
        if "emulating a tool" in last:
            return says("noon" if "clock" in last else "north")
        if "You are asked." not in str(request["messages"][0]["content"]):
            return says("They talked.")
        if last == "one":
            return asks(clock={"city": "Oslo"}, map={"city": "Oslo"})
        return says(f"Answer to {last}.")

    server.answer = answer
    seen = same_again(call, gone)
    sources = [it.source for it in of(events.Internal, seen)]
    calls = {it.call for it in takes("desk.cassette.jsonl")}
    assert calls == {"a", "a.summarization", "a.llm_tool_selector", "a.llm_tool_emulator"}
    assert sources
    assert sorted(e.result for e in of(events.ToolFinished, seen)) == ["noon", "north"]
    code, spelled, _ = call("record", "desk.yaml", "--as-script")
    Path("scripted.yaml").write_text(Path("desk.yaml").read_text() + spelled)
    assert (code, call("test", "scripted.yaml")[0]) == (OK, OK)


# Patterns


def test_patterns_live(server: Quirky, gone: Callable[[], None], call: Orchestra) -> None:
    """A map side by side, a loop, a route that a model decides and a handoff, below each other."""
    Path("desk.yaml").write_text(
        LIVE
        + """
main: line
agents:
  line: {sequence: [crowd, polish, {agent: desk, input: hello}]}
  crowd: {map: reader}
  reader: {system_prompt: You read.}
  polish: {loop: [author, critic], until: APPROVED}
  author: {system_prompt: You draft.}
  critic: {system_prompt: You judge.}
  desk: {route: {triage: All, other: Nothing}}
  other: {}
  triage: {system_prompt: You sort., handoffs: [billing]}
  billing: {system_prompt: You bill.}
input: "one\\ntwo\\nthree"
"""
    )
    judged = iter(["no", "APPROVED"])

    def answer(request: dict[str, Any]) -> Answer:
        system, last = (request["messages"][at]["content"] for at in (0, -1))
        match system.split(".")[0]:
            case "You sort":
                return asks(transfer_to_billing={})
            case "You judge":
                return says(next(judged))
            case "You read" | "You draft" | "You bill" as what:
                return says(f"{what}: {last[:20]}")
        return says("triage")

    server.answer = answer
    seen = same_again(call, gone)
    assert finished(seen).output == "You bill: billing has the conv"
    code, spelled, _ = call("record", "desk.yaml", "--as-script")
    Path("scripted.yaml").write_text(Path("desk.yaml").read_text() + spelled)
    assert (code, call("test", "scripted.yaml")[0]) == (OK, OK)


def test_a_batch(server: Quirky, gone: Callable[[], None], call: Orchestra) -> None:
    text = LIVE + "agents: {a: {}}\ninputs: [one, {name: second, input: two}]\n"
    server.answer = lambda request: says(f"I heard {request['messages'][-1]['content']}.")
    recorded(call, gone, text)
    assert {(it.case, it.reply["text"]) for it in takes("desk.cassette.jsonl") if it.reply} == {
        ("0", "I heard one."),
        ("second", "I heard two."),
    }
    assert call("test", "desk.yaml")[:2][0] == OK
    code, spelled, _ = call("record", "desk.yaml", "--as-script")
    Path("scripted.yaml").write_text(text + spelled)
    assert (code, call("test", "scripted.yaml")[0]) == (OK, OK)
    Path("desk.yaml").write_text(text.replace("input: two", "input: 2nd"))
    code, out, _ = call("test", "desk.yaml")
    assert (code, out.count("PASS"), out.count("ERROR")) == (MISSING, 1, 1)


# Tools, and what people say

BANK = '''
from pathlib import Path


def pay(amount: int) -> str:
    """Pays an amount."""
    log = Path("paid.txt")
    log.write_text((log.read_text() if log.exists() else "") + f"{amount};")
    return f"paid {amount}, {len(log.read_text())}"


class Vault:
    def open(self) -> str:
        """Opens it."""
        Path("paid.txt").write_text("opened")
        return "open"

    def burn(self) -> str:
        """Burns it."""
        raise RuntimeError("it burns")
'''
PAYS = (
    LIVE
    + """
tools: {pay: {python: "bank:pay"}}
agents: {clerk: {tools: [pay], subagents: [other]}, other: {}}
main: clerk
input: pay
"""
)


def clerk(request: dict[str, Any]) -> Answer:
    last = request["messages"][-1]
    if last["role"] == "user":
        return asks(pay={"amount": 5}, other={"query": "?"}) if "tools" in request else says("!")
    return says(f"Done: {request['messages'][-2]['content']}")


def test_tools_are_run_unless_they_are_not_to_be(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    Path("bank.py").write_text(BANK)
    paid = Path("paid.txt")
    server.answer = clerk
    recorded(call, gone, PAYS)
    assert paid.read_text() == "5;"
    # The tool runs, and says something else the second time.
    code, out, _ = call("test", "desk.yaml")
    assert (code, paid.read_text()) == (MISSING, "5;5;")
    assert "message 3 (tool) differs: expected 'paid 5, 2', seen 'paid 5, 4'" in out
    Path("desk.yaml").write_text(
        PAYS + "run: {replay_tools: true}\nexpect: [{calls: {other: 1}}]\n"
    )
    assert call("test", "desk.yaml")[0] == OK  # the tool's answer is there, and so is the agent
    mock = '"bank:pay", mock: [{when: {amount: 5}, value: "paid 5, 2"}]'
    Path("desk.yaml").write_text(PAYS.replace('"bank:pay"', mock))
    assert call("test", "desk.yaml")[0] == OK
    assert call("run", "desk.yaml", "--mode", "replay")[0] == OK
    Path("desk.yaml").write_text(PAYS.replace('"bank:pay"', mock.replace("5, 2", "6, 2")))
    assert "seen 'paid 6, 2'" in call("test", "desk.yaml")[1]
    assert paid.read_text() == "5;5;"


def test_what_is_mocked_is_real_in_a_real_run(server: Quirky, call: Orchestra) -> None:
    Path("bank.py").write_text(BANK)
    server.answer = clerk
    mock = '"bank:pay", mock: [{value: no}]'
    Path("desk.yaml").write_text(PAYS.replace('"bank:pay"', mock))
    assert call("record", "desk.yaml")[0] == OK
    assert call("run", "desk.yaml")[0] == OK
    assert call("test", "desk.yaml", "--mode", "live")[0] == OK
    assert Path("paid.txt").read_text() == "5;5;5;"
    several = PAYS.replace('"bank:pay"', '"bank:Vault", mock: [{value: no}]')
    Path("desk.yaml").write_text(several)
    code, out, _ = call("test", "desk.yaml", "--mode", "replay")
    assert code == 2
    assert "a class that has several tools cannot be mocked; 'run.replay_tools' has them" in out


def test_a_tool_that_raises_does_so_again(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    Path("bank.py").write_text(BANK)
    text = LIVE + 'tools: {v: {python: "bank:Vault"}}\nagents: {a: {tools: [v]}}\ninput: go\n'
    text += "run: {replay_tools: true}\nexpect: [{error: it burns}]\n"
    Path("desk.yaml").write_text(text)
    server.answer = lambda request: (
        asks(open={}) if request["messages"][-1]["role"] == "user" else asks(burn={})
    )
    same_again(call, gone, RUN_FAILED)
    Path("paid.txt").unlink()
    assert call("test", "desk.yaml")[0] == OK
    assert not Path("paid.txt").exists()


CHAT = """
agents: {a: {system_prompt: You chat., approve: [pay], tools: [pay]}}
tools: {pay: {parameters: {amount: number}, returns: [{value: paid}]}}
input: pay
interactive: true
"""


def test_what_people_say_and_decide(server: Quirky, call: Orchestra) -> None:
    """Further turns and decisions are on the tape; the file's own decisions come first."""
    server.answer = lambda request: (
        asks(pay={"amount": 5})
        if request["messages"][-1]["content"] == "pay"
        else says(f"Well: {request['messages'][-1]['content']}")
    )
    Path("chat.yaml").write_text(LIVE + CHAT)
    scenario = load("chat.yaml")
    recording = Recording(Cassette.beside(Path("chat.yaml")), Head())
    typed = iter(["what now?", None])

    async def ask() -> str | None:
        return next(typed)

    async def decide(_: events.Interrupted) -> Decision:
        return Decision(agent="a", tool="pay", decide="edit", args={"amount": 1})

    async def people() -> list[events.Event]:
        return await collect(run(scenario, taping=recording, ask=ask, decide=decide))

    live = asyncio.run(people())
    recording.finish(lambda *_: True)
    code, out, _ = call("run", "chat.yaml", "--mode", "replay", "--display", "jsonl")
    assert code == OK
    assert unordered(read(out)) == unordered(live)
    assert len(of(events.TurnStarted, live)) == 2
    assert call("test", "chat.yaml")[0] == OK
    _, spelled, _ = call("record", "chat.yaml", "--as-script")
    text = Path("chat.yaml").read_text().replace("input: pay\n", "")
    Path("scripted.yaml").write_text(text + spelled)
    assert call("test", "scripted.yaml")[0] == OK
    own = "decisions: [{agent: a, tool: pay, decide: reject}]\n"
    Path("chat.yaml").write_text(LIVE + CHAT + own)
    code, out, _ = call("test", "chat.yaml")
    assert (code, "seen 'rejected by a person, and not run'" in out) == (MISSING, True)


# Secrets


def test_a_canary_in_no_cassette(
    server: Quirky,
    gone: Callable[[], None],
    call: Orchestra,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a prompt, a reply, over chunks, in arguments, in a tool's answer, in an error."""
    secret = "s3cr3t-canary-木-42"
    monkeypatch.setenv("VAULT_KEY", secret)
    Path("vault.py").write_text(
        "class Vault:\n"
        "    def __init__(self, key: str) -> None:\n        self.key = key\n"
        '    def tell(self, word: str) -> str:\n        """Tells."""\n'
        "        return f'it is {self.key} {word}'\n"
    )
    text = LIVE + (
        'tools: {vault: {python: "vault:Vault", args: {key: "${VAULT_KEY}"}}}\n'
        f'agents: {{a: {{tools: [vault], system_prompt: "Know {secret}."}}}}\n'
        f"input: is it {secret}?\nrun: {{retry: {{backoff: 0}}}}\n"
    )
    pieces = ["It is s3c", "r3t-can", "ary-木", "-42, not s3cr3t ", secret, " s3c"]
    refusal = json.dumps({"error": {"message": f"{secret} and {CANARY} are tired"}}).encode()
    server.plays(
        Answer((refusal,), status=500, kind="application/json"),
        asks(tell={"word": secret}),
        Answer((*(chunk({"content": it}) for it in pieces), *END)),
    )
    recorded(call, gone, text)
    for file in Path().rglob("*.jsonl*"):
        kept = file.read_text(encoding="utf-8")
        for spelt in (secret, json.dumps(secret)[1:-1], CANARY, server.url):
            assert spelt not in kept, file
    whole = [it for it in takes("desk.cassette.jsonl") if it.reply is not None]
    assert whole[0].reply["tool_calls"] == [{"name": "tell", "args": {"word": "***"}}]
    assert whole[1].reply["text"] == "It is ***, not s3cr3t *** s3c"
    said = [it if isinstance(it, str) else it.get("content", "") for _, it in whole[1].chunks]
    assert "".join(said) == whole[1].reply["text"]
    assert len([it for it in said if it]) > 3
    # The key need not be there, and may be another: what was hidden is not held against it.
    assert call("test", "desk.yaml")[0] == OK
    monkeypatch.setenv("VAULT_KEY", "another-key-99")
    assert call("test", "desk.yaml")[0] == OK


# Wrong calls


def test_what_cannot_be_recorded(server: Quirky, call: Orchestra) -> None:
    Path("plain.yaml").write_text(
        "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: [{text: x}]}\n"
    )
    code, _, err = call("record", "plain.yaml")
    assert code == 2
    assert "plain.yaml: all its models are scripted, there is nothing to record; name one: " in err
    assert call("record", "plain.yaml", "--model", "scripted")[0] == OK
    assert call("test", "plain.yaml", "--mode", "replay")[0] == OK
    assert call("record", "nothing.yaml")[0] == 2
    with Path("plain.cassette.jsonl.part").open("ab") as other:
        assert hold(other)
        code, _, err = call("record", "plain.yaml", "--model", "scripted")
    assert (code, "another recording of this scenario is under way" in err) == (2, True)


def test_what_cannot_be_replayed(call: Orchestra) -> None:
    text = "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: [{text: x}]}\n"
    Path("a.yaml").write_text(text)
    code, _, err = call("run", "a.yaml", "--mode", "replay")
    assert code == MISSING
    assert err == "a.cassette.jsonl: there is no such file; to make it: orchestra record a.yaml\n"
    assert call("test", "a.yaml", "--mode", "loose")[0] == MISSING
    code, _, err = call("run", "a.yaml", "--mode", "replay", "--model", "echo")
    assert (code, "--mode replay: leave --model out" in err) == (2, True)
    assert call("run", "a.yaml", "--mode", "script")[0] == OK
    head = '{"type": "cassette"}\n'
    for wrong, told in {
        "": "",
        "x\n": "a.cassette.jsonl:1: is no line of a cassette: ",
        head + "\n[]\n": "a.cassette.jsonl:3: is no line of a cassette: ",
        head + '{"type": "model", "turn": 1}\n': "a.cassette.jsonl:2: is no line of a cassette: ",
        head * 2: "a.cassette.jsonl:2: a cassette has one header, and that is its first line",
        '{"type": "cassette", "format": 2}\n': "format 2 is newer than this orchestra's 1",
        "\x1b]0;title\x07": "a.cassette.jsonl:1: is no line of a cassette",
    }.items():
        Path("a.cassette.jsonl").write_text(wrong)
        code, out, err = call("run", "a.yaml", "--mode", "replay", "--display", "plain")
        assert code == (2 if wrong else MISSING)
        assert told in err
        assert "\x1b" not in out + err
        assert call("test", "a.yaml", "--mode", "replay")[0] == code
        assert call("test", "a.yaml")[0] == OK  # the script speaks for all: nobody reads it


def test_the_script_comes_first_and_the_cassette_for_whom_it_says_nothing(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    server.answer = team
    recorded(call, gone)
    script = "script: {editor: [{tool_calls: [writer: {query: tides}]}, {text: Published.}]}\n"
    Path("desk.yaml").write_text(DESK + script)
    code, out, _ = call("test", "desk.yaml")
    assert code == CHECK_FAILED
    assert out.count("never asked for") == 1
    assert "reply 1 of 'editor/writer#2' was never asked for" in out
    assert call("test", "desk.yaml", "--mode", "replay")[0] == OK
    assert call("test", "desk.yaml", "--mode", "script")[0] == MISSING


def test_in_the_viewer(
    server: Quirky, gone: Callable[[], None], call: Orchestra, spawn: Spawn
) -> None:
    server.answer = team
    recorded(call, gone)
    terminal = spawn(["-m", "orchestra", "tui", "desk.yaml", "--mode", "replay"])
    terminal.read_until(b"Published.")
    assert terminal.leave() == OK


def test_a_replay_that_was_killed_goes_on(
    server: Quirky,
    gone: Callable[[], None],
    call: Orchestra,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    server.answer = team
    recorded(call, gone)
    assert call("run", "desk.yaml", "--mode", "replay", "--seed", "1")[0] == OK
    kept = max((tmp_path / "home/runs").iterdir(), key=lambda it: it.stat().st_mtime_ns)
    lines = kept.read_text(encoding="utf-8").splitlines(keepends=True)
    (cut, *_) = (at for at, it in enumerate(lines) if '"text_delta"' in it and "writer#1" in it)
    kept.write_text("".join(lines[: cut + 1]), encoding="utf-8")
    code, out, err = call("run", "--resume", "last", "--mode", "replay", "--display", "plain")
    assert (code, err) == (OK, "")
    assert out.endswith("Published.\n")


def test_what_was_cut_off_is_cut_off_again_or_says_so(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    never = threading.Event()

    class Silence(tuple[bytes, ...]):
        def __iter__(self) -> Iterator[bytes]:
            yield chunk({"content": "Wait"})
            never.wait(PATIENCE)

    run = "run: {model_timeout: 0.3, retry: {attempts: 1}}\nexpect: [{error: no whole answer}]\n"
    text = LIVE + "agents: {a: {}}\ninput: go\n"
    Path("desk.yaml").write_text(text + run)
    server.plays(Answer(Silence()))
    seen = same_again(call, gone, RUN_FAILED)
    never.set()
    assert "no whole answer within 0.3 s" in (finished(seen).error or "")
    (take,) = takes("desk.cassette.jsonl")
    assert (take.cut, take.reply) == (True, None)
    assert call("test", "desk.yaml")[0] == OK
    Path("desk.yaml").write_text(text)
    code, out, _ = call("test", "desk.yaml")
    assert code == RUN_FAILED
    assert "a: this model call was cut off after 0.3" in out


def test_tools_that_are_the_providers_own(
    server: Quirky, gone: Callable[[], None], call: Orchestra
) -> None:
    """A replay takes them for what they were, though it knows no provider."""
    tools = "tools: {weather: {parameters: {city: string}, returns: [{value: rain}]}}\n"
    search = "[{provider_tool_search: {searchable_tools: [weather]}}]"
    agents = f"agents: {{a: {{tools: [weather], middleware: {search}}}}}\n"
    Path("desk.yaml").write_text(LIVE + tools + agents + "input: go\n")
    server.plays(says("Hello."))
    same_again(call, gone)
    (take,) = takes("desk.cassette.jsonl")
    assert {"type": "tool_search"} in take.request["tools"]

"""Tools that wait for a person: asked about one by one, at any depth, while the rest goes on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from runs import check_promises, collect, finished, of, play, scenario
from terminal import Spawn
from virtual import run_virtually

from orchestra import events
from orchestra.events import Event, Interrupted
from orchestra.runtime import run
from orchestra.scenario import Decision, load
from orchestra.scenario.deciding import choices, decision_of

DESK = """
main: lead
agents:
  lead: {subagents: [ed], tools: [note]}
  ed: {tools: [publish], approve: [publish]}
tools:
  publish: {parameters: {text: string}, returns: [{value: out}]}
  note: {returns: [{value: noted}]}
input: go
script:
  lead: [{tool_calls: [{ed: {query: x}}, {ed: {query: y}}, note]}, {text: end}]
  ed: [{tool_calls: [{publish: {text: a}}, {publish: {text: b}}]}, {text: done}]
"""
DECIDED = """
decisions:
  - {agent: lead/ed#2, tool: publish, decide: edit, args: {text: c}}
  - {agent: ed, tool: publish, decide: approve}
  - {agent: ed, tool: publish, decide: reject, message: too late}
  - {agent: ed, tool: publish, decide: respond, message: later}
"""


def ran(seen: list[Event]) -> list[tuple[str | None, object]]:
    return [(e.call, e.args) for e in of(events.ToolStarted, seen) if e.name == "publish"]


async def test_decisions_of_the_file() -> None:
    seen = await play(DESK + DECIDED)
    check_promises(seen)
    assert finished(seen).status == "completed"
    assert next((e.interrupt_id, e.request) for e in of(Interrupted, seen)) == (
        "lead/ed#1?lead/ed#1:1.1",
        {
            "tool": "publish",
            "args": {"text": "a"},
            "decisions": ["approve", "edit", "reject", "respond"],
        },
    )
    assert [e.decision for e in of(events.Resumed, seen)] == [
        {"decide": "approve"},
        {"decide": "reject", "message": "too late"},
        {"decide": "edit", "args": {"text": "c"}},
        {"decide": "respond", "message": "later"},
    ]
    assert {e.result for e in of(events.ToolFinished, seen) if e.name == "publish"} == {
        "out", "later",
    }  # fmt: skip
    assert ("lead/ed#2", {"text": "c"}) in ran(seen)
    (rejected,) = of(events.ToolFailed, seen)
    assert rejected.error == "rejected by a person, and not run: too late"
    # Rejecting one call ends neither its agent nor another call.
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead/ed#1": "completed", "lead/ed#2": "completed", "lead": "completed"}
    assert not of(events.Warned, seen)


async def test_what_the_model_is_told() -> None:
    seen = await play("""
agents: {a: {tools: [t], approve: [t]}}
tools: {t: {parameters: {x: string}, returns: [{value: ran}]}}
input: go
script:
  a:
    - tool_calls: [{t: {x: one}}]
    - {tool_calls: [{t: {x: two}}], match: {matches: "^rejected by a person, and not run: no$"}}
    - {tool_calls: [{t: {x: three}}], match: {equals: my answer}}
    - {text: end, match: {equals: "ran\\n\\n(A person changed the arguments before this ran: x='3'.)"}}
decisions:
  - {agent: a, tool: t, decide: reject, message: no}
  - {agent: a, tool: t, decide: respond, message: my answer}
  - {agent: a, tool: t, decide: edit, args: {x: "3"}}
""")
    assert finished(seen).output == "end", finished(seen).error


async def test_without_an_answer_the_run_is_interrupted_when_the_others_are_done() -> None:
    seen = await play(
        DESK + "decisions: [{agent: lead/ed#2, tool: publish, decide: approve, times: 2}]"
    )
    check_promises(seen)
    last = finished(seen)
    assert (last.status, last.error) == (
        "interrupted", "waits for a decision on publish, publish",
    )  # fmt: skip
    assert ran(seen) == [("lead/ed#2", {"text": "a"}), ("lead/ed#2", {"text": "b"})]
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead/ed#2": "completed"}
    assert [e.name for e in of(events.ToolFinished, seen)] == ["note", "publish", "publish", "ed"]
    assert not of(events.TurnFinished, seen)


async def test_a_decision_that_is_left_is_told() -> None:
    more = "  - {agent: ed, tool: publish, decide: approve}\n"
    told = [e.message for e in of(events.Warned, await play(DESK + DECIDED + more))]
    assert told == ["decision 5 was never used"]
    always = "  - {agent: ed, tool: publish, decide: approve, times: all}\n"
    assert of(events.Warned, await play(DESK + DECIDED.replace("  - {agent: ed, tool: publish, "
        "decide: respond, message: later}\n", always))) == []  # fmt: skip


async def test_every_pattern_waits() -> None:
    """In a step, in a handed-over conversation, below both; the questions come one by one."""
    seen = await play("""
main: line
agents:
  line: {sequence: [both, a]}
  both: {parallel: [a, desk]}
  desk: {handoffs: [a]}
  a: {tools: [t], approve: [t]}
tools: {t: {returns: [{value: ok}]}}
input: go
script:
  desk: [tool_calls: [transfer_to_a]]
  a: [{text: x, tool_calls: [t]}, {text: said}]
decisions: [{agent: a, tool: t, decide: approve, times: all}]
""")
    check_promises(seen)
    assert finished(seen).output == "said"
    assert [e.call for e in of(Interrupted, seen)] == [
        "line/both#1/a#1", "line/both#1/desk#1>a", "line/a#1",
    ]  # fmt: skip


async def test_a_handover_may_wait_and_be_refused() -> None:
    text = """
main: a
agents: {a: {handoffs: [b], approve: [transfer_to_b]}, b: {}}
input: go
script: {a: [tool_calls: [transfer_to_b], text: alone], b: [text: mine]}
"""
    seen = await play(text + "decisions: [{agent: a, tool: transfer_to_b, decide: reject}]")
    assert finished(seen).output == "alone", finished(seen).error
    assert of(Interrupted, seen)[0].request["decisions"] == ["approve", "reject"]
    seen = await play(
        text + "decisions: [{agent: a, tool: transfer_to_b, decide: respond, message: x}]"
    )
    assert finished(seen).error == (
        "a: 'transfer_to_b' cannot be answered with 'respond', only with 'approve', 'reject'"
    )


async def test_langchains_own_middleware_asks_in_the_same_way() -> None:
    seen = await play("""
agents: {a: {tools: [t], middleware: [human_in_the_loop: {interrupt_on: {t: {allowed_decisions: [approve]}}}]}}
tools: {t: {returns: [{value: ok}]}}
input: go
script: {a: [tool_calls: [t, t], text: end]}
decisions: [{agent: a, tool: t, decide: approve, times: 2}]
""")
    check_promises(seen)
    assert [e.request["decisions"] for e in of(Interrupted, seen)] == [["approve"]] * 2
    assert finished(seen).output == "end"


ASKING = """
from langgraph.types import interrupt

calls = []

def order(what: str) -> str:
    "Orders."
    calls.append(what)
    size = interrupt({"which size of": what})
    colour = interrupt("which colour?")
    return f"{colour} {what} in {size}"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "shop.py").write_text(ASKING)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "s.yaml"
    file.write_text("""
version: 1
agents: {a: {tools: [order]}}
tools: {order: {python: "shop:order"}}
input: go
script: {a: [{tool_calls: [{order: {what: hats}}, {order: {what: pins}}]}, text: end]}
""")
    return file


async def test_a_tool_that_asks_by_itself_is_answered(shop: Path) -> None:
    asked: list[tuple[str, object]] = []

    async def person(question: Interrupted) -> Decision:
        asked.append((question.interrupt_id, question.request["question"]))
        return decision_of("big" if "size" in str(asked[-1]) else "red", question)

    seen = await collect(run(load(shop), decide=person))
    check_promises(seen)
    assert sorted(asked, key=str) == [  # the tools run in threads
        ("a?a:1.1", {"which size of": "hats"}),
        ("a?a:1.1~2", "which colour?"),
        ("a?a:1.2", {"which size of": "pins"}),
        ("a?a:1.2~2", "which colour?"),
    ]
    assert sorted(e.result for e in of(events.ToolFinished, seen)) == [
        "red hats in big",
        "red pins in big",
    ]
    assert len(of(events.ToolStarted, seen)) == 2


async def test_a_tools_question_may_stay_open(shop: Path) -> None:
    seen = await collect(run(load(shop)))
    check_promises(seen)
    assert finished(seen).status == "interrupted"


def test_while_a_person_thinks_no_time_is_spent() -> None:
    async def person(question: Interrupted) -> Decision:
        await asyncio.sleep(100 if question.request["args"]["x"] == "a" else 500)
        return decision_of("yes", question)

    async def slow() -> list[Event]:
        text = """
main: lead
agents:
  lead: {subagents: [ed], limits: {seconds: 10}}
  ed: {tools: [t], approve: [t], limits: {seconds: %s}}
tools: {t: {parameters: {x: string}, returns: [{value: ok, delay: 6}]}}
input: go
script:
  lead: [{tool_calls: [{ed: {query: x}}]}, {text: end}]
  ed: [{tool_calls: [{t: {x: a}}, {t: {x: b}}]}, {text: done}]
"""
        fine = await collect(run(scenario(text % 7), decide=person))
        late = await collect(run(scenario(text % 5), decide=person))
        return [finished(fine), finished(late)]

    fine, late = run_virtually(slow())
    assert (fine.status, round(fine.t)) == ("completed", 506)
    assert late.error == "lead/ed#1: took more than 5 s (limits.seconds)"


async def test_a_run_may_be_cancelled_while_it_waits() -> None:
    async def person(_: Interrupted) -> Decision:
        begun.cancel()
        await asyncio.Event().wait()
        raise AssertionError

    begun = run(scenario(DESK), decide=person)
    seen = await collect(begun)
    check_promises(seen)
    assert finished(seen).status == "cancelled"
    assert {e.status for e in of(events.AgentFinished, seen)} == {"cancelled"}


def question(*allowed: str) -> Interrupted:
    return Interrupted(
        agent="a", call="a", interrupt_id="i", request={"tool": "t", "decisions": [*allowed]}
    )


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        ("a", {"decide": "approve"}),
        ("YES", {"decide": "approve"}),
        ("r", {"decide": "reject"}),
        ("no, too late", None),
        ("reject too late", {"decide": "reject", "message": "too late"}),
        ("s  it is 3", {"decide": "respond", "message": "it is 3"}),
        ('edit {"x": 1}', {"decide": "edit", "args": {"x": 1}}),
        ("edit x", None),
        ("edit [1]", None),
        ("approve now", None),
        ("say", None),
        ("", None),
        ("what?", None),
    ],
)
def test_what_a_person_types(typed: str, decision: dict[str, object] | None) -> None:
    asked = question("approve", "edit", "reject", "respond")
    if decision is None:
        with pytest.raises(ValueError, match=r"type|takes nothing more"):
            decision_of(typed, asked)
    else:
        given = decision_of(typed, asked).model_dump(exclude_unset=True, exclude_none=True)
        assert given == {"agent": "a", "tool": "t", **decision}


def test_only_what_is_allowed_may_be_typed() -> None:
    with pytest.raises(ValueError, match=r"^type \[a\]pprove, \[r\]eject why$"):
        decision_of("edit {}", question("approve", "reject"))
    assert decision_of("no more", question("respond")).message == "no more"
    assert choices(question("respond")) == "your answer"


def test_on_a_terminal_the_person_is_asked(spawn: Spawn, tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text("version: 1\n" + DESK + DECIDED)  # the person goes before the file
    terminal = spawn(["-m", "orchestra", "run", str(file), "--display", "plain"])
    for said in (b"maybe\n", b"a\n", b"r not so\n", b"s mine\n", b'e {"text": "q"}\n'):
        terminal.read_until(b"]ay the answer > ")
        terminal.seen = b""
        os.write(terminal.fd, said)
    terminal.drain()
    assert terminal.process.returncode == 0
    assert b'publish {"text": "q"}' in terminal.seen
    assert terminal.seen.rstrip().endswith(b"end")


def test_the_end_of_the_input_interrupts(spawn: Spawn, tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text("version: 1\n" + DESK)
    terminal = spawn(["-m", "orchestra", "run", str(file), "--display", "plain"])
    for _ in range(4):
        terminal.read_until(b"]ay the answer > ")
        terminal.seen = b""
        os.write(terminal.fd, b"\x04")
    terminal.drain()
    assert terminal.process.returncode == 5
    assert b"waits for a decision on publish" in terminal.seen

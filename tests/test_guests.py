"""Agents and models that a user's own tool runs: a call each, with a name that is their own.

Each tool of ``guest_tools`` is one of the traps in how LangChain names and places what it runs.
"""

import asyncio
from pathlib import Path

import pytest
from runs import ROOT, calls, check_promises, collect, finished, of, scenario, texts

from orchestra import events
from orchestra.events import Event
from orchestra.runtime import run


def scenario_with(*tools: str, more: str = "") -> str:
    listed = "".join(f"  {name}: {{python: 'guest_tools:{name}'}}\n" for name in tools)
    called = ", ".join(f"{{{name}: {{q: x}}}}" for name in tools)
    return (
        f"agents: {{lead: {{tools: [{', '.join(tools)}]{more}}}}}\ntools:\n{listed}input: Go.\n"
        f"script: {{lead: [{{tool_calls: [{called}]}}, {{text: done}}]}}\n"
    )


async def guests_of(*tools: str, status: str = "completed", more: str = "") -> list[Event]:
    """The events of a run whose lead calls these tools."""
    path = ROOT / "tests/guests.yaml"
    seen = await collect(run(scenario(scenario_with(*tools, more=more), path=path), trust=True))
    check_promises(seen)
    assert finished(seen).status == status
    assert of(events.Internal, seen) == []
    return seen


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("plain", {"lead/helper#1": "hello "}),
        ("forwarded", {"lead/helper#1": "hello "}),
        ("batch", {"lead/twin#1": "same words ", "lead/twin#2": "same words "}),
        ("pipe", {"lead/helper#1": "hello "}),
        ("team", {"lead/one#1": "hello ", "lead/two#1": "hello "}),
        ("sends", {"lead/twin#1": "same words ", "lead/twin#2": "same words "}),
        ("bare", {"lead/bare#1": "bare words "}),
        ("unnamed", {"lead/unnamed#1": "hello "}),
        ("threads", {"lead/helper#1": "hello ", "lead/helper#2": "hello "}),
        ("continued", {"lead/helper#1": "hello hello "}),  # one conversation
        ("twice", {"lead/helper#1": "hello ", "lead/helper#2": "hello "}),
        ("synchronous", {"lead/helper#1": "hello "}),
        ("nested", {"lead/outer#1": "all done ", "lead/outer#1/helper#1": "hello "}),
        ("spoofed", {"lead/spoofed-lead#1": "hello "}),
        ("odd", {"lead/Zoë_1_2#1": "hello "}),
        ("late", {"lead/helper#1": "one two three "}),
        ("whole", {"lead/helper#1": "all at once"}),
    ],
)
async def test_who_says_what(tool: str, said: dict[str, str]) -> None:
    seen = await guests_of(tool)
    assert texts(seen) == {**said, "lead": "done"}
    # Every one is a call of the lead's tool call, and has said what it ends with.
    (used,) = [e for e in of(events.ToolStarted, seen) if e.call == "lead"]
    for started in of(events.AgentStarted, seen)[1:]:
        assert started.parent == started.call.rpartition("/")[0]
        if started.parent == "lead":
            assert started.tool_call_id == used.tool_call_id
    ends = {e.call: (e.status, e.output) for e in of(events.AgentFinished, seen)}
    last = {e.call: ("completed", e.text) for e in of(events.ModelFinished, seen)}
    assert ends == last


async def test_two_tools_at_once_have_guests_apart() -> None:
    seen = await guests_of("plain", "forwarded")
    assert texts(seen) == {"lead/helper#1": "hello ", "lead/helper#2": "hello ", "lead": "done"}
    asked = {e.tool_call_id for e in of(events.AgentStarted, seen)[1:]}
    assert asked == {e.tool_call_id for e in of(events.ToolStarted, seen)}
    assert len(asked) == 2


async def test_a_guest_ends_before_its_tool() -> None:
    seen = await guests_of("nested")
    ends = [e for e in seen if isinstance(e, events.AgentFinished | events.ToolFinished)]
    assert [(e.call, e.type) for e in ends] == [
        ("lead/outer#1/helper#1", "agent_finished"),
        ("lead/outer#1", "tool_finished"),
        ("lead/outer#1", "agent_finished"),
        ("lead", "tool_finished"),
        ("lead", "agent_finished"),
    ]


async def test_a_guests_own_tools_are_told() -> None:
    seen = await guests_of("tools")
    (called,) = [e for e in of(events.ModelFinished, seen) if e.call != "lead" and e.tool_calls]
    (started,) = [e for e in of(events.ToolStarted, seen) if e.call != "lead"]
    (ended,) = [e for e in of(events.ToolFinished, seen) if e.call != "lead"]
    assert started.call == ended.call == called.call == "lead/helper#1"
    assert (started.name, started.args) == ("peek", {"n": 1})
    assert (ended.name, ended.result) == ("peek", "seen 1")
    assert started.tool_call_id == called.tool_calls[0].id


async def test_a_guests_tool_that_fails() -> None:
    seen = await guests_of("tool_error", status="failed")
    (failed,) = [e for e in of(events.ToolFailed, seen) if e.call != "lead"]
    assert (failed.call, failed.name, failed.error) == ("lead/helper#1", "peek", "below zero")


async def test_a_retry_in_mid_message_voids_what_was_said() -> None:
    seen = await guests_of("retried")
    (voided,) = of(events.ModelAborted, seen)
    assert (voided.call, voided.message_id) == ("lead/helper#1", "lead/helper#1:1")
    said = {e.message_id: e.text for e in of(events.ModelFinished, seen)}
    assert said["lead/helper#1:2"] == "Words of mine. "
    assert "lead/helper#1:1" not in said


async def test_a_guest_that_fails_fails_with_its_tool() -> None:
    seen = await guests_of("failing", status="failed")
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends["lead/helper#1"] == "failed"
    (voided,) = [e for e in of(events.ModelAborted, seen) if e.call == "lead/helper#1"]
    assert texts(seen)["lead/helper#1"] == "Words of "
    assert voided.seq < next(
        e.seq for e in of(events.AgentFinished, seen) if e.call == "lead/helper#1"
    )


async def test_cancelling_ends_a_guest() -> None:
    path = ROOT / "tests/guests.yaml"
    going = run(scenario(scenario_with("ends_run"), path=path), trust=True)
    seen: list[Event] = []
    async for event in going:
        seen.append(event)
        if isinstance(event, events.ModelFinished) and event.call == "lead/one#1":
            going.cancel()
    check_promises(seen)
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead/one#1": "cancelled", "lead": "cancelled"}


async def test_a_tool_may_ask_whose_it_is() -> None:
    seen = await guests_of("whose")
    assert of(events.ToolFinished, seen)[0].result == "lead lead"


async def test_what_a_tool_leaves_at_work_is_nobodys() -> None:
    """Its words come when their tool has ended: there is no call left to put them in."""
    seen = await guests_of("left_running")
    assert calls(seen) == ["lead"]
    (left,) = [task for task in asyncio.all_tasks() if task.get_name() == "left at work"]
    left.cancel()
    assert texts(seen) == {"lead": "done"}


async def test_many_runs_number_their_own_guests(tmp_path: Path) -> None:
    runs = await asyncio.gather(*(guests_of("sends", "twice") for _ in range(8)))
    for seen in runs:
        assert sorted(calls(seen)) == [
            "lead",
            "lead/helper#1",
            "lead/helper#2",
            "lead/twin#1",
            "lead/twin#2",
        ]

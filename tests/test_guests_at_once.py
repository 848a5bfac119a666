"""Guests that speak at once, fail and ask: what a user's own tool runs is told as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import check_promises, collect, of, scenario, texts

from orchestra import events
from orchestra.events import Event
from orchestra.runtime import run

HERE = Path(__file__).parent / "guests_at_once.yaml"


async def guests_of(tool: str, more: str = "") -> list[Event]:
    text = (
        f"agents: {{lead: {{tools: [{tool}]}}}}\ninput: Go.\n{more}"
        f"tools: {{{tool}: {{python: 'guests_at_once:{tool}'}}}}\n"
        f"script: {{lead: [{{tool_calls: [{{{tool}: {{q: x}}}}]}}, {{text: done}}]}}\n"
    )
    seen = await collect(run(scenario(text, path=HERE), trust=True))
    check_promises(seen)
    assert seen[-1].type == "run_finished"
    assert seen[-1].status == "completed"
    return seen


@pytest.mark.parametrize("tool", ["models", "node"])
async def test_who_says_two_things_at_once_is_two(tool: str) -> None:
    """One place may have several model calls at once: none of them is a retry of another.

    And what a node says in its model's words is no second message.
    """
    seen = await guests_of(tool)
    said = {f"lead/{tool}#1": "a b c d ", f"lead/{tool}#2": "1 2 3 4 ", "lead": "done"}
    assert texts(seen) == said
    assert of(events.ModelAborted, seen) == []
    assert len(of(events.ModelFinished, seen)) == 4


async def test_a_guest_that_fails_has_failed_though_its_tool_goes_on() -> None:
    seen = await guests_of("caught")
    ends = {e.call: e.status for e in of(events.AgentFinished, seen)}
    assert ends == {"lead/bad#1": "failed", "lead/good#1": "completed", "lead": "completed"}
    (voided,) = of(events.ModelAborted, seen)
    assert (voided.call, voided.reason, voided.error) == (
        "lead/bad#1",
        "error",
        "ValueError: no good",
    )
    (good,) = [e for e in of(events.AgentStarted, seen) if e.agent == "good"]
    assert voided.seq < good.seq  # as it happens, and not when the tool ends


async def test_two_calls_with_one_id_are_two() -> None:
    seen = await guests_of("twins")
    began = [e.tool_call_id for e in of(events.ToolStarted, seen) if e.call != "lead"]
    ended = [e.tool_call_id for e in of(events.ToolFinished, seen) if e.call != "lead"]
    assert began == ended == ["same", "same~2"]


async def test_a_guests_tool_may_ask() -> None:
    answers = "".join(
        f"  - {{agent: lead, tool: asks, decide: respond, message: {message}}}\n"
        for message in ("yes", "surely")
    )
    seen = await guests_of("asks", f"decisions:\n{answers}")
    (told,) = [e for e in of(events.ToolFinished, seen) if e.call == "lead"]
    assert told.result == "yes, surely it may"
    asked = [e.request["question"] for e in of(events.Interrupted, seen)]
    assert asked == ["may I?", "may it?"]
    ends = {e.call: e.status for e in of(events.AgentFinished, seen) if e.call != "lead"}
    assert ends == {"lead/helper#1": "cancelled", "lead/helper#2": "completed"}

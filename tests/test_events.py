"""The codec: every event reads back as it was written, and a recorded run is the same events."""

import dataclasses
import typing

import pytest

from orchestra import events
from orchestra.events import Event, Header

# One value for each field that has no default.
VALUES = {
    "scenario": "s", "main": "a", "turn": 1, "input": "in", "message_id": "a:1", "model": "m",
    "text": "täxt 文", "index": 0, "reason": "error", "tool_call_id": "a:1.1", "name": "t",
    "source": "tools", "node": "model", "interrupt_id": "i", "status": "completed",
    "message": "careful",
}  # fmt: skip
TYPES = typing.get_args(Event)


def example(kind: type) -> Event:
    needed = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    return kind(run="r", seq=3, t=0.25, agent="a", call="a", **{n: VALUES[n] for n in needed})


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_event_reads_back(kind: type) -> None:
    event = example(kind)
    line = events.dumps(event)
    assert "\n" not in line
    assert events.loads(line) == event
    assert f'"type":"{event.type}"' in line


def test_the_names_are_the_contract() -> None:
    assert {kind.type for kind in map(example, TYPES)} == {
        "run_started", "turn_started", "agent_started", "model_started", "text_delta",
        "reasoning_delta", "tool_call_delta", "model_finished", "model_aborted", "tool_started",
        "tool_progress", "tool_finished", "tool_failed", "internal", "state_updated",
        "interrupted", "resumed", "agent_finished", "turn_finished", "warning", "run_finished",
    }  # fmt: skip


def test_events_are_values() -> None:
    event = example(events.TextDelta)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.text = "other"
    assert not hasattr(event, "__dict__")


def test_a_recorded_run_is_the_same_events() -> None:
    run = [example(events.RunStarted), example(events.ModelFinished), example(events.RunFinished)]
    lines = [events.dumps(Header(scenario="s", digest="d", orchestra="1"))]
    lines += map(events.dumps, run)
    header, found = events.read(lines)
    assert (header.scenario, header.format) == ("s", events.FORMAT)
    assert list(found) == run


@pytest.mark.parametrize(
    "lines", [[], ["{}"], ['{"type": "text_delta"}'], ['{"type": "header", "format": 99}'], ["x"]]
)
def test_what_is_no_recorded_run(lines: list[str]) -> None:
    with pytest.raises(ValueError):
        events.read(lines)


@pytest.mark.parametrize(
    ("call", "agent"),
    [
        ("editor", "editor"),
        ("a/b#2", "b"),
        ("a/b#2/a#1", "a"),
        ("main/triage#1>billing", "billing"),
    ],
)
def test_agent_of(call: str, agent: str) -> None:
    assert events.agent_of(call) == agent

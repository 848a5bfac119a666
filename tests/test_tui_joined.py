"""What came between two frames is shown as if it had been shown piece by piece."""

from hypothesis import given
from hypothesis import strategies as st

from orchestra.events import (
    AgentStarted,
    Event,
    ModelAborted,
    ModelStarted,
    ReasoningDelta,
    TextDelta,
)
from orchestra.tui.board import Board
from orchestra.tui.items import Prose
from orchestra.tui.joined import joined

NAMES = ("a", "b", "c")
PIECES = st.tuples(st.sampled_from(NAMES), st.sampled_from("TRTTE"), st.text("xy\n", max_size=3))


def told(pieces: list[tuple[str, str, str]]) -> list[Event]:
    events: list[Event] = []
    for name in NAMES:
        who = {"agent": name, "call": name}
        events.append(AgentStarted(**who, task=""))
        events.append(ModelStarted(**who, message_id=name, model="m"))
    for at, (name, kind, text) in enumerate(pieces, 1):
        which = {"agent": name, "call": name, "message_id": name, "t": float(at)}
        match kind:
            case "T":
                events.append(TextDelta(**which, text=text))
            case "R":
                events.append(ReasoningDelta(**which, text=text))
            case _:
                events.append(ModelAborted(**which, reason="error"))
    return events


def shown(events: list[Event]) -> list[object]:
    board = Board()
    for event in events:
        board.feed(event)
    for agent in board.agents.values():
        agent.settle()
    return [
        (agent.name, agent.lines, agent.characters, agent.meter.tokens, items)
        for agent in board.agents.values()
        for block in agent.blocks
        for items in [
            [
                (it.reasoning, it.void, it.lines) if isinstance(it, Prose) else it.text
                for it in block.items
            ]  # type: ignore[union-attr]
        ]
    ]


@given(st.lists(PIECES, max_size=30))
def test_nothing_that_is_shown_differs(pieces: list[tuple[str, str, str]]) -> None:
    events = told(pieces)
    assert shown([*joined(events)]) == shown(events)


def test_pieces_of_many_messages_in_turns_are_one_each() -> None:
    events = told([(name, "T", f"{at} ") for at in range(4) for name in NAMES])
    said = [it for it in joined(events) if isinstance(it, TextDelta)]
    assert [(it.agent, it.text, it.t) for it in said] == [
        ("a", "0 1 2 3 ", 1.0),
        ("b", "0 1 2 3 ", 2.0),
        ("c", "0 1 2 3 ", 3.0),
    ]

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tui_events import MARS, MOON, NEWSROOM, Tape, midway, newsroom

from orchestra.console.words import reason
from orchestra.events import (
    AgentFinished,
    Event,
    Internal,
    Interrupted,
    Member,
    ModelAborted,
    ModelFinished,
    ReasoningDelta,
    Resumed,
    RunFinished,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolFailed,
    ToolProgress,
    ToolStarted,
    TurnStarted,
    Usage,
    Warned,
)
from orchestra.tui import blocks, tools
from orchestra.tui.board import Board
from orchestra.tui.figures import count, duration, estimate
from orchestra.tui.items import LONG_LINE, Note, Prose, State, Tool
from orchestra.tui.outline import entries
from orchestra.tui.rows import title
from orchestra.tui.transcript import Transcript


def board(events: Iterable[Event]) -> Board:
    made = Board(NEWSROOM)
    for event in events:
        made.feed(event)
    return made


def shown(made: Board, agent: str, width: int = 60) -> list[str]:
    transcript = Transcript(made.agents[agent])
    transcript.sync(width)
    return [transcript.text(line).rstrip() for line in range(transcript.height)]


def said(made: Board, agent: str, block: int) -> str:
    made.agents[agent].settle()
    items = made.agents[agent].blocks[block].items
    return "".join(
        "\n".join(i.lines) for i in items if isinstance(i, Prose) and not i.reasoning and not i.void
    )


def test_parallel_calls_of_one_agent_do_not_mix() -> None:
    made = board(newsroom().events)
    assert [block.head for block in made.agents["researcher"].blocks] == ["#1 · moon", "#2 · mars"]
    assert said(made, "researcher", 0) == MOON
    assert said(made, "researcher", 1) == "Let me look.\n" + MARS


def test_a_whole_run_ends_with_everything_done() -> None:
    made = board(newsroom().events)
    assert made.state is State.DONE
    assert {agent.state for agent in made.agents.values()} == {State.DONE}
    assert all(not block.live for agent in made.agents.values() for block in agent.blocks)


def test_reasoning_stands_apart_and_a_tool_is_one_line() -> None:
    rows = shown(board(newsroom().events), "researcher")
    assert '✔ web_search(query: "distance to …) → Lunar distance: … 0.3s' in rows
    assert "┊ Perigee and apogee matter." in rows


def test_an_error_stands_open_below_its_tool() -> None:
    rows = shown(board(newsroom().events), "researcher")
    at = next(i for i, row in enumerate(rows) if row.startswith("✗ web_search"))
    assert rows[at + 1 : at + 3] == [
        "  HTTP 503: the search service is down",
        "  try again later",
    ]


def test_aborted_text_is_void_and_says_why() -> None:
    made = board(newsroom().events)
    first, note = made.agents["writer"].blocks[0].items[:2]
    assert isinstance(first, Prose)
    assert first.void
    assert isinstance(note, Note)
    assert note.text == "retry, again in 0.5 s: 429 too many"
    assert "Once" not in said(made, "writer", 0)


def test_what_is_tried_again_at_once_is_told_so() -> None:
    event = ModelAborted(message_id="a:1", reason="retry", error="slow", retry_in=0.0)
    assert tools.aborted(event) == "retry, again at once: slow"
    assert reason(event) == "void, asked again at once"


def test_arguments_are_shown_as_they_stream() -> None:
    tape = Tape()
    tape.begin()
    tape.call("editor")
    tape.add(
        ToolCallDelta(message_id="m", index=0, tool_call_id="c", name="search", args='{"q": "lo'),
        "editor",
    )
    made = board(tape.events)
    assert shown(made, "editor") == ['◌ search({"q": "lo']
    tape.add(ToolCallDelta(message_id="m", index=0, args='ng"}'), "editor")
    call = ToolCall(id="c", name="search", args={"q": "long"})
    tape.add(ModelFinished(message_id="m", tool_calls=(call,)), "editor")
    assert shown(board(tape.events), "editor") == ['◌ search(q: "long")']
    tape.add(ToolStarted(tool_call_id="c", name="search", args=call.args), "editor")
    tape.add(ToolProgress(tool_call_id=None, data="half"), "editor")
    made = board(tape.events)
    assert shown(made, "editor") == ['● search(q: "long") → half']
    assert made.agents["editor"].tool == "search"


def test_two_calls_at_one_index_are_two_lines() -> None:
    tape = Tape()
    tape.begin()
    for id_ in ("a", "b"):
        tape.add(ToolCallDelta(message_id="m", index=0, tool_call_id=id_, name=id_), "editor")
    assert len(board(tape.events).agents["editor"].blocks[0].items) == 2


def test_a_tool_that_is_tried_again_is_another_line() -> None:
    tape = Tape()
    tape.begin()
    call = ToolCall(id="c", name="search", args={})
    tape.fail("editor", call, "no")
    tape.tool("editor", call, "yes")
    items = board(tape.events).agents["editor"].blocks[0].items
    assert [item.state for item in items if isinstance(item, Tool)] == [State.FAILED, State.DONE]


def test_the_next_turn_of_a_call_is_a_new_block() -> None:
    tape = Tape()
    tape.begin()
    tape.call("editor", "hello")
    tape.done("editor")
    tape.add(TurnStarted(turn=2, input="more"))
    tape.call("editor", "more")
    heads = [block.head for block in board(tape.events).agents["editor"].blocks]
    assert heads == ["hello", "turn 2 · more"]


def test_figures_are_estimates_until_the_usage_comes() -> None:
    tape = Tape()
    tape.begin()
    tape.call("editor")
    for _ in range(100):
        tape.add(TextDelta(message_id="m", text="four"), "editor", wait=0.02)
    made = board(tape.events)
    meter = made.agents["editor"].meter
    assert (meter.tokens, meter.estimated) == (100, True)
    rate = meter.rate(tape.now)
    assert rate is not None
    assert rate == (pytest.approx(100 / 1.98), True)
    assert meter.seconds(5.0) == 5.0
    made.feed(
        ModelFinished(
            message_id="m", agent="editor", call="editor", duration=2.0, t=2.0,
            usage=Usage(input_tokens=7, output_tokens=90),
        )
    )  # fmt: skip
    assert (meter.tokens, meter.estimated, meter.rate(9.0)) == (90, False, (45.0, False))
    made.feed(AgentFinished(status="completed", agent="editor", call="editor", t=3.0))
    assert meter.seconds(99.0) == 3.0


def test_text_whose_usage_is_never_reported_stays_an_estimate() -> None:
    tape = Tape()
    tape.begin()
    tape.add(TextDelta(message_id="m", text="four" * 10), "editor")
    tape.add(ModelFinished(message_id="m"), "editor")
    meter = board(tape.events).agents["editor"].meter
    assert (meter.tokens, meter.estimated) == (10, True)
    assert estimate("你好") == 2


def test_what_nobody_announced_is_shown_all_the_same() -> None:
    made = Board()
    made.feed(TextDelta(message_id="m", text="hi", agent="ghost", call="a/ghost#3"))
    assert shown(made, "ghost")[-1] == "hi"
    made.feed(TextDelta(message_id="m", text="hi"))
    assert "?" in made.agents


def test_a_failed_agent_shows_its_error_and_a_cancelled_run_stops_what_is_open() -> None:
    made = board(midway())
    made.feed(
        AgentFinished(status="failed", error="boom", agent="researcher", call="editor/researcher#1")
    )
    assert "✗ boom" in shown(made, "researcher")
    made.feed(RunFinished(status="cancelled", error="stopped by hand"))
    states = [made.agents[name].state for name in ("editor", "researcher", "writer")]
    assert states == [State.STOPPED, State.STOPPED, State.WAIT]
    assert made.state is State.STOPPED
    tools = [i for i in made.agents["editor"].blocks[0].items if isinstance(i, Tool)]
    assert {tool.state for tool in tools} == {State.STOPPED}


def test_an_interrupt_is_a_question() -> None:
    made = board(midway())
    here = {"agent": "editor", "call": "editor"}
    made.feed(
        Interrupted(interrupt_id="i", request={"tool": "rm", "arguments": {"p": "x"}}, **here)
    )
    assert made.agents["editor"].state is State.ASK
    assert '! asks: rm(p: "x")' in shown(made, "editor")
    made.feed(Resumed(interrupt_id="i", decision={"type": "approve"}, **here))
    assert made.agents["editor"].state is State.RUN


def test_a_handoff_names_where_it_came_from() -> None:
    made = Board((Member(name="triage"), Member(name="billing", parents=("triage",))))
    made.feed(AgentFinished(status="handed_off", to="billing", agent="triage", call="m/triage#1"))
    made.feed(TextDelta(message_id="m", text="x", agent="billing", call="m/triage#1>billing"))
    assert "· handed over to billing" in shown(made, "triage")
    assert made.agents["billing"].blocks[0].caller == "triage#1"


def test_warnings_reach_the_main_agent_even_before_it_began() -> None:
    tape = Tape()
    tape.begin()
    tape.add(Warned(message="early"))
    tape.call("editor", "x")
    tape.add(Warned(message="late"))
    tape.add(Internal(source="summariser", text="never shown"), "editor")
    rows = shown(board(tape.events), "editor")
    assert rows[1:] == ["! early", "! late"]


def test_two_messages_of_one_call_at_once_keep_their_own_text() -> None:
    made = Board(NEWSROOM)
    for number in range(50):
        for message in ("a", "b"):
            made.feed(
                TextDelta(
                    message_id=message, text=f"{message}{number} ", agent="editor", call="editor"
                )
            )
    assert len(made.agents["editor"].blocks[0].items) == 2


def test_text_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_LINES", 100)
    made = Board(NEWSROOM)
    transcript = Transcript(made.agents["editor"])
    for number in range(2_000):
        made.feed(
            TextDelta(
                message_id=f"m{number // 500}", text=f"{number}\n", agent="editor", call="editor"
            )
        )
        if number % 7 == 0:
            transcript.sync(40)
    transcript.sync(40)
    rows = [transcript.text(line) for line in range(transcript.height)]
    assert 90 <= len(rows) <= 120
    assert rows[0] == "⋯ earlier text is no longer kept here"
    assert rows[-1] == "1999"
    again = Transcript(made.agents["editor"])
    again.sync(40)
    assert [again.text(line) for line in range(again.height)] == rows


def test_one_endless_line_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_CHARACTERS", 20_000)
    made = Board(NEWSROOM)
    for _ in range(30_000):
        made.feed(TextDelta(message_id="m", text="word ", agent="editor", call="editor"))
    agent = made.agents["editor"]
    agent.settle()
    assert agent.characters <= 20_000 * 1.1 + LONG_LINE
    (prose,) = agent.blocks[0].items
    assert isinstance(prose, Prose)
    assert sum(map(len, prose.lines)) <= 20_000 * 1.1 + LONG_LINE


def test_a_quiet_block_that_cannot_be_trimmed_does_not_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MAX_LINES", 10)
    made = Board(NEWSROOM)
    made.feed(ToolStarted(tool_call_id="t", name="slow", agent="editor", call="a/editor#1"))
    for number in range(100):
        made.feed(TextDelta(message_id="m", text=f"{number}\n", agent="editor", call="a/editor#2"))
    made.agents["editor"].settle()
    assert made.agents["editor"].lines <= 12


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["a", "b c", "\n", "中文", "x" * 30])),
        max_size=60,
    ),
    st.integers(4, 40),
)
def test_growing_blocks_show_the_same_as_whole_ones(
    steps: list[tuple[int, str]], width: int
) -> None:
    made = Board(NEWSROOM)
    growing = Transcript(made.agents["editor"])
    for call, text in steps:
        kind = ReasoningDelta if text == "b c" else TextDelta
        made.feed(kind(message_id=f"m{call}", text=text, agent="editor", call=f"x/editor#{call}"))
        growing.sync(width)
    whole = Transcript(made.agents["editor"])
    whole.sync(width)
    assert [growing.text(i) for i in range(growing.height)] == [
        whole.text(i) for i in range(whole.height)
    ]
    assert [growing.line_of(growing.place(i)) for i in range(growing.height)] == list(
        range(growing.height)
    )


def test_a_place_stays_with_its_text_when_the_width_changes() -> None:
    made = board(newsroom().events)
    transcript = Transcript(made.agents["writer"])
    transcript.sync(30)
    line = next(i for i in range(transcript.height) if "Apollo" in transcript.text(i))
    place = transcript.place(line)
    transcript.sync(80)
    assert "Apollo" in transcript.text(transcript.line_of(place))


def test_while_calls_run_in_parallel_each_keeps_a_share_of_the_pane() -> None:
    made = board(midway())
    transcript = Transcript(made.agents["researcher"])
    transcript.sync(40)
    rows = [transcript.text(line) for line in transcript.tail(10)]
    assert any(row.startswith("#1 · moon") for row in rows)
    assert any(row.startswith("#2 · mars") for row in rows)
    assert "- Apollo 11 took 76" in rows
    assert rows[-1] == "signal needs between 3 and 22 minutes."
    assert len(rows) == 10


def test_the_outline_lists_every_agent_once_even_in_a_ring() -> None:
    ring = (
        Member(name="a", parents=("a", "c")),
        Member(name="b", parents=("a",)),
        Member(name="c", parents=("b", "a")),
        Member(name="x", parents=("y",)),
        Member(name="y", parents=("x",)),
    )
    names = [entry.agent.name for entry in entries(Board(ring))]
    assert sorted(names) == ["a", "b", "c", "x", "y"]
    rows = [
        (e.lines, e.block.head if e.block else e.agent.title)
        for e in entries(board(newsroom().events))
    ]
    assert [e.task for e in entries(board(newsroom().events))][-2:] == [
        "#1 · write it up",
        "#1 · is it 1.28 s?",
    ]
    assert rows == [
        ("", "Editor"),
        ("├ ", "Researcher"),
        ("│   ", "#1 · moon"),
        ("│   ", "#2 · mars"),
        ("└ ", "Writer"),  # one call needs no row of its own
        ("  └ ", "Fact-checker"),
    ]


@pytest.mark.parametrize("width", [0, 1, 8, 20, 30, 45, 60, 100])
def test_the_title_row_is_as_wide_as_its_pane(width: int) -> None:
    made = board(midway())
    for agent in made.agents.values():
        assert sum(len(span.text) for span in title(agent, 3.0, width)) <= max(width, 7)


def test_a_call_waits_until_its_first_model_call_begins() -> None:
    """Of 64 calls and 8 places, 8 are at work: `max_concurrency` is seen."""
    tape = Tape()
    tape.begin((*NEWSROOM, Member(name="polish", kind="loop")))
    tape.call("editor", "go")
    made = board(tape.events)
    assert made.agents["editor"].state is State.WAIT
    tape.call("editor/researcher#1", "moon", "editor")
    tape.call("editor/polish#1", "it", "editor")
    made = board(tape.events)
    assert made.agents["editor"].state is State.RUN  # whoever has called somebody is at work
    assert made.agents["researcher"].state is State.WAIT
    assert made.agents["polish"].state is State.RUN  # it has no model to wait for
    shape = made.shape
    next(iter(tape.say("editor/researcher#1", "It is far.")))
    made.feed(tape.events[-1])
    assert made.agents["researcher"].state is State.RUN
    assert made.shape > shape  # the tree is drawn anew


def test_the_header_of_an_only_call_has_no_state_of_its_own() -> None:
    """The title row says it; the header of a first call does from when there is a second."""
    tape = Tape()
    tape.begin(NEWSROOM)
    tape.call("editor", "go")
    tape.call("editor/researcher#1", "moon", "editor")
    made = board(tape.events)
    lines = Transcript(made.agents["researcher"])
    lines.sync(40)
    assert lines.text(0).rstrip() == "#1 · moon"
    tape.call("editor/researcher#2", "mars", "editor")
    made.feed(tape.events[-1])
    lines.sync(40)
    assert lines.text(0) == f"{'#1 · moon':<34}◌ wait"
    assert [it for it in map(lines.text, range(lines.height)) if "mars" in it] == [
        f"{'#2 · mars':<34}◌ wait"
    ]


def test_in_a_title_row_the_name_goes_before_the_tool() -> None:
    """Where both had an ellipsis, the pane said neither whose it is nor what runs."""
    made = board(midway())
    agent = made.agents["editor"]
    agent.title = "Editor-in-chief"
    for width, tool in ((53, ""), (62, " researche…"), (90, " ")):
        row = "".join(span.text for span in title(agent, 3.0, width))
        assert f"Editor-in-chief {tool}" in row
        assert ("rese" in row) is bool(tool)
    assert "researcher +1" in row


def test_short_figures() -> None:
    assert [count(n) for n in (0, 999, 1_000, 9_949, 9_950, 123_456, 999_500)] == [
        "0", "999", "1.0k", "9.9k", "10k", "123k", "1.0M",
    ]  # fmt: skip
    assert [duration(s) for s in (0, 9.94, 9.96, 59.4, 59.6, 187, 3729)] == [
        "0.0s", "9.9s", "10s", "59s", "1:00", "3:07", "1:02:09",
    ]  # fmt: skip


def test_aborting_a_message_voids_its_reasoning_and_its_calls_too() -> None:
    tape = Tape()
    tape.begin()
    tape.add(ReasoningDelta(message_id="m", text="hm"), "editor")
    tape.add(TextDelta(message_id="m", text="no"), "editor")
    tape.add(ToolCallDelta(message_id="m", index=0, tool_call_id="c", name="rm"), "editor")
    tape.add(ModelAborted(message_id="m", reason="broken_stream"), "editor")
    items = board(tape.events).agents["editor"].blocks[0].items
    assert [getattr(item, "void", None) for item in items] == [True, True, True, None]


def test_an_error_that_passes_through_a_caller_stands_there_once() -> None:
    tape = Tape()
    tape.begin()
    tape.call("editor", "go")
    tape.add(ToolStarted(tool_call_id="t", name="researcher"), "editor")
    tape.call("editor/researcher#1", "tides", "editor")
    error = "editor/researcher#1: no reply is left"
    tape.add(AgentFinished(status="failed", error=error), "editor/researcher#1")
    tape.add(ToolFailed(tool_call_id="t", name="researcher", error=error), "editor")
    tape.add(AgentFinished(status="failed", error=error), "editor")
    tape.add(RunFinished(status="failed", error=error))
    made = board(tape.events)
    for agent in ("editor", "researcher"):
        assert " ".join(shown(made, agent, 200)).count("no reply is left") == 1


def test_the_line_of_a_call_says_which_one_it_is() -> None:
    tape = Tape()
    tape.begin()
    tape.call("editor", "go")
    for number in (1, 2):
        call = {"tool_call_id": f"to:editor/researcher#{number}", "name": "researcher"}
        tape.add(ToolStarted(**call, args={"query": "the same"}), "editor")
        tape.call(f"editor/researcher#{number}", "the same", "editor")
    tape.add(ToolStarted(tool_call_id="x", name="web_search", args={}), "editor")
    made = board(tape.events)
    tools = [it.name for it in made.agents["editor"].blocks[0].items if isinstance(it, Tool)]
    assert tools == ["researcher#1", "researcher#2", "web_search"]

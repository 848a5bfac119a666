"""Who worked when."""

from __future__ import annotations

from tui_events import Stage, Tape, midway, newsroom, staged

from orchestra.events import (
    Interrupted,
    Member,
    ModelFinished,
    ModelStarted,
    ToolFinished,
    ToolStarted,
)
from orchestra.tui.blocks import MAX_PHASES, Block, Phase
from orchestra.tui.board import Board


def rows(stage: Stage) -> list[str]:
    timeline = stage.app.split.timeline
    return [strip.text for strip in timeline.render_lines(timeline.size.region)]


def test_phases_follow_the_events() -> None:
    tape = Tape()
    tape.begin((Member(name="a"),))
    tape.call("a")
    start = tape.now
    steps = [
        ModelStarted(message_id="m", model="x"), ModelFinished(message_id="m", text=""),
        ToolStarted(tool_call_id="1", name="t", args={}), ToolStarted(tool_call_id="2", name="t", args={}),
        ToolFinished(tool_call_id="1", name="t", result=""), ToolFinished(tool_call_id="2", name="t", result=""),
        Interrupted(interrupt_id="i", request={"tool": "t", "args": {}, "decisions": []}),
    ]  # fmt: skip
    for step in steps:
        tape.add(step, "a", 1.0)
    board = Board()
    for event in tape.events:
        board.feed(event)
    (block,) = board.agents["a"].blocks
    times = [event.t for event in tape.events[-len(steps) :]]
    assert [block.phase_at(t) for t in times] == [
        Phase.MODEL, Phase.REST, Phase.TOOL, Phase.TOOL, Phase.TOOL, Phase.REST, Phase.ASK,
    ]  # fmt: skip
    assert block.phase_at(start) is Phase.REST


def test_phases_are_bounded() -> None:
    block = Block("a", "a", "", "", "", started=0.0)
    for n in range(10 * MAX_PHASES):
        block.turn_to(Phase.MODEL if n % 2 else Phase.TOOL, float(n))
    assert len(block.phases) <= MAX_PHASES
    assert block.phase_at(1e9) is Phase.MODEL
    assert block.phases == sorted(block.phases)


async def test_a_lane_for_each_call() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("T")
        shown = rows(stage)
        assert "timeline" in shown[0]
        assert "█ model" in shown[0]
        lanes = [row.split()[1] for row in shown[1:] if row.strip()]
        assert lanes == ["editor", "researcher#1", "researcher#2", "writer#1", "writer#1/checker#1"]
        assert "█" in shown[1]
        assert "▒" in shown[1]
        starts = [len(row) - len(row[34:].lstrip()) for row in shown[1:6]]
        assert starts[0] < starts[1] < starts[3] < starts[4]
        assert all(len(row) == 120 for row in shown)


async def test_it_is_hidden_again_and_costs_nothing_while_it_is() -> None:
    async with staged(midway(), (120, 40), hold=True) as stage:
        timeline = stage.app.split.timeline
        assert timeline._lanes == []
        await stage.press("T")
        assert timeline.display
        assert stage.app.focused is timeline
        await stage.press("T")
        assert not timeline.display
        assert stage.app.focused is stage.pane("editor")


async def test_keys_and_a_click_go_to_the_call() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("T", "up", "up", "enter")
        assert stage.deck.current == "researcher"
        shown = stage.pane("researcher").block_shown()
        assert shown is not None
        assert shown.call == "editor/researcher#2"
        await stage.pilot.click(stage.app.split.timeline, offset=(5, 4))
        await stage.settle()
        assert stage.deck.current == "writer"


async def test_many_calls_scroll() -> None:
    tape = Tape()
    tape.begin((Member(name="a"), Member(name="b", parents=("a",))))
    tape.call("a")
    for n in range(1, 60):
        tape.call(f"a/b#{n}", f"task {n}", "a")
    async with staged(
        tape.events, (80, 24), (Member(name="a"), Member(name="b")), hold=True
    ) as stage:
        await stage.press("T")
        assert "b#59" in "\n".join(rows(stage))
        await stage.press(*["up"] * 59)
        assert " a " in rows(stage)[1]
        await stage.press(*["down"] * 80)
        assert "b#59" in "\n".join(rows(stage))


async def test_it_fits_small_terminals() -> None:
    async with staged(midway(), (40, 14), hold=True) as stage:
        await stage.press("T")
        assert all(len(row) == 40 for row in rows(stage))


async def test_a_lane_says_by_whom_it_was_called_and_the_head_which_of_them_are_shown() -> None:
    tape = Tape()
    tape.begin()
    tape.call("editor", "go")
    for number in range(1, 11):
        tape.call(f"editor/writer#{number}", "", "editor")
        tape.call(f"editor/writer#{number}/checker#1", "", f"editor/writer#{number}")
    async with staged(tape.events, (120, 40), hold=True) as stage:
        await stage.press("T", "home")
        shown = rows(stage)
        assert "calls 1–9 of 21   0 – " in shown[0]
        assert [row.split()[1] for row in shown[1:4]] == [
            "editor",
            "writer#1",
            "writer#1/checker#1",
        ]
        await stage.press("pagedown")
        assert stage.app.split.timeline.cursor == 8
        await stage.press("end")
        assert "calls 13–21 of 21   0 – " in rows(stage)[0]
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("T")
        assert "calls" not in rows(stage)[0]


async def test_the_help_tells_its_keys_first_where_the_user_is_in_it() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("T", "question_mark")
        titles = [it.strip() for row in stage.screen if "In the " in (it := row[:70])]
        assert titles[0].endswith("In the timeline")

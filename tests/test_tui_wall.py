"""Many agents on one screen: the wall, the layouts, what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_events import Clock, FakeRun, Stage, Tape, settle, staged

from orchestra.events import AgentFinished, Event, Interrupted, Member, TextDelta, ToolStarted
from orchestra.tui.app import Viewer
from orchestra.tui.board import Board
from orchestra.tui.layout import CELL_HEIGHT, CELL_WIDTH, cells, has_wall, split
from orchestra.tui.wall import tail

SIZES = [(60, 20), (80, 24), (100, 30), (120, 40), (160, 50), (200, 50), (300, 80)]


def team(count: int) -> tuple[Member, ...]:
    lead = Member(name="lead")
    return lead, *(Member(name=f"w{n}", parents=("lead",)) for n in range(1, count))


def crowd(count: int, lines: int = 2) -> list[Event]:
    """A lead, and the others, who all speak."""
    tape = Tape()
    tape.begin(team(count))
    tape.call("lead", "go")
    for n in range(1, count):
        call = f"lead/w{n}#1"
        tape.call(call, "look", "lead")
        text = "".join(f"line {line} of {n}\n" for line in range(lines)) + "今天 😀 end"
        tape.add(TextDelta(message_id=f"m{n}", text=text), call)
    return tape.events


def texts(stage: Stage) -> str:
    wall = stage.deck.wall
    return "\n".join(strip.text for strip in wall.render_lines(wall.size.region))


# Where the cells lie.


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("count", [1, 2, 5, 17, 40, 64, 200])
def test_cells_cover_without_overlap(count: int, size: tuple[int, int]) -> None:
    width, height = size
    found = cells(count, width, height)
    assert 1 <= len(found) <= count
    taken = set()
    for cell in found:
        assert 0 <= cell.x <= cell.x + cell.width <= width
        assert 0 <= cell.y <= cell.y + cell.height <= height
        assert cell.height >= CELL_HEIGHT
        assert cell.width >= min(CELL_WIDTH, width)
        spots = {
            (x, y)
            for x in range(cell.x, cell.x + cell.width)
            for y in range(cell.y, cell.y + cell.height)
        }
        assert not taken & spots
        taken |= spots


def test_64_fit_where_there_is_room_for_64() -> None:
    _, wall = split(166, 48)
    assert len(cells(64, wall.width, wall.height)) == 64
    _, wall = split(92, 38)
    assert len(cells(64, wall.width, wall.height)) == 64


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_pane_and_the_wall_share_the_room(size: tuple[int, int]) -> None:
    pane, wall = split(*size)
    assert pane.width * pane.height + wall.width * wall.height == size[0] * size[1]
    assert has_wall(166, 48)
    assert not has_wall(20, 48)


# What a cell shows.


def test_the_newest_lines_of_who_is_at_work() -> None:
    board = Board(team(3))
    for event in crowd(3, lines=20):
        board.feed(event)
    rows = ["".join(span.text for span in row) for row in tail(board.agents["w1"], 30, 4)]
    assert rows == ["line 17 of 1", "line 18 of 1", "line 19 of 1", "今天 😀 end"]
    assert tail(board.agents["w1"], 1, 4) == []
    assert tail(board.agents["w1"], 30, 0) == []
    board.feed(
        ToolStarted(tool_call_id="t", name="search", args={"q": 1}, agent="w1", call="lead/w1#1")
    )
    rows = ["".join(span.text for span in row) for row in tail(board.agents["w1"], 12, 2)]
    assert rows[0].strip() == "今天 😀 end"
    assert rows[1].startswith("● search")


async def test_a_note_of_several_lines_takes_one_row_of_a_cell() -> None:
    events = crowd(40)
    failed = AgentFinished(
        status="failed", error="no page\n{\n  1\n}", agent="w3", call="lead/w3#1"
    )
    async with staged([*events, failed], (160, 50), team(40), hold=True) as stage:
        assert "no page { 1 }" in texts(stage)
        assert all(
            "\n" not in line.text
            for line in stage.deck.wall.render_lines(stage.deck.wall.size.region)
        )


def test_long_lines_are_wrapped_from_their_end() -> None:
    board = Board(team(2))
    for event in crowd(2, lines=0):
        board.feed(event)
    board.feed(
        TextDelta(message_id="m1", text=" " + "word " * 50 + "last", agent="w1", call="lead/w1#1")
    )
    rows = ["".join(span.text for span in row) for row in tail(board.agents["w1"], 11, 3)]
    assert len(rows) == 3
    assert rows[-1].rstrip().endswith("last")
    assert all(len(row) <= 11 for row in rows)


# On the screen.


async def test_more_than_fit_are_a_pane_and_the_wall() -> None:
    async with staged(crowd(40), (160, 50), team(40), hold=True) as stage:
        assert stage.deck.shaped == "wall"
        assert len(stage.deck.shown()) == 1
        shown = texts(stage)
        for n in (1, 20, 39):
            assert f"● w{n} " in shown
            assert f"line 1 of {n}" in shown
        widths = {len(strip) for strip in _strips(stage)}
        assert len(widths) == 1


def _strips(stage: Stage) -> list[str]:
    wall = stage.deck.wall
    return ["x" * strip.cell_length for strip in wall.render_lines(wall.size.region)]


async def test_few_are_a_grid() -> None:
    async with staged(crowd(4), (160, 50), team(4), hold=True) as stage:
        assert stage.deck.shaped == "grid"
        assert not stage.deck.wall.display


async def test_what_comes_is_shown_in_the_wall() -> None:
    async with staged(crowd(40), (160, 50), team(40), hold=True) as stage:
        new = TextDelta(message_id="m7", text="\nbrand new", agent="w7", call="lead/w7#1")
        stage.app.feed.events.append(new)
        await stage.settle()
        assert "brand new" in texts(stage)


async def test_moving_about_in_the_wall() -> None:
    async with staged(crowd(40), (160, 50), team(40), hold=True) as stage:
        assert stage.deck.current == "lead"
        await stage.press("l")
        assert stage.deck.current == "w1"
        await stage.press("j")
        below = stage.deck.current
        assert below not in ("w1", "lead")
        await stage.press("k")
        assert stage.deck.current == "w1"
        await stage.press("h", "tab")
        assert stage.deck.panes[stage.deck.current].display
        await stage.press("5")
        assert stage.deck.current == "w4"
        assert stage.text("w4")[0].startswith("▌● run     w4")


async def test_a_click_on_a_cell_shows_its_agent() -> None:
    async with staged(crowd(40), (160, 50), team(40), hold=True) as stage:
        wall = stage.deck.wall
        agent, cell = wall._cells[23]
        await stage.pilot.click(wall, offset=(cell.x + 2, cell.y + 1))
        await stage.settle()
        assert stage.deck.current == agent.name == "w23"


async def test_space_goes_through_the_layouts() -> None:
    async with staged(crowd(6), (160, 50), team(6), hold=True) as stage:
        seen = [stage.deck.shaped]
        for _ in range(3):
            await stage.press("space")
            seen.append(stage.deck.shaped)
        assert seen == ["grid", "wall", "one", "grid"]
        await stage.press("space", "z")
        assert stage.deck.shaped == "one"
        await stage.press("z")
        assert stage.deck.shaped == "wall"


async def test_where_there_is_no_room_there_is_no_wall() -> None:
    async with staged(crowd(40), (80, 24), team(40), hold=True) as stage:
        assert stage.deck.shaped == "one"
        await stage.pilot.resize_terminal(160, 50)
        await stage.settle()
        assert stage.deck.shaped == "wall"
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        assert stage.deck.shaped == "one"


async def test_agents_that_appear_make_a_grid_a_wall() -> None:
    async with staged(crowd(3), (160, 50), team(3), hold=True) as stage:
        assert stage.deck.shaped == "grid"
        for n in range(40):
            call = f"lead/new{n}#1"
            stage.app.feed.events.append(
                TextDelta(message_id=call, text="hi", agent=f"new{n}", call=call)
            )
        await stage.settle()
        assert stage.deck.shaped == "wall"
        assert "● new39" in texts(stage)


async def test_more_than_the_wall_holds() -> None:
    async with staged(crowd(400), (120, 40), team(400), hold=True) as stage:
        shown = texts(stage)
        assert " more " in shown
        stage.app.split.show_agent(stage.app.board.agents["w399"])
        await stage.settle()
        assert "w399" in texts(stage)


async def test_hide_and_show() -> None:
    async with staged(crowd(4), (160, 50), team(4), hold=True) as stage:
        stage.app.split.show_agent(stage.app.board.agents["w2"])
        await stage.press("v")
        assert [pane.agent.name for pane in stage.deck.shown()] == ["lead", "w1", "w3"]
        assert stage.deck.current == "w3"
        assert "w2 is hidden" in stage.screen[-1]
        await stage.press("V")
        assert len(stage.deck.shown()) == 4
        await stage.press("v", "v", "v", "v")
        assert len(stage.deck.shown()) == 1  # the last one stays


async def test_who_asks_or_is_chosen_in_the_tree_comes_back() -> None:
    async with staged(crowd(4), (160, 50), team(4), hold=True) as stage:
        for name in ("w1", "w2"):
            stage.app.split.show_agent(stage.app.board.agents[name])
            await stage.press("v")
        request = {"tool": "t", "args": {}, "decisions": ["approve"]}
        stage.app.feed.events.append(
            Interrupted(interrupt_id="i", request=request, agent="w1", call="lead/w1#1")
        )
        await stage.settle()
        assert "w1" in {pane.agent.name for pane in stage.deck.shown()}
        stage.app.split.show_agent(stage.app.board.agents["w2"])
        await stage.settle()
        assert len(stage.deck.shown()) == 4


@pytest.mark.parametrize("size", [(120, 40), (200, 50)], ids=lambda size: "x".join(map(str, size)))
def test_the_wall(snap_compare: Any, size: tuple[int, int]) -> None:
    events: Sequence[Event] = crowd(40)
    run, clock = FakeRun(events, hold=True), Clock()
    app = Viewer("A crowd", team(40), run, clock=clock)

    async def ready(pilot: Pilot[None]) -> None:
        await settle(app, pilot, run)
        clock.now += events[-1].t
        await pilot.press("l", "l")
        await settle(app, pilot, run)

    try:
        assert snap_compare(app, terminal_size=size, run_before=ready)
    finally:
        app.feed.stop()


async def test_the_edge_of_a_cell_says_who_is_in_focus_on_all_its_rows() -> None:
    async with staged(crowd(40), (200, 50), team(40), hold=True) as stage:
        await stage.press("l", "h", "l")
        wall = stage.app.split.deck.wall
        for agent, cell in wall._cells[:3]:
            rows = wall.render_lines(wall.size.region)[cell.y : cell.y + cell.height]
            edges = {strip.crop(cell.x, cell.x + 1).text for strip in rows}
            assert edges == ({"▌"} if agent.name == wall.current else {"▏"})


async def test_no_layout_is_announced_that_there_is_no_room_for() -> None:
    async with staged(crowd(6), (80, 24), team(6), hold=True) as stage:
        await stage.press("space")
        assert "room for one pane only" in stage.screen[-1]
        assert stage.deck.shape is None

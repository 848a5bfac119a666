"""Text selected with the mouse, tool calls opened, lines cut, times, sizes and jump letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from tui_events import Stage, Tape, midway, newsroom, staged

from orchestra.events import (
    AgentStarted,
    Event,
    Member,
    TextDelta,
    ToolCall,
    ToolFailed,
    ToolFinished,
    ToolStarted,
)
from orchestra.tui.items import Tool
from orchestra.tui.jump import LETTERS, Jump, labels
from orchestra.tui.layout import grid, split
from orchestra.tui.pane import Pane

LONG = "The moon pulls harder on the near side of the earth than on its centre, and so the sea "


def talk(*texts: str, tools: bool = False) -> list[Event]:
    """One agent that says these texts, a message each."""
    tape = Tape()
    tape.begin((Member(name="a"),))
    tape.add(AgentStarted(agent="a", call="a", task="talk"))
    for number, text in enumerate(texts):
        tape.add(TextDelta(agent="a", call="a", message_id=f"m{number}", text=text))
    if tools:
        args = {"topic": "tides", "words": "many words " * 12}
        who: dict[str, Any] = {"agent": "a", "call": "a", "tool_call_id": "t1", "name": "look"}
        tape.add(ToolStarted(**who, args=args))
        tape.add(ToolFinished(**who, result="first line\nsecond line\n" + "and more " * 20))
    return tape.events


def alone(events: Sequence[Event], size: tuple[int, int], **run: Any) -> Any:
    return staged(events, size, (Member(name="a"),), **run)


async def drag(stage: Stage, pane: Widget, start: tuple[int, int], end: tuple[int, int]) -> None:
    await stage.pilot.mouse_down(pane, offset=start)
    await stage.pilot.hover(pane, offset=end)
    await stage.pilot.mouse_up(pane, offset=end)
    await stage.settle()


def reversed_in(pane: Pane) -> str:
    """What is painted as selected."""
    strips = pane.render_lines(pane.size.region)
    return "".join(s.text for strip in strips for s in strip if s.style and s.style.reverse)


async def copied(stage: Stage) -> str:
    await stage.press("c")
    return stage.app.clipboard


async def test_a_drag_selects_over_rows_and_c_copies_it_unwrapped() -> None:
    async with alone(talk(LONG * 3), (60, 20)) as stage:
        pane = stage.pane("a")
        row = next(n for n, text in enumerate(stage.text("a")) if "The moon" in text)
        await drag(stage, pane, (6, row), (11, row + 2))
        chosen = pane.selected()
        assert chosen in LONG * 3  # no break, and no edge of the pane
        assert chosen.startswith("moon pulls")
        assert reversed_in(pane).replace(" ", "") == chosen.replace(" ", "")
        assert await copied(stage) == chosen
        assert "the selection" in stage.screen[-1]
        await stage.press("escape")
        assert pane.selected() == ""
        assert reversed_in(pane) == ""
        assert (await copied(stage)).startswith("The moon")  # the message, as ever


async def test_it_may_be_dragged_upwards_and_over_several_texts() -> None:
    async with alone(talk("first\n\nsecond", "third"), (60, 20)) as stage:
        pane = stage.pane("a")
        rows = stage.text("a")
        top = next(n for n, text in enumerate(rows) if "first" in text)
        end = next(n for n, text in enumerate(rows) if "third" in text)
        await drag(stage, pane, (20, end), (2, top))
        assert pane.selected() == "first\n\nsecond\nthird"


async def test_it_stays_with_its_text_while_more_comes() -> None:
    events = talk("one two three\n", "four\n" * 40)
    async with alone(events[:-1], (60, 12), hold=True) as stage:
        pane = stage.pane("a")
        row = next(n for n, text in enumerate(stage.text("a")) if "one two" in text)
        await drag(stage, pane, (6, row), (8, row))
        assert pane.selected() == "two"
        stage.app.board.feed(events[-1])
        await stage.settle()
        assert pane.selected() == "two"
        assert reversed_in(pane) == ""  # it has scrolled away, and is still what c copies
        assert await copied(stage) == "two"


async def test_wide_characters_are_selected_whole() -> None:
    async with alone(talk("火星の👩‍🚀 été"), (60, 20)) as stage:
        pane = stage.pane("a")
        row = next(n for n, text in enumerate(stage.text("a")) if "火星" in text)
        await drag(stage, pane, (3, row), (5, row))  # from the second half of one
        assert pane.selected() == "火星"
        await drag(stage, pane, (8, row), (9, row))
        assert pane.selected() == "👩‍🚀"


async def test_twice_a_word_and_three_times_a_line() -> None:
    async with alone(talk(LONG), (60, 20)) as stage:
        pane = stage.pane("a")
        row = next(n for n, text in enumerate(stage.text("a")) if "The moon" in text)
        await stage.pilot.click(pane, offset=(7, row), times=2)
        assert pane.selected() == "moon"
        await stage.pilot.click(pane, offset=(7, row), times=3)
        assert pane.selected() == LONG.rstrip()


async def test_beyond_the_edge_it_scrolls() -> None:
    async with alone(talk("\n".join(map(str, range(100)))), (60, 12)) as stage:
        pane = stage.pane("a")
        await stage.pilot.mouse_down(pane, offset=(4, 3))
        for _ in range(20):
            await stage.pilot.hover(stage.app.split.header)
            await stage.pilot.hover(pane, offset=(2, 0))
        await stage.pilot.mouse_up(pane, offset=(2, 0))
        assert len(pane.selected().split("\n")) > 12
        assert not pane.following


# Tool calls


async def test_a_click_opens_a_tool_call_and_f_all_of_them() -> None:
    async with alone(talk("Well.", tools=True), (70, 30)) as stage:
        pane = stage.pane("a")
        assert not any("second line" in row and "first line" not in row for row in stage.text("a"))
        row = next(n for n, text in enumerate(stage.text("a")) if "look(" in text)
        await stage.pilot.click(pane, offset=(8, row))
        await stage.settle()
        opened = "\n".join(stage.text("a"))
        assert "→ first line" in opened
        assert opened.replace("\n", " ").count("many words") >= 10
        await stage.press("f")
        assert "→ first line\n" not in "\n".join(stage.text("a"))
        await stage.press("f")
        assert "\n".join(stage.text("a")) == opened


async def test_errors_stand_open() -> None:
    tape = Tape()
    tape.begin((Member(name="a"),))
    tape.add(AgentStarted(agent="a", call="a"))
    who: dict[str, Any] = {"agent": "a", "call": "a", "tool_call_id": "t1", "name": "look"}
    tape.add(ToolStarted(**who, args={}))
    tape.add(ToolFailed(**who, error="no such page"))
    async with alone(tape.events, (70, 20)) as stage:
        assert any("no such page" in row for row in stage.text("a"))


def test_a_call_that_asks_for_nothing_opens_to_nothing_more() -> None:
    from orchestra.tui.rows import tool_rows

    tool = Tool("1", "look", open=True, streaming=False)
    assert len(tool_rows(tool, 40)) == 1
    assert ToolCall(id="1", name="look", args={}).name == tool.name


# Lines


async def test_w_cuts_long_lines_and_wraps_them_again_in_place() -> None:
    async with alone(talk(LONG * 4 + "\nend"), (60, 30)) as stage:
        wrapped = stage.text("a")
        await stage.press("w")
        cut = stage.text("a")
        assert sum("moon" in row for row in cut) == 1
        assert next(row for row in cut if "moon" in row).rstrip().endswith("…")
        assert "lines are cut" in stage.screen[-1]
        await stage.press("w")
        assert stage.text("a") == wrapped


async def test_a_line_as_wide_as_the_pane_is_not_cut() -> None:
    async with alone(talk("x" * 10), (60, 20)) as stage:
        width = stage.pane("a").room
    async with alone(talk("x" * width, "y" * (width + 1)), (60, 20)) as stage:
        await stage.press("w")
        rows = [row.strip("▌▏ ") for row in stage.text("a")]
        assert "x" * width in rows
        assert "y" * (width - 1) + "…" in rows


async def test_t_shows_when_each_item_began() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        before = stage.text("editor")
        await stage.press("t")
        timed = [row for row in stage.text("editor")[1:] if row[2:9].strip()]
        items = [it for b in stage.app.board.agents["editor"].blocks for it in b.items]
        assert len(timed) == len(items)
        await stage.press("t")
        assert stage.text("editor") == before


# Room


def test_a_larger_pane_takes_from_its_neighbours() -> None:
    even, sized = grid(4, 100, 40), grid(4, 100, 40, [1, 1, 2, 1])
    assert sized[2].width > even[2].width
    assert sized[2].height > even[2].height
    assert sum(cell.width * cell.height for cell in sized) == 100 * 40
    assert split(200, 50, 2)[0].width > split(200, 50)[0].width
    for size in (0.1, 10):
        left, right = split(130, 50, size)
        assert left.width + right.width == 130
        assert min(left.width, right.width) >= 28


async def test_plus_minus_and_even() -> None:
    async with staged(midway(), (120, 40), hold=True) as stage:
        await stage.press("2")
        pane = stage.deck.panes[stage.deck.current]
        before = pane.size
        await stage.press("plus", "plus")
        assert pane.size.width * pane.size.height > before.width * before.height
        await stage.press("minus", "minus")
        assert pane.size == before
        await stage.press("minus")
        assert pane.size.width * pane.size.height < before.width * before.height
        await stage.press("equals_sign")
        assert pane.size == before
        await stage.press("z", "plus")
        assert "all the room" in stage.screen[-1]


def test_there_are_labels_for_all() -> None:
    assert labels(3) == ["a", "s", "d"]
    for count in (26, 27, 64, 600):
        found = labels(count)
        assert len(set(found)) == count
        assert len({len(it) for it in found}) == 1


async def test_a_jump_letter_goes_there_and_another_key_nowhere() -> None:
    async with staged(midway(), (120, 40), hold=True) as stage:
        here = stage.deck.current
        await stage.press("ctrl+o")
        assert isinstance(stage.app.screen, Jump)
        others = {
            label: agent.name
            for label, (agent, _) in stage.app.screen.places.items()
            if agent.name != here
        }
        label, name = others.popitem()
        await stage.press(label)
        assert stage.deck.current == name
        assert stage.app.screen is stage.app.split
        for key in ("escape", "1", LETTERS[-1]):
            await stage.press("ctrl+o", key)
            assert stage.deck.current == name
            assert stage.app.screen is stage.app.split


async def test_it_jumps_on_the_wall_as_well() -> None:
    tape = Tape()
    tape.begin(tuple(Member(name=f"a{n}") for n in range(40)))
    for number in range(40):
        tape.add(AgentStarted(agent=f"a{number}", call=f"a{number}"))
    async with staged(tape.events, (200, 50), ()) as stage:
        await stage.press("ctrl+o")
        screen = stage.app.screen
        assert isinstance(screen, Jump)
        names = [agent.name for agent, _ in screen.places.values()]
        assert {*names} >= {f"a{n}" for n in range(40)}
        assert len({*names}) == len(names)
        label = next(it for it, (agent, _) in screen.places.items() if agent.name == "a33")
        await stage.press(*label)
        assert stage.deck.current == "a33"


@pytest.mark.parametrize("theme", ["textual-dark", "contrast", "ansi-dark"])
def test_how_it_looks(snap_compare: Any, theme: str) -> None:
    from tui_events import NEWSROOM, Clock, FakeRun, settle

    from orchestra.tui.app import Viewer

    run, clock = FakeRun(newsroom().events), Clock()
    app = Viewer("How far is far?", NEWSROOM, run, clock=clock)

    async def ready(pilot: Pilot[None]) -> None:
        await settle(app, pilot, run)
        clock.now += newsroom().events[-1].t
        app.theme = theme
        pane = app.split.deck.panes["researcher"]
        app.split.show_agent(app.board.agents["researcher"])
        await pilot.press("t", "f")
        await settle(app, pilot, run)
        await pilot.mouse_down(pane, offset=(12, 3))
        await pilot.hover(pane, offset=(20, 5))
        await pilot.mouse_up(pane, offset=(20, 5))
        app.split.footer.say("")
        await settle(app, pilot, run)

    try:
        assert snap_compare(app, terminal_size=(120, 40), run_before=ready)
    finally:
        assert app.feed.stop(10)

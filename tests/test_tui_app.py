from __future__ import annotations

import asyncio
import threading

import pytest
from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Static
from tui_events import (
    MARS,
    NEWSROOM,
    Clock,
    FakeRun,
    Stage,
    Tape,
    midway,
    newsroom,
    settle,
    staged,
)

from orchestra.errors import UsageError
from orchestra.events import Interrupted, Member, TextDelta
from orchestra.tui.app import Viewer
from orchestra.tui.help import Help
from orchestra.tui.items import State
from orchestra.tui.outline import Outline
from orchestra.tui.pane import Pane
from orchestra.tui.replay import Replay
from orchestra.tui.screen import Split

SIZES = [(80, 24), (120, 40), (200, 50)]


def essay(lines: int = 200) -> Tape:
    tape = Tape()
    tape.begin()
    tape.call("editor", "an essay")
    for number in range(lines):
        tape.add(TextDelta(message_id="m", text=f"line {number}\n"), "editor", 0.01)
    return tape


async def test_the_first_frame_comes_before_the_source_is_called() -> None:
    frames: list[list[str]] = []

    class Late(FakeRun):
        def __call__(self) -> FakeRun:
            frames.append(stage_screen())
            return super().__call__()

    run = Late(midway(), hold=True)
    app = Viewer("How far is far?", NEWSROOM, run, clock=Clock())

    def stage_screen() -> list[str]:
        return [strip.text for strip in app.screen._compositor.render_strips(app.size)]

    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
    assert app.feed.stop()
    assert run.called == 1
    assert "Fact-checker" in "\n".join(frames[0])
    assert "◌ wait" in frames[0][0]


async def test_every_agent_streams_in_its_own_pane() -> None:
    async with staged(midway(), hold=True) as stage:
        assert [pane.agent.name for pane in stage.deck.shown()] == [m.name for m in NEWSROOM]
        editor, researcher = "\n".join(stage.text("editor")), "\n".join(stage.text("researcher"))
        assert "I will ask for two notes first." in editor
        assert '● researcher(task: "moon")' in editor
        assert "- Apollo 11 took 76" in researcher
        assert "✗ web_search" in researcher
        assert stage.text("writer")[0].startswith("▏◌ wait")
        assert stage.text("editor")[0].startswith("▌● run")


async def test_figures_follow_the_clock_and_stop_with_the_run() -> None:
    async with staged(midway(), hold=True) as stage:
        stage.clock.now += 100
        stage.app.split.refresh_figures(stage.app.now)
        assert "1:40" in stage.screen[0]
        assert "1:40" in stage.text("editor")[0]
    async with staged(newsroom().events) as stage:
        stage.clock.now += 100
        stage.app.split.refresh_figures(stage.app.now)
        assert stage.screen[0].rstrip().endswith("4.9s")


async def test_tab_and_numbers_and_hjkl_move_the_focus() -> None:
    async with staged(midway(), hold=True) as stage:

        def focus() -> str:
            focused = stage.app.focused
            return focused.id or stage.deck.current if focused else ""

        visited = []
        for key in ("tab", "tab", "tab", "tab", "tab", "shift+tab", "4", "k", "h", "h", "l"):
            await stage.press(key)
            visited.append(focus())
        assert visited == [
            "researcher", "writer", "checker", "tree", "editor", "tree",
            "checker", "researcher", "editor", "tree", "editor",
        ]  # fmt: skip
        await stage.press("9")
        assert focus() == "editor"


async def test_zoom_shows_one_pane_and_gives_the_others_back() -> None:
    async with staged(midway(), hold=True) as stage:
        await stage.press("2", "z")
        assert [pane.agent.name for pane in stage.deck.shown()] == ["researcher"]
        assert stage.pane("researcher").size == stage.deck.size
        await stage.press("j")
        assert [pane.agent.name for pane in stage.deck.shown()] == ["writer"]
        await stage.press("z")
        assert len(stage.deck.shown()) == 4


async def test_the_tree_can_be_hidden_and_lists_calls() -> None:
    async with staged(midway(), hold=True) as stage:
        outline = stage.app.split.outline
        rows = [strip.text.rstrip() for strip in outline.render_lines(outline.size.region)]
        assert rows[0] == " ● Editor               run"
        assert rows[2] == " │   ● #1 moon          run"
        width = stage.deck.size.width
        await stage.press("b")
        assert not outline.display
        assert stage.deck.size.width > width


def deep(many: int = 2) -> Tape:
    """Writers, each with a checker of its own."""
    tape = Tape()
    tape.begin()
    tape.call("editor", "go")
    for number in range(1, many + 1):
        tape.call(f"editor/writer#{number}", "write", "editor")
        tape.call(f"editor/writer#{number}/checker#1", "check", f"editor/writer#{number}")
    return tape


def tree(stage: Stage) -> list[str]:
    outline = stage.app.split.outline
    found = [strip.text.rstrip() for strip in outline.render_lines(outline.size.region)]
    return [it for it in found if it]


async def test_calls_of_one_agent_by_several_others_are_told_apart_in_the_tree() -> None:
    async with staged(deep().events, hold=True) as stage:
        assert tree(stage)[-2:] == [
            "       ◌ writer#1/#1 … wait",
            "       ◌ writer#2/#1 … wait",
        ]


async def test_in_the_tree_a_name_goes_before_the_word_of_its_state() -> None:
    team = (Member(name="a", title="A name of 17 col."), Member(name="b", title="B" * 30))
    async with staged([], (80, 24), team, hold=True) as stage:
        assert tree(stage)[:2] == [" ◌ A name of 17 col.", f" ◌ {'B' * 14}… wait"]


async def test_so_are_those_of_calls_that_are_numbered_alike() -> None:
    tape = Tape()
    team = (
        Member(name="a"), *(Member(name=b, parents=(a,)) for a, b in ("ab", "bc", "cd"))
    )  # fmt: skip
    tape.begin(team)
    tape.call("a", "go")
    for path in ("a/b#1", "a/b#1/c#1", "a/b#2", "a/b#2/c#1", "a/b#1/c#1/d#1", "a/b#2/c#1/d#1"):
        tape.call(path, "do", path.rpartition("/")[0])
    async with staged(tape.events, (200, 50), team, hold=True) as stage:
        assert [it.strip(" │●◌├└").split()[0] for it in tree(stage)] == [
            "a", "b", "#1", "#2", "c", "b#1/#1", "b#2/#1", "d", "#1.1.1", "#2.1.1",
        ]  # fmt: skip
        assert "from b#2/c#1" in "\n".join(stage.text("d"))


async def test_the_tree_says_how_much_is_beyond_its_edges() -> None:
    tape = deep(20)
    asks = Interrupted(
        interrupt_id="i", request={"tool": "t", "args": {}, "decisions": ["approve"]}
    )
    tape.add(asks, "editor/writer#20/checker#1")
    async with staged(tape.events, size=(120, 24), hold=True) as stage:
        outline, rows = stage.app.split.outline, len(stage.app.split.outline.entries)
        more = rows - outline.size.height
        assert tree(stage)[-1].endswith(f" ↓ {more}, 1 ask")
        at = (outline.size.width - 3, outline.size.height - 1)
        await stage.pilot.click(outline, offset=at)
        assert tree(stage)[0].endswith(f" ↑ {outline.size.height - 1} more")
        await stage.pilot.click(outline, offset=at)
        assert "↓" not in tree(stage)[-1]
        assert tree(stage)[0].endswith(f" ↑ {more} more")
        await stage.pilot.click(outline, offset=(at[0], 0))
        assert tree(stage)[-1].endswith(", 1 ask")
        assert stage.deck.current == "editor"  # no row was chosen


async def test_who_has_not_been_called_gets_little_room_until_it_is() -> None:
    tape = deep(1)
    called = len(tape.events)
    tape.call("editor/researcher#1", "dig", "editor")
    app = Viewer("t", NEWSROOM, Replay(tape.events), clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        for at, height in ((called, 3), (len(tape.events), 18), (called, 3)):
            app._moved(back=app.replay.go_to(at))
            app.tick()
            await pilot.pause()
            panes = {pane.agent.name: pane.size.height for pane in app.split.deck.shown()}
            assert panes["researcher"] == height
        app.split.deck.current = "researcher"
        await pilot.press("plus")
        assert app.split.deck.panes["researcher"].size.height > 3


async def test_choosing_a_call_in_the_tree_scrolls_to_its_block() -> None:
    async with staged(newsroom().events, size=(120, 20)) as stage:
        await stage.press("h", "down", "down", "enter")
        assert stage.deck.current == "researcher"
        assert stage.text("researcher")[1].startswith("▌ #1 · moon")
        await stage.pilot.click(stage.app.split.outline, offset=(6, 4))
        await stage.settle()
        assert stage.deck.current == "writer"


async def test_scrolling_up_stops_following_and_counts_what_is_new() -> None:
    tape = essay()
    halfway, gate = threading.Event(), threading.Event()

    async def pause(event: object) -> None:
        if isinstance(event, TextDelta) and event.text == "line 100\n":
            halfway.set()
            await asyncio.to_thread(gate.wait, 10)

    run = FakeRun(tape.events, hold=True, before=pause)
    app = Viewer("x", NEWSROOM, run, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await asyncio.to_thread(halfway.wait, 10)
        while app.feed.events:
            app.tick()
        await pilot.pause()  # until the pane has the focus
        await pilot.press("up", "up")
        pane = app.split.deck.panes["editor"]
        above = [strip.text for strip in pane.render_lines(pane.size.region)]
        assert above[-1].rstrip().endswith("↓ 2 below")
        gate.set()
        await settle(app, pilot, run)
        rows = [strip.text for strip in pane.render_lines(pane.size.region)]
        assert rows[1:-1] == above[1:-1]
        assert rows[-1].rstrip().endswith("↓ 100 new")
        await pilot.press("end")
        await settle(app, pilot, run)
        rows = [strip.text.rstrip() for strip in pane.render_lines(pane.size.region)]
        assert rows[-1] == "▌ line 199"
    assert app.feed.stop()


async def test_scroll_keys() -> None:
    async with staged(essay().events, size=(120, 24), hold=True) as stage:
        pane = stage.pane("editor")

        def top() -> str:
            return stage.text("editor")[1].strip("▌ ").rstrip()

        end = top()
        await stage.press("pageup")
        assert not pane.following
        await stage.press("pagedown")
        assert pane.following
        assert top() == end
        await stage.press("home")
        assert top().startswith("an essay")
        await stage.press("down")
        assert top() == "line 0"
        await stage.press("s")
        assert top() == end
        await stage.pilot._post_mouse_events([events.MouseScrollUp], pane)
        assert not pane.following


async def test_a_resize_keeps_the_readers_place() -> None:
    async with staged(newsroom().events, size=(120, 20)) as stage:
        await stage.press("3", "home", "down", "down")
        before = stage.text("writer")[1]
        assert "retry" in before
        for size in ((200, 50), (60, 20), (120, 20)):
            await stage.pilot.resize_terminal(*size)
            await stage.settle()
        assert "retry" in stage.text("writer")[1]


@pytest.mark.parametrize("size", [(20, 6), (1, 1), (30, 8), (59, 12), (99, 30), (300, 100)])
async def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    async with staged(newsroom().events, size=size) as stage:
        assert {cell_len(row) for row in stage.screen} == {size[0]}
        await stage.press("tab", "z", "b", "r", "question_mark", "escape", "home", "end")
        await stage.pilot.resize_terminal(120, 40)
        await stage.settle()
        await stage.pilot.resize_terminal(*size)
        await stage.settle()


async def test_below_a_hundred_columns_there_is_one_pane_beside_the_list() -> None:
    async with staged(midway(), size=(80, 24), hold=True) as stage:
        assert [pane.agent.name for pane in stage.deck.shown()] == ["editor"]
        await stage.press("j")
        assert [pane.agent.name for pane in stage.deck.shown()] == ["researcher"]
        assert "- Apollo 11 took 76" in "\n".join(stage.text("researcher"))
        await stage.pilot.resize_terminal(50, 24)
        await stage.settle()
        outline = stage.app.split.outline
        assert outline.region.y == 1
        assert outline.size.width == 50


async def test_an_agent_that_was_not_in_the_team_gets_a_pane() -> None:
    tape = Tape()
    tape.begin(NEWSROOM[:1])
    tape.call("editor")
    tape.call("editor/ghost#1", "boo", "editor")
    tape.add(TextDelta(message_id="m", text="I was not announced"), "editor/ghost#1")
    async with staged(tape.events, team=NEWSROOM[:1], hold=True) as stage:
        assert [pane.agent.name for pane in stage.deck.shown()] == ["editor", "ghost"]
        assert "I was not announced" in "\n".join(stage.text("ghost"))


async def test_more_agents_than_fit_come_page_by_page() -> None:
    team = tuple(Member(name=f"a{n}", parents=("a0",) if n else ()) for n in range(64))
    tape = Tape()
    tape.begin(team)
    for member in team:
        tape.call(member.name)
        tape.add(TextDelta(message_id=member.name, text=f"I am {member.name}"), member.name)
    async with staged(tape.events, size=(200, 50), team=team, hold=True) as stage:
        await stage.press("space", "space")  # a grid, by choice
        assert len(stage.deck.shown()) == 16
        assert len(stage.deck.panes) == 16
        await stage.press("h", "h", "h", "h", "end", "enter")
        assert stage.deck.current == "a63"
        assert "I am a63" in "\n".join(stage.text("a63"))
        assert len(stage.deck.shown()) == 16
        await stage.press("tab", "tab")
        assert stage.deck.current == "a0"


async def test_help_opens_lists_the_keys_and_closes() -> None:
    async with staged(midway(), hold=True) as stage:
        for close in ("escape", "question_mark", "q"):
            await stage.press("question_mark")
            assert isinstance(stage.app.screen, Help)
            text = "\n".join(str(it.render()) for it in stage.app.screen.query(Static))
            assert "Cancel the run; once more quits" in text
            assert "Only this pane, and back" in text
            await stage.press(close)
            assert not isinstance(stage.app.screen, Help)


async def test_reasoning_folds() -> None:
    async with staged(midway(), hold=True) as stage:
        assert "Two distances are wanted" in "\n".join(stage.text("editor"))
        await stage.press("r")
        text = "\n".join(stage.text("editor"))
        assert "Two distances are wanted" not in text
        assert "reasoning, 1 line" in text
        await stage.press("r")
        assert "Two distances are wanted" in "\n".join(stage.text("editor"))


async def test_where_nothing_is_to_cancel_ctrl_c_quits() -> None:
    async with staged(newsroom().events) as stage:
        assert "cancel" not in stage.screen[-1]
        await stage.pilot.press("ctrl+c")
        assert stage.app._exit


async def test_ctrl_c_cancels_and_twice_quits() -> None:
    async with staged(midway(), hold=True) as stage:
        await stage.press("ctrl+c")
        assert stage.run.cancelled
        assert stage.app.board.state is State.STOPPED
        assert "■ stopped" in stage.screen[0]
        assert stage.app.is_running
        await stage.pilot.press("ctrl+c")
        assert stage.app._exit
    finished = stage.app.result()
    assert finished is not None
    assert finished.status == "cancelled"


async def test_q_quits_and_cancels_what_still_runs() -> None:
    async with staged(midway(), hold=True) as stage:
        await stage.pilot.press("q")
        assert stage.app._exit
    assert stage.run.cancelled
    assert stage.app.feed.over
    assert stage.app.result() is not None


async def test_it_stays_open_after_the_run() -> None:
    async with staged(newsroom().events) as stage:
        assert stage.app.is_running
        assert "✔ done" in stage.screen[0]
        assert "1.1k in  289 out" in stage.screen[0]


@pytest.mark.parametrize("error", [UsageError("nope: [/] is\nno file"), ZeroDivisionError("x")])
async def test_an_error_is_shown_in_full(error: Exception) -> None:
    async with staged(newsroom().events[:1], error=error) as stage:
        shown = "\n".join(stage.screen)
        assert "✗ failed" in stage.screen[0]
        for line in str(error).split("\n"):
            assert line in shown
        assert stage.app.feed.error is error
        await stage.pilot.resize_terminal(20, 6)
        await stage.settle()


async def test_a_hidden_pane_only_buffers() -> None:
    async with staged(newsroom().events, size=(80, 24)) as stage:
        assert set(stage.deck.panes) == {"editor"}
        await stage.press("2")
        assert MARS.split()[0] in "\n".join(stage.text("researcher"))


async def test_a_backlog_drains_without_a_widget_or_a_message_per_token() -> None:
    tape = Tape(pace=0.0)
    tape.begin()
    for path in ("editor", "editor/researcher#1", "editor/writer#1"):
        tape.call(path)
    for number in range(50_000):
        path = ("editor", "editor/researcher#1", "editor/writer#1")[number % 3]
        tape.add(TextDelta(message_id=path, text=f" {number}"), path)
    run = FakeRun(tape.events, hold=True)
    app = Viewer("x", NEWSROOM, run, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        before = len(list(app.query(Widget)))
        await asyncio.to_thread(run.played.wait, 30)
        ticks = 0
        while app.feed.events:
            app.tick()
            ticks += 1
        await settle(app, pilot, run)
        assert ticks < 500
        assert len(list(app.query(Widget))) == before
        assert app.message_queue_size < 50
        pane = app.split.deck.panes["writer"]
        assert "49997" in "".join(strip.text for strip in pane.render_lines(pane.size.region))
    assert app.feed.stop()


async def test_every_binding_has_an_id() -> None:
    for owner in (Viewer, Split, Pane, Outline, Help):
        for binding in owner.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.id


async def test_the_footer_names_keys_and_a_click_presses_them() -> None:
    async with staged(midway(), hold=True) as stage:
        foot = stage.screen[-1]
        assert foot.split()[:4] == ["?", "help", "q", "quit"]  # however narrow
        await stage.pilot.click(offset=(foot.index("zoom"), 39))
        await stage.settle()
        assert stage.deck.alone


async def test_themes_and_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    for theme in ("textual-light", "ansi-dark", "nord"):
        async with staged(midway(), hold=True) as stage:
            stage.app.theme = theme
            await stage.settle()
            assert "I will ask" in "\n".join(stage.text("editor"))
    monkeypatch.setenv("NO_COLOR", "1")
    async with staged(midway(), hold=True) as stage:
        pane = stage.pane("editor")
        for strip in pane.render_lines(pane.size.region):
            for segment in strip:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if color is not None and color.triplet is not None:
                        assert len(set(color.triplet)) == 1  # a grey


async def test_x_twice_calls_off_what_the_agent_does() -> None:
    async with staged(midway(), hold=True) as stage:
        stage.app.split.show_agent(stage.app.board.agents["researcher"])
        await stage.press("x")
        assert stage.run.asked == []
        assert "x again calls off" in stage.screen[-1]
        await stage.press("x")
        live = [it.call for it in stage.app.board.agents["researcher"].blocks if it.live]
        assert live
        assert stage.run.asked == [f"cancel {call}" for call in live]


async def test_x_pressed_for_another_or_long_ago_calls_off_nothing() -> None:
    async with staged(midway(), hold=True) as stage:
        for name in ("researcher", "writer", "researcher"):
            stage.app.split.show_agent(stage.app.board.agents[name])
            await stage.press("x")
        stage.clock.now += 10
        await stage.press("x")
        assert stage.run.asked == []
        assert "x again calls off" in stage.screen[-1]


async def test_x_on_the_main_agent_points_to_ctrl_c() -> None:
    async with staged(midway(), hold=True) as stage:
        stage.app.split.show_agent(stage.app.board.agents["editor"])
        await stage.press("x", "x")
        assert stage.run.asked == []
        assert "ctrl+c cancels it" in stage.screen[-1]


async def test_p_holds_the_run_and_lets_it_go_on() -> None:
    async with staged(midway(), hold=True) as stage:
        await stage.press("p")
        assert "⏸ paused" in stage.screen[0]
        await stage.press("p")
        assert "● run" in stage.screen[0]
        assert stage.run.asked == ["pause", "resume"]


async def test_what_is_over_cannot_be_held_or_called_off() -> None:
    async with staged(newsroom().events) as stage:
        await stage.press("p", "x", "x")
        assert stage.run.asked == []
        assert "paused" not in stage.screen[0]


@pytest.mark.parametrize("width", [40, 80])
async def test_help_loses_no_word_however_narrow_it_is(width: int) -> None:
    async with staged(newsroom().events, (width, 300)) as stage:
        await stage.press("question_mark")
        for _ in range(2):
            area = stage.app.screen.query_one("#keys").region
            rows = [row[area.x + 1 : area.right - 1] for row in stage.screen[area.y : area.bottom]]
            assert "esc closes" in rows[-1]  # in sight, wherever the keys are scrolled to
            shown = " ".join(" ".join(rows).split())
            assert "Nothing is selected (drag selects; twice a word, three times a line)" in shown
            assert "Find words in this pane; a capital letter makes case count" in shown
            await stage.pilot.resize_terminal(140 - width, 300)
            await stage.pilot.pause()
            assert stage.app.screen.query_one("#keys").has_focus  # so that the keys scroll it


async def test_who_was_not_called_says_so_and_what_it_is_for() -> None:
    about = "Checks each claim.\nTwice, if it must be.\x1b[2J"
    team = (
        Member(name="lead", title="Lead", tools=("checker",)),
        Member(name="checker", title="Checker", parents=("lead",), description=about),
    )
    tape = Tape()
    tape.begin(team)
    tape.call("lead", "go")
    async with staged(tape.events, (80, 24), team, hold=True) as stage:
        await stage.press("2")
        shown = " ".join(" ".join(row.strip("▌▏ ") for row in stage.text("checker")).split())
        assert "has not been called: Lead may do so Checks each claim. Twice, if it" in shown
        assert "\x1b" not in shown
        tape.call("lead/checker#1", "check it", "lead")
        stage.app.feed.events.append(tape.events[-1])
        await stage.settle()
        shown = " ".join(stage.text("checker"))
        assert "check it" in shown
        assert "has not been called" not in shown

"""What makes the viewer comfortable: themes, keys, the console, the bell, stillness, help."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from typing import Any

import pytest
from rich.cells import cell_len
from terminal import Spawn
from test_tui_approval import Asking, waiting
from textual.color import Color
from textual.command import CommandList
from textual.pilot import Pilot
from tui_events import NEWSROOM, Clock, FakeRun, Stage, midway, newsroom, settle

from orchestra.errors import UsageError
from orchestra.events import Event
from orchestra.settings import load_settings
from orchestra.tui.app import Viewer
from orchestra.tui.attention import Attention
from orchestra.tui.canvas import LOOKS
from orchestra.tui.comfort import Comfort
from orchestra.tui.console import Stray
from orchestra.tui.help import words_of
from orchestra.tui.keymap import Keymap
from orchestra.tui.prompt import GRACE


def viewer(run: FakeRun, comfort: Comfort | None = None, **more: Any) -> Viewer:
    return Viewer("How far is far?", NEWSROOM, run, clock=Clock(), comfort=comfort, **more)


@pytest.mark.parametrize(
    ("word", "theme"),
    [
        ("dark", "textual-dark"),
        ("light", "textual-light"),
        ("ansi", "ansi-dark"),
        ("contrast", "contrast"),
        ("nord", "nord"),
    ],
)
def test_a_theme_from_the_settings(word: str, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_THEME", word)
    assert viewer(FakeRun([]), Comfort.of(load_settings())).theme == theme


def test_no_such_theme() -> None:
    with pytest.raises(UsageError, match="no theme 'contrsat'; did you mean 'contrast'"):
        viewer(FakeRun([]), Comfort(theme="contrsat"))


def _light(color: Color) -> float:
    parts = [
        it / 12.92 if it <= 0.03928 else ((it + 0.055) / 1.055) ** 2.4 for it in color.normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


async def test_high_contrast_has_nothing_faint() -> None:
    run = FakeRun(midway(), hold=True)
    app = viewer(run)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        app.theme = "contrast"  # as the palette does
        await pilot.pause()
        pane = app.split.deck.panes["editor"]
        for ground in ("ground", "bar-row", "bar-row-focus"):
            for look in set(LOOKS) - {"edge", "edge-focus", "chip"}:
                style = pane._style(look, ground)
                assert style.color is not None
                assert style.bgcolor is not None
                assert style.color.triplet is not None
                assert style.bgcolor.triplet is not None
                ink, paper = (
                    _light(Color(*it)) for it in (style.color.triplet, style.bgcolor.triplet)
                )
                ratio = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
                assert ratio >= 7, (look, ground, ratio)
        app.theme = "textual-dark"
        await pilot.pause()
        faint, ground = pane._style("reasoning", "ground"), app.current_theme.foreground
        assert faint.color
        assert faint.color.name != ground
    assert app.feed.stop(10)


async def test_another_theme_repaints_what_is_there() -> None:
    run = FakeRun(midway(), hold=True)
    app = viewer(run)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        pane = app.split.deck.panes["editor"]
        kinds = []
        for theme in ("textual-dark", "textual-light"):
            app.theme = theme
            await pilot.pause()
            # "text" has the theme's own colour of letters, whatever was painted before.
            text = pane._style("text", "ground")
            drawn = {it.style for strip in pane.render_lines(pane.size.region) for it in strip}
            kinds.append((text, drawn))
        (dark, at_first), (light, then) = kinds
        assert dark in at_first
        assert light in then
        assert dark not in then
    assert app.feed.stop(10)


async def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = FakeRun(midway(), hold=True)
    app = viewer(run, Comfort(theme="contrast"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        pane = app.split.deck.panes["editor"]
        for strip in pane.render_lines(pane.size.region):
            for segment in strip:
                color = segment.style and segment.style.color
                assert not color or not color.triplet or len(set(color.triplet)) == 1
        assert "● run" in Stage(app, pilot, run, Clock()).screen[0]
    assert app.feed.stop(10)


def test_keys_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_KEYS", "view.zoom=f2  app.quit=ctrl+q,Q")
    comfort = Comfort.of(load_settings())
    assert comfort.keys == {"view.zoom": "f2", "app.quit": "ctrl+q,Q"}
    for wrong, told in [("view.zoom", "says no key"), ("a=b a=c", "twice")]:
        monkeypatch.setenv("ORCHESTRA_KEYS", wrong)
        with pytest.raises(UsageError, match=f"ORCHESTRA_KEYS.*{told}"):
            load_settings()


async def test_keys_can_be_remapped_and_the_help_shows_them() -> None:
    run = FakeRun(midway(), hold=True)
    app = viewer(run, Comfort(keys={"view.zoom": "f2", "view.tree": "z", "app.help": "f1,?"}))
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(app, pilot, run)
        await pilot.press("f2")
        assert app.split.deck.alone
        await pilot.press("z")
        assert app.split.deck.alone
        assert not app.split.tree_wanted
        await pilot.press("b")
        assert not app.split.tree_wanted
        await pilot.press("f1")
        text = "\n".join(s.text for s in app.screen._compositor.render_strips(app.size))
        assert "f2              Only this pane" in text
        assert "z               Show or hide the tree" in text
        assert "f1 ?            This help" in text
    assert app.feed.stop(10)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"view.zom": "f2"}, "no binding 'view.zom'; did you mean 'view.zoom'?"),
        ({"view.zoom": "f99"}, "no key 'f99'"),
        ({"view.zoom": "hom"}, "no key 'hom'; did you mean 'home'?"),
        ({"view.zoom": "strg+x"}, "'strg' is no ctrl, shift, alt or super"),
        ({"view.zoom": "b"}, "'b' is view.tree already"),
        ({"view.zoom": "up"}, "'up' is pane.up already"),
        ({"pane.up": "ctrl+c"}, "'ctrl+c' is app.cancel already"),
        ({"view.zoom": "ctrl+p"}, "'ctrl+p' is the palette already"),
        ({"app.cancel": "x"}, "'x' is a letter that people type there"),
        ({"app.cancel": "-"}, "'minus' is a letter that people type there"),
        ({"view.zoom": "x", "view.tree": "x"}, "'x' is"),
        ({"view.wrap": "z"}, "'z' is view.zoom already"),
        ({"text.copy": "i"}, "'i' is prompt.reply already"),
        ({"run.again": "p"}, "'p' is run.pause already"),
    ],
)
def test_wrong_keys_are_told(keys: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match="ORCHESTRA_KEYS: ") as error:
        viewer(FakeRun([]), Comfort(keys=keys))
    assert told in str(error.value)


async def test_a_letter_is_no_command_while_someone_types() -> None:
    run = Asking(waiting().events, hold=True)
    app = viewer(run, Comfort(keys={"focus.next": "y"}), questions=run.questions)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        app.clock.now += GRACE  # type: ignore[attr-defined]
        await pilot.press("i")
        assert app.focused is app.split.prompt
        told = {what for _, _, what in app.split.footer._keys}
        assert "cancel" in told
        assert not told & {"find", "zoom", "help"}  # each is on what is text here
        await pilot.press("y", "o")
        assert app.split.prompt.value == "yo"
        await pilot.press("escape", "y")
        assert app.focused is not app.split.prompt
    assert app.feed.stop(10)


def test_one_of_two_on_a_key_moves_alone() -> None:
    assert Keymap({"prompt.finish": "f4"}).fit(typing=False) == {
        "prompt.finish": "f4",
        "prompt.pass": "ctrl+d",
    }


async def test_what_is_printed_stands_in_the_console() -> None:
    before, looked_at = (sys.stdout, sys.stderr), threading.Event()

    async def noisy(event: Event) -> None:
        if event.seq == 1:
            await asyncio.to_thread(looked_at.wait, 10)
            print("from a tool \x1b]0;owned\x07", "of two\nlines")
            handler = logging.StreamHandler()  # as basicConfig() in a tool makes it
            handler.emit(logging.makeLogRecord({"msg": "logged it"}))
            sys.stderr.write("no line end")

    run = FakeRun(midway(), hold=True, before=noisy)
    app = viewer(run)
    async with app.run_test(size=(120, 40)) as pilot:
        stage = Stage(app, pilot, run, Clock())
        assert "console" not in stage.screen[-1]
        looked_at.set()
        await settle(app, pilot, run)
        assert "o console" in stage.screen[-1]
        assert not any("from a tool" in line for line in stage.screen)
        await pilot.press("o")
        text = "\n".join(stage.screen)
        assert "from a tool ␛]0;owned" in text
        assert "lines" in text
        assert "logged it" in text
        assert "\x1b" not in text
        print("one more")
        app.tick()
        await pilot.pause()
        assert any("one more" in line for line in stage.screen)
        await pilot.press("escape")
        assert app.screen is app.split
    assert (sys.stdout, sys.stderr) == before
    assert app.feed.stop(10)


def test_the_console_is_bounded() -> None:
    stray = Stray()
    with stray.caught():
        for number in range(5_000):
            print(number)
        sys.stdout.write("x" * 200_000)
    assert stray.count == 5_001
    assert len(stray.since(0)) == 2_000
    assert stray.since(5_000) == ["x" * 1_000]
    assert stray.since(5_001) == []


def test_it_rings_for_each_question_and_once_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    rung, written = list[int](), list[str]()
    attention = Attention("evil\x1b]0;owned\x07", bell=lambda: rung.append(1), title=True)
    heard = []
    for word, asked, over in [
        ("run", "", False),
        ("ask", "a", False),
        ("ask", "a", False),
        ("ask", "ab", False),
        ("run", "", False),
        ("done", "", True),
        ("done", "", True),
    ]:
        attention.look(word, frozenset(asked), over=over, write=written.append)
        heard.append(len(rung))
    assert heard == [0, 1, 1, 2, 2, 3, 3]
    name = "evil␛]0;owned␇"
    assert written == [
        f"\x1b[22;2t\x1b]2;run · {name}\x07",
        *(f"\x1b]2;{word} · {name}\x07" for word in ("ask", "run", "done")),
    ]


@pytest.mark.parametrize(("bell", "rings"), [(True, 1), (False, 0)])
async def test_the_bell_at_the_end(bell: bool, rings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rung = list[int]()
    monkeypatch.setattr(Viewer, "bell", lambda self: rung.append(1))
    run = FakeRun(newsroom().events)
    app = viewer(run, Comfort(bell=bell))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
    assert len(rung) == rings


@pytest.mark.parametrize("wanted", ["1", "0"])
def test_the_title_is_given_back(
    spawn: Spawn, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_TITLE", wanted)
    terminal = spawn(["-m", "orchestra", "demo", "typewriter"])
    terminal.read_until(b"Comedian" if wanted == "0" else "\x1b]2;run · typewriter".encode())
    os.write(terminal.fd, b"q")
    terminal.drain()
    assert (b"\x1b[22;2t" in terminal.seen) == (wanted == "1")
    assert (terminal.seen.rstrip().endswith(b"\x1b[23;2t")) == (wanted == "1")


@pytest.mark.parametrize("still", [True, False])
async def test_nothing_moves_by_itself_in_the_still_mode(still: bool) -> None:
    run, clock = FakeRun(midway(), hold=True), Clock()
    app = Viewer("far", NEWSROOM, run, clock=clock, comfort=Comfort(still=still))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        for _ in range(12):
            app.tick()
        await pilot.pause()
        before = Stage(app, pilot, run, clock).screen
        clock.now += 100
        for _ in range(12):
            app.tick()
        await pilot.pause()
        assert (Stage(app, pilot, run, clock).screen == before) == still
        assert app.split.prompt.cursor_blink != still
        assert (app.animation_level == "none") == still
    assert app.feed.stop(10)


def _help(app: Viewer) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips(app.size)]


def _at(lines: list[str], text: str) -> int:
    return next((n for n, line in enumerate(lines) if text in line), -1)


async def test_the_help_fits_where_one_is() -> None:
    run = FakeRun(midway(), hold=True)
    app = viewer(run, Comfort(keys={"app.quit": "f10"}))
    async with app.run_test(size=(120, 70)) as pilot:
        await settle(app, pilot, run)
        await pilot.press("2", "?")
        lines = _help(app)
        assert _at(lines, "The run goes on: ^c stops it, f10 quits.") >= 0
        assert 0 < _at(lines, "In a pane") < _at(lines, "Anywhere") < _at(lines, "In the tree")
        await pilot.press("escape")
        app.split.set_focus(app.split.outline)
        await pilot.press("?")
        lines = _help(app)
        assert 0 < _at(lines, "In the tree") < _at(lines, "Anywhere") < _at(lines, "In a pane")
    assert app.feed.stop(10)


async def test_the_help_says_what_an_agent_waits_for() -> None:
    run = Asking(waiting().events, hold=True)
    app = viewer(run, questions=run.questions)
    async with app.run_test(size=(120, 70)) as pilot:
        await settle(app, pilot, run)
        await pilot.press("escape", "?")
        lines = _help(app)
        assert (
            _at(
                lines,
                "An agent asks: i answers, a types 'approve', e edits the arguments.",
            )
            >= 0
        )
        assert _at(lines, "In the bar") > 0
    assert app.feed.stop(10)


async def test_the_help_says_that_the_run_is_over() -> None:
    run = FakeRun(newsroom().events)
    app = viewer(run)
    async with app.run_test(size=(120, 70)) as pilot:
        await settle(app, pilot, run)
        await pilot.press("?")
        assert _at(_help(app), "All is done. q quits.") >= 0


# The palette has whatever the keys do.


async def _palette(app: Viewer, pilot: Pilot[None], words: str = "") -> list[str]:
    await pilot.press("ctrl+p", *words)
    await app.workers.wait_for_complete()
    await pilot.pause()
    found = app.screen.query_one(CommandList)
    return [str(option.prompt) for option in found.options]


async def test_every_key_that_does_something_is_in_the_palette() -> None:
    run = FakeRun(midway(), hold=True)
    app = viewer(run, Comfort(keys={"view.zoom": "f2"}))
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(app, pilot, run)
        able = [it.binding for it in app.split.active_bindings.values() if it.enabled]
        assert len(able) > 30
        told = "\n".join(await _palette(app, pilot))
        assert "Zoom: only this pane, and back\nf2" in told
        assert told.count("Go to ") == len(app.board.agents)
        for binding in able:
            if binding.id and binding.id not in {f"focus.{n}" for n in range(1, 10)}:
                assert words_of(binding)[1:] in told, binding.id
        assert "Theme" in told
        assert "Maximize" not in told  # Textual's own, that would leave the viewer without the rest
        await pilot.press("escape")
        assert await _palette(app, pilot, "timeline") != []
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert app.split.timeline.display
        (only,) = await _palette(app, pilot, "go to fact")
        assert only.startswith("Go to Fact-checker")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert app.split.deck.current == "checker"
    assert app.feed.stop(10)


async def test_with_the_mouse_alone_a_tool_is_approved() -> None:
    run = Asking(waiting().events, hold=True)
    app = viewer(run, questions=run.questions)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        app.clock.now += GRACE  # type: ignore[attr-defined]
        app.tick()
        await _click(app, pilot, "palette")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await _click(app, pilot, "Approve: to the bar")
        await pilot.pause()
        assert app.split.prompt.value == "approve"
        await _click(app, pilot, "⏎ send")
        async with asyncio.timeout(30):  # the answer goes to another thread
            while not run.decided:
                await pilot.pause()
        assert run.decided[0] is not None
        assert run.decided[0].decide == "approve"
    assert app.feed.stop(10)


async def _click(app: Viewer, pilot: Pilot[None], text: str) -> None:
    await pilot.pause()
    lines = _help(app)
    row = _at(lines, text)
    await pilot.click(offset=(cell_len(lines[row].partition(text)[0]), row))


async def test_who_types_has_the_letters_commands_in_the_palette() -> None:
    run = Asking(waiting().events, hold=True)
    app = viewer(run, questions=run.questions)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot, run)
        app.clock.now += GRACE  # type: ignore[attr-defined]
        await pilot.press("i")
        told = "\n".join(await _palette(app, pilot))
        for words in ("Wrap long lines", "Open or fold tools: ", "Leave open: ", "Call off what"):
            assert words in told, words
    assert app.feed.stop(10)

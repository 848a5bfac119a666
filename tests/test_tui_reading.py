"""Who reads: search, copy, save, from call to call, and the same with the mouse."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from test_tui_hostile import EVIL
from textual.events import Key
from tui_events import Stage, Tape, midway, newsroom, staged

from orchestra.events import AgentStarted, Member, TextDelta, ToolFinished, ToolStarted
from orchestra.text import clean
from orchestra.tui.board import Board
from orchestra.tui.finding import find, last_message, pattern_of, text_of
from orchestra.tui.rows import Span, marked


def board() -> Board:
    made = Board()
    for event in newsroom().events:
        made.feed(event)
    for agent in made.agents.values():
        agent.settle()
    return made


# Search, in plain state.


@pytest.mark.parametrize(
    ("words", "count"),
    [("mars", 5), ("Mars", 3), ("MARS", 0), ("web_search(", 2), ("火星", 1), (".*", 0)],
)
def test_what_is_found(words: str, count: int) -> None:
    pattern = pattern_of(words)
    assert pattern is not None
    found = find(board().agents.values(), pattern)
    assert (len(found) > 0) == (count > 0)
    for match in found:
        assert match.item in match.block.items
    assert len({match.identity for match in found}) == len(found)


def test_nothing_to_look_for() -> None:
    assert pattern_of("") is None


def test_matches_are_set_off_also_over_spans() -> None:
    spans = (Span("one tw", "text"), Span("o three", "name"))
    pattern = pattern_of("two")
    assert pattern is not None
    assert marked(spans, pattern) == (
        Span("one ", "text"), Span("tw", "chip"), Span("o", "chip"), Span(" three", "name"),
    )  # fmt: skip
    assert marked(spans, pattern_of("zero") or pattern) is spans
    many = marked((Span("aXbXc", "text"),), pattern_of("X") or pattern)
    assert [span.text for span in many] == ["a", "X", "b", "X", "c"]


# On the screen.


def everything(stage: Stage) -> str:
    return "\n".join(stage.screen)


async def look_for(stage: Stage, words: str, key: str = "slash") -> None:
    await stage.press(key)
    for letter in words:
        await stage.pilot.press(letter if letter != " " else "space")
    await stage.settle()


async def test_it_finds_while_one_types_and_n_goes_round() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        stage.app.split.show_agent(stage.app.board.agents["researcher"])
        await look_for(stage, "km")
        split = stage.app.split
        assert split.finder.has_focus
        assert "of" in str(split.finder.border_subtitle)
        await stage.press("enter")
        assert not split.finder.display
        assert split.focused is stage.pane("researcher")
        seen = []
        total = int(str(split.finder.border_subtitle).rpartition(" ")[2])
        assert total > 1
        for _ in range(total + 1):
            await stage.press("n")
            seen.append(split._at)
            assert f"of {total}" in stage.screen[-1]
        assert len(set(seen)) == total
        assert seen[0] == seen[-1]
        await stage.press("N")
        assert split._at == seen[-2]


async def test_all_of_it_may_be_typed_in_one_go() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        stage.app.split.show_agent(stage.app.board.agents["researcher"])
        await stage.settle()
        # As a terminal hands them on: each is taken before the one in front of it has an effect.
        for key in ("slash", "k", "m", "enter", "b"):
            stage.app.post_message(Key(key, key if len(key) == 1 else None))
        await stage.settle()
        split = stage.app.split
        assert split.finder.value == "km"
        assert not split.finder.display
        assert not split.outline.display  # `b` was for the screen again


async def test_matches_are_highlighted_until_the_search_ends() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        stage.app.split.show_agent(stage.app.board.agents["researcher"])

        def chips() -> int:
            pane = stage.pane("researcher")
            chip = pane._style("chip", "ground")
            strips = pane.render_lines(pane.size.region)
            return sum(seg.style == chip and seg.text == "km" for strip in strips for seg in strip)

        assert chips() == 0
        await look_for(stage, "km")
        assert chips() > 1
        await stage.press("escape")
        assert chips() == 0
        assert stage.app.split.pattern is None


async def test_in_all_panes_it_goes_from_pane_to_pane() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        await look_for(stage, "mars", "ctrl+underscore")
        await stage.press("enter")
        panes = set()
        for _ in range(20):
            await stage.press("n")
            panes.add(stage.deck.current)
        assert len(panes) > 1
        assert "panes" in stage.screen[-1]


async def test_a_match_far_up_comes_into_sight() -> None:
    tape = Tape()
    tape.begin((Member(name="a"),))
    tape.call("a")
    lines = "".join(f"line {n} of **it**\n\n" for n in range(500))
    tape.add(TextDelta(message_id="m", text=lines + "end"), "a")
    async with staged(tape.events, (80, 24), (Member(name="a"),), hold=True) as stage:
        await look_for(stage, "line 77 of")
        await stage.press("enter")
        assert "line 77 of" in everything(stage)
        assert not stage.pane("a").following


async def test_what_is_not_there_is_told() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("n")
        assert "/ begins" in stage.screen[-1]
        await look_for(stage, "nonsuch")
        assert "no 'nonsuch' here" in str(stage.app.split.finder.border_subtitle)
        await stage.press("enter", "n")
        assert "no 'nonsuch' here" in stage.screen[-1]


# Copy and save.


async def test_copy_takes_the_last_message_to_the_clipboard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("c")
        text, call = last_message(stage.app.board.agents["editor"])
        assert text
        assert call == "editor"
        assert stage.app.clipboard == text
        assert f"{len(text):,} characters" in stage.screen[-1]
        await stage.press("C")
        assert stage.app.clipboard == text_of(stage.app.board.agents["editor"])
        assert "> " in stage.app.clipboard  # its reasoning, marked


async def test_nothing_to_copy_and_too_much() -> None:
    team = (Member(name="a"),)
    tape = Tape()
    tape.begin(team)
    async with staged(tape.events, (80, 24), team, hold=True) as stage:
        await stage.press("c")
        assert "nothing to copy" in stage.screen[-1]
        tape.call("a")
        tape.add(TextDelta(message_id="m", text="long " * 20_000), "a")
        stage.app.feed.events.extend(tape.events[-2:])
        await stage.settle()
        await stage.press("c")
        assert "too long for a terminal" in stage.screen[-1]
        assert stage.app.clipboard == ""


async def test_in_tmux_its_own_buffer_gets_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "tmux"
    fake.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat > {tmp_path}/given\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("TMUX", "socket,1,0")
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("c")
        await stage.app.workers.wait_for_complete()
        assert (tmp_path / "given").read_text() == stage.app.clipboard
        assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"


async def test_no_tmux_to_be_found_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("TMUX", "socket,1,0")
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("c")
        await asyncio.sleep(0)
        assert stage.app.clipboard
        assert stage.app.is_running


async def test_save_writes_the_pane_and_never_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(newsroom().events, (120, 40)) as stage:
        await stage.press("ctrl+s")
        assert "saved editor.txt" in stage.screen[-1]
        await stage.press("ctrl+s")
        assert "saved editor-2.txt" in stage.screen[-1]
        saved = (tmp_path / "editor.txt").read_text()
        assert saved == text_of(stage.app.board.agents["editor"])
        monkeypatch.chdir("/proc")
        await stage.press("ctrl+s")
        assert "not saved: " in stage.screen[-1]


def test_what_is_copied_has_nothing_a_terminal_would_obey() -> None:
    tape = Tape()
    tape.begin((Member(name="a"),))
    tape.call("a")
    for text in EVIL:
        tape.add(TextDelta(message_id="m", text=text), "a")
    made = Board()
    for event in tape.events:
        made.feed(event)
    for text in (text_of(made.agents["a"]), last_message(made.agents["a"])[0]):
        assert text
        assert all(clean(line) == line for line in text.split("\n"))


# From call to call.


async def test_down_to_the_call_that_was_made_and_back_up() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        assert stage.deck.current == "editor"
        await stage.press("enter")
        assert stage.deck.current == "writer"
        await stage.press("enter")
        assert stage.deck.current == "checker"
        await stage.press("enter")
        assert "has made no others" in stage.screen[-1]
        await stage.press("backspace")
        assert stage.deck.current == "writer"
        await stage.press("backspace")
        assert stage.deck.current == "editor"
        await stage.press("backspace")
        assert "nobody called this" in stage.screen[-1]


async def test_to_the_next_call_of_an_agent_and_up_from_it() -> None:
    async with staged(newsroom().events, (120, 40)) as stage:
        stage.app.split.show_agent(stage.app.board.agents["researcher"])
        blocks = stage.app.board.agents["researcher"].blocks
        for _ in range(3):
            await stage.press("left_square_bracket")
        assert stage.pane("researcher").block_shown() is blocks[0]
        assert "no earlier call" in stage.screen[-1]
        await stage.press("right_square_bracket")
        assert stage.pane("researcher").block_shown() is blocks[1]


async def test_a_click_on_a_tool_line_goes_to_its_call() -> None:
    team = (Member(name="a"), Member(name="b", parents=("a",)))
    tape = Tape()
    tape.begin(team)
    tape.call("a")
    for id_ in ("1", "2"):
        tape.add(ToolStarted(tool_call_id=id_, name="b", args={"query": id_}), "a")
        tape.add(AgentStarted(parent="a", tool_call_id=id_, task=id_), f"a/b#{id_}")
    async with staged(tape.events, (120, 30), team, hold=True) as stage:
        row = next(n for n, text in enumerate(stage.text("a")) if 'query: "1"' in text)
        await stage.pilot.click(stage.pane("a"), offset=(6, row))
        await stage.settle()
        assert stage.deck.current == "b"
        shown = stage.pane("b").block_shown()
        assert shown is not None
        assert shown.call == "a/b#1"
        await stage.press("backspace")
        assert stage.deck.current == "a"


async def test_a_click_on_a_tool_that_called_nobody_stays() -> None:
    team = (Member(name="a"), Member(name="b", parents=("a",)))
    tape = Tape()
    tape.begin(team)
    tape.call("a")
    tape.add(ToolStarted(tool_call_id="1", name="look", args={}), "a")
    tape.add(ToolFinished(tool_call_id="1", name="look", result="seen"), "a")
    tape.add(AgentStarted(parent="a", tool_call_id="2", task="x"), "a/b#1")
    async with staged(tape.events, (120, 30), team, hold=True) as stage:
        row = next(n for n, text in enumerate(stage.text("a")) if "look()" in text)
        await stage.pilot.click(stage.pane("a"), offset=(4, row))
        await stage.settle()
        assert stage.deck.current == "a"


async def test_a_click_on_what_is_new_follows_again() -> None:
    async with staged(midway(), (80, 14), hold=True) as stage:
        stage.app.split.show_agent(stage.app.board.agents["researcher"])
        await stage.press("home")
        pane = stage.pane("researcher")
        assert not pane.following
        await stage.pilot.click(pane, offset=(pane.size.width - 4, pane.size.height - 1))
        await stage.settle()
        assert pane.following

"""Tokens that would like to be obeyed: nothing of them may reach the terminal, or the app."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tui_events import Tape, staged

from orchestra.events import (
    AgentFinished,
    Event,
    Interrupted,
    Member,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Warned,
)
from orchestra.tui.board import Board
from orchestra.tui.transcript import Transcript

OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\u2028\u2029]"
)
EVIL = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1m \x1b]52;c;aGk=\x1b\\ [/] [@click=app.quit]x[/] "
    "[bold]b \u202egnp.exe \u2066iso\u2069 \udc80\ud83d \x00\x08\x7f\u2028end"
)


def everywhere(evil: str) -> list[Event]:
    """A run in which every string is hostile, one character a token."""
    team = (Member(name="main", title=evil), Member(name="sub", title=evil, parents=("main",)))
    tape = Tape()
    tape.add(RunStarted(scenario=evil, main="main", team=team, input=evil))
    tape.call("main", evil)
    here: dict[str, Any] = {"message_id": "m"}
    for character in evil:
        tape.add(ReasoningDelta(text=character, **here), "main")
    for character in evil:
        tape.add(TextDelta(text=character, **here), "main")
    for character in evil:
        tape.add(
            ToolCallDelta(index=0, tool_call_id="t", name=evil, args=character, **here), "main"
        )
    call = ToolCall(id="t", name=evil, args={evil: evil})
    tape.tool("main", call, evil)
    tape.fail("main", ToolCall(id="u", name=evil, args={}), evil)
    tape.call("main/sub#1", evil, "main")
    tape.add(Warned(message=evil), "main/sub#1")
    request = {"tool": evil, "arguments": {evil: evil}}
    tape.add(Interrupted(interrupt_id="i", request=request), "main/sub#1")
    tape.add(AgentFinished(status="failed", error=evil), "main/sub#1")
    tape.add(RunFinished(status="failed", error=evil))
    return tape.events


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (20, 6)])
async def test_no_control_character_reaches_a_strip(size: tuple[int, int]) -> None:
    team = (Member(name="main", title=EVIL), Member(name="sub", title=EVIL, parents=("main",)))
    async with staged(everywhere(EVIL), size=size, team=team) as stage:
        for key in ("2", "b", "1", "z", "home"):
            await stage.press(key)
            for row in stage.screen:
                assert not OBEYED.search(row)
            strips = stage.app.screen._compositor.render_strips(stage.app.size)
            for strip in strips:
                for segment in strip:
                    assert not (segment.style and segment.style.meta.get("@click"))
        assert stage.app.is_running


async def test_markup_is_shown_as_it_was_written() -> None:
    tape = Tape()
    tape.begin()
    for token in ("[@click=app.", "quit]x[", "/] and [/]"):
        tape.add(TextDelta(message_id="m", text=token), "editor")
    async with staged(tape.events, hold=True) as stage:
        row = next(i for i, line in enumerate(stage.text("editor")) if "@click" in line)
        assert "[@click=app.quit]x[/] and [/]" in stage.text("editor")[row]
        await stage.pilot.click(stage.pane("editor"), offset=(4, row))
        assert stage.app.is_running
        assert not stage.app._exit


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.text(st.characters(codec=None), max_size=6), max_size=12),
    st.integers(3, 40),
)
def test_whatever_comes_every_row_is_clean(chunks: list[str], width: int) -> None:
    board = Board()
    for chunk in chunks:
        board.feed(TextDelta(message_id="m", text=chunk, agent="a", call="a"))
        board.feed(Warned(message=chunk, agent="a", call="a"))
    transcript = Transcript(board.agents["a"]) if board.agents else None
    if transcript is not None:
        transcript.sync(width)
        for line in range(transcript.height):
            assert not OBEYED.search(transcript.text(line))

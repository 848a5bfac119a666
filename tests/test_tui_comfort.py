"""What makes the viewer comfortable: themes, keys, the console, the bell, stillness, help."""

from __future__ import annotations

from typing import Any

import pytest
from textual.color import Color
from tui_events import NEWSROOM, Clock, FakeRun, Stage, midway, settle

from orchestra.errors import UsageError
from orchestra.settings import load_settings
from orchestra.tui.app import Viewer
from orchestra.tui.canvas import LOOKS
from orchestra.tui.comfort import Comfort


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

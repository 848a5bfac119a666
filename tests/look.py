"""``make look``: the viewer as pictures, every layout, state and theme, for whoever reviews it.

``python tests/look.py [FOLDER]`` writes PNGs (default: ``build/look``); ``--docs`` writes those of
the README, as SVGs. The scenes are those of the tests, so they are the same each time. So are the
fonts: ``make look`` fetches them, as a machine without any would draw pictures without a word.
"""

from __future__ import annotations

import asyncio
import html
import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from looks import DESK, fleet
from rich.cells import cell_len
from test_compare import DIFFERS, twins
from test_tui_approval import Asking, waiting
from test_tui_markdown import TEXT, whole
from test_tui_wall import crowd, team
from textual.app import App
from tui_events import NEWSROOM, Clock, FakeRun, midway, newsroom, settle

from orchestra.events import Event, Interrupted, Member
from orchestra.tui.app import Viewer
from orchestra.tui.comfort import Comfort
from orchestra.tui.replay import Replay

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
FONTS = ROOT / "tests/fonts/node_modules"
# A glyph is taken from the first that has it.
FACES = (
    "@expo-google-fonts/fira-code/400Regular/FiraCode_400Regular.ttf",
    "@expo-google-fonts/fira-code/700Bold/FiraCode_700Bold.ttf",
    "dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf",
    "dejavu-fonts-ttf/ttf/DejaVuSansMono-Oblique.ttf",
    "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
    "@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf",
)
SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 50)
SIZES = (SMALL, MIDDLE, LARGE)


@dataclass(frozen=True)
class Scene:
    """What is to be seen, at which sizes, in which themes, after which keys."""

    name: str
    events: Callable[[], Sequence[Event]]
    keys: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = (MIDDLE,)
    themes: tuple[str, ...] = ("dark",)
    members: tuple[Member, ...] = NEWSROOM
    hold: bool = True
    replayed: bool = False
    title: str = "How far is far?"


SCENES = (
    Scene("runs", midway, sizes=SIZES, themes=("dark", "light", "ansi", "contrast")),
    Scene("done", lambda: newsroom().events, sizes=SIZES, hold=False),
    Scene("narrow", midway, sizes=((60, 20), (40, 15))),
    Scene("help", midway, ("question_mark",), sizes=SIZES),
    Scene("zoom", midway, ("z", "b")),
    Scene("asks", lambda: waiting().events, sizes=(SMALL, MIDDLE)),
    Scene("asks-answered", lambda: waiting().events, ("i", *"reject no"), (SMALL, MIDDLE)),
    Scene("asks-edited", lambda: waiting().events, ("e",), (SMALL, MIDDLE), ("dark", "light")),
    Scene("paused", midway, ("p",)),
    Scene("replay", lambda: newsroom().events, (*["greater_than_sign"] * 9,), replayed=True),
    Scene("timeline", lambda: newsroom().events, ("T",), SIZES, hold=False),
    Scene("found", lambda: newsroom().events, ("slash", "k", "m", "enter"), hold=False),
    Scene("wall", lambda: crowd(40), ("l", "l"), (MIDDLE, LARGE), ("dark", "light"), team(40)),
    Scene("wall-64", lambda: crowd(64), ("l",), (MIDDLE, LARGE, (300, 70)), members=team(64)),
    Scene("fleet", fleet, ("2",), (MIDDLE, LARGE), members=DESK, title="letters"),
    Scene("markdown", lambda: whole(TEXT), (), (MIDDLE,), ("dark", "light"), (Member(name="a"),)),
    Scene("compare", list, sizes=SIZES, themes=("dark", "light")),
)
# Those of the README: a scene, at a size that can be read there.
PICTURES = {
    "viewer": (SCENES[0], (120, 34)),
    "wall": (Scene("wall", fleet, ("9",), members=DESK, title="letters"), (160, 40)),
    "asks": (Scene("asks", fleet, ("9", "a"), members=DESK, title="letters"), (110, 26)),
    "compare": (Scene("compare", list), (120, 26)),
}


@asynccontextmanager
async def staged(scene: Scene, size: tuple[int, int], theme: str) -> AsyncIterator[App[None]]:
    if scene.name == "compare":
        two = twins(DIFFERS, theme)
        async with two.run_test(size=size) as pilot:
            await pilot.pause()
            yield two
        return
    events, clock = scene.events(), Clock()
    asks = any(isinstance(event, Interrupted) for event in events)
    run = Asking(events, hold=scene.hold) if asks else FakeRun(events, scene.hold)
    source = Replay(events, clock=clock) if scene.replayed else run
    app = Viewer(
        scene.title,
        scene.members,
        source,
        clock=clock,
        comfort=Comfort(theme=theme, still=True),
        questions=run.questions if isinstance(run, Asking) else None,
    )
    async with app.run_test(size=size) as pilot:
        for keys in ((), scene.keys):
            await pilot.press(*keys)
            if scene.replayed:
                for _ in range(5):
                    app.tick()
                    await pilot.pause()
            else:
                await settle(app, pilot, run)
                if not keys:
                    clock.now += max(events[-1].t, 1.0)  # a question is not answered at once
        for _ in range(20):  # all Markdown in sight
            app.tick()
        await pilot.pause()
        yield app
    app.feed.stop()


async def picture(scene: Scene, size: tuple[int, int], theme: str) -> str:
    """One scene as SVG; what Textual makes up anew each time is taken out of it."""
    async with staged(scene, size, theme) as app:
        svg = app.export_screenshot(title=f"orchestra · {scene.name}")
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    return re.sub(r'textLength="[^"]*"( clip-path="[^"]*")?>([^<]*)<', _fitted, svg)


def _fitted(found: re.Match[str]) -> str:
    """Rich gives wide characters the room of narrow ones."""
    length = cell_len(html.unescape(found[2])) * 12.2
    return f'textLength="{length:.1f}"{found[1] or ""}>{found[2]}<'


def png(svg: str) -> bytes:
    import resvg_py

    faces = [str(FONTS / face) for face in FACES]
    if missing := [face for face in faces if not Path(face).exists()]:
        sys.exit(f"look.py: {missing[0]} is missing: 'make look' fetches it")
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            monospace_family="Fira Code",
            font_files=faces,
            skip_system_fonts=True,
        )
    )


def drawn() -> dict[Path, str]:
    """The pictures of the README, as they are now."""
    return {
        DOCS / f"{name}.svg": asyncio.run(picture(scene, size, "dark"))
        for name, (scene, size) in PICTURES.items()
    }


def main(arguments: Sequence[str]) -> None:
    if arguments == ["--docs"]:
        for path, svg in drawn().items():
            path.write_text(svg, encoding="utf-8")
        return
    folder = Path(*arguments) if arguments else ROOT / "build/look"
    folder.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        for size in scene.sizes:
            for theme in scene.themes:
                svg = asyncio.run(picture(scene, size, theme))
                path = folder / f"{scene.name}-{size[0]}x{size[1]}-{theme}.png"
                path.write_bytes(png(svg))
                print(path)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The pictures: that of the README is what the viewer draws, and ``make look`` makes the rest."""

from __future__ import annotations

import re
from pathlib import Path

import look
import pytest


def test_the_pictures_of_the_readme_are_what_the_viewer_draws() -> None:
    """If they are not any more, ``python tests/look.py --docs`` draws them anew."""
    readme = (look.ROOT / "README.md").read_text(encoding="utf-8")
    for path, svg in look.drawn().items():
        assert path.read_text(encoding="utf-8") == svg
        assert f"](docs/{path.name})" in readme


@pytest.mark.parametrize("scene", look.SCENES, ids=lambda scene: scene.name)
async def test_every_scene_can_be_drawn(scene: look.Scene) -> None:
    svg = await look.picture(scene, scene.sizes[0], scene.themes[-1])
    text = re.sub(r"<[^>]*>|\s|&#160;", "", svg)
    sign = {
        "help": "Anywhere",
        "asks": "asks:",
        "asks-answered": "rejectno",
        "asks-edited": "argumentsof",
        "replay": "event",
        "compare": "differ",
        "paused": "paused",
        "zoom": "Editor",
    }
    assert sign.get(scene.name, "tok" if scene.sizes[0][0] > 60 else "run") in text


def test_they_become_pngs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "SCENES", look.SCENES[2:3])
    look.main([str(tmp_path)])
    made = sorted(tmp_path.iterdir())
    assert [it.name for it in made] == ["narrow-40x15-dark.png", "narrow-60x20-dark.png"]
    assert all(it.read_bytes().startswith(b"\x89PNG") for it in made)

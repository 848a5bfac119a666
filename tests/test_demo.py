"""``orchestra demo``: the gallery, and that its files are in the wheel."""

from __future__ import annotations

import os
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from runs import ROOT
from terminal import Spawn
from textual.widgets import Static

from orchestra.cli import main
from orchestra.scenario import discover
from orchestra.tui.comfort import Comfort
from orchestra.tui.gallery import Exhibit, Gallery


def test_without_a_terminal_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(discover([ROOT / "scenarios"]))
    for line in lines:
        name, _, description = line.partition("  ")
        assert (ROOT / "scenarios" / f"{name}.yaml").is_file()
        assert description.strip()


def test_without_a_terminal_one_is_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "harbour"]) == 0  # with Python tools of its own
    assert capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_no_such_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "newsrom"]) == 2
    assert "did you mean 'newsroom'?" in capsys.readouterr().err


def test_the_wheel_takes_them_from_where_they_lie() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    included = build["targets"]["wheel"]["force-include"]
    assert included == {
        "scenarios": "orchestra/demo/scenarios",
        "agents": "orchestra/demo/agents",
    }


def test_an_installed_package_has_them_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "orchestra"
    (package / "demo").mkdir(parents=True)
    for folder in ("scenarios", "agents"):
        (package / "demo" / folder).symlink_to(ROOT / folder)
    demo = import_module("orchestra.verbs.demo")
    monkeypatch.setattr(demo, "_HERE", package)
    assert demo.shipped() == package / "demo"
    monkeypatch.setattr(demo, "_HERE", tmp_path / "nowhere" / "orchestra")
    assert main(["demo"]) == 2


SHOWN = [Exhibit(f"scene-{n}", f"shows [{n}] \x1b]0;owned\x07", ("demo",)) for n in range(40)]


async def test_the_gallery_returns_what_was_chosen() -> None:
    gallery = Gallery(SHOWN, at=3)
    async with gallery.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "j", "k", "enter")
    assert gallery.return_value == 4


async def test_the_gallery_shows_the_keys_as_they_are_remapped() -> None:
    gallery = Gallery(SHOWN, comfort=Comfort(keys={"gallery.quit": "f10"}))
    async with gallery.run_test(size=(80, 24)) as pilot:
        keys = str(gallery.query_one("#keys", Static).render())
        assert "f10 quit" in keys
        await pilot.press("f10")
    assert gallery.return_value is None


async def test_the_gallery_says_why_a_run_came_back() -> None:
    gallery = Gallery(SHOWN, notice="scene-1: no [such] thing\x1b[2J")
    async with gallery.run_test(size=(80, 24)) as pilot:
        shown = gallery.export_screenshot()
        assert "owned" in shown
        assert "\x1b" not in shown
        assert "such" in shown
        await pilot.press("q")
    assert gallery.return_value is None


def test_from_the_gallery_into_the_viewer_and_back(spawn: Spawn) -> None:
    terminal = spawn(["-m", "orchestra", "demo"])
    terminal.read_until(b"run it")
    os.write(terminal.fd, b"\r")
    terminal.read_until(b"zoom")
    terminal.seen = b""
    os.write(terminal.fd, b"q")
    terminal.read_until(b"run it")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0
    assert b"Traceback" not in terminal.seen

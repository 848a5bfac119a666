"""Many scenarios made up from seeds, a change planted in most: each is caught, and named.

What it is about is that nobody has looked at these scenarios: every pattern, with checks of every
kind, half of them with a golden file. A change has to be read from what the terminal shows: whose
doing it is, what was expected and what was seen. What nothing was planted in has to pass.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from made_checks import dumped, make
from made_up import TOOLS, Doc
from planting import PLANTS, Plant
from suites import report

from orchestra import cli
from orchestra.errors import OK

SEEDS = (*range(28), 31, 36, 43, 63)  # the last have a place for what few have one for
PLANTED = 24
SCREEN = 33  # the reasons, and the line that they are of


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files, with golden files and exact budgets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORCHESTRA_HOME", raising=False)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "made_tools.py").write_text(TOOLS)
    files = []
    for seed in SEEDS:
        files.append(tmp_path / f"made-{seed:04}.yaml")
        files[-1].write_text(dumped(make(seed, depth=1)))
    assert cli.main(["test", ".", "-n", "0", "--update", "--json", "made.json"]) == OK
    cases = report("made.json")
    for path in files:
        if path.stem in cases:
            path.write_text(dumped(budgeted(json.loads(path.read_text()), cases[path.stem]["run"])))
    return files


def budgeted(doc: Doc, run: Doc) -> Doc:
    """What a run used is what it may use."""
    used = [it["input_tokens"] + it["output_tokens"] for it in run["agents"].values()]
    first = [it["first_token"] or 0 for it in run["calls"].values()]
    limits = {"tokens": sum(used), "seconds": run["duration"] + 1e-6, "first_token": max(first)}
    return doc | {"expect": [*doc["expect"], *({"max": {it: limits[it]}} for it in limits)]}


def planted(files: list[Path]) -> dict[str, tuple[str, Plant]]:
    """Of each kind a change, by the file that it is in, and more while there is place for them."""
    rng, found = random.Random(7), dict[str, tuple[str, Plant]]()
    for kind in (*PLANTS, *PLANTS):  # those that few files have a place for are chosen first
        for path in rng.sample(files, len(files)):
            doc = json.loads(path.read_text())
            if path.name not in found and (plant := PLANTS[kind](doc, rng)):
                path.write_text(dumped(doc))
                found[path.name] = kind, plant
                break
    assert {kind for kind, _ in found.values()} == PLANTS.keys()
    assert len(found) >= PLANTED
    return found


def told(out: str) -> dict[str, list[str]]:
    """What is read of each file that failed."""
    found = dict[str, list[str]]()
    name = ""
    for line in out.splitlines():
        if head := re.match(r"(?:FAIL|ERROR|(PASS)) .*  (\S+\.yaml)  ", line):
            name = "" if head[1] else head[2]
        elif not line.startswith(" "):
            name = ""
        if name:
            found.setdefault(name, []).append(line)
    return found


def test_every_change_is_caught_and_named(
    made: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    changed = planted(made)
    capsys.readouterr()
    assert cli.main(["test", ".", "-n", "0"]) != OK
    failed = told(capsys.readouterr().out)
    due = {name: kind for name, (kind, it) in changed.items() if not it.harmless}
    assert failed.keys() == due.keys(), {it: due.get(it) for it in failed.keys() ^ due.keys()}
    for name, lines in failed.items():
        kind, plant = changed[name]
        text = "\n".join(lines)
        unsaid = [it for it in (plant.path, *plant.named) if it not in text]
        assert not unsaid, f"{kind} in {name} does not say {unsaid}:\n{text}"
        if (
            plant.path and "- golden: " in text
        ):  # whose doing it is comes before all who heard of it
            assert re.search(rf"- golden: {re.escape(plant.path)}[ ,]", text), text
        assert len(lines) <= SCREEN * sum(it.startswith(("FAIL", "ERROR")) for it in lines)


def test_the_same_seed_makes_the_same_scenario() -> None:
    assert [make(seed) for seed in range(5)] == [make(seed) for seed in range(5)]

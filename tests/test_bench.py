"""The table of `make bench`: its rows, one of them measured, and the page that tells of them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT

BENCH = [sys.executable, "tests/benchmarks"]


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*BENCH, *arguments], capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def listed() -> dict[str, str]:
    done = bench("--list")
    assert done.returncode == 0
    rows = (line.partition(" ") for line in done.stdout.splitlines())
    return {name: rest.strip() for name, _, rest in rows}


def test_one_row_is_measured_and_written_as_json(tmp_path: Path) -> None:
    file = tmp_path / "new" / "bench.json"
    done = bench("version", "--json", str(file))
    assert done.returncode == 0, done.stderr
    head, row, what, end = done.stdout.splitlines()
    assert head.split() == ["row", "budget", "ratio", "spread", "orchestra", "baseline"]
    assert row.split()[:3] == ["version", "≤", "3.00"]
    assert what.strip().startswith("orchestra --version")
    assert end.startswith("1 rows in ")
    (kept,) = json.loads(file.read_text())["rows"]
    assert kept["row"] == "version"
    assert len(kept["ratios"]) == 9
    assert min(kept["ratios"]) <= kept["ratio"] <= max(kept["ratios"])
    assert kept["holds"] is (kept["ratio"] <= kept["most"])


def test_no_such_row() -> None:
    done = bench("keys", "version")
    assert done.returncode == 2
    assert "no row keys; there are version, help, " in done.stderr


def test_the_page_tells_of_every_row(listed: dict[str, str]) -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    table = text.partition("## How they are taken")[0]
    named = set(re.findall(r"`([\w-]+)`", table)) | {
        f"10x{it}" for it in re.findall(r"`(-\w+)`", table)
    }
    assert set(listed) <= named


def test_the_page_has_the_budgets(listed: dict[str, str]) -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|.*\| (≤|≥) (1/)?([\d.]+) \|", text, re.MULTILINE)
    told = {
        name: (sign, 1 / float(number) if share else float(number))
        for names, sign, share, number in rows
        for name in re.findall(r"`([\w-]+)`", names)
    }
    for name, rest in listed.items():
        if found := re.match(r"(≤|≥) (1/)?([\d.]+)", rest):
            sign, share, number = found.groups()
            known = told.get(name) or told["10x-tokens"]
            assert known[0] == sign, name
            assert known[1] == pytest.approx(1 / float(number) if share else float(number)), name

"""Two runs held against each other: as text, and side by side in the viewer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runs import scenario
from textual.pilot import Pilot
from virtual import run_virtually

from orchestra import cli
from orchestra.errors import CHECK_FAILED, INVALID, OK
from orchestra.events import Event, Header, TextDelta
from orchestra.events.codec import dumps
from orchestra.runtime import run
from orchestra.trajectory import Comparison, Transcript, compare
from orchestra.tui import Comfort
from orchestra.tui.twins import Twins

TEAM = """
agents:
  lead: {subagents: [reader, writer], tools: [publish]}
  reader: {tools: [fetch]}
  writer: {}
tools:
  fetch: {parameters: {url: string}, returns: [{when: {url: x}, error: no page}, {value: a page}]}
  publish: {returns: [{value: on page 1}]}
input: A note on the tides.
script:
  lead:
    - reasoning: Two facts first.
      text: Two facts, **both** at once.
      tool_calls: [{reader: {query: the moon}}, {reader: {query: the tides}}]
    - tool_calls: [{writer: {query: write it}}]
    - tool_calls: [publish]
    - text: Published on page 1.
  reader#1: [{tool_calls: [{fetch: {url: y}}], rate: 5}, {text: The moon is 384400 km away., rate: 9}]
  reader#2: [{text: The sea rises twice a day.}]
  writer: [{text: The sea answers the moon.}]
"""


def told(text: str = TEAM, seed: int | None = None) -> list[Event]:
    loaded = scenario(text)

    async def events() -> list[Event]:
        return [event async for event in run(loaded, seed=seed)]

    with ThreadPoolExecutor(1) as thread:  # in an async test there is a loop already
        return thread.submit(run_virtually, events()).result()


def held(a: Sequence[Event], b: Sequence[Event]) -> Comparison:
    return compare(Transcript.of(a), Transcript.of(b))


def test_a_run_equals_itself_in_whatever_order_and_pieces() -> None:
    first = told()
    merged = [
        replace(it, text=it.text[::-1]) if isinstance(it, TextDelta) else it for it in first
    ]  # what counts is the whole message
    for other in (first, merged, told(seed=1), told(seed=2)):
        comparison = held(first, other)
        assert not comparison.differing
        assert comparison.summary == "all 4 calls are equal"
    assert [pair.path for pair in held(first, first).pairs] == [
        "lead", "lead/reader#1", "lead/reader#2", "lead/writer#1",
    ]  # fmt: skip


CHANGES = [
    (
        "text: Published on page 1.",
        "text: Published on page 2.",
        ["lead: message 4: “Published on page 1.” ≠ “Published on page 2.”"],
    ),
    (
        "reasoning: Two facts first.",
        "reasoning: Facts first.",
        ["lead: message 1, reasoning: “Two facts first.” ≠ “Facts first.”"],
    ),
    (
        "writer: {query: write it}",
        "writer: {query: draft it}",
        [
            'lead: message 2, tool call 1: “writer{"query": "write it"}” ≠ “writer{"query": "draft it"}”',
            "lead/writer#1: task: “write it” ≠ “draft it”",
        ],
    ),
    (
        "value: a page",
        "value: no words",
        [
            "lead/reader#1: message 1, result 1: “fetch succeeded: a page” ≠ “fetch succeeded: no words”"
        ],
    ),
    (
        "fetch: {url: y}",
        "fetch: {url: x}",
        ['lead/reader#1: message 1, tool call 1: “fetch{"url": "y"}” ≠ “fetch{"url": "x"}”'],
    ),
    (
        ", {reader: {query: the tides}}]",
        "]",
        [
            'lead: what comes next: message 1, tool call 2: reader{"query": "the tides"} ≠ '
            "message 1, result 1: reader succeeded: The moon is 384400 k…",
            "lead/reader#2: only in A",
        ],
    ),
    (
        "- tool_calls: [publish]\n",
        "- tool_calls: [publish, publish]\n",
        [
            "lead: what comes next: message 3, result 1: publish succeeded: on page 1 ≠ "
            "message 3, tool call 2: publish{}"
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "lines"), CHANGES, ids=[new for _, new, _ in CHANGES])
def test_one_change_is_told_where_it_is(old: str, new: str, lines: list[str]) -> None:
    assert old in TEAM
    comparison = held(told(), told(TEAM.replace(old, new)))
    assert [pair.line for pair in comparison.differing] == lines


def test_a_run_that_broke_off_differs_where_it_ends() -> None:
    whole = told()
    comparison = held(whole, whole[: len(whole) // 2])
    assert comparison.differing
    assert comparison.differing[0].line.startswith("lead: what comes next: ")


def test_far_into_a_long_text_only_what_is_near_is_told() -> None:
    long = TEAM.replace("The sea answers the moon.", "word " * 500 + "right " + "word " * 90)
    comparison = held(told(long), told(long.replace("right", "wrong")))
    line = comparison.differing[-1].line
    assert "“…" in line
    assert "right" in line
    assert "wrong" in line
    assert len(line) < 250


# On the command line.


def record(path: Path, events: Sequence[Event]) -> Path:
    lines = [dumps(Header(scenario="team")), *map(dumps, events)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.chdir(tmp_path)
    a = record(tmp_path / "a.jsonl", told())
    b = record(tmp_path / "b.jsonl", told(TEAM.replace("twice a day", "once a day")))
    return a, b


def test_the_verb(two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", "a.jsonl", "b.jsonl"]) == CHECK_FAILED
    assert capsys.readouterr().out.splitlines() == [
        "lead: message 1, result 2: “…ucceeded: The sea rises twice a day.” ≠ "
        "“…ucceeded: The sea rises once a day.”",
        "lead/reader#2: message 1: “The sea rises twice a day.” ≠ “The sea rises once a day.”",
        "2 of 4 calls differ",
    ]
    assert cli.main(["compare", "a.jsonl", "a.jsonl"]) == OK
    assert capsys.readouterr().out == "all 4 calls are equal\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["compare", "a.jsonl", "x.yaml"], "x.yaml: is a scenario; name a recorded run"),
        (["compare", "a.jsonl", "nope"], "there is no run 'nope'"),
        (["tui", "a.jsonl", "b.jsonl"], "in a pipe, use: orchestra compare a.jsonl b.jsonl"),
    ],
)
def test_what_is_no_run_is_told(
    two: tuple[Path, Path], args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(args) == INVALID
    assert message in capsys.readouterr().err


# In the viewer.


def test_what_takes_its_time_to_be_read_is_told(
    two: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two huge files: without a word an empty terminal looked like a hang."""
    monkeypatch.setattr("orchestra.verbs.replaying._AT_ONCE", -1.0)
    assert cli.main(["compare", "a.jsonl", "a.jsonl"]) == OK
    assert capsys.readouterr().err == ""  # in a pipe nobody waits
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(["compare", "a.jsonl", "a.jsonl"]) == OK
    told = capsys.readouterr().err
    assert told.startswith("reading ")
    assert "a.jsonl …\r\x1b[K" in told
    assert told.endswith("\r\x1b[K")  # and nothing is left of it


def twins(other: str, theme: str | None = None) -> Twins:
    return Twins(("a.jsonl", told()), ("b.jsonl", told(other)), Comfort(theme=theme))


def rows(app: Twins) -> list[str]:
    strips = app.screen._compositor.render_strips(app.size)
    return [strip.text.rstrip() for strip in strips]


DIFFERS = TEAM.replace("twice a day", "once a day").replace("384400", "400000")
FEWER = TEAM.replace(", {reader: {query: the tides}}]", "]")


async def test_it_opens_at_the_first_difference_and_d_goes_on() -> None:
    app = twins(DIFFERS)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        shown = rows(app)
        assert "3 of 4 calls differ" in shown[0]
        assert app.calls.highlighted == 0
        assert sum("≠ from here on the runs differ" in row for row in shown) == 1  # in both panes
        assert shown[-4].strip().startswith("≠ lead: message 1, result 1")
        for expected in (1, 2, 0):
            await pilot.press("d")
            assert app.calls.highlighted == expected
        await pilot.press("D")
        await pilot.pause()
        assert app.calls.highlighted == 2
        assert "≠ lead/reader#2: message 1" in rows(app)[-4]
        await pilot.press("down")
        await pilot.pause()
        assert "lead/writer#1: equal in both runs" in rows(app)[-2]


async def test_a_call_that_one_run_lacks_is_told_as_such() -> None:
    app = twins(FEWER)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("d")
        await pilot.pause()
        shown = rows(app)
        assert any("◧ only in A" in row for row in shown)
        assert any("not made in this run" in row for row in shown)
        assert "lead/reader#2: only in A" in shown[-2]


async def test_equal_runs_say_so() -> None:
    app = twins(TEAM)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("d")
        await pilot.pause()
        assert "all 4 calls are equal" in rows(app)[0]
        assert "all 4 calls are equal" in rows(app)[-1]


async def test_a_long_call_is_scrolled_to_where_it_differs() -> None:
    long = TEAM.replace("The sea answers the moon.", "word " * 900)
    changed = long.replace("- tool_calls: [publish]", "- tool_calls: [publish, publish]")
    app = Twins(("a", told(long)), ("b", told(changed)), Comfort())
    async with app.run_test(size=(60, 20)) as pilot:  # narrow: one over the other
        await pilot.pause()
        assert sum(row.count("≠ from here on") for row in rows(app)) == 2
        await pilot.resize_terminal(160, 40)
        await pilot.pause()
        assert sum(row.count("≠ from here on") for row in rows(app)) == 2


async def test_keys_typed_ahead_and_help_and_quit() -> None:
    app = twins(DIFFERS)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("tab", "r", "m", "question_mark")
        await pilot.pause()
        assert any("To the next call in which the runs differ" in row for row in rows(app))
        await pilot.press("escape", "q")
    assert app.return_code == 0


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_how_it_looks(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(twins(DIFFERS), terminal_size=size, run_before=_settled)


def test_how_a_missing_call_looks(snap_compare: Any) -> None:
    assert snap_compare(twins(FEWER), terminal_size=(120, 24), press=["d"], run_before=_settled)


async def _settled(pilot: Pilot[None]) -> None:
    await pilot.pause()


@pytest.mark.parametrize("width", [150, 80, 40])
async def test_the_layout_is_that_of_the_size_and_the_head_is_one_row(width: int) -> None:
    long = "runs/of/a/long/day/" * 4
    app = Twins((long + "1.jsonl", told()), (long + "2.jsonl", told()), Comfort())
    async with app.run_test(size=(230 - width, 30)) as pilot:
        await pilot.resize_terminal(width, 30)
        await pilot.pause()
        assert app.screen.has_class("-wide") is (width >= 100)
        head, first, *_ = rows(app)
        assert "all 4 calls are equal" in head
        assert "= equal" in first
        names = [it for it in head.split() if it.endswith(".jsonl")]
        assert [it[-7] for it in names] == (["1", "2"] if width > 40 else [])

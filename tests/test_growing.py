"""A structured answer is shown while it comes: the same lines, however the stream cuts it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml
from console_stream import HEADER
from hypothesis import given
from hypothesis import strategies as st
from runs import play

from orchestra.console import display
from orchestra.events import TextDelta
from orchestra.growing import Growing
from orchestra.tui.board import Board
from orchestra.tui.items import Prose

VALUE = {
    "title": "Tides",
    "points": ["one", "two\nlines", {"a": 1, "b": []}, {"c": {"d": "é😀", "e": ""}}, [1, [2]], []],
    "meta": {"n": -350.0, "ok": True, "none": None, "empty": {}},
    "last": 'a "b" \\ c/',
}
LINES = """\
title: Tides
points:
  - one
  - two
    lines
  - a: 1
    b: []
  - c:
      d: é😀
      e: ""
  - - 1
    - - 2
  - []
meta:
  n: -350.0
  ok: true
  none: null
  empty: {}
last: a "b" \\ c/"""

SCENARIO = """\
agents:
  clerk:
    response_format: {type: object, properties: {total: {type: number}, items: {type: array}}}
script:
  clerk:
    - {text: Let me see., structured: {items: [train, hotel], total: 7}}
input: What does it come to?
"""

WORDS = st.text("abcxyz", min_size=1, max_size=5).map("w".__add__)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
)


def cut(text: str, sizes: list[int]) -> str:
    """``text`` fed in pieces of these sizes, over and over."""
    growing, told, at, turn = Growing(), "", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        told += growing.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return told


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_answer_reads_as_lines(indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(VALUE, indent=indent, ensure_ascii=ascii_only)
    assert Growing().feed(text) == cut(text, [1]) == LINES


@given(st.dictionaries(WORDS, VALUES), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_the_lines_say_what_the_json_says(value: dict[str, Any], sizes: list[int]) -> None:
    told = cut(json.dumps(value), sizes)
    assert yaml.safe_load(told) == value  # another reader's opinion
    assert told == Growing().feed(json.dumps(value))


@given(st.text(max_size=80), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_anything_can_be_fed_and_cuts_do_not_matter(text: str, sizes: list[int]) -> None:
    assert cut('{"a":' + text, sizes) == Growing().feed('{"a":' + text)


def test_it_grows_with_every_fragment() -> None:
    growing = Growing()
    fragments = ['{"po', 'ints": [', '"on', 'e", "t', 'wo"], "n": 1', "2}"]
    assert [growing.feed(it) for it in fragments] == [
        "po",
        "ints:",
        "\n  - on",
        "e\n  - t",
        "wo\nn: 1",
        "2",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Only words, {no} JSON.\nAnd more.", "Only words, {no} JSON.\nAnd more."),
        ('Well:\n```json\n{"a": 1}\n```', "Well:\n```json\na: 1\n```"),
        ("{not: json}", "{not: json}"),
        ('{"a": [1, ]}', "a:\n  - 1]}"),
        ('{"a": "\\ud83dx"}', "a: \N{REPLACEMENT CHARACTER}x"),
        ('{"a": "\\uzzzz"}', 'a: \\uzzzz"}'),
        ("{}", "{}"),
    ],
)
def test_what_is_not_json_is_told_as_it_came(text: str, told: str) -> None:
    assert Growing().feed(text) == cut(text, [1]) == told


async def test_consoles_and_viewer_show_the_lines_and_events_the_json() -> None:
    stream = await play(SCENARIO)
    said = "".join(event.text for event in stream if isinstance(event, TextDelta))
    assert said.endswith('{"items": ["train", "hotel"], "total": 7}')
    lines = "items:\n  - train\n  - hotel\ntotal: 7\n"
    for kind in ("plain", "rich"):
        out = io.StringIO()
        screen = display(kind, out=out, err=io.StringIO(), stats=False, header=HEADER)
        for event in stream:
            screen.feed(event)
        screen.close()
        text = "".join(line.strip(" │|") + "\n" for line in out.getvalue().split("\n"))
        assert "".join(line.strip() + "\n" for line in lines.splitlines()) in text, kind
        assert "{" not in out.getvalue(), kind  # nor a second time, as the output

    board = Board()
    for event in stream:
        board.feed(event)
    [block] = board.agents["clerk"].blocks
    assert [it.lines for it in block.items if isinstance(it, Prose)] == [
        ["Let me see.", *lines.splitlines()]
    ]

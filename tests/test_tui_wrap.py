from __future__ import annotations

import itertools

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestra.tui import wrap

WORDS = "a|word|longerwordlongerwordlongerword|~|“q”|—|é|e\u0301|中|文字|，|。|（|한글|क्ष| |   "
MARKS = "👩\u200d💻|🇩🇪|❤️|👍🏽|\u200d|\u0301|\xad|\u200b"
PIECES = st.sampled_from([*WORDS.split("|"), *MARKS.split("|")])
TEXT = st.lists(PIECES, max_size=40).map("".join)
WIDTH = st.integers(2, 30)


def lines(text: str, width: int) -> list[str]:
    cuts = [0, *wrap.breaks(text, width), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(cuts)]


@given(TEXT, WIDTH)
def test_nothing_is_lost_and_nothing_is_wider_than_the_width(text: str, width: int) -> None:
    wrapped = lines(text, width)
    assert "".join(wrapped) == text
    for line in wrapped:
        assert cell_len(wrap.shown(line.rstrip(" "))) <= width


@given(TEXT, WIDTH)
def test_graphemes_stay_whole(text: str, width: int) -> None:
    ends = {0} | {match.end() for match in regex.finditer(r"\X", text)}
    assert set(wrap.breaks(text, width)) <= ends


@given(st.lists(PIECES, max_size=30), WIDTH)
def test_growing_text_is_wrapped_from_its_last_line_on(pieces: list[str], width: int) -> None:
    text, starts = "", [0]
    for piece in pieces:
        text += piece
        starts += wrap.breaks(text, width, starts[-1])
        assert starts == [0, *wrap.breaks(text, width)]


@given(st.text("ab c", max_size=80), WIDTH)
def test_the_short_way_for_plain_text_is_the_long_way(text: str, width: int) -> None:
    assert wrap._simple_breaks(text, width, 0) == wrap._grapheme_breaks(text, width, 0)


def test_characters_taken_as_simple_are_one_column_and_alone() -> None:
    simple = [c for c in map(chr, range(0x20, 0x3000)) if wrap.is_simple(c) and c != "\x7f"]
    assert len(simple) > 1_000
    assert {cell_len(character) for character in simple} == {1}
    together = "".join(simple)
    assert regex.findall(r"\X", together) == simple


@pytest.mark.parametrize(
    ("text", "width", "wanted"),
    [
        ("the quick brown fox", 10, ["the quick ", "brown fox"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("    indented text", 10, ["    indent", "ed text"]),
        ("你好，世界。", 4, ["你", "好，", "世", "界。"]),
        ("a 中文", 4, ["a 中", "文"]),
        ("hello     world", 5, ["hello     ", "world"]),
    ],
)
def test_examples(text: str, width: int, wanted: list[str]) -> None:
    assert lines(text, width) == wanted


@given(TEXT, st.integers(0, 30))
def test_fit_never_exceeds_and_keeps_what_fits(text: str, width: int) -> None:
    for fitted in (wrap.fit(text, width), wrap.fit_end(text, width)):
        assert cell_len(fitted) <= width
        if cell_len(wrap.shown(text)) <= width:
            assert fitted == wrap.shown(text)


def test_joiners_stay_only_where_they_join() -> None:
    assert wrap.shown("a\u200db") == "ab"
    assert wrap.shown("👩‍💻👍🏽‍♀️") == "👩‍💻👍🏽‍♀️"


@given(TEXT.filter(bool), st.integers(1, 60))
def test_a_safe_cut_is_in_the_text(text: str, at: int) -> None:
    assert 0 <= wrap.safe_cut(text, min(at, len(text))) <= len(text)

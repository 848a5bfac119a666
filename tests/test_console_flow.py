"""Wrapping that grows with its text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestra.console.flow import Flow, wrap

text = st.text(alphabet="ab, 月。，「」é\n", max_size=60)


@given(text.map(lambda t: t.replace("\n", " ")), st.integers(2, 20))
def test_rows_fit_and_lose_nothing(paragraph: str, width: int) -> None:
    rows = wrap(paragraph, width)
    assert "".join(rows) == paragraph
    assert all(cell_len(row.rstrip()) <= max(width, 2) for row in rows)


@given(st.lists(text, max_size=12), st.integers(2, 20), st.integers(1, 5))
def test_growing_is_the_same_as_being_whole(pieces: list[str], width: int, count: int) -> None:
    growing, whole = Flow(), Flow()
    for piece in pieces:
        growing.add(piece)
        growing.rows(width, count)
    whole.add("".join(pieces))
    assert growing.rows(width) == whole.rows(width)
    assert growing.rows(width, count) == whole.rows(width)[-count:]


@given(st.lists(text, max_size=6), st.integers(2, 20), st.integers(2, 20))
def test_another_width_starts_over(pieces: list[str], before: int, after: int) -> None:
    flow, whole = Flow(), Flow()
    for piece in pieces:
        flow.add(piece)
    flow.rows(before)
    whole.add("".join(pieces))
    assert flow.rows(after) == whole.rows(after)


def test_chinese_is_cut_between_characters_and_never_before_a_full_stop() -> None:
    assert wrap("潮汐随月球。ok then", 10) == ["潮汐随月", "球。ok ", "then"]


def test_words_longer_than_a_row_are_cut() -> None:
    assert wrap("see https://example.org/", 10) == ["see ", "https://ex", "ample.org/"]

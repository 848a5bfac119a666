from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestra.tui import layout

SIDE = st.integers(1, 300)


@given(st.integers(1, 64), st.integers(4, 300), st.integers(1, 100))
def test_cells_cover_the_area_without_overlap(count: int, width: int, height: int) -> None:
    cells = layout.grid(count, width, height)
    assert len(cells) == count
    assert sum(cell.width * cell.height for cell in cells) == width * height
    for cell in cells:
        assert cell.x >= 0
        assert cell.x + cell.width <= width
        assert cell.y + cell.height <= height


def test_two_stand_side_by_side_and_four_in_a_square() -> None:
    assert [cell.y for cell in layout.grid(2, 92, 38)] == [0, 0]
    four = layout.grid(4, 166, 48)
    assert {(cell.x, cell.y) for cell in four} == {(0, 0), (83, 0), (0, 24), (83, 24)}
    assert layout.grid(0, 10, 10) == []


def test_sixteen_make_a_grid_of_readable_cells() -> None:
    cells = layout.grid(16, 166, 48)
    assert min(cell.width for cell in cells) >= layout.MIN_WIDTH
    assert min(cell.height for cell in cells) >= layout.MIN_HEIGHT


@given(SIDE, SIDE)
def test_capacity_is_between_one_and_sixteen(width: int, height: int) -> None:
    assert 1 <= layout.capacity(width, height) <= layout.MAX_GRID


@given(st.lists(st.integers(0, 50), max_size=10), st.integers(0, 100))
def test_shares_are_fair(needs: list[int], room: int) -> None:
    given_ = layout.shares(needs, room)
    assert sum(given_) == min(sum(needs), room)
    assert all(share <= need for share, need in zip(given_, needs, strict=True))
    unmet = [s for s, need in zip(given_, needs, strict=True) if s < need]
    assert not unmet or max(given_) - min(unmet) <= max(max(needs), 1)
    assert not unmet or max(unmet) - min(unmet) <= 1


def test_a_tiny_terminal_has_no_list() -> None:
    assert layout.outline_height(6, 5) == 0
    assert layout.outline_height(24, 5) == 5
    assert layout.outline_height(24, 50) == 8

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


@given(st.lists(st.booleans(), min_size=1, max_size=16), st.integers(4, 300), st.integers(1, 100))
def test_who_waits_stands_in_a_strip_at_the_foot(idle: list[bool], width: int, height: int) -> None:
    cells = layout.tiles(idle, width, height)
    assert sum(cell.width * cell.height for cell in cells) == width * height
    taken = {
        (x, y) for c in cells for x in range(c.x, c.x + c.width) for y in (c.y, c.y + c.height - 1)
    }
    assert max(y for _, y in taken) < height
    waits = [cell for cell, it in zip(cells, idle, strict=True) if it]
    busy = [cell for cell, it in zip(cells, idle, strict=True) if not it]
    if waits and busy and cells != layout.grid(len(idle), width, height):
        assert {cell.height for cell in waits} == {layout.IDLE_HEIGHT}
        assert max(cell.y + cell.height for cell in busy) == min(cell.y for cell in waits)


def test_all_are_alike_where_none_or_all_wait_or_the_strip_is_no_gain() -> None:
    for idle, height in (([True] * 4, 38), ([False] * 4, 38), ([False, *[True] * 9], 17)):
        assert layout.tiles(idle, 92, height) == layout.grid(len(idle), 92, height)
    one, two, three = layout.tiles([True, False, True], 92, 38)
    assert two == (0, 0, 92, 35)
    assert (one, three) == ((0, 35, 46, 3), (46, 35, 46, 3))

"""What is copied is what was said: not the rows that a pane made of it."""

from __future__ import annotations

import pytest
from test_tui_markdown import TEAM, message, whole
from test_tui_selecting import alone, drag, talk
from tui_events import staged

from orchestra.tui.dressed import Allowance, DressedView
from orchestra.tui.finding import text_of
from orchestra.tui.items import LONG_LINE, Prose
from orchestra.tui.markdown import render

PARAGRAPH = (
    "The **moon** pulls harder on the `near` side than on the centre, and so the *sea* rises "
    "there: twice a day, half a metre on the open ocean, 潮汐是由月球和太阳的引力引起的, and more."
)
PLAIN = PARAGRAPH.replace("*", "").replace("`", "")
CODE = (
    "def tide(port: str) -> float:\n"
    '    """A docstring that is longer than the pane is wide, and has to be wrapped somewhere."""\n'
    "    return 3.2"
)


@pytest.mark.parametrize("line", ["0123456789" * 10_000, "word " * 20_000, "潮汐" * 30_000])
async def test_a_line_of_any_length_is_copied_as_one(line: str) -> None:
    text = f"before\n{line.strip()}\nafter"
    async with alone(talk(text), (80, 24)) as stage:
        agent = stage.app.board.agents["a"]
        assert text in text_of(agent)
        copied: list[str] = []
        stage.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await stage.press("c")
        if len(text.encode()) <= 74_000:
            assert copied == [text]
        pane = stage.pane("a")
        await stage.press("home")
        row = next(n for n, shown in enumerate(stage.text("a")) if "before" in shown)
        await stage.pilot.click(pane, offset=(5, row + 2), times=3)
        assert pane.selected() == line.strip()


def test_the_oldest_part_of_a_line_that_was_cut_may_go() -> None:
    prose = Prose("m")
    prose.add("x" * LONG_LINE * 3 + "\nlast")
    prose.absorb()
    assert prose.whole() == ["x" * LONG_LINE * 3, "last"]
    prose.drop(1)
    assert prose.whole() == ["x" * LONG_LINE * 2, "last"]


def test_a_paragraph_that_was_cut_is_rendered_as_one() -> None:
    words = "word **bold** " * 400
    view = DressedView(message(words))
    assert len(view.prose.lines) > 1
    view.sync(100, reasoning=True, markdown="dark")
    view.dress(0, 200, Allowance())
    assert [view.spans(row) for row in range(view.height)] == render([words], 100, dark=True)


@pytest.mark.parametrize("width", [40, 60, 100])
async def test_rendered_text_is_selected_without_the_breaks_of_its_rows(width: int) -> None:
    text = f"# Head\n\n{PARAGRAPH}\n\n- {PARAGRAPH}\n- short\n\n```python\n{CODE}\n```\n\nend"
    async with staged(whole(text), (width, 60), TEAM, hold=True) as stage:
        pane = stage.pane("a")
        rows = stage.text("a")
        first = next(n for n, row in enumerate(rows) if "Head" in row)
        last = next(n for n, row in enumerate(rows) if " end" in row)
        await drag(stage, pane, (0, first), (8, last))
        chosen = pane.selected().split("\n")
        assert chosen[0] == "Head"
        assert chosen[2] == PLAIN
        assert chosen[4].strip(" •") == PLAIN
        assert "\n".join(chosen).endswith(f"\n\n{CODE}\n\nend")


async def test_three_times_is_a_line_of_rendered_text_as_well() -> None:
    async with staged(whole(f"# Head\n\n{PARAGRAPH}"), (60, 30), TEAM, hold=True) as stage:
        rows = stage.text("a")
        row = next(n for n, shown in enumerate(rows) if "rises" in shown)
        await stage.pilot.click(stage.pane("a"), offset=(9, row), times=3)
        assert stage.pane("a").selected() == PLAIN


def test_rows_in_another_order_than_the_text_are_not_joined() -> None:
    table = "| a | b |\n|---|---|\n| one two three four five six seven | eight nine ten eleven |\n"
    view = DressedView(message(table))
    view.sync(24, reasoning=True, markdown="dark")
    view.dress(0, 20, Allowance())
    rows = ["".join(it.text for it in view.spans(row)) for row in range(view.height)]
    wrapped = [n for n, text in enumerate(rows) if n and text.strip() and "eight" not in text]
    assert len(wrapped) > 2
    assert {view.glue(row) for row in wrapped} == {"\n"}


TABBED = "def f(a):\n\tif a:\n\t\treturn 'a very long line of code that is wrapped' + a  # 潮\tx\n\treturn 3"


def test_tabs_go_to_their_stops_and_are_given_back() -> None:
    prose = Prose("m")
    for token in ("a\tb", "\tc\n", "潮汐\t", "\td\n\t", "    e"):
        prose.add(token)
        prose.absorb()
    assert prose.lines == ["a   b   c", "潮汐        d", "        e"]
    assert prose.whole(tabs=True) == ["a\tb\tc", "潮汐\t\td", "\t    e"]
    prose.drop(1)
    assert prose.whole(tabs=True) == ["潮汐\t\td", "\t    e"]
    long = Prose("m")
    text = f"\t{'x' * (LONG_LINE - 8)}\t\t{'y' * LONG_LINE}\t\tz"
    long.add(text)
    added = long.absorb()[1]
    assert len(long.lines) > 1
    assert added == sum(map(len, long.lines))
    assert long.whole(tabs=True) == [text]


@pytest.mark.parametrize("keys", [(), ("m",)])
@pytest.mark.parametrize("fence", ["```python\n{}\n```", "{}"])
async def test_code_is_copied_with_its_tabs(fence: str, keys: tuple[str, ...]) -> None:
    text = f"Here:\n\n{fence.format(TABBED)}\n\nend"
    async with staged(whole(text), (70, 40), TEAM, hold=True) as stage:
        assert text in text_of(stage.app.board.agents["a"])
        await stage.press(*keys)
        pane, rows = stage.pane("a"), stage.text("a")
        first = next(n for n, row in enumerate(rows) if "def f" in row)
        last = next(n for n, row in enumerate(rows) if "return 3" in row)
        assert last > first + 3  # a line is wrapped
        await drag(stage, pane, (0, first), (40, last))
        chosen = pane.selected()
        assert chosen.startswith("def f(a):\n\tif a:\n\t\treturn 'a very")
        assert chosen.endswith("\n\treturn 3")
        start = rows[last].index("return 3")
        await drag(stage, pane, (start - 2, last), (start + 7, last))  # from within the tab
        assert pane.selected() == "  return 3"

"""A finished message as Markdown: what it looks like, when it is rendered, and where the reader is."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.style import Style
from test_tui_hostile import EVIL
from textual.pilot import Pilot
from tui_events import Clock, FakeRun, Stage, Tape, settle, staged

from orchestra.events import Event, Member, ModelAborted, ModelFinished, ModelStarted, TextDelta
from orchestra.text import clean
from orchestra.tui import markdown
from orchestra.tui.app import Viewer
from orchestra.tui.board import Board
from orchestra.tui.dressed import KEPT, Allowance, DressedView
from orchestra.tui.items import Prose, tame
from orchestra.tui.markdown import is_marked, pieces, render
from orchestra.tui.transcript import Transcript

TEXT = """# The result

Some *emphasis*, `inline code`, and a [link](http://example.com/x).
A second line stays a line. <b>html</b> stays.

1. first thing that is rather long and has to be wrapped somewhere
2. second
   - nested 中文 😀 e\u0301

> quoted text

| city | 人口 |
|------|-----:|
| Paris | 2,100,000 |
| 北京 | 21,540,000 |

```python
def f(x: int) -> str:
    return f"{x:>4}"  # comment
```

The end."""


def drawn(text: str, width: int = 40, *, dark: bool = True) -> list[str]:
    rows = render(text.split("\n"), width, dark=dark)
    return ["".join(span.text for span in row) for row in rows]


# What a piece looks like.


def test_all_of_it_is_there() -> None:
    shown = "\n".join(drawn(TEXT, 80))
    for words in (
        "The result", "Some emphasis, inline code, and a link (http://example.com/x).",
        "\nA second line stays a line. <b>html</b> stays.", " 1 first", " 2 second", "• nested 中文 😀",
        "quoted text", "21,540,000", "def f(x: int) -> str:", '    return f"{x:>4}"  # comment',
        "The end.",
    ):  # fmt: skip
        assert words in shown
    for marks in ("# The", "*emph", "`inline", "```", "|---"):
        assert marks not in shown


@pytest.mark.parametrize("width", [2, 5, 11, 20, 33, 80, 200])
def test_no_row_is_wider_than_the_pane(width: int) -> None:
    assert max(map(cell_len, drawn(TEXT, width))) <= width


def test_code_and_emphasis_have_styles_of_their_own() -> None:
    rows = render(TEXT.split("\n"), 60, dark=True)
    styles = {span.text.strip(): span.look for row in rows for span in row}
    assert isinstance(styles["inline code"], Style)
    assert styles["inline code"].bold
    assert isinstance(styles["emphasis"], Style)
    assert styles["emphasis"].italic
    assert isinstance(styles["def"], Style)
    assert (
        styles["def"]
        != {
            span.text.strip(): span.look
            for row in render(TEXT.split("\n"), 60, dark=False)
            for span in row
        }["def"]
    )


@pytest.mark.parametrize("text", EVIL)
def test_hostile_text_is_as_inert_as_elsewhere(text: str) -> None:
    for around in (
        "**{}**",
        "`{}`",
        "[{0}]({0})",
        "```{0}\n{0}\n```",
        "| {0} |\n|---|\n| {0} |",
        "# {}",
    ):
        given = tame(around.format(text))
        for row in drawn(given, 40):
            assert clean(row) == row


@pytest.mark.parametrize(
    "entity", ["&#27;[2J", "&#x1b;]52;c;aGk=&#7;", "&#x202e;evil", "&#8238;x", "&#10;x"]
)
def test_what_an_entity_hides_is_tamed(entity: str) -> None:
    for row in drawn(f"**a** {entity} [b](x{entity})", 60):
        assert clean(row) == row
        assert "\n" not in row


def test_plain_text_is_left_alone() -> None:
    for text in (
        "Just words.\nTwo lines.",
        "2 * 3 * 4 = 24",
        "a_b_c",
        "snake_case and 5 > 4",
        "- ",
    ):
        assert not is_marked(text) or text == "- "
    assert is_marked("**bold**")
    assert is_marked("a\n\n- item")
    assert not is_marked("**x** " * 5_000)  # too long for one frame


# Pieces.


def test_pieces_are_cut_between_paragraphs_only() -> None:
    paragraph = ["word " * 60, "more", ""]
    lines = (
        paragraph * 20 + ["```", *["code", ""] * 400, "```", ""] + ["1. one", ""] * 300 + ["end"]
    )
    found = pieces(lines)
    assert [first for first, _ in found] == [0, *(after for _, after in found[:-1])]
    assert found[-1][1] == len(lines)
    assert len(found) > 4
    for first, _ in found[1:]:
        assert lines[first - 1] == ""
        assert not lines[first].startswith(("code", "1. "))


def test_nothing_at_all() -> None:
    assert pieces([]) == []
    assert drawn("") == [""]


# Rows of a message.


def message(text: str) -> Prose:
    prose = Prose("m")
    prose.add(text)
    prose.absorb()
    prose.final = True
    return prose


def long_text(seed: int = 1, paragraphs: int = 60) -> str:
    rng, found = random.Random(seed), []
    for number in range(paragraphs):
        kind = rng.randrange(5)
        words = " ".join(
            rng.choice(["agent", "**bold**", "`code`", "中文", "text"])
            for _ in range(rng.randint(3, 80))
        )
        found.append(
            {0: f"## Head {number}", 1: f"- {words}\n- {words}", 2: f"> {words}"}.get(kind, words)
        )
    return "\n\n".join(found)


def check(view: DressedView, text_of: dict[object, str] | None = None) -> None:
    """Rows have keys of their own, marks that lead back, and something to show."""
    marks = [view.mark(row) for row in range(view.height)]
    assert [view.row_of(mark) for mark in marks] == list(range(view.height))
    assert len({view.key(row) for row in range(view.height)}) == view.height
    for row in range(view.height):
        view.spans(row)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_rendered_places_lead_back(seed: int) -> None:
    view, rng, allowance = DressedView(message(long_text(seed))), random.Random(seed), Allowance()
    for _ in range(12):
        view.sync(
            rng.choice([20, 33, 60]), reasoning=True, markdown=rng.choice(["dark", "light", ""])
        )
        check(view)
        for _ in range(4):
            allowance.renew()
            row = rng.randrange(view.height)
            view.dress(row, row + 30, allowance)
            check(view)


def numbered(paragraphs: int = 30) -> str:
    """Paragraphs whose words are numbers, counted through, so that any row tells where it is."""
    words = iter(range(10_000))
    return "\n\n".join(
        f"## {next(words)}\n\n**{next(words)}** " + " ".join(str(next(words)) for _ in range(60))
        for _ in range(paragraphs)
    )


def numbers(view: DressedView, row: int) -> list[int]:
    text = "".join(span.text for span in view.spans(row))
    return [int(word) for word in re.findall(r"\d+", text)]


@pytest.mark.parametrize("width", [25, 60, 140])
@pytest.mark.parametrize("after", ["dark", ""])
def test_a_place_in_rendered_text_is_the_same_word_at_any_width(width: int, after: str) -> None:
    view = DressedView(message(numbered()))
    for seen in range(3, 150, 11):
        view.sync(40, reasoning=True, markdown="dark")
        for row in range(0, view.height, 20):
            view.dress(row, row + 20, Allowance())
        found = numbers(view, seen)
        if not found:
            continue  # an empty row
        mark = view.mark(seen)
        view.sync(width, reasoning=True, markdown=after)
        for _ in range(2):  # before it is rendered at this width, and then
            here = numbers(view, view.row_of(mark))
            assert here
            assert here[0] <= found[0] <= here[-1]
            for row in range(0, view.height, 20):
                view.dress(row, row + 20, Allowance())
        view.sync(40, reasoning=True, markdown="dark")
        for row in range(0, view.height, 20):
            view.dress(row, row + 20, Allowance())
        assert numbers(view, view.row_of(mark)) == found  # and back again


def test_only_what_is_seen_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[int] = []
    real = markdown.render

    def counting(lines: list[str], width: int, *, dark: bool) -> Any:
        rendered.append(sum(map(len, lines)))
        return real(lines, width, dark=dark)

    monkeypatch.setattr("orchestra.tui.markdown.render", counting)
    text = long_text(paragraphs=400)
    view = DressedView(message(text))
    view.sync(60, reasoning=True, markdown="dark")
    assert rendered == []
    view.dress(0, 20, Allowance())
    assert 0 < sum(rendered) < len(text) / 10
    before = len(rendered)
    assert not view.dress(0, 5, Allowance())  # it has been
    assert len(rendered) == before


def test_a_frame_renders_a_little_and_says_that_more_is_due() -> None:
    view, allowance = DressedView(message(long_text(paragraphs=400))), Allowance()
    view.sync(60, reasoning=True, markdown="dark")
    assert view.dress(0, view.height, allowance)
    assert allowance.short
    assert view.waits
    rounds = 0
    while allowance.short:
        allowance.renew()
        view.dress(0, view.height, allowance)
        rounds += 1
    assert rounds > 3


def test_rendered_rows_are_bounded() -> None:
    view = DressedView(message(long_text(paragraphs=800)))
    view.sync(40, reasoning=True, markdown="dark")
    for row in range(0, 20_000, 25):
        if row >= view.height:
            break
        allowance = Allowance()
        view.dress(row, row + 25, allowance)
        kept = sum(len(piece.rows or ()) for piece in view._pieces)
        assert kept <= KEPT + 200
    check(view)


def test_what_streams_is_void_or_was_cut_stays_plain() -> None:
    for change in ({"final": False}, {"void": True}, {"dropped": 1}):
        prose = message(TEXT)
        for name, value in change.items():
            setattr(prose, name, value)
        view = DressedView(prose)
        view.sync(40, reasoning=True, markdown="dark")
        assert not view.waits
        assert not view.dress(0, 100, Allowance())
        assert view.height == view.plain.height


# In a pane.

TEAM = (Member(name="a"),)


def told(text: str) -> list[Event]:
    tape = Tape()
    tape.begin(TEAM)
    tape.call("a", "go")
    tape.add(ModelStarted(message_id="m", model="x"), "a")
    tape.add(TextDelta(message_id="m", text=text), "a")
    return tape.events


def whole(text: str) -> list[Event]:
    done = ModelFinished(message_id="m", text=text, agent="a", call="a", t=1.0)
    return [*told(text), done]


def shown(stage: Stage) -> str:
    return "\n".join(stage.text("a"))


async def test_plain_while_it_streams_rendered_when_it_is_whole() -> None:
    async with staged(told(TEXT), (80, 40), TEAM, hold=True) as stage:
        assert "# The result" in shown(stage)
        stage.app.feed.events.append(whole(TEXT)[-1])
        await stage.settle()
        assert "# The result" not in shown(stage)
        assert "The result" in shown(stage)


async def test_m_shows_it_as_it_was_written_and_back() -> None:
    async with staged(whole(TEXT), (80, 40), TEAM, hold=True) as stage:
        rendered = shown(stage)
        await stage.press("m")
        assert "# The result" in shown(stage)
        assert "as it was written" in stage.screen[-1]
        await stage.press("m")
        assert shown(stage) == rendered


async def test_an_aborted_message_stays_as_it_was() -> None:
    events = [*told(TEXT), ModelAborted(message_id="m", reason="retry", agent="a", call="a", t=1.0)]
    async with staged(events, (80, 40), TEAM, hold=True) as stage:
        assert "# The result" in shown(stage)


async def test_the_reader_stays_where_they_are() -> None:
    text = "\n\n".join(
        f"Paragraph **{n}** of the text\n- with `a` list\n- of two" for n in range(200)
    )
    async with staged(whole(text), (80, 30), TEAM, hold=True) as stage:
        await stage.press("home", *["pagedown"] * 4)
        pane = stage.pane("a")
        assert not pane.following

        def paragraph() -> int:
            return next(
                int(row.split()[2].strip("*")) for row in stage.text("a") if "Paragraph" in row
            )

        before = paragraph()
        for keys in (["m"], ["m"]):
            await stage.press(*keys)
            assert abs(paragraph() - before) <= 2
        await stage.pilot.resize_terminal(60, 30)
        await stage.settle()
        assert abs(paragraph() - before) <= 2


async def test_after_a_resize_all_that_is_in_sight_is_rendered() -> None:
    text = "\n\n".join(f"**Paragraph** {n} " + "of `code` " * 20 for n in range(200))
    team = tuple(Member(name=name) for name in "abcd")
    tape = Tape()
    tape.begin(team)
    for name in "abcd":
        tape.call(name, "go")
        tape.add(ModelStarted(message_id=name, model="x"), name)
        tape.add(TextDelta(message_id=name, text=text), name)
        tape.add(ModelFinished(message_id=name, text=text), name)
        tape.done(name)
    tape.end()
    async with staged(tape.events, (200, 50), team) as stage:
        for size in ((100, 60), (250, 70), (120, 40)):
            await stage.pilot.resize_terminal(*size)
            await stage.pilot.pause()
            for _ in range(30):
                stage.app.tick()
            for name in "abcd":
                assert not {"*", "`"} & set("".join(stage.text(name)))
        for _ in range(9):  # nor does what somebody scrolls to wait for news
            stage.pane("a").action_scroll_pages(-1)
        stage.app.tick()
        stage.app.tick()
        assert not {"*", "`"} & set("".join(stage.text("a")))


async def test_scrolling_through_goes_row_by_row_and_misses_nothing() -> None:
    text = long_text(3, 40)
    async with staged(whole(text), (80, 24), TEAM, hold=True) as stage:
        for _ in range(30):
            await stage.settle()
        await stage.press("home")
        for _ in range(10):
            await stage.settle()
        last = None
        for _ in range(400):
            pane = stage.pane("a")
            if pane.following:
                break
            rows = stage.text("a")[1:-1]
            if last is not None and pane.transcript is not None:
                assert rows != last
            last = rows
            pane.action_scroll_rows(1)
            stage.app.tick()
        assert stage.pane("a").following


def test_a_board_of_messages_keeps_its_lines_in_order() -> None:
    board = Board(TEAM)
    for event in whole(TEXT):
        board.feed(event)
    transcript, allowance = Transcript(board.agents["a"]), Allowance()
    transcript.sync(50, markdown="dark")
    while transcript.dress(range(transcript.height), allowance):
        allowance.renew()
    rows = [transcript.text(line) for line in range(transcript.height)]
    assert [row.strip() for row in rows if row.strip()][-1] == "The end."
    assert [
        transcript.line_of(transcript.place(line)) for line in range(transcript.height)
    ] == list(range(transcript.height))


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_markdown(snap_compare: Any, theme: str) -> None:
    run, clock = FakeRun(whole(TEXT), hold=True), Clock()
    app = Viewer("Markdown", TEAM, run, clock=clock)

    async def ready(pilot: Pilot[None]) -> None:
        await settle(app, pilot, run)
        clock.now += 1
        app.theme = theme
        await settle(app, pilot, run)

    try:
        assert snap_compare(app, terminal_size=(100, 36), run_before=ready)
    finally:
        app.feed.stop()

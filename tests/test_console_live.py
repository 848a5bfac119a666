"""A run on a terminal, read through an emulator: what a person finally sees, and on the way."""

from __future__ import annotations

import io
import re

import pyte
import pytest
from console_stream import EDITOR_2, VOID, Newsroom, call, hostile, newsroom

from orchestra.console.live import LiveDisplay, Terminal
from orchestra.events import Event, Interrupted, ModelStarted, Resumed, ToolStarted

STORY = """\
newsroom
> Write a note on tides.

● Editor-in-chief  editor
  I'll have both facts checked.
  → researcher {"query": "tides"}
  → researcher {"query": "月球"}
  → weather {"city": "Atlantis"}
  ✗ weather no such city: Atlantis (0.20s)

● Researcher  editor/researcher#1
  Tides follow the moon, twice a day.

● Researcher  editor/researcher#2
  Which moon?
  Ours.
  月球距离地球 384,400 公里。
  That is far.

● Editor-in-chief  editor
  ← researcher#1 (1.50s)
  ← researcher#2 (1.50s)
  → writer {"query": "tides and moon"}

● writer  editor/writer#1
  The sea is a
  ✗ void, asked again in 1.00s: connection reset
  The moon pulls; the sea answers.
  → checker {"query": "draft"}

● 校对  editor/writer#1/checker#1
  APPROVED: 潮汐没有错。

● writer  editor/writer#1
  ← checker#1 (1.50s)
  Final.

● Editor-in-chief  editor
  ← writer#1 (1.50s)

! the script has a reply that was never used

● Editor-in-chief  editor
  Published: the moon pulls.
"""

FIGURES = """
agent        calls   model   tools      in   out   first   tok/s    time
────────────────────────────────────────────────────────────────────────
editor           1       3       4   3,600    55   0.21s    18.3   3.00s
researcher       2       2       0   2,400    66   0.21s    33.0   2.00s
writer           1       2       1   2,400    38   0.21s    19.0   2.00s
checker          1       1       0   1,200    16   0.21s    16.0   1.00s
total            5       8       5   9,600   175       -    21.9   8.00s
"""

ENDING = "\n✓ completed in 3.21s\n"


class Screen:
    """A terminal of some size with all that scrolled off, and a display that writes to it."""

    def __init__(self, width: int = 80, height: int = 24, *, stats: bool = False) -> None:
        self.now = 0.0
        self.screen = pyte.HistoryScreen(width, height, history=10_000, ratio=1)
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        self.out = io.StringIO()
        self.console = Terminal(
            file=self.out,
            force_terminal=True,
            force_interactive=True,
            color_system="standard",
            legacy_windows=False,
            width=width,
            height=height,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.display = LiveDisplay(
            self.console, stats=stats, frames_per_second=0, clock=lambda: self.now
        )

    def feed(self, events: list[Event], *, refresh: bool = True) -> Screen:
        for event in events:
            self.display.feed(event)
            if refresh:
                self.display.refresh()
        return self.look()

    def close(self) -> Screen:
        self.display.close()
        return self.look()

    def look(self) -> Screen:
        written = self.out.getvalue()
        self.out.seek(0)
        self.out.truncate()
        self.raw += written
        self._stream.feed(written.replace("\n", "\r\n"))
        return self

    @property
    def visible(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]

    @property
    def text(self) -> str:
        """All rows, those above the screen too, without the empty ones at the end."""
        above = [
            "".join(row[x].data for x in range(self.screen.columns)).rstrip()
            for row in self.screen.history.top
        ]
        return "\n".join([*above, *self.visible]).rstrip() + "\n"


@pytest.mark.parametrize("refresh", [True, False])
def test_the_whole_story(refresh: bool) -> None:
    """The same, however often the region was drawn: it leaves nothing behind."""
    screen = Screen(stats=True).feed(newsroom(), refresh=refresh).close()
    assert screen.text == STORY + FIGURES + ENDING
    assert screen.text.count(EDITOR_2) == 1
    assert not screen.screen.cursor.hidden
    assert screen.screen.cursor.x == 0
    assert screen.visible[screen.screen.cursor.y - 1] == "✓ completed in 3.21s"


def test_two_at_once_each_have_their_block() -> None:
    room = Newsroom()
    room.say(
        room.message("editor/researcher#1", "Tides follow the moon.")[:-1],
        room.message("editor/researcher#2", "月球很远。", reasoning="Hm.")[:-1],
    )
    assert Screen().feed(room.events).text == (
        "\n● researcher  editor/researcher#1\n  Tides follow the moon.\n"
        "\n● researcher  editor/researcher#2\n  Hm.\n  月球很远。\n"
    )


@pytest.mark.parametrize("height", [3, 5, 12, 24])
@pytest.mark.parametrize("agents", [1, 3, 30])
def test_the_region_is_never_higher_than_the_terminal(agents: int, height: int) -> None:
    """Nothing of it may scroll away: it could not be taken back."""
    screen, room = Screen(60, height), Newsroom()
    paths = [f"editor/researcher#{n}" for n in range(1, agents + 1)]
    room.say(*[room.message(path, "The sea. " * 40)[:-1] for path in paths])
    for start in range(0, len(room.events), 97):
        screen.feed(room.events[start : start + 97], refresh=False).display.refresh()
        assert not screen.look().screen.history.top
    screen.close()
    assert screen.text.count("✗ unfinished") == agents
    assert " ".join(screen.text.split()).count("The sea.") == agents * 40


def test_a_crowd_has_a_row_each() -> None:
    room = Newsroom()
    paths = [f"editor/researcher#{n}" for n in range(1, 31)]
    room.say(*[room.message(path, "The sea.")[:-1] for path in paths])
    rows = Screen().feed(room.events).text.splitlines()
    assert len(rows) == 16
    assert rows[0] == "● researcher  editor/researcher#1  The sea."
    assert rows[-1] == "… and 15 more"


def test_a_silent_model_and_a_running_tool_show_their_age() -> None:
    screen, room = Screen(), Newsroom()
    room.add(ModelStarted(message_id="m", model="x"), "editor")
    assert screen.feed(room.events).text == "\n● editor\n  …\n"
    screen.now = 3.2
    screen.display.refresh()
    assert screen.look().text == "\n● editor  3s\n  …\n"
    made, room = call("weather", 1, city="Oslo"), Newsroom()
    screen, before = Screen(), "● editor\n  → weather {\"city\": \"Oslo\"}\n"  # fmt: skip
    room.say(room.message("editor", "", (made,)))
    room.tool("editor", made)
    assert screen.feed(room.events).text == before
    screen.now = 2.0
    screen.display.refresh()
    assert screen.look().text == before + "  · weather 2s\n"
    room.events.clear()
    room.tool_end("editor", made, "rain")
    assert screen.feed(room.events).text == before + "  ← weather rain (1.50s)\n"


def test_a_tool_call_grows_in_one_row() -> None:
    made = call("weather", 1, city="Llanfairpwllgwyngyllgogerychwyrndrobwll" * 3)
    room = Newsroom()
    room.say(room.message("editor", "Let me see.", (made,))[:-1])
    rows = Screen(40).feed(room.events).text.splitlines()
    assert rows[2] == "  Let me see."
    assert rows[3].startswith("  → weather {'city': 'Llanfair")
    assert rows[3].endswith("…")
    assert len(rows) == 4


def test_void_text_is_struck_through() -> None:
    screen = Screen(stats=False).feed(newsroom()).close()
    struck = re.compile(r"\x1b\[[\d;]*9m *" + VOID.strip())
    assert struck.search(screen.raw)
    assert "✗ void, asked again in 1.00s: connection reset" in screen.text


def test_a_failed_run_ends_in_one_clear_line() -> None:
    room = Newsroom()
    room.start()
    room.finish("failed", error="researcher: no\nreply left")
    screen = Screen().feed(room.events).close()
    assert screen.text.endswith("\n✗ error: researcher: no reply left (failed after 3.21s)\n")


def test_a_run_that_breaks_off_keeps_what_was_said() -> None:
    room = Newsroom()
    room.say(room.message("editor", "Half a sentence")[:-1])
    screen = Screen().feed(room.events).close()
    assert screen.text == "● editor\n  Half a sentence\n  ✗ unfinished\n"
    assert not screen.screen.cursor.hidden


def test_while_a_person_is_asked_the_terminal_is_theirs() -> None:
    screen, room = Screen(), Newsroom()
    room.say(room.message("editor/a", "Half")[:-1])
    room.add(Interrupted(interrupt_id="i", request={"tool": "publish", "args": {"x": 1}}), "editor")
    screen.feed(room.events)
    assert screen.text == '● editor\n  ? publish waits for approval {"x": 1}\n'
    assert not screen.screen.cursor.hidden
    room.events.clear()
    room.add(Resumed(interrupt_id="i", decision={"decide": "approve"}), "editor")
    screen.feed(room.events)
    assert screen.text.endswith('  = {"decide": "approve"}\n\n● a  editor/a\n  Half\n')


def test_no_escape_that_is_not_rich_s_own() -> None:
    screen = Screen(stats=True).feed(hostile()).close()
    ours = re.compile(r"\x1b\[(?:[\d;]*m|\d*A|2K|\?25[lh])")
    rest = ours.sub("", screen.raw)
    assert not [c for c in rest if c not in "\n\r" and (c < " " or "\x7f" <= c <= "\x9f")]
    assert not set(rest) & set("\u202e\u2066\ud83d")
    assert "[/] [bold]x[/bold]" in screen.text
    assert ":smile:" in screen.text
    assert screen.screen.title == ""


@pytest.mark.parametrize("width", [20, 30, 40, 200])
def test_any_width_is_readable(width: int) -> None:
    screen = Screen(width, stats=True).feed(newsroom()).close()
    words = "".join(screen.text.split())
    for text in ("Tidesfollowthemoon,twiceaday.", "月球距离地球384,400公里。", "✓completedin3.21s"):
        assert text in words
    assert "#1" in screen.text
    assert re.search(r"1,200", screen.text)
    assert "connectionreset" in words


def test_a_narrower_terminal_has_no_leftovers() -> None:
    """The terminal wraps what no longer fits; the emulator does not, so that is done here."""
    screen, room = Screen(60, 24), Newsroom()
    room.say(room.message("editor", "The sea is wide. " * 5)[:-1])
    screen.feed(room.events)
    drawn = screen.text.splitlines()
    narrow = Screen(30, 24)
    wrapped = [row[i : i + 30] for row in drawn for i in range(0, max(len(row), 1), 30)]
    screen.console.size = (30, 24)
    screen.screen = narrow.screen
    screen._stream = pyte.Stream(narrow.screen)
    screen._stream.feed("\r\n".join(wrapped))
    screen.close()
    assert screen.text.count("● editor") == 1
    assert screen.text.count("The") == 5


def test_no_colour_is_asked_for_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(stats=True).feed(newsroom()).close()
    codes = {code for run in re.findall(r"\x1b\[([\d;]+)m", screen.raw) for code in run.split(";")}
    assert codes <= {"0", "1", "2", "3", "9"}
    assert screen.text.startswith(STORY)


def test_an_agent_keeps_its_colour() -> None:
    screen = Screen().feed(newsroom()).close()
    found = set(re.findall(r"\x1b\[1;(\d+)m● Researcher", screen.raw))
    assert len(found) == 1
    assert found != set(re.findall(r"\x1b\[1;(\d+)m● Editor", screen.raw))


def test_tokens_are_not_drawn_one_by_one() -> None:
    screen, room = Screen(), Newsroom()
    room.say(room.message("editor", "word " * 500)[:-1])
    screen.feed(room.events, refresh=False)
    assert screen.raw == ""
    screen.display.refresh()
    once = len(screen.look().raw)
    screen.display.refresh()  # nothing changed
    assert len(screen.look().raw) == once


def test_a_tool_that_the_filter_left_alone() -> None:
    room = Newsroom()
    room.add(ToolStarted(tool_call_id="c", name="weather", args={"city": "Oslo"}), "editor")
    assert Screen().feed(room.events).text == '● editor\n  → weather {"city": "Oslo"}\n'

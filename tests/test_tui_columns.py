"""Characters whose width terminals dispute stay in their columns, and move nobody else's."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from terminal import Spawn
from textual.drivers._writer_thread import WriterThread
from textual.drivers.headless_driver import HeadlessDriver

from orchestra.tui.columns import placed, placing
from orchestra.tui.wrap import graphemes

CODE = re.compile(r"\x1b7|\x1b8|\x1b\[(\d*)([A-Za-z])|\x1b\[[\d;]*m")
DISPUTED = ["⚠️", "❤️", "1️⃣", "👍🏽", "🧑🏿‍🚀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🫨", "✔️"]


def columns(data: str, wrong: int) -> list[str]:
    """What a terminal has in its columns that takes every emoji for ``wrong`` columns wide."""
    row: dict[int, str] = {}
    at = saved = index = 0
    while index < len(data):
        if code := CODE.match(data, index):
            index = code.end()
            if code[0] == "\x1b7":
                saved = at
            elif code[0] == "\x1b8":
                at = saved
            elif code[2] == "C":
                at += int(code[1])
            continue
        character = graphemes(data[index:])[0]
        index += len(character)
        width = wrong if character in DISPUTED else cell_len(character)
        for column in range(at, at + width):
            row[column] = character if column == at else ""
        at += width
    return [row.get(column, "?") for column in range(max(row) + 1)]


@pytest.mark.parametrize("wrong", [1, 2, 4])
@pytest.mark.parametrize("character", DISPUTED)
def test_what_follows_stands_where_it_would(character: str, wrong: int) -> None:
    row = f"▏ \x1b[1mso {character}{character} goes\x1b[0m 潮 ▏ next"
    before, after = row.split(character, 1)[0], row.rsplit(character, 1)[1]
    shown = columns(placed(row), wrong)
    width = cell_len(character)
    assert shown[:5] == columns(before, 2) == ["▏", " ", "s", "o", " "]
    assert shown[5] == character
    end = 5 + 2 * width
    assert shown[end : end + len(columns(after, 2))] == columns(after, 2)


def test_text_that_nobody_disputes_is_written_as_it_is() -> None:
    for text in ("plain", "▏ 潮汐，ＡＢ 한국어 é e\u0301 Привет שלום สวัสดี ● ■ ✔ →", "हिन्दी"):
        assert placed(f"\x1b[1m{text}\x1b[0m") == f"\x1b[1m{text}\x1b[0m"


def test_a_selector_at_the_beginning_of_a_style_breaks_no_code() -> None:
    assert "\x1b[38;5;1m" in placed("\x1b[38;5;1m\ufe0fx")


def test_a_title_is_left_alone() -> None:
    assert placed("\x1b]2;⚠️ asks\x07") == "\x1b]2;⚠️ asks\x07"


def test_the_driver_of_any_system_is_made_to_hold_them() -> None:
    written: list[str] = []

    class Screen(HeadlessDriver):
        def write(self, data: str) -> None:
            written.append(data)

    kind = placing(Screen)
    kind.write(object.__new__(kind), "⚠️ x")
    assert written == [placed("⚠️ x")] != ["⚠️ x"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pty")
def test_the_program_writes_so(spawn: Spawn, tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text("version: 1\nagents: {a: {model: echo}}\ninput: mind the ⚠️ step\n")
    terminal = spawn(["-m", "orchestra", "tui", str(path)])
    terminal.read_until("\x1b7  \x1b8⚠️\x1b8\x1b[2C".encode())
    assert terminal.leave() == 0


class Gone:
    """A terminal that is gone."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "gone")

    def flush(self) -> None:
        raise OSError(errno.EIO, "gone")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_terminal_that_is_gone_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.tui.columns._PATIENCE", 0.01)
    writer = WriterThread(Gone())  # type: ignore[arg-type]

    class Writing(HeadlessDriver):
        def __init__(self) -> None:
            self._writer_thread = writer

        def write(self, data: str) -> None:
            writer.write(data)

    driver = placing(Writing)()  # type: ignore[call-arg]
    while not writer._queue.full():
        writer.write("x")
    writer.start()
    writer.join()  # by its first word
    for _ in range(100):
        driver.write("more than the queue takes")
    driver.close()

"""The console's outer side: which display, the machine's displays, the filter, the saved file."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from console_stream import EDITOR_2, HEADER, RESEARCHER_1, Newsroom, hostile, newsroom

from orchestra import events
from orchestra.cli import safe_streams
from orchestra.console import Display, Filter, Saver, display
from orchestra.errors import OrchestraError, UsageError
from orchestra.events import AgentTotals, Event, Internal, StateUpdated, TextDelta

KINDS = ["rich", "plain", "jsonl", "quiet"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def feed_all(screen: Display, stream: list[Event]) -> None:
    for event in stream:
        screen.feed(event)


def shown(kind: str, stream: list[Event], *, stats: bool = False) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    screen = display(kind, out=out, err=err, stats=stats, header=HEADER)
    feed_all(screen, stream)
    screen.close()
    return out.getvalue(), err.getvalue()


def test_jsonl_reads_back() -> None:
    out, err = shown("jsonl", newsroom())
    header, found = events.read(out.splitlines())
    assert header == HEADER
    assert list(found) == newsroom()
    assert err == ""


def test_jsonl_is_flushed_line_by_line_header_first() -> None:
    seen: list[str] = []

    class Flushed(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())

    out = Flushed()
    screen = display("jsonl", out=out, err=io.StringIO(), stats=False, header=HEADER)
    assert out.getvalue() == ""  # nothing before there is anything
    for event in newsroom()[:3]:
        screen.feed(event)
    assert [text.count("\n") for text in seen] == [2, 3, 4]


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "cp1252"])
def test_jsonl_loses_nothing_in_a_small_encoding(encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    safe_streams(out)
    screen = display("jsonl", out=out, err=io.StringIO(), stats=False, header=HEADER)
    for event in newsroom():
        screen.feed(event)
    _, found = events.read(raw.getvalue().decode(encoding).splitlines())
    assert list(found) == newsroom()


def test_jsonl_of_hostile_text_is_inert_and_equal_but_for_lone_surrogates() -> None:
    out, _ = shown("jsonl", hostile())
    assert not any(
        c < " " or "\x7f" <= c <= "\x9f" or c in "\u202e\u2066" for c in out if c != "\n"
    )
    _, found = events.read(out.split("\n"))
    said = "".join(e.text for e in found if isinstance(e, TextDelta))
    meant = "".join(e.text for e in hostile() if isinstance(e, TextDelta))
    assert said == meant.replace("\ud83d", "\N{REPLACEMENT CHARACTER}")


def test_quiet_is_the_output_alone() -> None:
    assert shown("quiet", newsroom()) == (EDITOR_2 + "\n", "")


def test_quiet_of_a_failed_run_is_one_line_on_err() -> None:
    room = Newsroom()
    room.start()
    room.finish("failed", error="editor: the model said\nno")
    assert shown("quiet", room.events) == ("", "error: editor: the model said no\n")


@pytest.mark.parametrize("kind", ["jsonl", "quiet"])
def test_the_figures_of_machine_displays_go_to_err(kind: str) -> None:
    plain, _ = shown(kind, newsroom())
    out, err = shown(kind, newsroom(), stats=True)
    assert out == plain
    assert err.splitlines()[0].split() == [
        "agent", "calls", "model", "tools", "in", "out", "first", "tok/s", "time",
    ]  # fmt: skip
    assert err.splitlines()[-1] == "completed in 3.21s"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stats", [False, True])
def test_no_escape_code_in_a_pipe(kind: str, stats: bool) -> None:
    for stream in (newsroom(), hostile()):
        for text in shown(kind, stream, stats=stats):
            assert not [c for c in text if c not in "\n\t" and (c < " " or "\x7f" <= c <= "\x9f")]
            assert not set(text) & set("\u202e\u2066\ud83d")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["ascii", "gbk", "cp1252"])
def test_small_encodings_do_not_raise(kind: str, encoding: str) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    safe_streams(*streams)
    for stream in (newsroom(), hostile()):
        screen = display(kind, out=streams[0], err=streams[1], stats=True, header=HEADER)
        for event in stream:
            screen.feed(event)
        screen.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_pipe_reaches_the_caller(kind: str) -> None:
    screen = display(kind, out=Broken(), err=io.StringIO(), stats=True, header=HEADER)
    with pytest.raises(BrokenPipeError):
        feed_all(screen, newsroom())


@pytest.mark.parametrize(
    ("name", "value"), [("TERM", "dumb"), ("CI", "true"), ("TTY_COMPATIBLE", "0")]
)
def test_rich_is_plain_where_no_cursor_moves(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    out = Terminal()
    screen = display("rich", out=out, err=io.StringIO(), stats=False, header=HEADER)
    for event in newsroom():
        screen.feed(event)
    screen.close()
    assert out.getvalue() == shown("plain", newsroom())[0]


def test_rich_on_a_terminal_moves_the_cursor_and_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("CI", raising=False)
    streams = sys.stdout, sys.stderr
    out = Terminal()
    screen = display("rich", out=out, err=io.StringIO(), stats=True, header=HEADER)
    for event in newsroom():
        screen.feed(event)
    screen.close()
    screen.close()
    assert (sys.stdout, sys.stderr) == streams
    assert out.getvalue().rfind("\x1b[?25h") > out.getvalue().rfind("\x1b[?25l") > 0


def test_rich_is_imported_only_where_chosen() -> None:
    code = """
import sys, io
from orchestra.console import display, Filter, Saver
from orchestra.events import Header
for kind in ("plain", "jsonl", "quiet", "rich"):
    display(kind, out=io.StringIO(), err=io.StringIO(), stats=True, header=Header())
found = {name.partition(".")[0] for name in sys.modules}
print(sorted(found & {"rich", "textual", "langchain", "langchain_core", "langgraph"}))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


# The filter.


def kept(
    stream: list[Event], agents: tuple[str, ...] = (), nodes: tuple[str, ...] = ()
) -> list[Event]:
    chosen = Filter(agents, nodes)
    return [event for event in stream if chosen.keep(event)]


def test_no_filter_keeps_all() -> None:
    assert kept(newsroom()) == newsroom()


def test_an_agent_by_name_is_all_its_calls_and_the_run() -> None:
    calls = {event.call for event in kept(newsroom(), ("researcher",))}
    assert calls == {None, "editor/researcher#1", "editor/researcher#2"}


def test_an_agent_by_path_is_one_call() -> None:
    calls = {event.call for event in kept(newsroom(), ("editor/researcher#1", "checker"))}
    assert calls == {None, "editor/researcher#1", "editor/writer#1/checker#1"}


def test_nodes() -> None:
    lasting = {"run_started", "turn_started", "turn_finished", "run_finished", "warning"}
    lasting |= {"agent_started", "agent_finished"}
    tools = {event.type for event in kept(newsroom(), (), ("tools",))}
    assert tools == lasting | {"tool_started", "tool_finished", "tool_failed"}
    model = {event.type for event in kept(newsroom(), (), ("model",))}
    assert model == {event.type for event in newsroom()} - (tools - lasting)
    assert kept(newsroom(), (), ("model", "tools")) == newsroom()


def test_a_message_belongs_to_the_node_that_began_it() -> None:
    stream = [
        dataclasses.replace(event, node="judge")
        if isinstance(event, events.ModelStarted)
        else event
        for event in newsroom()
    ]
    assert not [event for event in kept(stream, (), ("model",)) if hasattr(event, "message_id")]
    assert [event for event in kept(stream, (), ("judge",)) if hasattr(event, "message_id")]


def test_internal_words_and_state_by_their_own_names() -> None:
    stream: list[Event] = [
        Internal(agent="editor", source="summarization", text="x"),
        StateUpdated(agent="editor", node="tools", keys=("messages",)),
    ]
    assert kept(stream, (), ("model",)) == stream[:1]
    assert kept(stream, (), ("summarization",)) == stream[:1]
    assert kept(stream, (), ("tools",)) == stream[1:]


# The saved file.


def test_a_saved_run_is_in_the_file_as_it_happens(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one.jsonl"
    saver = Saver(path, HEADER)
    for count, event in enumerate(newsroom(), 2):
        saver.feed(event)
        assert path.read_bytes().count(b"\n") == count
    saver.close()
    with path.open(encoding="utf-8") as file:
        header, found = events.read(file)
        assert (header, list(found)) == (HEADER, newsroom())


def test_a_file_that_cannot_be_opened_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        Saver(tmp_path, HEADER)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_line() -> None:
    with pytest.raises(OrchestraError, match="/dev/full: No space left"):
        Saver("/dev/full", HEADER)


# Every event, also those that the story has not.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", get_args(Event))
def test_every_event_is_shown_alone(kind: str, case: type[Event]) -> None:
    """A filter, or a file that begins in the middle, may leave out what belongs before."""
    values = {
        "scenario": "s", "main": "editor", "turn": 1, "input": "i", "message_id": "m",
        "model": "m", "text": "words", "index": 0, "tool_call_id": "c", "name": "n", "source": "s",
        "node": "n", "interrupt_id": "i", "message": "w", "status": "failed", "reason": "error",
        "data": {"a": 1}, "request": {"tool": "publish", "args": {"x": 1}}, "error": "e",
        "decision": {"decide": "approve"}, "totals": {"editor": AgentTotals()},
    }  # fmt: skip
    known = {field.name for field in dataclasses.fields(case)}
    values = {name: value for name, value in values.items() if name in known}
    event = case(run="r", seq=0, agent="editor", call="editor", **values)
    out, err = shown(kind, [event], stats=True)
    if kind == "jsonl":
        assert json.loads(out.splitlines()[1])["type"] == event.type
    assert "Traceback" not in out + err


def test_delegated_words_are_not_repeated_by_the_tool() -> None:
    out, _ = shown("plain", newsroom())
    assert out.count(RESEARCHER_1) == 1

"""A run as plain text: one speaker at a time, and everything said once."""

from __future__ import annotations

import io
import random
from collections import deque
from dataclasses import replace

import pytest
from console_stream import (
    EDITOR_1,
    HEADER,
    RESEARCHER_1,
    RESEARCHER_2,
    VOID,
    Newsroom,
    call,
    newsroom,
)

from orchestra.cli import safe_streams
from orchestra.console import Filter, display
from orchestra.console.plain import PlainDisplay
from orchestra.events import (
    AgentFinished,
    Event,
    Internal,
    Interrupted,
    Member,
    ModelAborted,
    ModelFinished,
    ModelStarted,
    Resumed,
    RunStarted,
    TextDelta,
    ToolCall,
    ToolFailed,
    ToolProgress,
    ToolStarted,
    Warned,
)

STORY = f"""\
# newsroom
> Write a note on tides.

[editor]
I'll have both facts checked.
→ researcher {{"query": "tides"}}
→ researcher {{"query": "月球"}}
→ weather {{"city": "Atlantis"}}
✗ weather no such city: Atlantis (0.20s)

[editor/researcher#1]
Tides follow the moon, twice a day.

[editor/researcher#2]
| Which moon?
| Ours.
月球距离地球 384,400 公里。
That is far.

[editor]
← researcher#1 (1.50s)
← researcher#2 (1.50s)
→ writer {{"query": "tides and moon"}}

[editor/writer#1]
{VOID}
✗ void, asked again in 1.00s: connection reset
The moon pulls; the sea answers.
→ checker {{"query": "draft"}}

[editor/writer#1/checker#1]
APPROVED: 潮汐没有错。

[editor/writer#1]
← checker#1 (1.50s)
Final.

[editor]
← writer#1 (1.50s)
Published: the moon pulls.
"""

FIGURES = """
agent       calls  model  tools     in  out  first  tok/s   time
editor          1      3      4  3,600   55  0.21s   18.3  3.00s
researcher      2      2      0  2,400   66  0.21s   33.0  2.00s
writer          1      2      1  2,400   38  0.21s   19.0  2.00s
checker         1      1      0  1,200   16  0.21s   16.0  1.00s
total           5      8      5  9,600  175      -   21.9  8.00s
completed in 3.21s
"""

WARNING = "warning: the script has a reply that was never used\n"


def plain(stream: list[Event], *, stats: bool = False) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    screen = PlainDisplay(out, err, stats=stats)
    for event in stream:
        screen.feed(event)
    screen.close()
    return out.getvalue(), err.getvalue()


def test_the_whole_story() -> None:
    assert plain(newsroom()) == (STORY, WARNING)
    assert plain(newsroom(), stats=True) == (STORY + FIGURES, WARNING)


def test_the_floor_s_tokens_flow_and_the_others_wait() -> None:
    out = io.StringIO()
    screen = PlainDisplay(out, io.StringIO(), stats=False)
    one, two = "editor/researcher#1", "editor/researcher#2"
    said = ""
    for event in newsroom():
        screen.feed(event)
        if isinstance(event, TextDelta) and event.call == one:
            said += event.text
            assert out.getvalue().endswith(said)
        if isinstance(event, ModelFinished) and event.call == one:
            break
        assert two not in out.getvalue()
    assert two in out.getvalue()  # the floor is free


def test_every_token_is_flushed() -> None:
    raw = io.BytesIO()
    screen = PlainDisplay(io.TextIOWrapper(raw, encoding="utf-8"), io.StringIO(), stats=False)
    said = ""
    for event in newsroom()[:20]:
        screen.feed(event)
        if isinstance(event, TextDelta):
            said += event.text
            assert raw.getvalue().decode().endswith(said)
    assert said == EDITOR_1


@pytest.mark.parametrize("seed", range(20))
def test_blocks_never_interleave(seed: int) -> None:
    """Many agents in any order of tokens: each text in one piece under its own heading, once."""
    chance = random.Random(seed)
    room = Newsroom()
    texts = {f"a{i}": f"{i}: " + "words of one speaker, " * chance.randint(1, 9) for i in range(8)}
    queues = [deque(room.message(name, text, n=n)) for name, text in texts.items() for n in (1, 2)]
    # The second message of a call begins after its first has ended.
    waiting = {id(second): first for first, second in zip(queues[::2], queues[1::2], strict=True)}
    while queues:
        queue = chance.choice(queues)
        if waiting.get(id(queue)):
            continue
        room.add(*queue.popleft())
        queues = [queue for queue in queues if queue]
    out, _ = plain(room.events)
    for name, text in texts.items():
        assert out.count(text) == 2
        assert out.count(text[:3]) == 2
        assert f"[{name}]\n{text}\n" in out


def test_a_small_alphabet_has_its_own_signs() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    safe_streams(out)
    screen = display("plain", out=out, err=io.StringIO(), stats=False, header=HEADER)
    for event in newsroom():
        screen.feed(event)
    text = raw.getvalue().decode("ascii")
    assert '-> researcher {"query": "tides"}\n' in text
    assert "x weather no such city: Atlantis (0.20s)\n" in text
    assert "?? 384,400" in text


def test_a_warning_never_lands_in_the_middle_of_a_line() -> None:
    both = io.StringIO()  # one terminal for out and err
    screen = PlainDisplay(both, both, stats=False)
    room = Newsroom()
    for event, path in room.message("editor", "one two"):
        room.add(event, path)
        room.add(Warned(message="careful"))
    for event in room.events:
        screen.feed(event)
    assert both.getvalue() == "warning: careful\n[editor]\none two\n" + "warning: careful\n" * 4


def test_a_warning_is_said_though_the_line_never_ends() -> None:
    room = Newsroom()
    room.say(room.message("editor", "half a li")[:-1])
    room.add(Warned(message="careful"))
    out, err = plain(room.events)
    assert out == "[editor]\nhalf a li\n✗ unfinished\n"
    assert err == "warning: careful\n"


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ("failed", "researcher: no\nreply left", "error: researcher: no reply left\n"),
        ("cancelled", None, "cancelled after 3.21s\n"),
        ("interrupted", None, "interrupted after 3.21s\n"),
    ],
)
def test_a_run_that_does_not_complete_says_so_in_one_line(
    status: str, error: str | None, said: str
) -> None:
    room = Newsroom()
    room.start()
    room.finish(status, error=error)
    out, err = plain(room.events)
    assert (out, err) == ("# newsroom\n> Write a note on tides.\n", said)


def test_one_failure_that_travels_up_is_told_once() -> None:
    room = Newsroom()
    made = call("writer", 1, query="q")
    room.start()
    room.agent("editor")
    room.say(room.message("editor", "", (made,)))
    room.tool("editor", made)
    room.agent("editor/writer#1", made.id)
    room.say(room.message("editor/writer#1", "so f")[:-1])
    room.add(
        ModelAborted(message_id="editor/writer#1-1", reason="error", error="429: slow down"),
        "editor/writer#1",
    )
    for path in ("editor/writer#1", "editor"):
        room.add(AgentFinished(status="failed", error="429: slow down"), path)
        if path != "editor":
            room.add(
                ToolFailed(tool_call_id=made.id, name="writer", error="429: slow down"), "editor"
            )
    room.finish("failed", error="editor/writer#1: 429: slow down")
    out, err = plain(room.events)
    assert out.endswith(
        '[editor]\n→ writer {"query": "q"}\n\n[editor/writer#1]\nso f\n'
        "✗ void, the model call failed: 429: slow down\n✗ failed\n\n"
        "[editor]\n✗ writer#1 (0.00s)\n✗ failed\n"
    )
    assert err == "error: editor/writer#1: 429: slow down\n"


def test_a_conversation_shows_what_the_user_says() -> None:
    room = Newsroom()
    room.start("first\nline")
    room.say(room.message("editor", "Yes."))
    room.turn(2, "second")
    room.say(room.message("editor", "No.", n=2))
    out, _ = plain(room.events)
    assert out == "# newsroom\n> first\n> line\n\n[editor]\nYes.\n\n> second\n\n[editor]\nNo.\n"


def test_the_runs_of_a_batch_are_told_apart() -> None:
    """Message ids come from call paths: two runs of a batch have the same ones."""
    one, two = newsroom("r1", "tides[0]"), newsroom("r2", "tides[1]")
    woven = [event for pair in zip(one, two, strict=True) for event in pair]
    out, _ = plain(woven)
    assert out.count(RESEARCHER_1) == 2
    assert "[tides[0] editor/researcher#1]\n" in out
    assert "[tides[1] editor/researcher#1]\n" in out


def test_an_output_that_nobody_said_is_shown_at_the_end() -> None:
    room = Newsroom()
    room.start()
    room.agent("editor")
    room.say(room.message("editor", "part"))
    room.finish(output="## editor\npart")
    assert plain(room.events)[0].endswith("part\n\n[output]\n## editor\npart\n")


def test_an_output_is_not_shown_to_who_asked_for_another_agent() -> None:
    chosen = Filter(("researcher",))
    out, _ = plain([event for event in newsroom() if chosen.keep(event)])
    assert [line for line in out.split("\n") if line.startswith("[")] == [
        "[editor/researcher#1]",
        "[editor/researcher#2]",
    ]
    assert out.endswith(f"| Which moon?\n| Ours.\n{RESEARCHER_2}\n")


def test_tools_alone() -> None:
    chosen = Filter((), ("tools",))
    out, _ = plain([event for event in newsroom() if chosen.keep(event)])
    assert '→ weather {"city": "Atlantis"}\n✗ weather no such city' in out
    assert f"← researcher#1 {RESEARCHER_1} (1.50s)\n" in out
    assert VOID not in out


def test_approval_is_asked_and_edited_arguments_are_seen() -> None:
    room = Newsroom()
    made = ToolCall(id="c1", name="publish", args={"where": "web"})
    room.say(room.message("editor", "", (made,)))
    request = {"tool": "publish", "args": made.args}
    room.add(Interrupted(interrupt_id="i", request=request), "editor")
    room.add(Resumed(interrupt_id="i", decision={"decide": "edit"}), "editor")
    room.add(ToolStarted(tool_call_id="c1", name="publish", args={"where": "print"}), "editor")
    room.add(ToolProgress(tool_call_id="c1", data="half way"), "editor")
    room.tool_end("editor", made, "done")
    assert plain(room.events)[0] == (
        '[editor]\n→ publish {"where": "web"}\n? publish waits for approval {"where": "web"}\n'
        '= {"decide": "edit"}\n→ publish {"where": "print"}\n· publish half way\n'
        "← publish done (1.50s)\n"
    )


def test_words_of_middleware_are_set_apart_and_end_with_the_next_event() -> None:
    room = Newsroom()
    for token in ("So far", ":\n", "the moon."):
        room.add(Internal(source="summarization", text=token), "editor")
    room.say(room.message("editor", "Yes."))
    out, _ = plain(room.events)
    assert out == "[editor]\n~ summarization: So far:\n~ the moon.\nYes.\n"


def test_a_message_that_was_cut_off_says_so() -> None:
    room = Newsroom()
    *most, (last, path) = room.message("editor", "The moon")
    room.say(most)
    assert isinstance(last, ModelFinished)
    room.add(replace(last, truncated=True, finish_reason="length"), path)
    assert plain(room.events)[0] == "[editor]\nThe moon\n! cut off by the model (length)\n"


def test_a_handoff_names_the_agent_it_goes_to() -> None:
    room = Newsroom()
    room.add(AgentFinished(status="handed_off", to="billing"), "triage")
    assert plain(room.events)[0] == "[triage]\n⇒ billing\n"


def test_an_empty_message_leaves_nothing() -> None:
    room = Newsroom()
    room.add(ModelStarted(message_id="m", model="x"), "editor")
    room.add(TextDelta(message_id="m", text="\n\n"), "editor")
    room.add(ModelFinished(message_id="m", text="\n\n"), "editor")
    assert plain(room.events) == ("", "")


def test_long_lines_are_not_wrapped() -> None:
    room = Newsroom()
    text = "word " * 200
    room.add(RunStarted(scenario="s", main="editor", team=(Member(name="editor"),)))
    room.say(room.message("editor", text))
    assert f"\n{text}\n" in plain(room.events)[0]


def test_a_tools_own_question_is_shown() -> None:
    room = Newsroom()
    request = {"tool": "quote", "args": {"x": 1}, "question": "Oak or pine?"}
    room.add(Interrupted(interrupt_id="i", request=request), "editor")
    assert "? quote asks: Oak or pine?\n" in plain(room.events)[0]

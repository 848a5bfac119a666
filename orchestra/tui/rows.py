"""Single rows as spans: text and the name of its look. Which colours a look has is the canvas's."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

from ..text import clean, one_line
from .blocks import Agent, Block
from .figures import count, duration
from .items import Note, State, Tone, Tool
from .wrap import breaks, fit, fit_end, shown

Spans = tuple["Span", ...]


class Span(NamedTuple):
    """``look`` names a style of the theme; what Rich renders brings its own."""

    text: str
    look: str | Style


_TOOL = 8  # columns for the name of a tool in a title row, at least
NOTE_GLYPHS = {Tone.INFO: "·", Tone.WARNING: "!", Tone.ERROR: "✗"}


def spread(left: list[Span], right: list[Span], width: int) -> Spans:
    """``left`` and ``right`` at the two ends of a row; ``left`` gives way."""
    room = width - sum(cell_len(span.text) for span in right)
    kept: list[Span] = []
    for span in left:
        text = fit(span.text, max(room, 0))
        kept.append(Span(text, span.look))
        room -= cell_len(text)
    return (*kept, Span(" " * max(room, 0), ""), *right)


def marked(spans: Spans, pattern: re.Pattern[str]) -> Spans:
    """The spans with every match of ``pattern`` set off, also where it runs over several."""
    text = "".join(span.text for span in spans)
    hits = [found.span() for found in pattern.finditer(text)]
    if not hits:
        return spans
    made: list[Span] = []
    at = 0
    for span in spans:
        end = at + len(span.text)
        here = at
        for start, stop in hits:
            start, stop = max(start, at), min(stop, end)
            if start < stop:
                made += [Span(text[here:start], span.look), Span(text[start:stop], "chip")]
                here = stop
        made.append(Span(text[here:end], span.look))
        at = end
    return tuple(it for it in made if it.text)


def title(agent: Agent, now: float, width: int) -> Spans:
    """The title row of a pane: columns stand still, the least important go first."""
    meter, state = agent.meter, agent.state
    left = [
        Span(f"{state.glyph} {state:<8}", state),
        Span(agent.title, "name"),
    ]
    right: list[Span] = []
    if width >= 26 and state is not State.WAIT:
        right.append(Span(f"{duration(meter.seconds(now)):>7}", "figure"))
    if width >= 38 and meter.tokens:
        mark = "~" if meter.estimated else ""
        right.insert(0, Span(f"{mark + count(meter.tokens):>6} tok", "figure"))
    if width >= 50 and meter.tokens:
        rate = meter.rate(now)
        text = f"{'~' if rate[1] else ''}{count(rate[0])}/s" if rate else ""
        right.insert(1, Span(f"{text:>8}", "figure"))
    room = width - sum(cell_len(span.text) for span in (*left, *right)) - 2
    # The tool has a line of its own in the pane; the agent's name stands nowhere else in it.
    if width >= 52 and room >= _TOOL and agent.tool:
        right.insert(0, Span("  " + fit(agent.tool, min(room, 16)), "tool-name"))
    return spread(left, right, width)


def idle(agent: Agent, width: int) -> list[Spans]:
    """What there is to say of an agent before anybody calls it."""
    callers = one_line(", ".join(dict.fromkeys(agent.callers)), 200)
    said = "has not been called" + (f": {callers} may do so" if callers else "")
    about = ["", *agent.about.split("\n")] if agent.about else []
    return [
        (Span(shown(line[start:end].rstrip()), "folded"),)
        for line in (said, *about)
        for start, end in pairwise([0, *breaks(line, max(width, 2)), len(line)])
    ]


def picked(spans: Spans, start: int, end: int) -> Spans:
    """The spans with the characters from ``start`` to ``end`` shown as selected."""
    made: list[Span] = []
    at = 0
    for text, look in spans:
        a, b = (min(max(it - at, 0), len(text)) for it in (start, end))
        made += [Span(text[:a], look), Span(text[a:b], "picked"), Span(text[b:], look)]
        at += len(text)
    return tuple(it for it in made if it.text)


def clipped(spans: Spans, width: int) -> Spans:
    """The spans in ``width`` columns, with an ellipsis if they are wider."""
    room = width
    made: list[Span] = []
    for text, look in spans:
        cells = cell_len(text)
        if cells > room or (cells == room and text is not spans[-1].text):
            return (*made, Span(fit(text + " " * (cells == room), room), look))
        made.append(Span(text, look))
        room -= cells
    return tuple(made)


def head(block: Block, width: int, *, alone: bool = False) -> Spans:
    """The header row of a block: its ordinal and task, who called, and how it stands; not so of the
    only one, as the title row says that already and the task needs the room.
    """
    ordinal, dot, task = block.head.partition(" · ")
    left = [Span(ordinal, "ordinal"), Span(dot + task, "task")]
    if not block.ordinal:
        left = [Span(block.head, "task")]
    right = [] if alone else [Span(f" {block.state.glyph} {block.state}", block.state)]
    if block.caller and "#" in block.caller and width >= 44:
        above = "/".join(block.call.split("/")[1:-1]) or block.caller
        right.insert(0, Span(f"  from {fit_end(above, max(16, width // 3))}", "figure"))
    return spread(left, right, width)


def tool_rows(tool: Tool, width: int) -> list[Spans]:
    """A tool call as one row; an error stands open below it."""
    look = "void" if tool.void else "tool"
    glyph = {State.DONE: "✔", State.FAILED: "✗", State.RUN: "●", State.STOPPED: "■"}.get(
        tool.state, "◌"
    )
    end = f" {duration(tool.seconds)}" if tool.seconds is not None else ""
    result = " ".join(tool.result.split()) if tool.state is not State.FAILED else ""
    room = max(width - 2 - len(end), 0)
    name = fit(tool.name or "…", max(room - 2, 0))
    room -= cell_len(name) + 2
    wanted = cell_len(result) + 3 if result else 0
    for_args = room - min(wanted, max(room // 2, room - cell_len(shown(tool.args))))
    cut = fit_end if tool.streaming else fit
    args = cut(" ".join(clean(tool.args).split()), max(for_args, 0))
    left = [Span(f"{glyph} ", "void" if tool.void else tool.state), Span(name, look)]
    left.append(
        Span(f"({args})" if not tool.streaming else f"({args}", "void" if tool.void else "args")
    )
    if result and room - cell_len(args) > 4:
        left.append(Span(f" → {result}", "result"))
    rows = [spread(left, [Span(end, "figure")], width)]
    if tool.open:
        rows += wrapped("  ", tool.args, width, "args") if tool.args else []
        done = tool.result and tool.state is not State.FAILED
        rows += wrapped("→ ", tool.result, width, "result") if done else []
    if tool.state is State.FAILED:
        rows += wrapped("", tool.result or "failed", width, "failed")
    return rows


def note_rows(note: Note, width: int) -> list[Spans]:
    return wrapped(f"{NOTE_GLYPHS[note.tone]} ", note.text, width, f"note-{note.tone}")


def wrapped(mark: str, text: str, width: int, look: str) -> list[Spans]:
    """``text`` in rows below each other, ``mark`` before the first, the others indented."""
    rows: list[Spans] = []
    room = max(width - 2, 2)
    lead = mark or "  "
    for line in text.split("\n"):
        cuts = [0, *breaks(line, room), len(line)]
        for start, end in pairwise(cuts):
            rows.append((Span(lead + shown(line[start:end].rstrip()), look),))
            lead = "  "
    return rows

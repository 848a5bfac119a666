"""Cutting text to columns without cutting a character.

A line of text becomes visual lines by greedy word wrap: spaces at a break hang outside the width,
a word longer than the width is cut between graphemes, and Chinese or emoji may break anywhere but
before closing punctuation. Where a line breaks depends only on what stands before the break, so
text that grows at its end is wrapped again from its last visual line on and gives the same result
as wrapping all of it.

Widths are those of ``rich.cells``, as Textual measures.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from regex import Pattern

# One column each, one grapheme each, whatever stands beside them: len() is the width.
_SIMPLE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u03a3-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20c0"
    "\u2190-\u2319\u2500-\u25fc]*"
)
_CLOSING = frozenset(
    "，。、；：？！）」』】》〉〕…—～”’·%,.;:?!)]}ーぁぃぅぇぉっゃゅょァィゥェォッャュョ"
)
_OPENING = frozenset("（「『【《〈〔“‘([{")


@cache
def _graphemes() -> Pattern[str]:
    """For text that needs it: to import regex is a twentieth of the time to the first frame."""
    import regex

    return regex.compile(r"\X")


@cache
def _stray_joiners() -> Pattern[str]:
    """Rich counts what comes after any joiner as part of what is before; terminals do for emoji."""
    import regex

    return regex.compile(
        "(?<!\\p{Extended_Pictographic}\ufe0f?\\p{Emoji_Modifier}?)\u200d"
        "|\u200d(?!\\p{Extended_Pictographic})"
    )


def is_simple(text: str) -> bool:
    """Whether every character is one column wide and stands for itself."""
    return text.isascii() or _SIMPLE.fullmatch(text) is not None


def breaks(text: str, width: int, start: int = 0) -> list[int]:
    """Where visual lines begin in ``text`` after the one that begins at ``start``.

    ``width`` is at least 2, so that every grapheme fits.
    """
    if is_simple(text):
        return _simple_breaks(text, width, start)
    return _grapheme_breaks(text, width, start)


def _simple_breaks(text: str, width: int, start: int) -> list[int]:
    found: list[int] = []
    end = len(text.rstrip(" "))  # trailing spaces hang, and break nothing
    while end - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        if cut > start and not text[start:cut].isspace():
            while text[cut] == " ":
                cut += 1
        else:
            cut = start + width
            while text[start : cut + 1].isspace():  # an indent wider than the pane
                cut += 1
        found.append(cut)
        start = cut
    return found


def _grapheme_breaks(text: str, width: int, start: int) -> list[int]:
    found: list[int] = []
    column = 0
    possible, possible_column = start, 0  # where the line may break; at its start: nowhere yet
    inked = False
    before, before_wide = "", False
    for match in _graphemes().finditer(text, start):
        here = match[0]
        cells = cell_len(here)
        at = match.start()
        if here == " ":
            column += 1
            if inked:
                possible, possible_column = at + 1, column
            before, before_wide = here, False
            continue
        wide = cells > 1
        if inked and (wide or before_wide) and _may_part(before, here):
            possible, possible_column = at, column
        inked = True
        if column + cells > width and possible > start:
            found.append(possible)
            start, column = possible, column - possible_column
        if column + cells > width and at > start:
            found.append(at)
            start = possible = at
            column = 0
        before, before_wide = here, wide
        column += cells
    return found


def _may_part(before: str, after: str) -> bool:
    return after[0] not in _CLOSING and before[:1] not in _OPENING


def shown(text: str) -> str:
    """``text`` as it goes to the terminal: joiners that join nothing are left out."""
    return _stray_joiners().sub("", text) if "\u200d" in text else text


def fit(text: str, width: int) -> str:
    """The head of ``text`` in at most ``width`` columns, with an ellipsis if it was cut."""
    text = shown(text)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    if is_simple(text):
        return text[: width - 1] + "…"
    kept: list[str] = []
    room = width - 1
    for match in _graphemes().finditer(text):
        room -= cell_len(match[0])
        if room < 0:
            break
        kept.append(match[0])
    return "".join(kept) + "…"


def fit_end(text: str, width: int) -> str:
    """The end of ``text`` in at most ``width`` columns, with an ellipsis if it was cut."""
    text = shown(text)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    if is_simple(text):
        return "…" + text[len(text) - width + 1 :]
    kept: list[str] = []
    room = width - 1
    for grapheme in reversed(_graphemes().findall(text)):
        room -= cell_len(grapheme)
        if room < 0:
            break
        kept.append(grapheme)
    return "…" + "".join(reversed(kept))


def graphemes(text: str) -> list[str]:
    """The characters of ``text`` as people see them."""
    found: list[str] = _graphemes().findall(text)
    return found


def safe_cut(text: str, at: int) -> int:
    """The last place up to ``at`` where ``text`` may be cut: after a space, or a grapheme."""
    space = text.rfind(" ", max(at - 200, 1), at)
    if space > 0:
        return space + 1
    if is_simple(text):
        return at
    origin = max(at - 64, 0)
    cut = at
    for match in _graphemes().finditer(text, origin):
        if match.end() > at:
            break
        cut = match.end()
    return cut

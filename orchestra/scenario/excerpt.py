"""A problem as a person sees it: the line it stands on, with a caret under the right cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from ..errors import Problem
from ..text import clean, nearest, one_line

WIDTH = 88
"""Terminal cells of a line that are shown; a longer one is cut around the caret."""

_WORD = 100  # characters of a word that is worth a comparison
_BREAK = re.compile("\r\n|\r|\n")

# Characters without a glyph. Those that join others (as in the emoji of a family, or in Persian)
# count only where there is nothing to join: behind ASCII, or at the beginning.
_JOINERS = "\u200c\u200d\U000e0020-\U000e007f"
_HIDDEN = re.compile(
    "[\xad\u034f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]"
    f"|(?<![^\\x00-\\x7f])[{_JOINERS}]"
)


def split_lines(text: str) -> list[str]:
    """The lines of ``text`` as YAML counts them."""
    return _BREAK.split(text)


def hidden(text: str) -> str:
    """The first character of ``text`` that nobody can see, as ``U+200B``; empty if all are seen."""
    found = _HIDDEN.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""


def escaped(character: str) -> str:
    """A character as an escape in double quotes."""
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def quoted(text: str) -> str:
    """``text`` in quotes, safe to show and short enough for a message."""
    return f"'{_seen(text)}'"


def _seen(text: str) -> str:
    """``text`` with every character to be seen; cut before that, as a hostile file's may be."""
    return one_line(_HIDDEN.sub(lambda found: escaped(found[0]), text[:200]), 60)


def suggestion(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?``, or nothing; bounded, for words that may be a hostile file's."""
    if len(word) > _WORD:
        return ""
    return nearest(word, islice((it for it in known if len(it) <= _WORD), 500))


def spelled(where: Sequence[str | int]) -> str:
    """A place in a document, as ``agents.editor.tools[0]``."""
    parts: list[str] = []
    for part in where:
        if isinstance(part, int):
            parts.append(f"[{part}]")
            continue
        name = _seen(part)
        name = name if re.fullmatch(r"[\w$#/>-]+", name) else f"'{name}'"
        parts.append(f".{name}" if parts else name)
    return "".join(parts)


def problem_at(
    lines: Sequence[str],
    file: str,
    line: int,
    column: int,
    message: str,
    hint: str = "",
    key: str = "",
) -> Problem:
    """A problem at a line and column of a file, whose lines are given for the excerpt."""
    source, caret = _excerpt(lines[line - 1], column) if 0 < line <= len(lines) else ("", 0)
    return Problem(
        file=one_line(file),
        line=line,
        column=column,
        key=key,
        message=message,
        hint=hint,
        source=source,
        caret=caret,
    )


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """What is shown of a line, and how many cells of it lie before the caret."""
    from rich.cells import cell_len  # here: only who made a mistake pays for the import

    at = column - 1
    size = WIDTH
    start = max(0, min(at - size // 2, len(line) - size))
    if cell_len(_shown(line[start : start + size])) > WIDTH:  # characters of two cells
        size = WIDTH // 2
        start = max(0, min(at - size // 2, len(line) - size))
    before, after = _shown(line[start:at]), _shown(line[at : start + size])
    before = f"…{before}" if start else before
    after = f"{after}…" if start + size < len(line) else after
    return before + after, cell_len(before)


def _shown(piece: str) -> str:
    # A tab is as wide as the terminal likes: one space keeps the caret where it belongs.
    return clean(piece).replace("\t", " ").replace("\n", " ")

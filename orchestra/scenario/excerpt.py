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


def split_lines(text: str) -> list[str]:
    """The lines of ``text`` as YAML counts them."""
    return _BREAK.split(text)


def quoted(text: str) -> str:
    """``text`` in quotes, safe to show and short enough for a message."""
    return f"'{one_line(text, 60)}'"


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
        name = one_line(part, 60)
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

"""Text that is safe to show, and names that are easy to find.

Whatever a model, a tool or a stranger's file says may reach a terminal: escape sequences in it
would be obeyed. Every output that can be a terminal passes its text through :func:`clean`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

# C0 but newline and tab, DEL, C1, the bidirectional controls (they reorder what a person reads),
# and lone surrogates (they cannot be encoded).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_UNWRITTEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\r":
        return ""
    if character < " ":
        return chr(0x2400 + ord(character))  # ␛ for ESC: seen, and inert
    return "␡" if character == "\x7f" else "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """``text`` with every character that a terminal could obey made visible or dropped.

    Works character by character, so a sequence split over tokens is as inert as a whole one.
    """
    return _UNSAFE.sub(_visible, text)


def written(value: object, indent: int | None = None) -> str:
    """A value as JSON, in which what :func:`clean` would replace is escaped: nothing is lost."""
    text = json.dumps(value, ensure_ascii=False, default=str, indent=indent)
    return _UNWRITTEN.sub(lambda it: f"\\u{ord(it[0]):04x}", text)


def one_line(text: str, width: int = 0) -> str:
    """``text`` cleaned, its white space folded, cut to ``width`` characters (0: not cut)."""
    folded = " ".join(clean(text).split())
    return folded if not width or len(folded) <= width else folded[: max(width - 1, 0)] + "…"


def whole_characters(text: str) -> str:
    """``text`` with lone surrogates replaced, so that it can be encoded as UTF-8.

    A plain string, whatever was given: LangChain's ``message.text`` is of a class of its own, and
    whoever unpickles one imports LangChain for it.
    """
    if text.isascii():
        return str(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the known word nearest to ``word``; empty if none is near."""
    candidates = list(known)
    folded = {candidate.casefold(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[found[0]]!r}?" if found else ""

"""Cuts a scripted text into the tokens it is streamed as."""

from __future__ import annotations

from collections.abc import Iterator

import regex

# A token is one character of a script without spaces, or a word with the white space behind it.
# \X is a grapheme cluster, so an emoji family or a letter with its accents stays whole.
_UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\u3000-\u303F\uFF00-\uFFEF"  # their punctuation, and full-width forms
)
_SPACE = r"(?:(?=\s)\X)"
_TOKEN = regex.compile(
    rf"(?=[{_UNSPACED}])\X{_SPACE}*|(?:(?![{_UNSPACED}\s])\X)+{_SPACE}*|{_SPACE}+", regex.VERSION1
)


def tokens(text: str) -> list[str]:
    """The pieces of ``text`` in order; together they are ``text``, and none splits a grapheme."""
    found: list[str] = _TOKEN.findall(text)
    return found


def fragments(json_text: str, size: int = 8) -> Iterator[str]:
    """Tool-call arguments as providers stream them: cut without regard to their meaning."""
    for start in range(0, len(json_text), size):
        yield json_text[start : start + size]

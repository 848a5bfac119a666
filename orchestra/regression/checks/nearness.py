"""Where a text is not what was expected, and what in it comes nearest: for a person to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ...scenario.matcher import Matcher
from ...text import one_line

_BEFORE = 16  # characters before the first that differs
_SHOWN = 60  # of each side
_LINES = 12  # of a diff of several lines
_SEARCHED = 20_000  # characters of a text in which the nearest passage is looked for
_NEAR = 0.6


def hints(check: Matcher, text: str) -> Iterator[str]:
    """Lines below the reason why ``text`` does not fit."""
    if not text:
        return
    if check.contains is not None and check.contains not in text:
        yield from _nearest(check.contains, text)
    elif check.equals is not None and check.equals != text:
        yield from _parting(check.equals, text)


def _parting(expected: str, seen: str) -> Iterator[str]:
    at = next((i for i, (a, b) in enumerate(zip(expected, seen, strict=False)) if a != b), -1)
    at = min(len(expected), len(seen)) if at < 0 else at
    if expected.split() == seen.split():
        sides = (_from(it, at, quoted=True) for it in (expected, seen))
        yield f"only white space differs, from character {at + 1}: {' ≠ '.join(sides)}"
    elif "\n" in expected.strip() or "\n" in seen.strip():
        lines = [*difflib.unified_diff(expected.splitlines(), seen.splitlines(), n=1, lineterm="")]
        told = ["  …" if line.startswith("@@") else f"{line[:1]} {line[1:]}" for line in lines[2:]]
        yield from (f"{line[:2]}{one_line(line[2:], _SHOWN * 2)}" for line in told[1:_LINES])
        if (left := len(told) - _LINES) > 0:
            yield f"  … and {left} more lines"
    elif at or max(len(expected), len(seen)) > _SHOWN:  # else the reason shows all there is
        sides = (_from(it, at) for it in (expected, seen))
        yield f"they part at character {at + 1}: expected {next(sides)}, seen {next(sides)}"


def _from(text: str, at: int, *, quoted: bool = False) -> str:
    """A text from shortly before a place; ``quoted``: so that its white space is seen."""
    begin = max(at - _BEFORE, 0)
    some = text[begin : begin + _SHOWN]
    told = repr(some)[1:-1] if quoted else some
    told = f"“{'…' if begin else ''}{one_line(told)}{'…' if text[begin + _SHOWN :] else ''}”"
    return told if text[at:] else f"its end after {told}"


def _nearest(wanted: str, text: str) -> Iterator[str]:
    folded, inside = wanted.casefold(), text.casefold()
    if folded in inside:
        at = inside.index(folded)
        yield f"with other capitals it is there: {_quoted(text[at : at + len(wanted)])}"
    elif " ".join(wanted.split()) in " ".join(text.split()):
        yield "with other white space it is there"
    elif found := _passage(wanted, text[:_SEARCHED]):
        line = text.count("\n", 0, text.index(found)) + 1
        where = f" in line {line}" if "\n" in text.strip() else ""
        yield f"nearest{where}: {_quoted(found)}"


def _passage(wanted: str, text: str) -> str:
    """As many words as are wanted, which are the most like it; empty if none are near."""
    count, words = len(wanted.split()), list[tuple[int, int]]()
    at = 0
    for word in text.split():
        at = text.index(word, at)
        words.append((at, at + len(word)))
        at += len(word)
    if len(words) <= count:
        return ""  # the whole text has been told
    matcher = difflib.SequenceMatcher(None, b=wanted, autojunk=False)
    best, found = _NEAR, ""
    for first in range(len(words) - count + 1):
        passage = text[words[first][0] : words[first + count - 1][1]]
        matcher.set_seq1(passage)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            best, found = (ratio, passage) if ratio > best else (best, found)
    return found


def _quoted(text: str) -> str:
    return one_line(repr(text), _SHOWN)

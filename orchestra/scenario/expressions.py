"""Regular expressions of a stranger's file: compiled and searched in bounded time and memory.

They are those of the ``regex`` package, whose search can be given a time. It writes repeats out,
``(a{1000}){1000}`` as a million nodes, so what a pattern comes to is counted before it is compiled.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from .bounds import current

T = TypeVar("T")
LONGEST = 1000  # characters of a pattern
LARGEST = 2_000  # nodes of a pattern with its repeats written out
DEEPEST = 50  # groups inside each other
PATIENCE = 5.0  # seconds for one search, or for all of one JSON Schema or JSONPath

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(|\)|\{(\d*)(?:(,)(\d*))?\}|.", re.DOTALL)

_CALLS = re.compile(r"\(\?(?:R|[0-9]|&|P>|[-+][0-9])")  # recursion: without a bound in memory


def check(pattern: str) -> None:
    """ValueError for what is no regular expression, or a too large one."""
    _compiled(pattern)


def search(pattern: str, text: str) -> bool:
    """Whether ``pattern`` fits somewhere in ``text``. TimeoutError after :data:`PATIENCE`."""
    return _timed(pattern, lambda it, left: it.search(text, timeout=left)) is not None


def fullmatch(pattern: str, text: str) -> bool:
    """Whether ``pattern`` fits the whole of ``text``. TimeoutError after :data:`PATIENCE`."""
    return _timed(pattern, lambda it, left: it.fullmatch(text, timeout=left)) is not None


def spans(pattern: str, text: str, most: int) -> list[tuple[int, int]]:
    """Where ``pattern`` fits in ``text``: beginnings and ends, ``most`` of them and no more.

    TimeoutError if finding them takes more than :data:`PATIENCE`.
    """

    def found(it: Any, left: float) -> list[tuple[int, int]]:
        matches: Iterator[Any] = it.finditer(text, timeout=left)
        return [match.span() for match, _ in zip(matches, range(most), strict=False)]

    return _timed(pattern, found)


def _timed(pattern: str, use: Callable[[Any, float], T]) -> T:
    """What ``use`` makes of the expression in the time that is left."""
    bound = current()
    left = PATIENCE - (bound.seconds if bound else 0.0)
    begun = time.thread_time()
    try:
        if left > 0:
            return use(_compiled(pattern), left)
    except TimeoutError:
        pass
    finally:
        if bound:  # also what compiling took
            bound.seconds += time.thread_time() - begun
    raise TimeoutError(f"the expression {pattern!r} takes more than {PATIENCE:g} s")


@lru_cache(maxsize=16)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise ValueError(f"is a regular expression of more than {LONGEST} characters")
    if _CALLS.search(pattern):
        raise ValueError("is a regular expression that calls itself, or a part of itself")
    if _size(pattern) > LARGEST:
        raise ValueError("is a regular expression with too large repeats")
    import regex  # here: few files have an expression, and it takes as long as all of this package

    try:
        return regex.compile(pattern, cache_pattern=False)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from None


def _size(pattern: str) -> int:
    """About how many nodes it has when every ``{n}`` is written out."""
    groups, last = [0], 0  # of each open group; and of what a repeat would be of
    for piece in _PIECE.finditer(pattern):
        text = piece[0]
        if text == "(":
            if len(groups) > DEEPEST:
                return LARGEST + 1
            groups.append(0)
            last = 0
        elif text == ")" and len(groups) > 1:
            last = groups.pop() + 1
            groups[-1] += last
        elif text[0] == "{" and (piece[1] or piece[3]):
            times = max(int(piece[1] or 0), int(piece[3] or 0), 1)
            groups[-1] += last * (times - 1)
            last *= times
        else:
            last = 1
            groups[-1] += 1
        if groups[-1] > LARGEST:
            return groups[-1]
    return sum(groups)

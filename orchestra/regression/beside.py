"""Two texts beside each other, line by line, without what is alike in both for long."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Literal

_CONTEXT = 3  # lines that are alike, around those that are not

Row = tuple[Literal["same", "other", "alike"], str | None, str | None]
"""How both sides are, and their lines; None: that side has none. Of lines that are ``alike`` and
left out, the first text says how many.
"""


def beside(old: Iterable[str], new: Iterable[str]) -> Iterator[Row]:
    """The rows of both."""
    left, right = [*old], [*new]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal" and b - a > 2 * _CONTEXT + 1:
            head, tail = left[a : a + _CONTEXT] if a else [], left[b - _CONTEXT : b]
            tail = tail if b < len(left) or d < len(right) else []
            yield from (("same", it, it) for it in head)
            yield "alike", f"{b - a - len(head) - len(tail)} lines alike", None
            yield from (("same", it, it) for it in tail)
            continue
        for one, two in zip_longest(left[a:b], right[c:d]):
            yield "same" if tag == "equal" else "other", one, two

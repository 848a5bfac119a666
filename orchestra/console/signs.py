"""The few signs that stand before a line, and what stands for them in a small alphabet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Look = Literal[
    "title",  # the name of a run
    "user",
    "reasoning",
    "internal",
    "call",
    "result",
    "progress",
    "failure",
    "warning",
    "question",
    "answer",
    "handoff",
    "state",
    "speaker",
    "done",
]

SIGNS: Mapping[Look, str] = {
    "title": "#",
    "user": ">",
    "reasoning": "|",
    "internal": "~",
    "call": "→",
    "result": "←",
    "progress": "·",
    "failure": "✗",
    "warning": "!",
    "question": "?",
    "answer": "=",
    "handoff": "⇒",
    "state": "~",
    "speaker": "●",
    "done": "✓",
}
ASCII: Mapping[Look, str] = {
    **SIGNS,
    "call": "->",
    "result": "<-",
    "progress": ".",
    "failure": "x",
    "handoff": "=>",
    "speaker": "*",
    "done": "+",
}


def signs(encoding: str | None) -> Mapping[Look, str]:
    """The signs that a stream of ``encoding`` can show. None: a stream of text, which shows all."""
    try:
        "".join(SIGNS.values()).encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return ASCII
    return SIGNS

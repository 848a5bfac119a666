"""What a person types where a tool waits for them, as a decision."""

from __future__ import annotations

import json
from typing import Any

from ..events import Interrupted
from .replies import Decision

_WORDS = {
    "approve": ("a", "y", "yes"),
    "edit": ("e",),
    "reject": ("r", "n", "no"),
    "respond": ("s", "say"),
}
_SHOWN = {
    "approve": "[a]pprove",
    "edit": "[e]dit {arguments}",
    "reject": "[r]eject why",
    "respond": "[s]ay the answer",
}


def choices(question: Interrupted) -> str:
    """What may be typed, in one line."""
    allowed = question.request["decisions"]
    if allowed == ["respond"]:
        return "your answer"
    return ", ".join(_SHOWN[it] for it in allowed)


def decision_of(text: str, question: Interrupted) -> Decision:
    """The decision that ``text`` means: ``a``, ``reject too late``, ``edit {"text": "better"}``.

    Where only an answer is asked for, the text is the answer. ValueError, with what to type, for
    what means none.
    """
    request = question.request
    allowed: list[str] = request["decisions"]
    who: dict[str, Any] = {"agent": question.agent or "", "tool": request["tool"]}
    if allowed == ["respond"]:
        return Decision(**who, decide="respond", message=text)
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    meant = next(
        (it for it, short in _WORDS.items() if word.lower() in (it, *short) and it in allowed), None
    )
    if meant is None:
        raise ValueError(f"type {choices(question)}")
    if meant == "approve" and rest:
        raise ValueError("'approve' takes nothing more")
    if meant == "respond" and not rest:
        raise ValueError("type the answer after 'say'")
    if meant == "edit":
        return Decision(**who, decide="edit", args=_arguments(rest))
    return Decision(**who, decide=meant, message=rest or None)  # type: ignore[arg-type]


def _arguments(text: str) -> dict[str, Any]:
    try:
        args = json.loads(text)
    except (ValueError, RecursionError):
        args = None
    if not isinstance(args, dict):
        raise ValueError('type the whole arguments as JSON after \'edit\', as {"text": "better"}')
    return args

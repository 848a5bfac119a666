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


def choices(question: Interrupted, *, editor: bool = False) -> str:
    """What may be typed, in one line. ``editor``: the arguments need not be typed there."""
    allowed = question.request["decisions"]
    if allowed == ["respond"]:
        return "your answer"
    return ", ".join(choice(it, editor=editor) for it in allowed)


def choice(decision: str, *, editor: bool = False) -> str:
    """One of them: what is typed for it."""
    return "[e]dit" if editor and decision == "edit" else _SHOWN[decision]


def edits(question: Interrupted) -> bool:
    """Whether the arguments may be changed."""
    return "edit" in question.request["decisions"]


def decision_of(text: str, question: Interrupted) -> Decision:
    """The decision that ``text`` means: ``a``, ``reject too late``, ``edit {"text": "better"}``.

    Where only an answer is asked for, the text is the answer. ValueError, with what to type, for
    what means none.
    """
    request = question.request
    allowed: list[str] = request["decisions"]
    who = _who(question)
    if allowed == ["respond"]:
        return Decision(**who, decide="respond", message=text)
    word, rest = [*text.split(maxsplit=1), "", ""][:2]
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
    return Decision(**who, decide=meant, message=rest or None)  # type: ignore[arg-type] # one of them by now


def edited(text: str, question: Interrupted) -> Decision:
    """The decision to let the tool run with these arguments, a JSON object.

    ValueError, with what is wrong and where, for anything else. Arguments that are as they were
    approve the call, where that is allowed: the model is told of none that a person has changed.
    """
    try:
        args = json.loads(text)
    except ValueError as error:
        raise ValueError(f"this is no JSON: {_where(error)}") from None
    except RecursionError:
        raise ValueError("this is nested too deep") from None
    if not isinstance(args, dict):
        raise ValueError('the arguments are a JSON object, as {"text": "better"}')
    request = question.request
    same = _written(args) == _written(request["args"])  # 1, 1.0 and true are equal in Python
    if same and "approve" in request["decisions"]:
        return Decision(**_who(question), decide="approve")
    return Decision(**_who(question), decide="edit", args=args)


def _where(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return str(error)  # a number of more digits than Python reads
    what = error.msg[:1].lower() + error.msg[1:]
    return f"{what} (line {error.lineno}, column {error.colno})"


def _written(args: Any) -> str:
    return json.dumps(args, sort_keys=True, default=str)


def _who(question: Interrupted) -> dict[str, Any]:
    return {"agent": question.agent or "", "tool": question.request["tool"]}


def _arguments(text: str) -> dict[str, Any]:
    try:
        args = json.loads(text)
    except (ValueError, RecursionError):
        args = None
    if not isinstance(args, dict):
        raise ValueError('type the whole arguments as JSON after \'edit\', as {"text": "better"}')
    return args

"""What a person is asked, whole: the tool and its arguments as they would be run."""

from __future__ import annotations

from typing import Any

from ..text import one_line, written
from . import tools
from .items import tame

_SHORT = 60  # characters of arguments that are read at a glance
_LINES = 30
_CHARACTERS = 4_000


def pretty(args: Any) -> str:
    """Arguments as JSON that can be read, and edited: nothing in it is lost, nothing is obeyed."""
    try:
        return written(args, indent=2)
    except RecursionError:
        return written(args)


def whole(request: dict[str, Any]) -> str:
    """What stands in the pane that asks: one line where that says all, else several, limited."""
    args = request.get("args")
    line = tools.question(request)
    if not isinstance(args, dict) or len(line) <= _SHORT:
        return line
    lines = [one_line(str(request.get("tool") or ""), 60), *pretty(args).split("\n")]
    if (own := request.get("question")) is not None:
        lines = [*tame(own if isinstance(own, str) else pretty(own)).split("\n"), *lines]
    return "\n".join(_limited(lines))


def _limited(lines: list[str]) -> list[str]:
    kept: list[str] = []
    room = _CHARACTERS
    for line in lines[:_LINES]:
        if len(line) > room:
            kept.append(f"{line[:room]}…")
            break
        kept.append(line)
        room -= len(line)
    rest = len(lines) - len(kept)
    return [*kept, f"… {rest} more line{'s'[: rest != 1]}"] if rest else kept

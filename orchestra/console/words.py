"""What a run is told in: speakers, lines, blocks, and the wording of what is not a message."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..events import ModelAborted
from ..growing import Growing
from ..text import one_line
from .signs import Look
from .summary import duration

Kind = Literal["text", "reasoning", "internal"]

LONGEST = 2_000  # characters of a tool's arguments or result; the whole is in the saved run


@dataclass(frozen=True, slots=True)
class Speaker:
    """One call of one run. ``name`` is what a person may pass to ``--agent``."""

    run: str
    call: str
    agent: str
    title: str = ""
    case: str = ""

    @property
    def name(self) -> str:
        return f"{self.case} {self.call}" if self.case else self.call


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said in one line: ``→ weather {"city": "Oslo"} (0.21s)``.

    Attributes:
        detail: may be cut to fit.
        tail: never cut.
    """

    look: Look
    text: str
    detail: str = ""
    tail: str = ""


@dataclass(slots=True, eq=False)
class Block:
    """One message while it is being said.

    Attributes:
        void: its model call was aborted.
        growing: makes lines of an answer that is JSON.
    """

    speaker: Speaker
    growing: Growing | None = None
    spoken: bool = False
    void: bool = False


def answer(text: str, *, structured: bool) -> str:
    """What a message answers, as outputs have it: of one that ends in JSON, the JSON."""
    text = text.strip()
    begin = 0 if text.startswith("{") else text.find("\n{") + 1
    if structured and text[begin : begin + 1] == "{":
        with contextlib.suppress(ValueError):
            return json.dumps(json.loads(text[begin:]), ensure_ascii=False)
    return text


def call_line(name: str, args: Mapping[str, Any]) -> Line:
    """A tool call, as it is announced."""
    return Line("call", one_line(name), folded(args) if args else "")


def question(request: Mapping[str, Any]) -> Line:
    """What a person is asked: the tool with its arguments, else the whole request."""
    name = request.get("tool") or request.get("name")
    if not isinstance(name, str):
        return Line("question", folded(request))
    if "question" in request:  # a tool's own
        return Line("question", f"{one_line(name)} asks: {folded(request['question'])}")
    return Line("question", f"{one_line(name)} waits for approval", folded(request.get("args")))


def reason(event: ModelAborted) -> str:
    """Why a message is void, and what follows."""
    match event.reason:
        case "retry":
            again = _soon(event.retry_in)
            return f"void, asked again{again}"
        case "fallback":
            return "void, another model is asked"
        case "broken_stream":
            return "void, the stream broke"
        case "cancelled":
            return "cancelled"
        case "error":
            return "void, the model call failed"


def _soon(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f" in {duration(seconds)}" if seconds else " at once"


def folded(value: Any) -> str:
    """A value as JSON in one line; a text as it is."""
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value, LONGEST)
    return one_line(json.dumps(value, ensure_ascii=False, default=str), LONGEST)

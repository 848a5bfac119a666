"""The lines of a cassette, and their JSON.

The first is a header. Each of the others is one thing that came from outside the run: what a model
said, what a tool gave, what a person said or decided. ``case`` is the name or number of one of
``inputs``; a scenario with one case leaves it out, as every other value that is the default.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ..text import whole_characters

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = 1
Json = dict[str, Any]
Piece = tuple[float, str | Json]
"""A chunk of a reply: seconds after the request, and its text, or what else it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """``models`` are those by agent that were given in place of the file's."""

    type: Literal["cassette"] = "cassette"
    format: int = FORMAT
    scenario: str = ""
    digest: str = ""
    orchestra: str = ""
    models: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What others want to know of a model before it says anything.

    ``name`` is ``provider:name``; ``window`` the tokens that it can read; ``ends`` whether it
    always says why an answer ends.
    """

    name: str = ""
    provider: str = ""
    kind: str = ""
    window: int | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What a model call failed with: in words, the name of its class, and the kind of failure.

    ``wait`` is how many seconds the server asked for.
    """

    said: str
    type: str = "Exception"
    kind: str | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One call of a model: what it was asked and what it said.

    ``call`` is the call path, of middleware's own models with its name, as ``a.summarization``.
    ``turn`` is the number of the message in the call, ``attempt`` that of the try at it. ``reply``
    is None if it came to no end: it ``failed``, or was ``cut`` off by whoever asked.
    """

    type: Literal["model"] = "model"
    case: str = ""
    call: str
    turn: int
    attempt: int = 1
    model: Voice = Voice()
    digest: str = ""
    request: Json = field(default_factory=dict)
    reply: Json | None = None
    failed: Failed | None = None
    cut: bool = False
    seconds: float = 0.0
    chunks: list[Piece] = field(default_factory=list)

    @property
    def key(self) -> tuple[Any, ...]:
        return "model", self.call, self.turn, self.attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTake:
    """One call of a tool, of which ``attempt`` is the number if it was tried again.

    ``failed`` is what it raised. ``runs``: it has to be run in a replay as well, as it asked a
    person something, or gave what is not told in JSON.
    """

    type: Literal["tool"] = "tool"
    case: str = ""
    call: str
    id: str
    attempt: int = 1
    tool: str
    args: Json = field(default_factory=dict)
    result: Any = None
    error: bool = False
    failed: Failed | None = None
    runs: bool = False
    seconds: float = 0.0

    @property
    def key(self) -> tuple[Any, ...]:
        return "tool", self.call, self.id, self.attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the user said in a turn of the conversation."""

    type: Literal["user"] = "user"
    case: str = ""
    turn: int
    text: str

    @property
    def key(self) -> tuple[Any, ...]:
        return "user", self.turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person decided of a tool call that waited for it."""

    type: Literal["decision"] = "decision"
    case: str = ""
    call: str
    question: str
    tool: str = ""
    decision: Json = field(default_factory=dict)

    @property
    def key(self) -> tuple[Any, ...]:
        return "decision", self.question


Line = Take | ToolTake | Heard | Decided


@cache
def _adapter() -> TypeAdapter[Head | Line]:
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Head | Line, Field(discriminator="type")])


def dumps(line: Head | Line) -> str:
    """One line of JSON, without the newline."""
    return whole_characters(json.dumps({"type": line.type, **_told(line)}, ensure_ascii=False))


def loads(text: str) -> Head | Line:
    """Raises ValueError for what is no line of a cassette."""
    return _adapter().validate_json(text)


def _told(value: Any) -> Json:
    """The fields of a line that are not the default."""
    told = {}
    for each in dataclasses.fields(value):
        given = getattr(value, each.name)
        made = each.default_factory
        default = each.default if made is dataclasses.MISSING else made()
        if given != default:
            told[each.name] = _told(given) if isinstance(given, Voice | Failed) else given
    return told

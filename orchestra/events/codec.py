"""A run as JSON Lines: a header, then one event a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from .types import Event

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import SchemaSerializer

FORMAT = 1  # of the JSON Lines file


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """First line of a recorded run. ``digest`` is that of the scenario file.

    The rest is what it takes to begin the same run again: the scenario's ``path`` in its project's
    ``root``, the ``models`` by agent and the ``inputs`` that were asked for in place of the file's
    (None: the file's), the ``case``. ``started`` is a time of ISO 8601. Older files lack these.
    """

    type: Literal["header"] = "header"
    format: int = FORMAT
    scenario: str = ""
    digest: str = ""
    orchestra: str = ""
    path: str = ""
    root: str = ""
    models: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] | None = None
    case: str | None = None
    started: str = ""


@cache
def _adapter() -> TypeAdapter[Event | Header]:
    from typing import Annotated

    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Event | Header, Field(discriminator="type")])


@cache
def _serializer(kind: type[Any]) -> SchemaSerializer:
    """Of one type: to find the type's own in the union takes twice as long as to write it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind).serializer


def dumps(event: Event | Header) -> str:
    """One event as one line of JSON, without the newline."""
    return _serializer(type(event)).to_json(event).decode()  # type: ignore[arg-type] # a type can be hashed


def loads(line: str | bytes) -> Event:
    """The event of one JSON line. Raises ValueError for anything else."""
    event = _adapter().validate_json(line)
    if isinstance(event, Header):
        raise ValueError("a header in the middle of a recorded run")
    return event


def read(lines: Iterable[str]) -> tuple[Header, Iterator[Event]]:
    """A recorded run: its header, and its events as they are asked for.

    Raises:
        ValueError: the first line is no header, or of a newer format.
    """
    iterator = iter(lines)
    header = _adapter().validate_json(next(iterator, ""))
    if not isinstance(header, Header):
        raise ValueError("not a recorded run: its first line is no header")
    if header.format > FORMAT:
        raise ValueError(f"format {header.format} is newer than this orchestra's {FORMAT}")
    return header, (loads(line) for line in iterator if line.strip())

"""One event as one line of JSON that any stream can carry and any terminal can show."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from ..events import Event, Header, dumps
from ..text import whole_characters

# What JSON leaves as it is and a terminal could obey: DEL, C1, the bidirectional controls; and
# the line separators, at which some readers would cut the line.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def line(event: Event | Header, encoding: str = "utf-8") -> str:
    """``event`` as JSON with its newline. Reading it back gives an equal event.

    Characters that ``encoding`` lacks are escaped, as JSON allows, rather than replaced. Lone
    surrogates, which no JSON can hold, are replaced.
    """
    try:
        text = dumps(event)
    except ValueError:  # pydantic's, for a lone surrogate
        text = dumps(_whole(event))
    if text.isascii() and "\x7f" not in text:  # nearly every token
        return text + "\n"
    text = _UNSAFE.sub(_escaped, text)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = re.sub(r"[^\x00-\x7f]", _escaped, text)
    return text + "\n"


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _whole(value: Any) -> Any:
    """``value`` with all its strings fit for UTF-8."""
    match value:
        case str():
            return whole_characters(value)
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_whole(item) for item in value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: _whole(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return type(value)(**fields)
        case _:
            return value

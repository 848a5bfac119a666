"""``${NAME}`` and ``${NAME:-default}`` in a scenario's values: filled when they are needed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from ..places import ENV_FILE

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")


def environment() -> dict[str, str]:
    """The variables of this process that are not empty, over those of the project's ``.env``."""
    from dotenv import dotenv_values  # here: most scenarios need none

    try:
        given = dotenv_values(ENV_FILE, interpolate=False)
    except (OSError, UnicodeDecodeError):
        given = {}
    own = {name: text for name, text in os.environ.items() if text}
    return {**{name: text for name, text in given.items() if text}, **own}


def fill(text: str, environ: Mapping[str, str]) -> tuple[str, set[str]]:
    """``text`` with its variables filled, and the values that the environment gave.

    A variable that is empty counts as unset. Raises KeyError, with the name of a variable that
    is unset and has no default.
    """
    values: set[str] = set()

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        if found := environ.get(name):
            values.add(found)
            return found
        if default is None:
            raise KeyError(name)
        return str(default)

    end = _end(text)
    return _VARIABLE.sub(value, text[:end]) + text[end:], values


def variables(text: str) -> Iterator[tuple[str, bool]]:
    """The variables that a text names, and whether it gives a default for each."""
    for found in _VARIABLE.finditer(text, 0, _end(text)):
        yield found[1], found[2] is not None


def _end(text: str) -> int:
    """Where the last brace closes. Behind it, every ``${A:-`` would be sought one in vain."""
    return text.rfind("}") + 1

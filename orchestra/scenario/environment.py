"""``${NAME}`` and ``${NAME:-default}`` in a scenario's values: filled when they are needed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")


def fill(text: str, environ: Mapping[str, str] = os.environ) -> tuple[str, set[str]]:
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

    return _VARIABLE.sub(value, text), values

"""What the reading verbs share: how they print, for people and for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Problem, ScenarioError, UsageError
from ..text import clean, one_line


def write_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout: ASCII, so that neither a terminal nor a locale minds it."""
    text = json.dumps(document, indent=2).replace("\x7f", "\\u007f")
    sys.stdout.write(f"{text}\n")


def write_line(text: str = "") -> None:
    sys.stdout.write(f"{clean(text).rstrip()}\n")


def plain(problem: Problem) -> dict[str, Any]:
    """A problem as JSON has it."""
    names = ("file", "line", "column", "key", "message", "hint")
    return {name: getattr(problem, name) for name in names}


def problems_of(error: UsageError, path: Path) -> tuple[Problem, ...]:
    """What an error says, as problems."""
    if isinstance(error, ScenarioError):
        return error.problems
    file = one_line(str(path))
    return (Problem(file=file, message=str(error).removeprefix(f"{file}: ")),)

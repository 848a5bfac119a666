"""Where a scenario came from, and where each of its keys stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Problem
from .nodes import Node


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded file. ``texts`` holds the lines of every file that took part, for the caret."""

    path: Path = Path("scenario.yaml")
    root: Path = Path()
    digest: str = ""
    node: Node = field(default_factory=Node)
    texts: dict[str, Sequence[str]] = field(default_factory=dict)

    def problem(
        self, where: Sequence[str | int], message: str, hint: str = "", *, at_key: bool = False
    ) -> Problem:
        """A problem at a place of the document, such as ``("agents", "editor", "tools", 0)``.

        Points at the value, or ``at_key`` at the key that names it. A place that is not in the
        file (a missing key) is reported at its nearest parent.
        """
        raise NotImplementedError

"""Where a scenario came from, and where each of its keys stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from ..errors import Problem
from .excerpt import problem_at, spelled
from .nodes import Node, compose

Where = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded file, with the files that its agents use.

    Attributes:
        root: the project; nothing that the file names may lie outside.
        digest: SHA-256 of the file, and of the used files in the order of their use.
        node: the document, with every ``use`` replaced by what it stands for.
        texts: the lines of every file that took part, for the caret.
        used: where each used file was named first.
        again: the document was let go, and is read again for who asks for a place.
    """

    path: Path = Path("scenario.yaml")
    root: Path = Path()
    digest: str = ""
    node: Node = field(default_factory=Node)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    used: Mapping[str, str] = field(default_factory=dict)
    again: bool = False

    def light(self) -> Source:
        """Without the document: of a thousand inputs it is as large as all that they say, and few
        ask for a place once a file is loaded. One that uses others is kept.
        """
        return self if len(self.texts) != 1 else replace(self, node=Node(), again=True)

    def problem(
        self, where: Where, message: str, hint: str = "", *, at_key: bool = False
    ) -> Problem:
        """A problem at a place of the document, such as ``("agents", "editor", "tools", 0)``.

        Points at the value, or ``at_key`` at the key that names it. Parts that the file does not
        spell (a missing key, the field behind a short form) are passed over, so such a place is
        reported at its nearest parent.
        """
        found, node, place = self.find(where)
        if not at_key or place is None:
            return self.at(node, message, hint, key=spelled(found))
        line, column = place
        return self._problem(node.file, line, column, message, hint, spelled(found[:-1]))

    def missing(self, where: Where, message: str, hint: str = "") -> Problem:
        """A problem of something that ``where`` lacks: at its key, as it has no place itself."""
        found, node, place = self.find(where)
        line, column = place or (node.line, node.column)
        return self._problem(node.file, line, column, message, hint, spelled(found))

    def at(self, node: Node, message: str, hint: str = "", *, key: str = "") -> Problem:
        """A problem at a node."""
        return self._problem(node.file, node.line, node.column, message, hint, key)

    def find(self, where: Where) -> tuple[list[str | int], Node, tuple[int, int] | None]:
        """What the file spells of ``where``, the node there, and the place of its key if any."""
        node, found, place = self.node, list[str | int](), None
        if self.again:
            ((file, lines),) = self.texts.items()
            node = _document("\n".join(lines), file)
        for part in where:
            child = node.get(part)
            if child is None:
                continue
            place = None
            if isinstance(node.value, dict) and isinstance(part, str):
                entry = node.value[part]
                place = entry.line, entry.column
            node = child
            found.append(part)
        return found, node, place

    def _problem(
        self, file: str, line: int, column: int, message: str, hint: str, key: str
    ) -> Problem:
        file = file or str(self.path)
        if file in self.used:
            message += f" (used at {self.used[file]})"
        return problem_at(self.texts.get(file, ()), file, line, column, message, hint, key)


@lru_cache(maxsize=1)
def _document(text: str, file: str) -> Node:
    """The same as when it was loaded: it had no mistakes."""
    return compose(text, file, problems=[])

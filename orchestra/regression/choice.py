"""Which cases are to be played: by ``-k``, by tag, or because they failed the last time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..errors import UsageError
from ..scenario import Scenario
from ..text import one_line

_TOKEN = re.compile(r"""\s*(?:([()])|"([^"]*)"|'([^']*)'|([^\s()"']+))""")
_DEEPEST = 50

Fits = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen; all that is given has to hold. By default it is everything.

    ``failed``: the names of the cases of each file, by its resolved path; one that is no case's
    means the whole file.
    """

    words: str = ""
    tags: tuple[str, ...] = ()
    failed: Mapping[str, frozenset[str]] | None = None

    @property
    def all(self) -> bool:
        return not self.words and not self.tags and self.failed is None

    def takes(self, name: str, path: Path, scenario: Scenario) -> bool:
        """Whether a case is chosen."""
        if self.tags and not {*self.tags} & {*scenario.tags}:
            return False
        if self.failed is not None:
            failed = self.failed.get(str(path.resolve()), frozenset())
            whole = failed - {it.name for it in scenario.cases}
            if name not in failed and not whole:
                return False
        return self._named(f"{name}\n{scenario.name}\n{path}")

    def takes_broken(self, path: Path) -> bool:
        """Whether a file that cannot be read is chosen: nobody knows its tags."""
        if self.failed is not None and str(path.resolve()) not in self.failed:
            return False
        return self._named(str(path))

    def _named(self, text: str) -> bool:
        return not self.words or _compiled(self.words)(text.casefold())


def words(text: str) -> str:
    """An expression of ``-k``, once it has been looked at. Raises UsageError."""
    _compiled(text)
    return text


_known: dict[str, Fits] = {}


def _compiled(text: str) -> Fits:
    if text not in _known:
        _known[text] = _Parser(text).parse()
    return _known[text]


class _Parser:
    """``and``, ``or``, ``not``, parentheses; a word is part of a name or of a path."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._tokens = list[tuple[str, bool, int]]()
        while text[self._at :].strip():
            match = _TOKEN.match(text, self._at)
            if match is None:
                self._wrong("a quote that is not closed", self._at)
            bare = match[1] or match[4]
            word = bare or (match[2] if match[2] is not None else match[3])
            self._tokens.append((word, bare is None, match.start(match.lastindex or 0)))
            self._at = match.end()
        self._next = 0

    def parse(self) -> Fits:
        found = self._or()
        if self._next < len(self._tokens):
            self._expected("'and' or 'or'")
        return found

    def _or(self) -> Fits:
        sides = [self._and()]
        while self._takes("or"):
            sides.append(self._and())
        return sides[0] if len(sides) == 1 else lambda text: any(it(text) for it in sides)

    def _and(self) -> Fits:
        sides = [self._not()]
        while self._takes("and"):
            sides.append(self._not())
        return sides[0] if len(sides) == 1 else lambda text: all(it(text) for it in sides)

    def _not(self) -> Fits:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._wrong("too deep", len(self._text))
        try:
            if self._takes("not"):
                inner = self._not()
                return lambda text: not inner(text)
            if self._takes("("):
                inner = self._or()
                if not self._takes(")"):
                    self._expected("')'")
                return inner
            return self._word()
        finally:
            self._depth -= 1

    def _word(self) -> Fits:
        word, quoted, _ = self._peek()
        if not word or (not quoted and word in ("and", "or", "not", "(", ")")):
            self._expected("a word")
        self._next += 1
        folded = word.casefold()
        return lambda text: folded in text

    def _takes(self, word: str) -> bool:
        if self._peek()[:2] == (word, False):
            self._next += 1
            return True
        return False

    def _peek(self) -> tuple[str, bool, int]:
        if self._next < len(self._tokens):
            return self._tokens[self._next]
        return "", False, len(self._text)

    def _expected(self, what: str) -> NoReturn:
        word, _, at = self._peek()
        self._wrong(f"expected {what}, found {word!r}" if word else f"expected {what}", at)

    def _wrong(self, message: str, at: int) -> NoReturn:
        raise UsageError(f"-k {one_line(self._text)!r}: {message}, at character {at + 1}")

"""JSON that is still being written, told as lines that only grow.

``{"title": "Tides", "points": ["one", "tw`` reads

    title: Tides
    points:
      - one
      - tw

Every fragment gives the text that it adds, and nothing told is ever taken back: so a structured
answer can be shown while it comes, in a pipe as well as in a pane, at a cost that is linear in its
length. What is not JSON is told as it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPACE = " \t\r\n"
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_PLAIN = re.compile(r'[^"\\]+')  # of a string
_SCALAR = re.compile(r"[\w.+-]+")


@dataclass(slots=True)
class _Frame:
    """An object or an array that is open.

    Attributes:
        indent: where its keys or items stand.
        inline: the first of them stands on the line that is open.
        count: of those that have begun.
    """

    closing: str
    indent: int
    inline: bool
    count: int = 0


class Growing:
    """Feed it text as it comes. Only a ``{`` that begins a line begins JSON."""

    __slots__ = ("_expect", "_frames", "_key", "_rest", "_state", "_wrote")

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._state = "text"  # text | value | key | colon | comma | string | scalar | broken
        self._expect = True  # in text: a line begins. In an object or array: its end may come
        self._rest = ""  # the beginning of an escape
        self._key = False  # the string is a key
        self._wrote = False  # of the string, something

    def feed(self, text: str) -> str:
        """What ``text`` adds."""
        if self._state == "broken":
            return text
        text, self._rest = self._rest + text, ""
        told: list[str] = []
        at = 0
        while at < len(text):
            match self._state:
                case "text":
                    at = self._text(text, at, told)
                case "string":
                    at = self._string(text, at, told)
                case "scalar":
                    at = self._scalar(text, at, told)
                case "broken":
                    told.append(text[at:])
                    break
                case _:
                    at = self._structure(text, at, told)
        return "".join(told)

    def _text(self, text: str, at: int, told: list[str]) -> int:
        """What stands before the object, or after it."""
        if not self._expect:
            end = text.find("\n", at) + 1
            self._expect = bool(end)
            told.append(text[at : end or None])
            return end or len(text)
        char = text[at]
        if char == "{":
            self._open(char)
            return at + 1
        if char not in _SPACE:
            self._expect = False
            return at
        told.append(char)
        return at + 1

    def _structure(self, text: str, at: int, told: list[str]) -> int:
        """Outside strings and scalars, within an object or array."""
        char = text[at]
        if char in _SPACE:
            return at + 1
        frame = self._frames[-1]
        if char == frame.closing and (self._expect or self._state == "comma"):
            self._close(told)
        elif self._state == "comma" and char == ",":
            self._state, self._expect = ("key" if frame.closing == "}" else "value"), False
        elif self._state == "colon" and char == ":":
            self._state = "value"
        elif self._state == "key" and char == '"':
            self._begin(told)
            self._state, self._key, self._wrote, self._expect = "string", True, False, False
        elif self._state == "value" and (char in '{["-' or char.isalnum()):
            return self._value(text, at, told)
        else:
            if not frame.count:
                told.append("{" if frame.closing == "}" else "[")  # it was none
            self._state = "broken"
            return at
        return at + 1

    def _value(self, text: str, at: int, told: list[str]) -> int:
        char = text[at]
        if self._frames[-1].closing == "]":
            self._begin(told)
            told.append("- ")
        elif char not in "{[":
            told.append(" ")
        if char in "{[":
            self._open(char)
        elif char == '"':
            self._state, self._key, self._wrote = "string", False, False
        else:
            self._state = "scalar"
            return at
        return at + 1

    def _begin(self, told: list[str]) -> None:
        """A line for the next key or item, unless it may stand on the one that is open."""
        frame = self._frames[-1]
        if frame.count or not frame.inline:
            told.append("\n" + " " * frame.indent)
        frame.count += 1
        self._expect = False

    def _open(self, char: str) -> None:
        above = self._frames[-1] if self._frames else None
        indent = above.indent + 2 if above else 0
        inline = above is None or above.closing == "]"
        self._frames.append(_Frame("}" if char == "{" else "]", indent, inline))
        self._state, self._expect = ("key" if char == "{" else "value"), True

    def _close(self, told: list[str]) -> None:
        frame = self._frames.pop()
        if not frame.count:
            gap = "" if frame.inline else " "
            told.append(gap + ("{}" if frame.closing == "}" else "[]"))
        self._after()

    def _after(self) -> None:
        self._state, self._expect = ("comma", False) if self._frames else ("text", False)

    def _scalar(self, text: str, at: int, told: list[str]) -> int:
        found = _SCALAR.match(text, at)
        if found is None:
            self._after()
            return at
        told.append(found[0])
        return found.end()

    def _string(self, text: str, at: int, told: list[str]) -> int:
        if plain := _PLAIN.match(text, at):
            self._tell(plain[0], told)
            return plain.end()
        if text[at] == '"':
            if self._key:
                told.append(":")
                self._state = "colon"
            else:
                told.append("" if self._wrote else '""')
                self._after()
            return at + 1
        return self._escape(text, at, told)

    def _escape(self, text: str, at: int, told: list[str]) -> int:
        end = _escape_end(text, at)
        if end > len(text):
            self._rest = text[at:]
            return len(text)
        escape = text[at:end]
        if escape[1] == "u":
            try:
                units = [int(unit, 16) for unit in escape.split("\\u")[1:]]
            except ValueError:
                self._state = "broken"
                return at
            halves = b"".join(unit.to_bytes(2, "little") for unit in units)
            self._tell(halves.decode("utf-16-le", "replace"), told)
        else:
            self._tell(_ESCAPES.get(escape[1], escape), told)
        return end

    def _tell(self, text: str, told: list[str]) -> None:
        self._wrote = True
        told.append(text.replace("\n", "\n" + " " * (self._frames[-1].indent + 2)))


def _escape_end(text: str, at: int) -> int:
    """Where the escape at ``at`` ends; beyond the text if that cannot be known yet."""
    if text[at + 1 : at + 2] != "u":
        return at + 2
    end = at + 6
    unit = text[at + 2 : end]
    if (
        len(unit) == 4
        and "d8" <= unit[:2].lower() <= "db"
        and "\\u".startswith(text[end : end + 2])
    ):
        return end + 6
    return end

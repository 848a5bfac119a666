"""What a person meant by a line that is no YAML: a text without quotes, a space left out, …

The parsers tell where they gave up. Here the lines themselves are looked at, so that the problem
stands at the slip and says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..text import one_line

QUOTES = "put the whole text in quotes"
NO_COLON = "a key without a ':'", "write 'key: value'; a text of several lines stands below '|'"
_SHOWN = 40  # characters of a text that is written out in a hint
_FAR = 200  # lines above, of which the nearest is looked for
_LONG = 1000  # characters of a line that may begin a text

_KEY = r"""(?:[\w.$#/>-]+|"[^"]*"|'[^']*')\s*:\s+"""
_VALUE = re.compile(rf"\s*(?:(?:- +)+(?:{_KEY})?|{_KEY})(?P<value>\S.*)$")
_NO_SPACE = re.compile(r"\s*(?:- +)*[A-Za-z_][\w-]*(?P<colon>:)(?P<value>[^ :/](?:(?!: ).)*)$")
_EQUALS = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z_][\w-]*)\s*(?P<sign>=)[^=]")
_DASH = re.compile(r"\s*(?:- +)*(?P<dash>-)(?P<value>[^\s-].*)")
_WORD = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z_][\w-]*)\s*$")
_BLOCK = re.compile(r".*(?::|-)\s+(?P<sign>[|>])[+-]?\d?[+-]?\s*(?:#.*)?$")


class Slip(NamedTuple):
    """Where it stands, what is wrong, and what to do."""

    line: int
    column: int
    message: str
    hint: str


def slip(said: str, lines: Sequence[str], line: int, column: int) -> Slip | None:
    """The slip behind what a parser said of a place, if it is one that people make."""
    if not 0 < line <= len(lines):
        return None
    if "mapping values are not allowed" in said:
        return next(_colons(lines, line, column), None)
    if "could not find expected ':'" in said:
        return loose_block(lines, line) or _colon_left_out(lines[line - 1], line)
    if "expected alphabetic or numeric character" in said:
        return _unquoted(lines[line - 1], line, column)
    if re.match("expected (<block end>|'-' indicator|'?<document start>)", said):
        return _behind(lines[line - 1], line, column) or _misplaced(said, lines, line, column)
    return None


def quoting(value: str) -> str:
    """Which quotes a text needs, with the text in them if it is short."""
    closed = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
    text = value[1:-1] if closed else value
    if " #" in text or ("\\" in text and value[0] == '"'):
        return QUOTES
    if "'" not in text:
        mark, name = "'", "single"
    elif '"' not in text and "\\" not in text:
        mark, name = '"', "double"
    else:
        return "write it on the lines below, behind a '|'"
    example = f": {mark}{one_line(text)}{mark}" if len(text) <= _SHOWN else ""
    return f"put the whole text in {name} quotes{example}"


def value_at(lines: Sequence[str], line: int, column: int) -> str:
    """The value of a key or of a list's item that begins at a place; empty if none does."""
    found = _VALUE.match(lines[line - 1].rstrip()) if 0 < line <= len(lines) else None
    return found["value"] if found and found.start("value") == column - 1 else ""


def loose_block(lines: Sequence[str], line: int) -> Slip | None:
    """A text below ``key: |`` that is not indented, so that its lines are read as keys."""
    for above in range(line - 1, max(line - _FAR, 0), -1):
        begun = _BLOCK.match(lines[above - 1][:_LONG])
        if begun is None:
            continue
        own = len(_lead(lines[above - 1]))
        first = next(at for at in range(above + 1, line + 1) if lines[at - 1].strip())
        indent = _indent(lines[first - 1])
        if indent > own:
            return None
        message = f"the text below '{begun['sign']}' is not indented"
        return Slip(first, indent + 1, message, f"begin each of its lines with {own + 2} spaces")
    return None


def space_left_out(text: str) -> str:
    """What to write for ``key:value``; empty if the text is something else."""
    found = _NO_SPACE.match(text)
    if found is None:
        return ""
    value = one_line(found["value"])
    shown = value if len(value) <= _SHOWN else "…"
    return f"write '{text[: found.end('colon')].strip()} {shown}'"


def _colons(lines: Sequence[str], line: int, column: int) -> Iterator[Slip]:
    """A ':' where none can be: within a text, or below a line that was taken for one."""
    text = lines[line - 1]
    value = _VALUE.match(text.rstrip())
    if value and value.start("value") < column - 1:
        message = "text with ': ' in it needs quotes"
        yield Slip(line, column, message, quoting(value["value"]))
    above = _above(lines, line)
    before = lines[above - 1]
    if found := _colon_left_out(before, above):
        yield found
    elif (word := _WORD.match(before)) is not None:
        message = f"a ':' is missing behind {word['key']!r}"
        yield Slip(above, word.end("key") + 1, message, f"write '{word['key']}:'")
    elif above and _VALUE.match(before) and _indent(text) > _indent(before):
        message = "this line is indented deeper than the one above, which has its value already"
        hint = "begin both in the same column, or put a text of several lines below '|'"
        yield Slip(line, _indent(text) + 1, message, hint)
    elif above and ":" not in before and _indent(text) == _indent(before):
        yield Slip(above, _indent(before) + 1, *NO_COLON)


def _colon_left_out(text: str, line: int) -> Slip | None:
    """``key:value`` without the space, or ``key = value``."""
    if found := _NO_SPACE.match(text):
        message = "a space is missing behind this ':'"
        return Slip(line, found.start("colon") + 1, message, space_left_out(text))
    if found := _EQUALS.match(text):
        hint = f"write '{found['key']}: …'"
        return Slip(line, found.start("sign") + 1, "expected ':' instead of '='", hint)
    if found := _DASH.match(text):
        hint = f"write '- {one_line(found['value'], _SHOWN)}'"
        return Slip(line, found.start("dash") + 1, "a space is missing behind this '-'", hint)
    return None


def _behind(text: str, line: int, column: int) -> Slip | None:
    """What goes on behind a value that has ended: the whole was meant as a text."""
    found = _VALUE.match(text.rstrip())
    if found is None or found.start("value") >= column - 1:
        return None
    value = found["value"]
    if (rest := text[column - 1 :].strip()) in (";", ","):
        return Slip(line, column, f"a {rest!r} is not expected here", "remove it")
    if text[column - 1] in "]}":
        return Slip(line, column, "nothing is open that this could close", "remove it")
    if value[0] in "\"'":
        return Slip(line, column, "the text goes on behind its closing quote", quoting(value))
    return _unquoted(text, line, found.start("value") + 1) if value[0] in "{[*&" else None


def _unquoted(text: str, line: int, column: int) -> Slip:
    value = value_at([text], 1, column)
    message = f"text that begins with {text[column - 1]!r} needs quotes"
    return Slip(line, column, message, quoting(value) if value else QUOTES)


def _misplaced(said: str, lines: Sequence[str], line: int, column: int) -> Slip | None:
    """A line in a column where nothing above it begins, or of another kind than its neighbours."""
    if column - 1 != _indent(lines[line - 1]):
        return None
    if found := loose_block(lines, line):
        return found
    if said.endswith("found '-'"):
        hint = "check its indentation, or leave out the '- '"
        return Slip(line, column, "an item of a list cannot stand among keys", hint)
    if said.endswith("found '?'"):
        hint = "check its indentation, or begin it with '- '"
        return Slip(line, column, "a key cannot stand among the items of a list", hint)
    message = "no line above that this could belong to begins in this column"
    return Slip(line, column, message, "check its indentation")


def _above(lines: Sequence[str], line: int) -> int:
    """The nearest line above that says something; 0 if there is none."""
    for at in range(line - 1, max(line - _FAR, 0), -1):
        if (text := lines[at - 1].strip()) and not text.startswith("#"):
            return at
    return 0


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _lead(text: str) -> str:
    """What stands before a line's key: blanks, and the dashes of lists."""
    found = re.match(r"\s*(?:- +)*", text)
    return found[0] if found else ""

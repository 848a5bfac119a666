"""What PyYAML and libyaml say about broken YAML, in words of a person who wrote the file.

The two word the same error differently; both end as the same message here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from ..errors import Problem
from .excerpt import problem_at
from .slips import NO_COLON, QUOTES, quoting, slip, value_at

_INDENT = "check the indentation, and the quotes, of this line and the one above"

# (in the parser's words, message, hint); {context} is where the surrounding thing began.
_SAYINGS = (
    (
        "mapping values are not allowed",
        "a ':' is not expected here",
        f"{QUOTES} if it holds ': ', or check the indentation",
    ),
    (
        "sequence entries are not allowed",
        "a list cannot begin here",
        "begin it on its own line; text that begins with '- ' needs quotes",
    ),
    ("mapping keys are not allowed", "text that begins with '? ' needs quotes", QUOTES),
    (
        "expected ',' or .*(found|got) '<scalar>'",
        "a text goes on behind its closing quote or bracket",
        "put the whole text in quotes, or a ',' between the two",
    ),
    ("could not find expected ':'", *NO_COLON),
    (r"expected ',' or '\]'", "the list begun at {context} is not closed here", "add ',' or ']'"),
    (
        "expected ',' or '}'",
        "the mapping begun at {context} is not closed here",
        "add ',' or '}}'; text that begins with '{{', or contains ': ', needs quotes",
    ),
    (
        "found unexpected end of stream",
        "the quotes opened here are never closed",
        "add the closing quote",
    ),
    (
        "unknown escape character",
        "an unknown escape in double quotes",
        r"write '\\' for a backslash, or use single quotes",
    ),
    (
        "hexadecimal number|hexdecimal number|Unicode character escape",
        "a broken escape in double quotes",
        r"write '\\' for a backslash, or use single quotes",
    ),
    (
        "chomping or indentation|comment or a? ?line break",
        "text must begin on the next line",
        "text that begins with '>' or '|' needs quotes",
    ),
    ("expected the node content|expected node content", "expected a value", QUOTES),
    (
        "expected key|expected <block end>|expected '-' indicator|expected '?<document start>",
        "this does not fit what stands above it",
        _INDENT,
    ),
    ("undefined tag handle", "an unknown tag", "tags are not allowed: remove it"),
)
# Problems that are seen far behind the mistake: the beginning of the thing is the better place.
_AT_CONTEXT = (
    "found unexpected end of stream",
    "could not find expected ':'",
    "expected alphabetic or numeric character",
)


def syntax_problem(error: Exception, lines: Sequence[str], file: str) -> Problem:
    """A parser's error as a problem with its place."""
    if not isinstance(error, yaml.MarkedYAMLError):
        # The Python parser on an escape such as "\U00110000", which has no mark.
        return problem_at(lines, file, 0, 0, "not valid YAML: a broken escape in double quotes")
    said = error.problem or "not valid YAML"
    mark = error.problem_mark or error.context_mark
    context = error.context_mark or mark
    if mark is None or context is None:
        return problem_at(lines, file, 0, 0, said)
    if any(words in said for words in _AT_CONTEXT):
        mark = context
    line, column = mark.line + 1, mark.column + 1
    if "escape" in said or "hexadecimal" in said or "hexdecimal" in said:
        column = _backslash(lines, line, column)
    if found := slip(said, lines, line, column):
        return problem_at(lines, file, *found)
    message, hint = _words(said, lines, line, column)
    begun = f"{context.line + 1}:{context.column + 1}"
    return problem_at(
        lines, file, line, column, message.format(context=begun), hint.format(context=begun)
    )


def _words(said: str, lines: Sequence[str], line: int, column: int) -> tuple[str, str]:
    if "cannot start any token" in said:
        return _bad_start(lines[line - 1][column - 1 : column], value_at(lines, line, column))
    for pattern, message, hint in _SAYINGS:
        if re.search(pattern, said):
            return message, hint
    return _kept(said), ""


def _bad_start(character: str, value: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent or begin a value", "indent with spaces"
    if character == "`" and not value:
        return "text cannot begin with '`'", f"{QUOTES}, or leave out the ``` of Markdown"
    hint = quoting(value) if value else QUOTES
    return _kept(f"text cannot begin with {character!r}"), _kept(hint)


def _kept(text: str) -> str:
    """A text that is no template."""
    return text.replace("{", "{{").replace("}", "}}")


def _backslash(lines: Sequence[str], line: int, column: int) -> int:
    """The parsers mark an escape at its backslash or behind it; here always at the backslash."""
    found = lines[line - 1].rfind("\\", 0, column)
    return found + 1 if found >= 0 else column

"""A finished message as Markdown: cut into pieces, each of them rendered when it is first seen.

Rich renders; what comes out are rows of spans like all others. A line stays a line, as people who
write to a chat mean it; HTML stays text; what an entity hides (``&#27;``) is tamed like the rest.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.theme import Theme

from .items import tame
from .rows import Span, Spans
from .wrap import shown

PIECE = 1_200  # characters, from which on a piece ends at the next empty line
LONGEST = 8_000  # characters of a piece that is rendered: a longer one has no empty lines in it

_MARKS = re.compile(
    r"^ {0,3}(#{1,6} |[-*+] |\d{1,9}[.)] |> ?|```|~~~|\|.*\|)|\*\*\S|`[^`\n]+`|\]\(|~~\S",
    re.MULTILINE,
)
_FENCE = re.compile(r" {0,3}(```|~~~)")
_CONTINUES = re.compile(r"\s|[-*+] |\d{1,9}[.)] ")  # a list goes on after an empty line
_LEAD = Style.from_meta({"lead": True})
_THEME = Theme(
    {
        "markdown.code": "bold cyan",
        "markdown.code_block": "",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold underline",
        "markdown.h3": "bold",
        "markdown.h4": "bold",
        "markdown.block_quote": "italic",
        "markdown.item.bullet": "bold",
        "markdown.item.number": "bold",
        "markdown.link_url": "underline",
    }
)


def _in_code(lines: Sequence[str]) -> Iterator[bool]:
    """Of each line, whether it is fenced code, the fences themselves among it."""
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        yield bool(fence or mark)
        if mark:
            fence = "" if fence == mark[1] else fence or mark[1]


def pieces(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Where the pieces begin and end: between paragraphs, never within code or a list."""
    found: list[tuple[int, int]] = []
    first = size = 0
    for number, (line, code) in enumerate(zip(lines, _in_code(lines), strict=True)):
        size += len(line) + 1
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if size >= PIECE and not code and not line.strip() and not _CONTINUES.match(after):
            found.append((first, number + 1))
            first, size = number + 1, 0
    if first < len(lines):
        found.append((first, len(lines)))
    return found


def is_marked(text: str) -> bool:
    """Whether there is anything to render, and not too much of it."""
    return len(text) <= LONGEST and _MARKS.search(text) is not None


def unfenced(lines: Sequence[str]) -> str:
    """The lines, without what stands in the fences of code: that is not shown."""
    return "\n".join("" if _FENCE.match(line) else line for line in lines)


class _Plain(Heading):
    """A heading at the left, without a box."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _Code(CodeBlock):
    """Code one column in, so that it stands out; that column is no part of the code."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        syntax = Syntax(code, self.lexer_name, theme=self.theme, word_wrap=True)
        for line in console.render_lines(syntax, options.update(width=options.max_width - 1)):
            yield from (Segment(" ", _LEAD), *line, Segment.line())


class _Message(Markdown):
    elements = {  # noqa: RUF012 - Rich's
        **Markdown.elements,
        "heading_open": _Plain,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, text: str, *, dark: bool) -> None:
        theme = "ansi_dark" if dark else "ansi_light"
        super().__init__("", code_theme=theme, hyperlinks=False)
        parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
        self.markup = text
        self.parsed = parser.parse(text)


@lru_cache(maxsize=4)
def _console(width: int) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        theme=_THEME,
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
        no_color=False,
        emoji=False,
        highlight=False,
    )


def render(lines: Sequence[str], width: int, *, dark: bool) -> list[Spans]:
    """The rows of a piece at a width."""
    console = _console(width)
    options = console.options.update(width=width, height=None)
    message = _Message(_hard(lines), dark=dark)
    rows: list[Spans] = []
    for line in console.render_lines(message, options, pad=False):
        spans = [
            Span(shown(" ".join(tame(segment.text).split("\n"))), _look(segment.style))
            for segment in line
            if segment.text and not segment.control
        ]
        while spans and not spans[-1].text.strip() and not _painted(spans[-1]):
            spans.pop()
        if spans or (rows and rows[-1]):  # one empty row is enough
            rows.append(tuple(spans))
    while rows and not rows[-1]:
        rows.pop()
    if lines and not lines[-1].strip():
        rows.append(())  # before the next piece
    return rows or [()]


def _look(style: Style | None) -> Style | str:
    if style is not None and style.meta:
        return "bar"
    return style or "text"


def _painted(span: Span) -> bool:
    return not isinstance(span.look, str) and span.look.bgcolor is not None


def _hard(lines: Sequence[str]) -> str:
    """The lines with a hard break after each, but in code."""
    return "\n".join(
        line if code or not line.strip() else f"{line.rstrip()}  "
        for line, code in zip(lines, _in_code(lines), strict=True)
    )

"""The words of a run as rich text: headings, lines, and the rows of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.cells import cell_len
from rich.text import Text

from .flow import wrap
from .signs import Look
from .words import Kind, Line, Speaker

# Names, not numbers: the terminal's own theme decides what they look like, on light and on dark.
# Red and yellow are left to errors and warnings.
COLOURS = ("cyan", "magenta", "green", "blue", "bright_cyan", "bright_magenta", "bright_green")
KINDS: Mapping[Kind, str] = {"text": "", "reasoning": "dim italic", "internal": "dim"}
LOOKS: Mapping[Look, str] = {
    "title": "bold",
    "user": "bold",
    "failure": "red",
    "warning": "yellow",
    "question": "bold yellow",
    "done": "green",
}
WHOLE = frozenset({"title", "user", "failure", "warning", "question", "done"})  # never cut
NARROW = 40  # columns, below which indentation costs more than it gives


def indentation(width: int) -> int:
    return 2 if width >= NARROW else 0


def heading(speaker: Speaker, colour: str, sign: str, width: int, age: str = "") -> Text:
    """``● Researcher  editor/researcher#1``; what is cut of a long path is its beginning."""
    name = speaker.title or speaker.agent or speaker.call
    text = Text(f"{sign} {name}", f"bold {colour}".rstrip())
    room = width - cell_len(text.plain) - (len(age) + 2 if age else 0) - 2
    path = speaker.name if speaker.name != name else ""
    if len(path) > room:
        path = f"…{path[len(path) - room + 1 :]}" if room >= 4 else ""
    if path:
        text.append(f"  {path}", "not bold dim")
    if age:
        text.append(f"  {age}", "not bold dim")
    text.truncate(width, overflow="ellipsis")
    return text


def line(said: Line, sign: str, width: int, colour: str = "", indent: int = 0) -> list[Text]:
    """A line of a run: in one row if it may be cut, else in as many as it needs."""
    style = LOOKS.get(said.look)
    if style is not None and said.look in WHOLE:
        words = " ".join(part for part in (sign, said.text, said.detail, said.tail) if part)
        return [Text(" " * indent + row.rstrip(), style) for row in wrap(words, width - indent)]
    text = Text(" " * indent).append(sign, colour or "dim").append(f" {said.text}", "bold")
    room = width - cell_len(text.plain) - (len(said.tail) + 1 if said.tail else 0) - 1
    if said.detail and room >= 2:
        detail = Text(f" {said.detail}", "dim")
        detail.truncate(room + 1, overflow="ellipsis")
        text.append_text(detail)
    if said.tail:
        text.append(f" {said.tail}", "dim")
    text.truncate(width, overflow="ellipsis")
    return [text]


def rows(texts: Iterable[str], style: str, indent: int) -> list[Text]:
    return [Text(" " * indent).append(text, style) for text in texts]

"""The live region: what is being said and done at this moment, at the bottom of the terminal.

Its state is cheap to feed, a list append for each token; wrapping and painting happen when the
region is drawn, some twelve times a second. It never grows beyond its share of the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.live import Live
from rich.text import Text

from . import paint
from .flow import Flow
from .signs import Look
from .words import Block, Kind, Line, Speaker

SHOWN_AFTER = (
    1.0  # seconds after which a running tool, or the age of a silent model, is worth a row
)
LONGEST_CALL = 500  # characters of a growing tool call: only its first row is shown


@dataclass(slots=True)
class View:
    """An open block: its words in their order, and the tool calls that are being written."""

    speaker: Speaker
    began: float
    parts: list[tuple[Kind, Flow]] = field(default_factory=list)
    calls: dict[int, Line] = field(default_factory=dict)

    def add(self, kind: Kind, text: str) -> None:
        if not self.parts or self.parts[-1][0] != kind:
            self.parts.append((kind, Flow()))
        self.parts[-1][1].add(text)

    def call(self, index: int, name: str, args: str) -> None:
        before = self.calls.get(index, Line("call", ""))
        if len(before.detail) < LONGEST_CALL:
            args = args.replace("\n", " ")
            self.calls[index] = Line("call", before.text + name, before.detail + args)

    def rows(self, width: int, count: int | None = None, void: bool = False) -> list[Text]:
        """The last ``count`` rows of its words (None: all of them)."""
        indent, found = paint.indentation(width), list[Text]()
        for kind, flow in reversed(self.parts):
            left = None if count is None else count - len(found)
            if left == 0:
                break
            style = "dim strike" if void else paint.KINDS[kind]
            found = paint.rows(flow.rows(width - indent, left), style, indent) + found
        return found


@dataclass(slots=True)
class Running:
    """A tool at work."""

    speaker: Speaker
    name: str
    began: float


@dataclass(slots=True)
class Stage:
    """All that is open, and how it looks."""

    signs: Mapping[Look, str]
    colour: Callable[[str], str]
    views: dict[Block, View] = field(default_factory=dict)
    tools: dict[tuple[str, str], Running] = field(default_factory=dict)  # by run and call id

    def rows(self, width: int, height: int, now: float, above: Speaker | None) -> list[Text]:
        """The region for a terminal of this size. ``above`` is whose words stand above it."""
        speakers = self._speakers(now)
        if not speakers:
            return []
        budget = max(min(height - 2, height * 2 // 3), 1)
        if len(speakers) * 3 > budget:
            return self._crowd(speakers, width, budget, now)
        share = budget // len(speakers)  # of rows: an empty one, the heading, the words
        found: list[Text] = []
        for index, speaker in enumerate(speakers):
            if index or speaker != above:  # else it goes on under the heading that it has
                found += [Text(), self._heading(speaker, width, now)]
            found += self._body(speaker, width, share - 2, now)
        return found

    def _speakers(self, now: float) -> list[Speaker]:
        speaking = [view.speaker for view in self.views.values()]
        working = [tool.speaker for tool in self.tools.values() if _age(tool.began, now)]
        return list(dict.fromkeys(speaking + working))

    def _heading(self, speaker: Speaker, width: int, now: float) -> Text:
        began = [view.began for view in self.views.values() if view.speaker == speaker]
        age = _age(min(began), now) if began else ""
        colour = self.colour(speaker.agent)
        return paint.heading(speaker, colour, self.signs["speaker"], width, age)

    def _body(self, speaker: Speaker, width: int, count: int, now: float) -> list[Text]:
        indent, colour = paint.indentation(width), self.colour(speaker.agent)
        words: list[Text] = []
        lines: list[Text] = []
        for view in self.views.values():
            if view.speaker == speaker:
                words += view.rows(width, count)
                for call in view.calls.values():
                    lines += paint.line(call, self.signs["call"], width, colour, indent)
        for tool in self.tools.values():
            if tool.speaker == speaker and (age := _age(tool.began, now)):
                line = Line("progress", tool.name, tail=age)
                lines += paint.line(line, self.signs["progress"], width, colour, indent)
        found = words[max(len(words) + len(lines) - count, 0) :] + lines
        return found[-count:] or [Text(" " * indent).append("…", "dim")]

    def _crowd(self, speakers: list[Speaker], width: int, budget: int, now: float) -> list[Text]:
        """One row for each, and a count of those that do not fit."""
        fit = speakers if len(speakers) <= budget else speakers[: max(budget - 1, 0)]
        found: list[Text] = []
        for speaker in fit:
            row = self._heading(speaker, max(width // 2, 12), now)
            latest = self._body(speaker, width, 1, now)[-1]
            row.append("  ").append(latest.plain.strip(), "not bold default")
            row.truncate(width, overflow="ellipsis")
            found.append(row)
        if len(fit) < len(speakers):
            found.append(Text(f"… and {len(speakers) - len(fit)} more", "dim"))
        return found


class Rows:
    """Rows of a region as one renderable."""

    def __init__(self, rows: list[Text]) -> None:
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n", no_wrap=True, overflow="crop", end="").join(self.rows)


class Region(Live):
    """rich's live display, but right after the terminal became narrower.

    A terminal that became narrower has wrapped the rows that no longer fit: the region is higher
    than what was drawn, and the part that rich does not know of would stay on the screen.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(
            Rows([]), console=console, auto_refresh=False, transient=True, vertical_overflow="crop"
        )
        self._drawn: tuple[int, list[int]] = (0, [])  # columns of the terminal, and of each row

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        width, (before, drawn) = self.console.width, self._drawn
        if drawn and width < before:
            height = sum(max(-(-cells // width), 1) for cells in drawn)
            self._live_render._shape = (width, height)
        found = super().process_renderables(renderables)
        rows = self.get_renderable()
        if isinstance(rows, Rows):
            self._drawn = width, [cell_len(row.plain) for row in rows.rows]
        return found


def _age(began: float, now: float) -> str:
    """Whole seconds, so that the region changes once a second and not at every frame."""
    seconds = now - began
    return f"{int(seconds)}s" if seconds >= SHOWN_AFTER else ""

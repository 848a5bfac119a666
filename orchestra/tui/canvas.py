"""The base of everything drawn here: rows of spans, painted only where they changed.

Textual's own route (``render_line`` and the styles cache) costs more than the text does once
thousands of tokens a second arrive; so ``render_lines`` is overridden, and what it would have done
is done here: component styles, line filters (NO_COLOR, ANSI themes), cropping.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from .rows import Span, Spans

LOOKS = (
    "ground", "bar-row", "bar-row-focus", "cursor-row", "cursor-row-focus", "chip",
    "text", "reasoning", "bar", "void", "folded", "tool", "args", "result", "tool-name",
    "picked", "name", "figure", "ordinal", "task", "edge", "edge-focus", "key",
    "note-info", "note-warning", "note-error",
    "wait", "run", "ask", "done", "failed", "stopped",
)  # fmt: skip

_CACHED = 1_024  # strips: more than any screen shows, far fewer than a pane holds


class Looks(Widget):
    """What the looks are, once for a screen: it is to be in every screen that has a canvas.

    Textual matches all rules of CSS against each component class of each widget: with these in
    every canvas, that was half of the time from the start to the first frame.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"look--{look}" for look in LOOKS}
    DEFAULT_CSS = """
    Looks {
        display: none;
        background: $background;
        color: $foreground;
        & > .look--bar-row { background: $panel; }
        & > .look--bar-row-focus { background: $primary-muted; color: $text; }
        & > .look--cursor-row { background: $panel; }
        & > .look--cursor-row-focus { background: $primary-muted; color: $text; }
        & > .look--chip { background: $accent; color: $background; text-style: bold; }
        & > .look--reasoning { color: $foreground 55%; text-style: italic; }
        & > .look--bar { color: $foreground 30%; }
        & > .look--void { color: $foreground 45%; text-style: strike; }
        & > .look--folded { color: $foreground 45%; }
        & > .look--tool { color: $text-accent; }
        & > .look--args { color: $foreground 60%; }
        & > .look--result { color: $foreground 80%; }
        & > .look--tool-name { color: $text-accent; }
        & > .look--name { text-style: bold; }
        & > .look--figure { color: $foreground 60%; }
        & > .look--ordinal { color: $text-primary; text-style: bold; }
        & > .look--task { color: $text-primary; }
        & > .look--edge { color: $foreground 20%; }
        & > .look--edge-focus { color: $primary; }
        & > .look--key { color: $text-accent; text-style: bold; }
        & > .look--note-info { color: $foreground 60%; }
        & > .look--note-warning { color: $text-warning; }
        & > .look--note-error { color: $text-error; }
        & > .look--wait { color: $foreground 45%; }
        & > .look--run { color: $text-primary; }
        & > .look--ask { color: $text-warning; text-style: bold; }
        & > .look--done { color: $text-success; }
        & > .look--failed { color: $text-error; }
        & > .look--stopped { color: $text-warning; }
        &:ansi {
            & > .look--bar-row { text-style: bold; }
            & > .look--bar-row-focus { background: transparent; text-style: bold underline; }
            & > .look--cursor-row { text-style: bold; }
            & > .look--cursor-row-focus { background: transparent; text-style: bold underline; }
            & > .look--chip { text-style: bold reverse; }
            & > .look--reasoning { text-style: italic dim; }
            & > .look--void { text-style: strike dim; }
        }
    }
    """

    def style(self, look: str, ground: str) -> Style:
        """Of a look on the ground of another; either may be empty."""
        names = [f"look--{name}" for name in (ground, look) if name]
        return self.get_visual_style(*names).rich_style


class Canvas(Widget):
    """Subclasses give :meth:`keys` and :meth:`draw`, and call :meth:`repaint` after a change."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Canvas { background: $background; color: $foreground; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._painted: list[Hashable] = []
        self._strips: dict[Hashable, Strip] = {}
        self._made: dict[tuple[Span, str], tuple[list[Segment], int]] = {}
        self._looks: dict[tuple[str | Style, str], Style] = {}
        self._background: Color | None = None
        self._painted_for: tuple[tuple[LineFilter, ...], int] = ((), 0)

    def keys(self) -> Sequence[Hashable]:
        """What each row shows, top to bottom; a row is painted again when its key changes."""
        raise NotImplementedError

    def draw(self, row: int) -> tuple[Spans, str]:
        """The spans of a row and the look of its ground."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Compare the rows with what is painted, and refresh those that differ."""
        keys = list(self.keys())
        painted, self._painted = self._painted, keys
        if len(keys) != len(painted):
            self.refresh()
            return
        changed = [y for y, key in enumerate(keys) if key != painted[y]]
        if not changed:
            return
        width = self.size.width
        if len(changed) * 2 > len(keys):
            self.refresh(Region(0, changed[0], width, changed[-1] - changed[0] + 1))
        else:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def forget(self) -> None:
        """Paint everything anew: the width, the theme or the meaning of the keys has changed."""
        self._strips.clear()
        self._painted = []
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._unstyled()
        self._background = None

    def _unstyled(self) -> None:
        self._looks.clear()
        self._made.clear()
        self._strips.clear()

    def on_resize(self) -> None:
        self.forget()

    def render_lines(self, crop: Region) -> list[Strip]:
        width = self.size.width
        filters = tuple(self.get_line_filters())
        if (filters, width) != self._painted_for:
            self._painted_for = filters, width
            self._unstyled()
        painted = [self._strip(y, width) for y in crop.line_range]
        if crop.x or crop.width != width:
            return [strip.crop(crop.x, crop.right) for strip in painted]
        return painted

    def _strip(self, y: int, width: int) -> Strip:
        if y >= len(self._painted):
            return Strip.blank(width, self._style("", "ground"))
        key = self._painted[y]
        strip = self._strips.get(key)
        if strip is None:
            strip = self._build(y, width)
            if len(self._strips) >= _CACHED:
                self._strips.clear()
            self._strips[key] = strip
        return strip

    def _filtered(self, style: Style) -> Style:
        """What the filters of lines make of a style: they change nothing else of a line."""
        segments = [Segment("x", style)]
        for line_filter in self._painted_for[0]:
            segments = line_filter.apply(segments, self._below())
        return segments[0].style or Style.null()

    def _below(self) -> Color:
        """The background, against which filters blend."""
        if self._background is None:
            self._background = self.background_colors[1]
        return self._background

    def _build(self, y: int, width: int) -> Strip:
        spans, ground = self.draw(y)
        segments: list[Segment] = []
        cells = 0
        for span in spans:
            made = self._made.get((span, ground)) or self._make(span, ground)
            segments += made[0]
            cells += made[1]
        strip = Strip(segments, cells)
        return strip.adjust_cell_length(width, self._style("", ground))

    def _make(self, span: Span, ground: str) -> tuple[list[Segment], int]:
        """The segments of a span, and how wide they are."""
        text, style = span.text, self._style(span.look, ground)
        ink = text.lstrip(" ")
        # Leading spaces on their own: renderers of SVG swallow them.
        cut = len(text) - len(ink) if ink else 0
        segments = [Segment(part, style) for part in (text[:cut], text[cut:]) if part]
        if len(self._made) >= _CACHED:
            self._made.clear()
        made = self._made[span, ground] = segments, cell_len(text)
        return made

    def _style(self, look: str | Style, ground: str) -> Style:
        style = self._looks.get((look, ground))
        if style is None:
            style = self._looks[look, ground] = self._filtered(self._plain(look, ground))
        return style

    def _plain(self, look: str | Style, ground: str) -> Style:
        if isinstance(look, Style):
            return self._plain("text", ground) + look
        style = self.screen.query_one(Looks).style(look, ground)
        if look == "picked":  # on any theme, and without colours: which a style of CSS loses
            style += Style(reverse=True)
        return style

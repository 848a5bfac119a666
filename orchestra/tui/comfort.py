"""What a person likes, from the settings: it fits the viewer and the gallery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.theme import Theme

from ..errors import UsageError
from ..text import nearest

if TYPE_CHECKING:
    from ..settings import Settings

CONTRAST = Theme(
    name="contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff8080",
    success="#00ff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    dark=True,
    variables={"primary-muted": "#0000a0"},
)
"""High contrast: nothing is faint, and every colour stands at least 7:1 on its ground."""

CONTRAST_CSS = "\n".join(
    f".-theme-contrast Looks > .look--{look} {{ color: $foreground; }}"
    for look in (
        "reasoning", "bar", "void", "folded", "args", "result", "figure", "edge", "note-info",
        "wait",
    )
)  # fmt: skip
"""What other themes dim is white in this one; italics, strokes and words tell it apart."""

_SHORT = {"dark": "textual-dark", "light": "textual-light", "ansi": "ansi-dark"}


@dataclass(frozen=True, slots=True)
class Comfort:
    """How a person wants the viewer; see :class:`orchestra.settings.Settings`."""

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    bell: bool = True
    title: bool = True
    still: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Comfort:
        return cls(
            theme=settings.theme,
            keys=settings.keys,
            bell=settings.bell,
            title=settings.title,
            still=settings.still,
        )

    def dress(self, app: App[Any]) -> None:
        """Give ``app`` the theme. Raises UsageError if there is none such."""
        app.register_theme(CONTRAST)
        if self.still:
            app.animation_level = "none"
        if self.theme is not None:
            name = _SHORT.get(self.theme, self.theme)
            if name not in app.available_themes:
                known = [*_SHORT, *app.available_themes]
                hint = nearest(self.theme, known) or "there are " + ", ".join(sorted(known))
                raise UsageError(f"ORCHESTRA_THEME: there is no theme {self.theme!r}; {hint}")
            app.theme = name

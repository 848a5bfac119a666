"""The screen that says what the keys do. It is made from the bindings, so it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.widgets import Static

from .layout import TINY
from .wrap import breaks

_HIDDEN = {f"focus.{n}" for n in "23456789"} | {
    "tree.page-up",
    "tree.page-down",
    "tree.first",
    "tree.last",
    "timeline.page-up",
    "timeline.page-down",
    "timeline.first",
    "timeline.last",
}
_SHOWN = {"focus.1": ("1 – 9", "Go to that agent")}
_WORDS = {
    "focus.next": "Next agent (the tree is the first stop)",
    "focus.previous": "Previous agent",
    "focus.left": "Pane at the left; then the tree",
    "focus.right": "Pane at the right",
    "focus.up": "Pane above",
    "focus.down": "Pane below",
    "view.zoom": "Only this pane, and back",
    "view.layout": "Next layout: grid, a pane and the wall, one pane",
    "view.larger": "This pane larger",
    "view.smaller": "This pane smaller",
    "view.even": "All panes alike again",
    "focus.jump": "A letter on every agent: press it to go there",
    "view.hide": "Hide this agent (it comes back when it asks, or from the tree)",
    "view.show-all": "Show all agents again",
    "view.tree": "Show or hide the tree",
    "view.reasoning": "Show or fold reasoning",
    "view.timeline": "Who worked when: show or hide the timeline",
    "timeline.choose": "Show that call",
    "timeline.up": "The call that began before",
    "timeline.down": "The call that began after",
    "view.markdown": "Markdown rendered, or as it was written",
    "view.console": "What tools printed, warnings and logs, kept off the screen",
    "prompt.reply": "To the bar, where the run waits for an answer",
    "prompt.approve": "To the bar, with 'approve' typed: enter sends it",
    "prompt.edit": "To the editor, with the arguments that a tool would get",
    "prompt.next": "Another question, where several are asked; else the next agent",
    "prompt.previous": "The question before",
    "editor.send": "Run the tool with these arguments",
    "editor.leave": "Back to the bar; what is typed is kept",
    "prompt.line": "A new line; a paste keeps its own, too",
    "prompt.finish": "End the conversation",
    "prompt.pass": "Leave the question open: the run ends as interrupted",
    "prompt.leave": "Back to the panes",
    "prompt.send": "Send what is typed",
    "app.help": "This help",
    "app.suspend": "To the shell that began this; fg comes back",
    "app.quit": "Quit (a run in progress is cancelled)",
    "app.cancel": "Cancel the run; once more quits",
    "run.pause": "Hold the run: nothing new begins; once more goes on. Play or pause a replay",
    "run.call-off": "Call off what the agent in focus does: press it twice",
    "run.again": "Replay the run, once it is over",
    "replay.back": "One event back",
    "replay.on": "One event on",
    "replay.turn-back": "Back to the turn of a model before",
    "replay.turn-on": "On to the end of the next turn of a model",
    "replay.seek-back": "Back by 5 % (a click on the bar goes anywhere)",
    "replay.seek-on": "On by 5 %",
    "replay.slower": "Slower, down to 0.25×",
    "replay.faster": "Faster, up to 16× and at once",
    "find.here": "Find words in this pane; a capital letter makes case count",
    "find.all": "Find words in all panes",
    "find.next": "Next match",
    "find.previous": "Previous match",
    "view.wrap": "Wrap long lines, or cut them at the edge",
    "view.times": "When each text, tool call and note began, in the time of the run",
    "pane.fold": "Tool calls with all their arguments and results, or a line of each",
    "pane.unselect": "Nothing is selected (drag selects; twice a word, three times a line)",
    "text.copy": "Copy what is selected, else what the agent said last",
    "text.copy-pane": "Copy the whole pane",
    "text.save": "Save the pane as a text file",
    "call.previous": "Previous call of this agent",
    "call.next": "Next call of this agent",
    "call.below": "To the call that this one made (or click on the tool's line)",
    "call.above": "Back to the call that made this one",
    "pane.up": "Scroll up: the pane stops following",
    "pane.down": "Scroll down",
    "pane.follow": "Follow the newest text again",
    "pane.oldest": "To the oldest text kept",
    "twins.next": "To the next call in which the runs differ",
    "twins.previous": "To the one before",
    "tree.up": "Previous line",
    "tree.down": "Next line",
    "tree.choose": "Show that agent, or scroll to that call",
}


_WIDE = 170  # columns, from which on the keys stand in two columns
_KEYS, _FEW = 18, 12  # columns of the keys, where there is room and where there is not
_SCANT, _INDENT = 40, 4  # columns; below, the words stand under their keys
_FRAME = 9  # columns that are not for words: padding, margin, and the bar that scrolls
Group = tuple[str, BindingsMap | None, DOMNode | None]
"""A title, keys, and who tells which of them do something now."""


class Help(ModalScreen[None]):
    CSS = """
    Help {
        align: center middle;
        #keys {
            width: auto; max-width: 100%; height: auto; max-height: 100%;
            background: $surface; padding: 0 1; border: solid $foreground 40%;
            border-title-style: bold; border-title-color: $text-primary;
            border-subtitle-color: $foreground 70%;
        }
        #groups { width: auto; height: auto; layout: horizontal; }
        #groups Static { margin: 0 2 1 0; }
        Static { width: auto; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="help.close", show=False),
    ]

    def __init__(
        self,
        groups: Iterable[Group],
        keymap: Mapping[str, str] | None = None,
        situation: str = "",
    ) -> None:
        super().__init__()
        self._situation = situation
        self._keymap = dict(keymap or {})
        self._groups = list(groups)
        self._composed_for = 0  # columns

    def compose(self) -> ComposeResult:
        self._composed_for = self.app.size.width
        with VerticalScroll(id="keys") as scroll:
            scroll.border_title = "Keys"
            scroll.border_subtitle = "esc closes"
            if self._situation:
                words = _below(self._situation, self._room + self._left, "")
                yield Static(Content(f"{words}\n"))
            with Container(id="groups"):
                for column in self._columns():
                    yield Static(Content("\n").join(column))

    def on_mount(self) -> None:
        self.query_one("#keys").focus()

    async def on_resize(self) -> None:
        if self._composed_for != self.app.size.width:
            await self.recompose()
            self.on_mount()

    @property
    def _left(self) -> int:
        width = self.app.size.width
        return _KEYS if width >= TINY else _FEW if width >= _SCANT else _INDENT

    @property
    def _room(self) -> int:
        """Columns for the words of a key: of what does not fit the end would be lost."""
        return max(self.app.size.width - _FRAME - self._left, 8)

    def _columns(self) -> list[list[Content]]:
        """The groups below each other; in two columns, about as long, where there is room."""
        groups = [
            self._group(title, lines)
            for title, bindings, owner in self._groups
            if bindings is not None and (lines := self._lines(bindings, owner))
        ]
        if self.app.size.width < _WIDE:
            return [groups]
        columns: list[list[Content]] = [[], []]
        for group in sorted(groups, key=_height, reverse=True):
            min(columns, key=lambda it: sum(map(_height, it))).append(group)
        return [sorted(column, key=groups.index) for column in columns if column]

    def _group(self, title: str, lines: list[tuple[str, str]]) -> Content:
        parts = [Content.styled(f"{title}\n", "bold $text-primary")]
        for keys, words in lines:
            lead = f"  {keys:<{self._left - 2}}" if self._left > _INDENT else f"  {keys}\n    "
            parts += [
                Content.styled(lead, "bold $text-accent"),
                Content.styled(f"{_below(words, self._room, ' ' * self._left)}\n", "$foreground"),
            ]
        return Content("").join(parts)

    def _lines(self, bindings: BindingsMap, owner: DOMNode | None) -> list[tuple[str, str]]:
        bindings = bindings.copy()
        bindings.apply_keymap(self._keymap)
        by_id: dict[str, list[str]] = {}
        words: dict[str, str] = {}
        for _, binding in bindings:
            if not binding.id or binding.id in _HIDDEN or not _offered(owner, binding):
                continue
            shown = self.app.get_key_display(binding)
            if shown not in by_id.setdefault(binding.id, []):
                by_id[binding.id].append(shown)
            words[binding.id] = words_of(binding)
        return [
            _SHOWN.get(name if keys == ["1"] else "") or (" ".join(keys), words[name])
            for name, keys in by_id.items()
        ]


def words_of(binding: Binding) -> str:
    """What a key does, in some words."""
    return binding.tooltip or _WORDS.get(binding.id or "", binding.description)


def _offered(owner: DOMNode | None, binding: Binding) -> bool:
    """Whether a key would do something now, as far as its owner tells."""
    action = binding.action.partition("(")[0].rpartition(".")[2]
    waits = action in ("reply", "approve", "edit", "again", "console")  # for what may come
    return owner is None or waits or bool(owner.check_action(action, ()))


def _below(words: str, room: int, indent: str) -> str:
    """The words in rows of ``room`` columns, all but the first of them indented."""
    cuts = [0, *breaks(words, room), len(words)]
    return f"\n{indent}".join(words[a:b].rstrip() for a, b in pairwise(cuts))


def _height(group: Content) -> int:
    return group.plain.count("\n") + 1

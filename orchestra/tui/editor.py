"""Where the user changes the arguments of a tool call before it runs."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import TextArea

from ..scenario.deciding import edited
from ..text import one_line
from .items import State
from .questions import Pending, Questions
from .requests import pretty
from .typeahead import InOrder

_HINT = "nothing runs before it is sent"


class Editor(InOrder, TextArea):
    """Shown in place of the bar while arguments are edited.

    Attributes:
        pending: the question that is answered by it; None while it is closed.
    """

    DEFAULT_CSS = """
    Editor, Editor:focus {
        dock: bottom; height: auto; max-height: 50%; min-height: 5; margin-bottom: 1;
        display: none;
        border-title-color: $text-warning; border-title-style: bold;
        border-subtitle-align: left; border-subtitle-color: $foreground 60%;
        &.-wrong { border-subtitle-color: $text-error; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Run it with these", id="editor.send"),
        Binding("escape", "screen.leave_editor", "Back", id="editor.leave"),
    ]

    def __init__(self, questions: Questions) -> None:
        super().__init__(id="editor", compact=False, tab_behavior="focus")
        self.questions = questions
        self.pending: Pending | None = None

    def open(self, pending: Pending) -> None:
        """Edit the arguments of a question, as far as that has come before."""
        question = pending.question
        if question is None:
            return
        self.pending = pending
        self.load_text(pretty(question.request["args"]) if not pending.edited else pending.edited)
        tool = one_line(str(question.request["tool"]), 60)
        title = f"{State.ASK.glyph} {one_line(question.call or '', 60)}: arguments of {tool}"
        self.border_title = Content(title)
        self._hint(_HINT)
        self.display = True

    def close(self) -> None:
        """What is typed is kept with its question."""
        if self.pending is not None:
            self.pending.edited = self.text
        self.pending = None
        self.display = False

    def _hint(self, text: str, *, wrong: bool = False) -> None:
        self.border_subtitle = Content(text)
        self.set_class(wrong, "-wrong")

    def action_send(self) -> None:
        if self.pending is None or self.pending.question is None:
            return
        try:
            decision = edited(self.text, self.pending.question)
        except ValueError as error:
            self._hint(one_line(str(error), 300), wrong=True)
        else:
            self.questions.answer(self.pending, decision)

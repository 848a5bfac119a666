"""The bar in which the user types the next turn, or a decision."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key, Paste
from textual.message import Message
from textual.style import Style
from textual.widgets import Input

from ..events import Interrupted
from ..scenario import Decision
from ..scenario.deciding import choice, choices, decision_of, edits
from ..text import clean, one_line
from . import tools
from .items import State
from .questions import Pending, Questions
from .typeahead import InOrder

GRACE = 0.5  # seconds in which a question that has just come takes no keys: they were for others
_TURN = "Your next message: enter sends it, ctrl+d ends"
_ANSWER = "Your answer: enter sends it, ctrl+d leaves the question open"
_SIGNS = str.maketrans({"\n": "↵", "\t": "⇥"})  # the bar is one line: there these stand for them
_MEANT = str.maketrans({"↵": "\n", "⇥": "\t"})
# What a click on a choice types for the person, who goes on from there.
_BEGUN = {"approve": "approve", "edit": "edit", "reject": "reject ", "respond": "say "}


class Prompt(InOrder, Input):
    """Where the user answers: shown while the run waits for them.

    Attributes:
        pending: what is asked.
        queue: all that is to be asked, that among it.
    """

    DEFAULT_CSS = """
    Prompt, Prompt:focus {
        dock: bottom; height: 3; margin-bottom: 1; display: none;
        border-title-color: $text-warning; border-title-style: bold;
        border-subtitle-align: left; border-subtitle-color: $foreground 60%;
        &.-wrong { border-subtitle-color: $text-error; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Send", id="prompt.send"),
        Binding("ctrl+j,shift+enter", "new_line", "New line", id="prompt.line", show=False),
        Binding("ctrl+d", "finish", "End", id="prompt.finish"),
        Binding("ctrl+d", "pass", "Leave open", id="prompt.pass"),
        Binding("escape", "screen.leave_prompt", "Panes", id="prompt.leave"),
        Binding("tab", "other(1)", "Next question", id="prompt.next", show=False),
        Binding("shift+tab", "other(-1)", "Previous question", id="prompt.previous", show=False),
    ]

    class EditWanted(Message):
        """The arguments are to be changed, and nothing is said yet of how."""

    class Turned(Message):
        """The user has gone on to another question."""

    def __init__(self, questions: Questions, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(id="prompt", select_on_focus=False)
        self.questions = questions
        self.clock = clock
        self.pending: Pending | None = None
        self.queue: Sequence[Pending] = ()
        self._told: tuple[Pending | None, str, bool] = (None, "", False)

    @property
    def question(self) -> Interrupted | None:
        return self.pending.question if self.pending else None

    @property
    def approves(self) -> bool:
        """Whether what is asked can be approved."""
        return self.question is not None and "approve" in self.question.request["decisions"]

    @property
    def edits(self) -> bool:
        """Whether the arguments of what is asked can be changed."""
        return self.question is not None and edits(self.question)

    @property
    def deaf(self) -> bool:
        """Whether the question has only just come, so that no key can be meant for it."""
        since = self.pending.shown if self.pending and self.pending.question else None
        return since is not None and self.clock() < since + GRACE

    def show(self, pending: Pending | None, *, wanted: bool = False) -> None:
        """Ask this. What is typed in answer to something else stays with that.

        ``wanted``: the user has turned to it. Else it takes the place of another, for which the
        keys may be that are just pressed.
        """
        if self.pending is not None:
            self.pending.draft = self.value
        self.clear()
        self.pending = pending
        if pending is None:
            return
        if pending.shown is None or not wanted:
            pending.shown, pending.read = self.clock(), False
        self.insert_text_at_cursor(pending.draft)
        self.invite()

    def invite(self, words: str = "") -> None:
        """Say in the empty bar what to do; ``words`` to who is elsewhere, and has to come here."""
        self.placeholder = words or (_ANSWER if self.question else _TURN)

    def keep_up(self, queue: Sequence[Pending], *, covered: bool) -> None:
        """Called each tick: what waits by now. ``covered``: something lies over the bar."""
        self.queue = queue
        if self.pending is None:
            return
        if covered and not self.pending.read:
            self.pending.shown = self.clock()  # who cannot see it has no time to read it
        self.pending.read = self.pending.read or not self.deaf
        told = self.pending, self._place(), self.deaf
        if told != self._told:
            anew = told[0] is not self._told[0] or told[2] != self._told[2]
            self._told = told
            self._tell(anew)

    def _place(self) -> str:
        """Which of several questions this is."""
        asked = [it for it in self.queue if it.question]
        if self.pending not in asked or len(asked) < 2:
            return ""
        return f"{asked.index(self.pending) + 1} of {len(asked)} · "

    def _tell(self, anew: bool) -> None:
        question = self.question
        place = self._place()
        title = f"{State.ASK.glyph} {place}{tools.asks(question)}" if question else None
        self.border_title = Content(title) if title else None
        if anew:
            shown = question and not self.deaf
            self._hint(self._choices(several=bool(place)) if shown else "…"[: self.deaf])

    def _choices(self, *, several: bool) -> Content:
        """What may be typed; the mouse can say it, too."""
        question = self.question
        allowed: Sequence[str] = question.request["decisions"] if question else ()
        parts: list[tuple[str, Style]] = []
        if question and allowed == ["respond"]:
            parts.append((choices(question), Style()))
        else:
            for it in allowed:
                parts += [(", ", Style()), (choice(it, editor=True), _link(f"choose({it!r})"))]
            del parts[:1]
        if several:
            parts += [(" · ", Style()), ("tab: another", _link("other(1)"))]
        return Content.assemble(*parts)

    def _hint(self, text: str | Content, *, wrong: bool = False) -> None:
        self.border_subtitle = Content(text) if isinstance(text, str) and text else text or None
        self.set_class(wrong, "-wrong")

    async def _on_key(self, event: Key) -> None:
        if self.deaf and event.is_printable:
            event.stop()
            event.prevent_default()

    def _on_paste(self, event: Paste) -> None:
        """All of it, where Textual's would take the first line."""
        event.stop()
        event.prevent_default()
        if not self.deaf:
            text = clean("\n".join(event.text.splitlines()))
            self.replace(text.translate(_SIGNS), *sorted(self.selection))

    def action_new_line(self) -> None:
        if not self.deaf:
            self.replace("\n".translate(_SIGNS), *sorted(self.selection))

    def action_choose(self, choice: str) -> None:
        """Somebody has clicked on it: it is typed for them, and nothing is sent by that."""
        if self.deaf or self.question is None:
            return
        self.focus()
        if choice == "edit":
            self.post_message(self.EditWanted())
        elif self.value != _BEGUN[choice]:
            self.value = ""
            self.insert_text_at_cursor(_BEGUN[choice])

    async def action_submit(self) -> None:
        """At once, and not by a message: until that came, something else might be asked."""
        text = self.value.translate(_MEANT).strip()
        if not text or self.deaf:
            return
        if self.question is None:
            self._say(text)
        elif self.edits and text.lower() in ("e", "edit"):
            self.clear()
            self.post_message(self.EditWanted())
        else:
            try:
                self._say(decision_of(text, self.question))
            except ValueError as error:
                self._hint(one_line(str(error), 300), wrong=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What ctrl+d does depends on what is asked; tab goes on where nothing else is asked."""
        if action in ("finish", "pass"):
            return (action == "pass") == (self.question is not None)
        if action == "other":
            return len(self.queue) > 1
        return super().check_action(action, parameters)

    def action_finish(self) -> None:
        self._say(None)

    def action_pass(self) -> None:
        if not self.deaf:
            self._say(None)

    def action_other(self, by: int) -> None:
        """On to another question, in a ring; none is answered by that."""
        if self.pending in self.queue:
            at = self.queue.index(self.pending) + by
            self.show(self.queue[at % len(self.queue)], wanted=True)
            self.post_message(self.Turned())

    def _say(self, value: str | Decision | None) -> None:
        if self.pending is not None:
            self.questions.answer(self.pending, value)
        self.clear()


def _link(action: str) -> Style:
    return Style.from_meta({"@click": action})

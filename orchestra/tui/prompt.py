"""Asking the user for a further turn, or a decision: the bar to type in, its way into the run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from ..events import Interrupted
from ..scenario import Decision
from ..scenario.deciding import choices, decision_of
from ..text import one_line
from . import tools
from .items import State

_TURN = "Your next message: enter sends it, ctrl+d ends"
_ANSWER = "Your answer: enter sends it, ctrl+d leaves the question open"


@dataclass(eq=False, slots=True)
class Pending:
    """What the run waits for: the user's next turn or, with a ``question``, a decision."""

    question: Interrupted | None
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    answered: bool = False  # the run has yet to notice


class Questions:
    """Hands what the user says to a run in another thread.

    The run awaits :meth:`ask` and :meth:`decide` in its own loop; the viewer looks at
    :meth:`first` and calls :meth:`answer`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Pending] = []

    async def ask(self) -> str | None:
        """The user's next turn; None ends the conversation."""
        turn: str | None = await self._wait(None)
        return turn

    async def decide(self, question: Interrupted) -> Decision | None:
        """What the user decides; None leaves the question open."""
        decision: Decision | None = await self._wait(question)
        return decision

    async def _wait(self, question: Interrupted | None) -> Any:
        loop = asyncio.get_running_loop()
        pending = Pending(question, loop, loop.create_future())
        with self._lock:
            self._pending.append(pending)
        try:
            return await pending.answer
        finally:
            with self._lock:  # from here on the loop may close, and must not be called
                self._pending.remove(pending)

    def first(self, asked: Mapping[str, Interrupted], now: Pending | None) -> Pending | None:
        """What the user is to be asked: what they are asked ``now``, or what came first.

        ``asked`` are the questions that are on the screen: of the others nothing can be seen yet.
        """
        with self._lock:
            waiting = [it for it in self._pending if not it.answered]
        if now in waiting:
            return now
        shown = [it for it in waiting if not it.question or it.question.interrupt_id in asked]
        # The runs of a batch ask under the same ids, and one run is on the screen.
        return min(shown, key=lambda it: not _same(it.question, asked), default=None)

    def answer(self, pending: Pending, value: str | Decision | None) -> None:
        """From any thread; what the run does not wait for any more is not answered."""
        with self._lock:
            if pending in self._pending and not pending.answered:
                pending.answered = True
                pending.loop.call_soon_threadsafe(_settle, pending.answer, value)


def _same(question: Interrupted | None, asked: Mapping[str, Interrupted]) -> bool:
    return question is None or question.request == asked[question.interrupt_id].request


def _settle(answer: asyncio.Future[Any], value: str | Decision | None) -> None:
    if not answer.done():  # it may be cancelled
        answer.set_result(value)


class Prompt(Input):
    """Where the user answers: shown while the run waits for them.

    Attributes:
        pending: what is asked.
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
        Binding("ctrl+d", "finish", "End", id="prompt.finish"),
        Binding("ctrl+d", "pass", "Leave open", id="prompt.pass"),
        Binding("escape", "screen.leave_prompt", "Panes", id="prompt.leave"),
    ]

    def __init__(self, questions: Questions) -> None:
        super().__init__(id="prompt", select_on_focus=False)
        self.questions = questions
        self.pending: Pending | None = None

    @property
    def question(self) -> Interrupted | None:
        return self.pending.question if self.pending else None

    @property
    def approves(self) -> bool:
        """Whether what is asked can be approved."""
        return self.question is not None and "approve" in self.question.request["decisions"]

    def show(self, pending: Pending | None) -> None:
        """Ask this. What was typed in answer to something else does not answer it."""
        self.clear()
        self.pending = pending
        question = self.question
        self.placeholder = _ANSWER if question else _TURN
        title = f"{State.ASK.glyph} {tools.asks(question)}" if question else None
        self.border_title = Content(title) if title else None
        self._hint(choices(question) if question else "")

    def _hint(self, text: str, *, wrong: bool = False) -> None:
        self.border_subtitle = Content(text) if text else None
        self.set_class(wrong, "-wrong")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        text = message.value.strip()
        if not text:
            return
        if self.question is None:
            self._say(text)
            return
        try:
            self._say(decision_of(text, self.question))
        except ValueError as error:
            self._hint(one_line(str(error), 300), wrong=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What ctrl+d does depends on what is asked."""
        if action in ("finish", "pass"):
            return (action == "pass") == (self.question is not None)
        return super().check_action(action, parameters)

    def action_finish(self) -> None:
        self._say(None)

    def action_pass(self) -> None:
        self._say(None)

    def _say(self, value: str | Decision | None) -> None:
        if self.pending is not None:
            self.questions.answer(self.pending, value)
        self.clear()

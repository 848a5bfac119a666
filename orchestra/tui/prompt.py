"""Asking the user for a further turn: the bar in which it is typed, and its way into the run."""

from __future__ import annotations

import asyncio
import threading
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class Questions:
    """Hands what the user says to a run in another thread.

    The run awaits :meth:`ask` in its own loop; the viewer looks at ``waiting`` and calls
    :meth:`answer`. None ends the conversation.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answer: asyncio.Future[str | None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether the run waits for the user."""
        return self._answer is not None

    async def ask(self) -> str | None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            answer: asyncio.Future[str | None] = self._loop.create_future()
            self._answer = answer
        try:
            return await answer
        finally:
            with self._lock:
                self._loop = self._answer = None

    def answer(self, text: str | None) -> None:
        """From any thread; without a question it does nothing."""
        with self._lock:
            if self._loop is not None and self._answer is not None:
                self._loop.call_soon_threadsafe(_settle, self._answer, text)


def _settle(answer: asyncio.Future[str | None], text: str | None) -> None:
    if not answer.done():  # it may be cancelled, or answered twice
        answer.set_result(text)


class Prompt(Input):
    """Where the next turn is typed: shown while the run waits for one."""

    DEFAULT_CSS = """
    Prompt, Prompt:focus { dock: bottom; height: 3; margin-bottom: 1; display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "finish", "End", id="prompt.finish"),
        Binding("escape", "screen.leave_prompt", "Panes", id="prompt.leave"),
    ]

    def __init__(self, questions: Questions) -> None:
        super().__init__(placeholder="Your next message: enter sends it, ctrl+d ends", id="prompt")
        self.questions = questions

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if text := message.value.strip():
            self._say(text)

    def action_finish(self) -> None:
        self._say(None)

    def _say(self, text: str | None) -> None:
        self.questions.answer(text)
        self.clear()

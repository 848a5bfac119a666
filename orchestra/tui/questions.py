"""The way of a question from a run to the user, and of the answer back: across two threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..events import Interrupted
from ..scenario import Decision


@dataclass(eq=False, slots=True)
class Pending:
    """What the run waits for: the user's next turn or, with a ``question``, a decision."""

    question: Interrupted | None
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    answered: bool = False  # the run has yet to notice
    shown: float | None = None  # what the viewer's clock said when the bar first asked this
    read: bool = False  # it has stood there for long enough
    draft: str = ""  # what is typed in answer and not sent: it is kept while another is asked
    edited: str | None = None  # the arguments as far as they are rewritten


class Questions:
    """Hands what the user says to a run in another thread.

    The run awaits :meth:`ask` and :meth:`decide` in its own loop; the viewer looks at
    :meth:`waiting` and calls :meth:`answer`.
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

    def waiting(self, asked: Mapping[str, Interrupted]) -> list[Pending]:
        """What the user is to be asked, in the order in which it came.

        ``asked`` are the questions that are on the screen: of the others nothing can be seen yet.
        """
        with self._lock:
            waiting = [it for it in self._pending if not it.answered]
        shown = [it for it in waiting if not it.question or it.question.interrupt_id in asked]
        # The runs of a batch ask under the same ids, and one run is on the screen.
        return sorted(shown, key=lambda it: not _same(it.question, asked))

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

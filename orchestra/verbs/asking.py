"""Asking the person at the terminal: for further turns, and where a tool waits for them.

By the event loop: a thread that waits for a line cannot be ended, and Ctrl-C would hang.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

from ..events import Event, Interrupted
from ..scenario import Decision, Scenario
from ..scenario.deciding import choices, decision_of
from ..text import clean, one_line


def person() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def said() -> str | None:
    """The line that the user typed; None for an empty one, or the end of the input."""
    return sys.stdin.readline().strip() or None


def prompt(text: str) -> None:
    sys.stderr.write(f"{clean(text)} > ")
    sys.stderr.flush()


class Terminal:
    """The person at a terminal, who is asked one thing at a time, after they could read of it."""

    def __init__(self, scenario: Scenario) -> None:
        self._name = scenario.name
        self._shown: dict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)
        self._one = asyncio.Lock()

    def showed(self, event: Event) -> None:
        """An event is on the screen: a question may be asked once it is."""
        if isinstance(event, Interrupted):
            self._shown[event.run, event.interrupt_id].set()

    async def ask(self) -> str | None:
        """The next turn of the conversation; None ends it."""
        return (await self._line(self._name)) or None

    async def decide(self, question: Interrupted) -> Decision | None:
        """What the person decides; None if they end the input instead."""
        await self._shown[question.run, question.interrupt_id].wait()
        async with self._one:
            about = f"{question.call}: {one_line(str(question.request['tool']), 60)}"
            while (line := await self._line(f"{about}? {choices(question)}")) is not None:
                try:
                    return decision_of(line, question)
                except ValueError as error:
                    sys.stderr.write(f"{error}\n")
        return None

    async def _line(self, text: str) -> str | None:
        """The line that is typed, without its end; None for the end of the input."""
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str | None] = loop.create_future()
        prompt(text)

        def take() -> None:
            if not line.done():
                read = sys.stdin.readline()
                line.set_result(read.strip() if read else None)

        loop.add_reader(sys.stdin, take)
        try:
            return await line
        finally:
            loop.remove_reader(sys.stdin)

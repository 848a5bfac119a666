"""``--pace``: what the agents say at a reader's pace, whoever says it and however fast."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from ..events import Event, ReasoningDelta, TextDelta
from ..store import Around

if TYPE_CHECKING:
    from ..store import Running

_PIECES = re.compile(r"\S+")
_LONGEST = 5  # characters of a token, where nothing else tells them apart


class Paced(Around):
    """A run whose words come at ``rate`` tokens a second.

    Only what is shown is held back: the run itself goes on at its own pace, and is kept as it goes.
    """

    def __init__(self, run: Running, rate: float) -> None:
        super().__init__(run)
        self._rate = rate

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._take(queue))
        due = asyncio.get_running_loop().time()
        try:
            while (event := await queue.get()) is not None:
                now = asyncio.get_running_loop().time()
                if isinstance(event, TextDelta | ReasoningDelta):
                    due = max(due, now)
                    await asyncio.sleep(due - now)
                    due += tokens(event.text) / self._rate
                yield event
            await work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _take(self, queue: asyncio.Queue[Event | None]) -> None:
        try:
            async with aclosing(aiter(self._run)) as happening:
                async for event in happening:
                    queue.put_nowait(event)
        finally:
            queue.put_nowait(None)


def tokens(text: str) -> int:
    """About how many tokens a piece of text is: words, and parts of long ones."""
    return sum(-(-len(word) // _LONGEST) for word in _PIECES.findall(text)) or 1

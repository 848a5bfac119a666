"""LangGraph's stream, read in a task of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

Part = Mapping[str, Any]


class Reading:
    """The parts of a stream, as they come.

    Whoever iterates a run may drop it anywhere: the loop then closes the async generators that it
    still knows, all at once and in no order, and LangGraph's does not bear that. A task is
    cancelled before, from within, as any other.
    """

    def __init__(self, stream: AsyncGenerator[Part, None]) -> None:
        self._come: deque[Part] = deque()
        self._news = asyncio.Event()
        self._task = asyncio.ensure_future(self._read(stream))
        self._task.add_done_callback(lambda _: self._news.set())

    async def _read(self, stream: AsyncGenerator[Part, None]) -> None:
        async with aclosing(stream):
            async for part in stream:
                self._come.append(part)
                self._news.set()

    async def more(self) -> list[Part]:
        """All that has come since, at least one part; none at the end. Raises what it raised."""
        while not self._come and not self._task.done():
            self._news.clear()
            await self._news.wait()
        if not self._come:
            await self._task
        parts = list(self._come)
        self._come.clear()
        return parts

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

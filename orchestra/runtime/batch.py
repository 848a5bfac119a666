"""Starting what a scenario asks for: a run, or a batch of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from ..cassette import Taping
from ..events import Event
from ..scenario import Case, Scenario
from .approval import Decide
from .graph import Team, build
from .past import Past
from .runner import Ask, Run, nobody


class Batch:
    """The runs of several cases. They work side by side; their events come run by run.

    So whoever looks on sees one run after the other, and waits only for the slowest.
    """

    def __init__(
        self,
        team: Team,
        cases: Sequence[Case],
        *,
        decide: Decide | None = None,
        close_team: bool = False,
        seed: int | None = None,
    ) -> None:
        self.runs = [Run(team, case, decide=decide, whole=False, seed=seed) for case in cases]
        self.tap: Callable[[Sequence[Event]], object] = nobody
        """Is given what happens together: of later runs, long before their turn comes."""
        self._shown = self.runs[:1]
        self._slots = asyncio.Semaphore(team.scenario.run.max_concurrency)
        self._team = team if close_team else None

    def cancel(self, call: str | None = None) -> None:
        """End all runs, as :meth:`Run.cancel` does; a call of the one that is being shown."""
        for run in self.runs if call is None else self._shown:
            run.cancel(call)

    def pause(self) -> None:
        """Hold all runs, as :meth:`Run.pause` does."""
        for run in self.runs:
            run.pause()

    def resume(self) -> None:
        for run in self.runs:
            run.resume()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        for run in self.runs:
            run.tap = self.tap
        queues: list[asyncio.Queue[Event | None]] = [asyncio.Queue() for _ in self.runs]
        works = [
            asyncio.create_task(self._work(run, queue))
            for run, queue in zip(self.runs, queues, strict=True)
        ]
        try:
            for run, work, queue in zip(self.runs, works, queues, strict=True):
                self._shown = [run]
                while (event := await queue.get()) is not None:
                    yield event
                await work
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            if self._team:
                await self._team.aclose()

    async def _work(self, run: Run, queue: asyncio.Queue[Event | None]) -> None:
        try:
            async with self._slots, aclosing(aiter(run)) as happening:
                async for event in happening:
                    queue.put_nowait(event)
        finally:
            queue.put_nowait(None)


def run(
    scenario: Scenario,
    input: str | Sequence[str] | Case | None = None,  # noqa: A002 - the scenario's own word for it
    *,
    models: Mapping[str, str] | None = None,
    rate: float = 0.0,
    packages: Sequence[str] = (),
    trust: bool = False,
    ask: Ask | None = None,
    decide: Decide | None = None,
    strict: bool = False,
    past: Past | None = None,
    seed: int | None = None,
    taping: Taping | None = None,
    mock: bool = False,
) -> Run | Batch:
    """Build the team of ``scenario`` and run it once: ``async for event in run(scenario)``.

    ``input`` is a message, the messages of a conversation, or one of the scenario's cases, in
    place of all that the file gives; else each of ``inputs`` is a run of its own. For many runs of
    one scenario, :func:`build` once and make a :class:`Run` of each. ``ask``, ``decide``,
    ``strict``, ``past`` and ``seed`` are those of :class:`Run`; ``taping`` and ``mock``, as all the
    rest, are those of :func:`build`.

    Raises:
        UsageError, ScenarioError: the team cannot be built, or there is no input.
    """
    given = (input,) if isinstance(input, str) else input or ()
    team = build(
        scenario,
        models=models,
        rate=rate,
        packages=packages,
        trust=trust,
        taping=taping,
        mock=mock,
    )
    if not given and scenario.inputs is not None:
        return Batch(team, scenario.cases, decide=decide, close_team=True, seed=seed)
    return Run(
        team,
        given,
        ask=ask,
        decide=decide,
        strict=strict,
        past=past,
        close_team=True,
        seed=seed,
    )

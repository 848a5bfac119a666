"""Helpers of the tests: record the runs of a scenario, and play them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runs import by_call, collect
from virtual import run_virtually

from orchestra.cassette import Cassette, Recording, Replay, Taping
from orchestra.cassette.lines import Head
from orchestra.events import Event
from orchestra.runtime import Run, build
from orchestra.scenario import Scenario
from orchestra.scenario.team import scripted, speaks

Told = dict[str, list[Event]]
"""The events of each case, by its name."""


def speakers(scenario: Scenario) -> set[str]:
    return {name for name, spec in scenario.agents.items() if speaks(spec)}


async def told(
    scenario: Scenario, taping: Taping | None, models: Mapping[str, str] | None = None
) -> Told:
    team = build(scenario, taping=taping, models=models, trust=True)
    try:
        return {
            case.name: await collect(Run(team, case, strict=True, whole=False))
            for case in scenario.cases
        }
    finally:
        await team.aclose()


def record(
    scenario: Scenario,
    path: Path,
    *,
    models: Mapping[str, str] | None = None,
    missing: bool = False,
) -> tuple[Told, Recording]:
    """All cases recorded; whatever they come to is put into the cassette."""
    cassette = Cassette.at(path)
    recording = Recording(cassette, Head(models=dict(models or {})), missing=missing)
    seen = run_virtually(told(scenario, recording, models))
    recording.finish(lambda case, status: True)
    return seen, recording


def replay(scenario: Scenario, path: Path, **options: bool) -> Told:
    cassette = Cassette.at(path)
    taping = Replay(cassette, speakers(scenario), **options)
    return run_virtually(told(scenario, taping, cassette.head.models))


def told_offline(scenario: Scenario) -> Told:
    """All cases as the script has them."""
    return run_virtually(told(scenario, None, scripted(scenario)))


def unordered(events: list[Event]) -> dict[str | None, list[str]]:
    """The events of each call; what runs side by side in one may end in any order."""
    return {call: sorted(map(repr, some)) for call, some in by_call(events).items()}

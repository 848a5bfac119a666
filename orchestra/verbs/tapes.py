"""Who speaks in a run that needs no model: the script, or what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..cassette import Cassette, Replay
from ..errors import MissingReply
from ..events import agent_of
from ..scenario import ECHO, Scenario
from ..scenario.team import ALL, choose, scripted, speaks

MODES = ("script", "replay", "loose", "live")


def offline(
    scenario: Scenario, mode: str | None, beside: Callable[[Path], Cassette] = Cassette.beside
) -> tuple[dict[str, str], Replay | None]:
    """The models by agent of a run that never goes live, and the tape that is played.

    Without a ``mode``, the script speaks for the agents that it has a key of, and the cassette,
    if there is one, for the others; it is not read if there are none. Raises MissingReply if there
    is no cassette to be played, and UsageError if it cannot be read.
    """
    models = scripted(scenario)
    if mode == "script":
        return models, None
    agents = everybody = {name for name, spec in scenario.agents.items() if speaks(spec)}
    if mode is None:
        agents = agents - {agent_of(key) for key in scenario.script}
        agents = {name for name in agents if choose(scenario, name).model != ECHO}
        if not agents:
            return models, None
    path = scenario.source.path
    tape = beside(path)
    if not tape.exists:
        if mode is None:
            return models, None
        raise MissingReply(
            f"{tape.path}: there is no such file; to make it: orchestra record {path}"
        )
    given = tape.head.models
    for name in agents:
        models.pop(name, None)
        if model := given.get(name) or given.get(ALL):
            models[name] = model
    return models, Replay(
        tape,
        agents,
        others=everybody - agents,
        strict=mode != "loose",
        tools=scenario.run.replay_tools,
        record=f"orchestra record {path} --missing",
    )

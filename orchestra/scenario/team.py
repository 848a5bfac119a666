"""Who is in a scenario's team, and which model speaks for each: known without building it."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UsageError
from ..events import Member, agent_of
from .environment import fill
from .model import DEFAULT, ECHO, SCRIPTED, ModelSpec, Reply, Scenario

Script = Mapping[str, tuple[Reply, ...]]

ALL = ""  # in a mapping of models by agent: every agent


def choose(scenario: Scenario, agent: str, models: Mapping[str, str] | None = None) -> ModelSpec:
    """The model of ``agent``.

    In this order: ``models[agent]``, ``models[ALL]``, the agent's own, ``models.default`` of the
    scenario, scripted. A name of the scenario's ``models`` stands for what it names.

    Raises:
        UsageError: names of ``models`` stand for each other in a circle.
    """
    given, named = models or {}, scenario.models
    ref: str | ModelSpec = (
        given.get(agent)
        or given.get(ALL)
        or scenario.agents[agent].model
        or (DEFAULT if DEFAULT in named else SCRIPTED)
    )
    for _ in range(len(named) + 1):
        if isinstance(ref, ModelSpec):
            return ref
        if ref not in named:
            return ModelSpec(model=ref)
        ref = named[ref]
    raise UsageError(f"models: {ref!r} stands for itself")


def offline(spec: ModelSpec) -> bool:
    """Whether the model needs neither key nor network."""
    return spec.model in (SCRIPTED, ECHO)


def spoken(scenario: Scenario, models: Mapping[str, str] | None = None) -> Script:
    """The part of the script that agents answer from: not that of an agent with another model."""
    chosen = {name: choose(scenario, name, models).model for name in scenario.agents}
    return {
        key: replies
        for key, replies in scenario.script.items()
        if chosen.get(agent_of(key)) == SCRIPTED
    }


def members(scenario: Scenario, models: Mapping[str, str] | None = None) -> tuple[Member, ...]:
    """The team as the events describe it, in the order of the file."""
    return tuple(
        Member(
            name=name,
            title=spec.title or name,
            description=spec.description,
            parents=scenario.parents(name),
            tools=spec.tools,
            model=_label(choose(scenario, name, models)),
        )
        for name, spec in scenario.agents.items()
    )


def _label(spec: ModelSpec) -> str:
    """What to call a model; as it stands in the file, where the environment does not say."""
    try:
        return fill(spec.model)[0]
    except KeyError:
        return spec.model

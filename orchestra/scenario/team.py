"""Who is in a scenario's team, and which model speaks for each: known without building it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..errors import UsageError
from .agents import (
    DEFAULT,
    ECHO,
    SCRIPTED,
    AgentSpec,
    AnyAgent,
    ModelSpec,
    RouteSpec,
    kind_of,
    steps_of,
)
from .environment import environment, fill
from .model import Scenario
from .replies import Reply

if TYPE_CHECKING:
    from ..events import Member

Script = Mapping[str, tuple[Reply, ...]]

ALL = ""  # in a mapping of models by agent: every agent


def speaks(spec: AnyAgent) -> bool:
    """Whether a model speaks for the agent: for an agent, and for a route that has to choose."""
    return isinstance(spec, AgentSpec) or (isinstance(spec, RouteSpec) and bool(spec.choices))


def choose(scenario: Scenario, agent: str, models: Mapping[str, str] | None = None) -> ModelSpec:
    """The model of ``agent``.

    In this order: ``models[agent]``, ``models[ALL]``, the agent's own, ``models.default`` of the
    scenario, scripted. A name of the scenario's ``models`` stands for what it names.

    Raises:
        UsageError: names of ``models`` stand for each other in a circle.
    """
    given, spec = models or {}, scenario.agents[agent]
    own = spec.model if isinstance(spec, AgentSpec | RouteSpec) else None
    return resolve(scenario, given.get(agent) or given.get(ALL) or own or DEFAULT)


def resolve(scenario: Scenario, ref: str | ModelSpec) -> ModelSpec:
    """What a reference to a model stands for; ``default`` is scripted unless the file says.

    UsageError for a circle.
    """
    named = scenario.models
    for _ in range(len(named) + 1):
        if isinstance(ref, ModelSpec):
            return ref
        if ref not in named:
            return ModelSpec(model=SCRIPTED if ref == DEFAULT else ref)
        ref = named[ref]
    raise UsageError(f"models: {ref!r} stands for itself")


def offline(spec: ModelSpec) -> bool:
    """Whether the model needs neither key nor network."""
    return spec.model in (SCRIPTED, ECHO)


def scripted(scenario: Scenario) -> dict[str, str]:
    """Models for a run that never goes live: the script speaks for every real model."""
    return {
        name: SCRIPTED
        for name, spec in scenario.agents.items()
        if speaks(spec) and not offline(choose(scenario, name))
    }


def spoken(
    scenario: Scenario,
    models: Mapping[str, str] | None = None,
    other: Callable[[str], bool] = lambda _: False,
) -> Script:
    """The part of the script that agents answer from: not that of an agent with another model.

    ``other`` tells of an agent whether something else speaks for it, whatever its model.

    Middleware's own models are scripted where their agent is.
    """
    from ..events import agent_of

    chosen = {
        name: choose(scenario, name, models).model
        for name, spec in scenario.agents.items()
        if speaks(spec) and not other(name)
    }
    return {
        key: replies
        for key, replies in scenario.script.items()
        if chosen.get(agent_of(key)) == SCRIPTED
    }


def members(scenario: Scenario, models: Mapping[str, str] | None = None) -> tuple[Member, ...]:
    """The team as the events describe it, in the order of the file."""
    from ..events import Member  # here: to check a file takes no events

    parents: dict[str, list[str]] = {}
    for name, spec in scenario.agents.items():
        for called in steps_of(spec):
            parents.setdefault(called, []).append(name)
    return tuple(
        Member(
            name=name,
            title=spec.title or name,
            description=spec.description,
            parents=tuple(parents.get(name, ())),
            tools=spec.tools if isinstance(spec, AgentSpec) else (),
            model=label(choose(scenario, name, models)) if speaks(spec) else "",
            kind=kind_of(spec),
            structured=isinstance(spec, AgentSpec) and spec.response_format is not None,
        )
        for name, spec in scenario.agents.items()
    )


def label(spec: ModelSpec) -> str:
    """What to call a model; as it stands in the file, where the environment does not say."""
    try:
        return fill(spec.model, environment())[0]
    except KeyError:
        return spec.model

"""What the command line asks for: which run of which scenario, by which models, from what input."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import UsageError
from ..events import Header
from ..places import runs_folder
from ..scenario import Scenario, ScriptKey, load
from ..scenario.team import ALL, choose, speaks
from ..text import nearest
from .asking import person, prompt, said
from .resuming import Broken, broken
from .tapes import offline

if TYPE_CHECKING:
    from ..cassette import Taping
    from ..settings import Settings
    from ..store import Keeper


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run to be made: of ``scenario``, with ``models`` by agent.

    ``back`` is the one to go on with, if there is; ``taping`` how it is recorded, or replayed.
    """

    scenario: Scenario
    models: Mapping[str, str]
    back: Broken | None = None
    taping: Taping | None = None
    offline: bool = False
    """Whether ``mode`` has it so that no model, and no tool with a ``mock``, is asked."""

    @property
    def replayed(self) -> bool:
        """Whether nobody is asked anything, as what they said is on tape."""
        return self.taping is not None and not self.taping.records


def wanted(args: argparse.Namespace, settings: Settings) -> Wanted:
    """The run that is asked for. Raises UsageError if there is none such."""
    back = broken(args, settings)
    scenario = load(back.file(args.file) if back else args.file, root=args.root)
    if args.mode and args.mode != "live":
        if args.model:
            told = f"--mode {args.mode}: leave --model out"
            raise UsageError(f"{told}; which model speaks is settled by that")
        models, taping = offline(scenario, args.mode)
        return Wanted(scenario, models, back, taping, offline=True)
    models = models_of(scenario, args.model, settings.model)
    return Wanted(scenario, back.header.models if back and not args.model else models, back)


def models_of(
    scenario: Scenario, given: Sequence[str], from_settings: str | None
) -> dict[str, str]:
    """Models by agent: ``--model`` over ``ORCHESTRA_MODEL``. Raises UsageError."""
    models = {ALL: from_settings} if from_settings else {}
    for text in given:
        agent, equals, model = text.partition("=")
        if not equals:
            agent, model = ALL, text
        elif agent not in scenario.agents:
            raise UsageError(_unknown("--model", "agent", agent, scenario.agents))
        models[agent] = model
    for model in models.values():
        if ":" not in model and model not in (*scenario.models, "scripted", "echo"):
            known = [*scenario.models, "scripted", "echo"]
            raise UsageError(_unknown("--model", "model", model, known) + ", or provider:name")
    for agent, spec in scenario.agents.items():
        if speaks(spec):
            choose(scenario, agent, models)
        elif agent in models:
            raise UsageError(f"--model: {agent!r} has no model; its steps have")
    return models


def known_agents(scenario: Scenario, agents: Sequence[str]) -> None:
    for agent in agents:
        try:
            names = [segment.name for segment in ScriptKey.parse(agent).segments]
        except ValueError as error:
            raise UsageError(f"--agent {agent!r}: {error}") from error
        for name in names:
            if name not in scenario.agents:
                raise UsageError(_unknown("--agent", "agent", name, scenario.agents))


def _unknown(option: str, kind: str, word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    hint = nearest(word, known) or "known: " + ", ".join(known)
    return f"{option}: there is no {kind} {word!r}; {hint}"


def inputs_of(want: Wanted, given: str | None, *, asks: bool) -> tuple[str, ...]:
    """The user's messages in place of the file's; asked for where there are none at all.

    ``asks``: the run itself will ask for them.
    """
    if given is not None:
        return (given,)
    scenario = want.scenario
    if scenario.cases or asks:
        return ()
    if want.taping and (recorded := want.taping.tape("").inputs):
        return tuple(recorded)
    if person():
        prompt(scenario.name)
        if line := said():
            return (line,)
    raise UsageError(f"{scenario.source.path}: there is no 'input'; give one with --input")


def spare(scenario: Scenario, option: str, save: Path | None) -> None:
    """Events are never written over the files they come from."""
    own = {scenario.source.path, *map(Path, scenario.source.used)}
    if save is not None and save.resolve() in {path.resolve() for path in own}:
        raise UsageError(f"{option} {save}: is a file of this scenario; name another")


def header_of(scenario: Scenario, models: Mapping[str, str]) -> Header:
    return Header(
        scenario=scenario.name,
        digest=scenario.source.digest,
        orchestra=__version__,
        path=str(scenario.source.path.absolute()),
        root=str(scenario.source.root),
        models=dict(models),
    )


def keeper_of(
    args: argparse.Namespace,
    settings: Settings,
    scenario: Scenario,
    header: Header,
    inputs: tuple[str, ...],
    say: Callable[[str], object],
) -> Keeper | None:
    """What keeps the run's events, unless that is not wanted."""
    if args.no_keep:
        return None
    from ..store import Keeper

    folder = runs_folder(scenario.source.root, settings.home)
    return Keeper(folder, replace(header, inputs=inputs or None), say)

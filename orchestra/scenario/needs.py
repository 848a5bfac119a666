"""What a scenario needs besides its own file: code, environment, endpoints, other files.

Told without importing or opening anything that the file names, and without the value of any
variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .agents import AgentSpec, ModelSpec, RouteSpec
from .environment import variables as variables_of
from .model import Scenario
from .nodes import Node
from .source import Source
from .team import offline, resolve
from .tools import PythonTool

_USER = re.compile(r"//[^/@\s]*@")

OPENAI_KEY = "OPENAI_API_KEY"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A Python object that a tool stands for; ``file`` is where its module lies, if it is there."""

    tool: str
    target: str
    file: Path | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment, and where the file names it, first without a default.

    ``reader`` is the provider that reads it without being told in the file.
    """

    name: str
    where: Place
    optional: bool = False
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that a model is asked at; ``base_url`` as it stands in the file, never filled.

    ``key``: whether the file says which key.
    """

    model: str
    target: str
    base_url: str
    key: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """All that a scenario needs."""

    code: tuple[Code, ...]
    variables: tuple[Variable, ...]
    endpoints: tuple[Endpoint, ...]
    files: tuple[str, ...]
    middleware: tuple[str, ...]


def needs(scenario: Scenario) -> Needs:
    """What ``scenario`` needs, in the order of the file."""
    named = (
        layer.name
        for spec in scenario.agents.values()
        if isinstance(spec, AgentSpec)
        for layer in spec.middleware
    )
    endpoints, given = tuple(_endpoints(scenario)), variables(scenario)
    known = {it.name for it in given}
    return Needs(
        code=tuple(
            Code(name, tool.python, _file(scenario, tool.python))
            for name, tool in scenario.tools.items()
            if isinstance(tool, PythonTool)
        ),
        variables=(*given, *(it for it in _keys(endpoints) if it.name not in known)),
        endpoints=endpoints,
        files=tuple(scenario.source.used),
        middleware=tuple(dict.fromkeys(named)),
    )


def module_file(source: Source, module: str) -> tuple[Path, Path] | None:
    """The file of a module beside the scenario or under its root, and the folder it was found in.

    None if there is none, or if a link leads out of the root.
    """
    relative = Path(*module.split("."))
    for folder in (source.path.parent, source.root):
        for candidate in (folder / relative.with_suffix(".py"), folder / relative / "__init__.py"):
            if candidate.is_file() and candidate.resolve().is_relative_to(source.root):
                return candidate, folder
    return None


def _file(scenario: Scenario, target: str) -> Path | None:
    found = module_file(scenario.source, target.partition(":")[0])
    return found and found[0]


def missing(scenario: Scenario, environ: Mapping[str, str]) -> list[Variable]:
    """The variables that have neither a value nor a default; an empty one counts as unset."""
    return [it for it in variables(scenario) if not it.optional and not environ.get(it.name)]


def variables(scenario: Scenario) -> tuple[Variable, ...]:
    """Every variable that is filled in a model, or in what a class is called with."""
    found: dict[str, Variable] = {}
    for where, text in _filled(scenario):
        for name, optional in variables_of(text):
            known = found.get(name)
            if known is None or (known.optional and not optional):
                found[name] = Variable(name, where, optional)
    return tuple(found.values())


def _filled(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """The texts in which variables are filled, and where they stand."""
    source = scenario.source
    places: list[Place] = [("models", name) for name in scenario.models]
    places += [("tools", name, "args") for name in scenario.tools]
    places += [("agents", name, "model") for name in scenario.agents]
    for place in places:
        found, node, _ = source.find(place)
        if len(found) == len(place):
            yield from _texts(place, node)


def _texts(where: Place, node: Node) -> Iterator[tuple[Place, str]]:
    match node.value:
        case str() as text:
            yield where, text
        case list() as items:
            for at, item in enumerate(items):
                yield from _texts((*where, at), item)
        case dict() as entries:
            for key, entry in entries.items():
                yield from _texts((*where, key), entry.node)


def _endpoints(scenario: Scenario) -> Iterator[Endpoint]:
    for name, given in scenario.models.items():
        if isinstance(given, ModelSpec) or given not in scenario.models:
            yield from _endpoint(name, resolve(scenario, given))
    for name, spec in scenario.agents.items():
        own = spec.model if isinstance(spec, AgentSpec | RouteSpec) else None
        if own and (isinstance(own, ModelSpec) or own not in scenario.models):
            yield from _endpoint(f"agent {name}", resolve(scenario, own))


def _keys(endpoints: Iterable[Endpoint]) -> Iterator[Variable]:
    """What OpenAI's models read by themselves; a server of one's own needs no key."""
    for it in endpoints:
        own = it.base_url and "${" not in it.base_url
        if it.target.startswith("openai:") and not own and not it.key:
            yield Variable(OPENAI_KEY, ("models",), reader="openai")
            return


def _endpoint(name: str, spec: ModelSpec) -> Iterator[Endpoint]:
    if not offline(spec):
        yield Endpoint(
            name, spec.model, _USER.sub("//***@", spec.base_url or ""), bool(spec.api_key)
        )

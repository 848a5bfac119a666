"""Agents that have a file of their own: found in folders, and checked without a scenario.

Such a file names tools, agents and models that only a scenario has. So it is put into a scenario
made for it, in which everything that it names exists; what is wrong then is the file's own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel

from ..errors import Problem, ScenarioError
from .agents import COMPOSITES, ECHO, SCRIPTED, AgentSpec
from .discovery import SCENARIO_FILE, SKIPPED
from .files import find_root
from .loading import loads
from .model import Scenario
from .nodes import MAX_BYTES, Node, compose
from .references import items, references, text
from .spec import NAME
from .use import Reader

_SPECS: list[type[BaseModel]] = [AgentSpec, *COMPOSITES.values()]
_FIELDS = {name for spec in _SPECS for name in spec.model_fields}
_AGENT = _FIELDS | {"use"}
_OWN = _AGENT - {*Scenario.model_fields}
_TELLING = _OWN - {"title", "default", "model", "limits"}
"""Keys that no other YAML is likely to have."""
_PLAIN = {"system_prompt", "subagents", "handoffs", "response_format", "max_rounds"}
"""Of these, keys that none has, so that one tells an agent even when it is misspelt."""
_MANY = 100  # keys that are looked at: a file with more is no agent
_NEAR = 0.8  # how much alike a misspelt key and the one that was meant are

_KEY = re.compile(r"""^["']?([A-Za-z_][\w-]*)["']?\s*:""", re.MULTILINE)
_STUB = "scenario"


def is_agent(path: Path, *, unnamed: bool = False) -> bool:
    """Whether a file looks like an agent, by its keys, so that a broken one does, too.

    ``unnamed``: nobody named the file, so it may be anything; most of its keys must be an agent's.
    """
    keys = _keys(path)
    if "agents" in keys:
        return False
    return _mostly(keys) or (not unnamed and "version" not in keys and bool(keys & _OWN))


def _mostly(keys: set[str]) -> bool:
    """Whether keys are an agent's: most of them, or half of them with one that tells it plainly."""
    near = {key: _nearest(key) for key in [*keys][:_MANY]}
    own = sum(1 for meant in near.values() if meant)
    if _PLAIN.intersection(near.values()):
        return 2 * own >= len(keys)
    return 2 * own > len(keys) and bool(keys & _TELLING)


def _nearest(key: str) -> str:
    """The key of an agent that is meant by ``key``, if any is."""
    if key in _AGENT:
        return key
    known = get_close_matches(key[:64].lower(), _AGENT | {*Scenario.model_fields}, 1, _NEAR)
    return next((it for it in known if it in _AGENT), "")


def agents_in(folder: Path) -> Iterator[Path]:
    """The agent files in a folder and below it."""
    for place, folders, files in os.walk(folder):
        folders[:] = [it for it in folders if not it.startswith(".") and it not in SKIPPED]
        for path in (Path(place, name) for name in files if SCENARIO_FILE.fullmatch(name)):
            if path.is_file() and is_agent(path, unnamed=True):
                yield path


def load_agent(path: Path, *, root: Path | None = None) -> Scenario:
    """A scenario in which the agent of a file is the main one, and all that it names exists.

    Raises ScenarioError with the file's problems, at their places in it.
    """
    base = find_root(path, root)
    name = path.stem if re.fullmatch(NAME, path.stem) else "agent"
    made = path.parent / f"{path.name}.{_STUB}"
    agent: dict[str, object] = {"use": path.name}
    found = Reader(made, base).source(json.dumps({"agents": {name: agent}}).encode())
    stubs = _stubs(found.find(("agents", name))[1])

    def attempt() -> Scenario:
        agents = {**stubs["agents"], name: agent}
        document = {"version": 1, "main": name, **stubs, "agents": agents}
        scenario = loads(json.dumps(document), path=made, root=base)
        used = scenario.source.used.items()
        own = {file: place for file, place in used if not place.startswith(str(made))}
        scenario._source = replace(scenario.source, used=own)
        return scenario

    try:
        return attempt()
    except ScenarioError as error:
        own = [_own(problem, name, path, made) for problem in error.problems]
    if kept := [problem for problem in own if not _open_end(problem)]:
        raise ScenarioError(kept)
    agent["approve"] = []  # it was the only thing wrong
    return attempt()


def _stubs(agent: Node) -> dict[str, dict[str, object]]:
    """Tools, agents and models of the names that an agent uses."""
    model = text(agent, "model")
    named = model and model not in (SCRIPTED, ECHO) and re.fullmatch(NAME, model)
    return {
        "models": {model: ECHO} if model and named else {},
        "tools": {it: {"python": "m:f"} for _, it in items(agent, "tools") if _sound(it)},
        "agents": {it.name: {} for it in references(agent) if _sound(it.name)},
    }


def _sound(name: str) -> bool:
    return re.fullmatch(NAME, name) is not None


def _own(problem: Problem, name: str, path: Path, made: Path) -> Problem:
    """A problem as the file's own, without the scenario that was made for it."""
    before, used, place = problem.message.rpartition(" (used at ")
    message = before if used and place.startswith(str(made)) else problem.message
    key = problem.key.removeprefix(f"agents.{name}").removeprefix(".")
    if problem.file == str(made):
        return Problem(file=str(path), message=message, hint=problem.hint)
    return problem._replace(message=message, key=key)


def _open_end(problem: Problem) -> bool:
    """A scenario may give the agent other tools, so what it approves is for the scenario."""
    return problem.key.startswith("approve[") and "is no tool of this agent" in problem.message


def _keys(path: Path) -> set[str]:
    """The keys at the top of a YAML file, as far as they can be told."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return set()
    said = data.decode("utf-8-sig", "replace").replace("\r", "\n")
    if not said.lstrip().startswith("{"):
        return set(_KEY.findall(said))
    try:
        node: Node = compose(said)
    except ScenarioError:
        return set()
    return set(node.value) if isinstance(node.value, dict) else set()

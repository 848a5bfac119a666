"""``orchestra show``: what a scenario is, who is in it, and what it needs."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import OK
from ..scenario import AgentSpec, Scenario, load
from ..scenario.agents import steps_of
from ..scenario.environment import environment
from ..scenario.needs import Needs, needs
from ..text import one_line
from .mermaid import mermaid
from .outline import kind_of, model_of, tree
from .paper import write_json, write_line

LONGEST = 72  # characters of a message


def show(args: argparse.Namespace) -> int:
    """Print an overview, a flowchart, or all of it as JSON."""
    scenario = load(args.file, root=args.root)
    if args.json:
        write_json(document(scenario, environment()))
        return OK
    lines = mermaid(scenario) if args.mermaid else overview(scenario, environment())
    for line in lines:
        write_line(line)
    return OK


def overview(scenario: Scenario, environ: Mapping[str, str]) -> Iterator[str]:
    """What a person reads."""
    yield one_line(scenario.name)
    if scenario.description:
        yield f"  {one_line(scenario.description)}"
    if scenario.tags:
        yield f"  tags: {one_line(', '.join(scenario.tags))}"
    yield ""
    yield from _messages(scenario)
    yield "team"
    for line in tree(scenario):
        yield f"  {line}"
    found = list(_needs(needs(scenario), scenario.source.root, environ))
    yield ""
    yield "needs" if found else "needs nothing: no code, no environment, no network"
    yield from (f"  {line}" for line in found)


def _messages(scenario: Scenario) -> Iterator[str]:
    if scenario.inputs is not None:
        yield f"cases ({len(scenario.cases)})"
        yield from (f"  {case.name}: {_short(case.turns[0].input)}" for case in scenario.cases)
    elif scenario.turns is not None:
        yield f"turns ({len(scenario.turns)})"
        yield from (f"  {_short(turn.input)}" for turn in scenario.cases[0].turns)
    elif scenario.input is not None:
        yield "input"
        yield f"  {_short(scenario.input)}"
    else:
        yield "input"
        yield "  asked for when it is run"
    yield ""


def _short(text: str) -> str:
    return one_line(text, LONGEST)


def _needs(found: Needs, root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    rows: list[tuple[str, str]] = []
    for code in found.code:
        file = f" in {_below(code.file, root)}" if code.file else ": not found"
        rows.append(("code", f"{code.target}{file} (tool {code.tool})"))
    for it in found.variables:
        default = ", has a default" if it.optional else ""
        reader = f" (read by {it.reader})" if it.reader else ""
        rows.append(("environment", f"{it.name}: {_state(it.name, environ)}{default}{reader}"))
    for point in found.endpoints:
        at = f" at {point.base_url}" if point.base_url else ""
        rows.append(("endpoint", f"{point.target}{at} ({point.model})"))
    rows += [("file", file) for file in found.files]
    rows += [("middleware", name) for name in found.middleware]
    for kind, what in rows:
        yield f"{kind:<13}{one_line(what)}"


def _state(name: str, environ: Mapping[str, str]) -> str:
    """Never the value."""
    return "set" if environ.get(name) else "not set"


def _below(file: Path, root: Path) -> str:
    try:
        return str(file.resolve().relative_to(root))
    except ValueError:
        return str(file)


def document(scenario: Scenario, environ: Mapping[str, str]) -> dict[str, Any]:
    """All of it, for programs."""
    found = needs(scenario)
    return {
        "path": str(scenario.source.path),
        "name": scenario.name,
        "description": scenario.description,
        "tags": list(scenario.tags),
        "main": list(scenario.mains),
        "cases": [
            {"name": case.name, "turns": [turn.input for turn in case.turns]}
            for case in scenario.cases
        ],
        "agents": {
            name: {
                "kind": kind_of(spec),
                "title": spec.title,
                "description": spec.description,
                "model": model_of(scenario, name),
                "calls": list(steps_of(spec)),
                **_own(spec if isinstance(spec, AgentSpec) else AgentSpec()),
            }
            for name, spec in scenario.agents.items()
        },
        "needs": {
            "code": [
                {"tool": it.tool, "target": it.target, "file": it.file and str(it.file)}
                for it in found.code
            ],
            "environment": [
                {"name": it.name, "set": bool(environ.get(it.name)), "default": it.optional}
                for it in found.variables
            ],
            "endpoints": [
                {"model": it.model, "target": it.target, "base_url": it.base_url}
                for it in found.endpoints
            ],
            "files": list(found.files),
            "middleware": list(found.middleware),
        },
    }


def _own(spec: AgentSpec) -> dict[str, list[str]]:
    lists: dict[str, Collection[str]] = {
        "tools": spec.tools,
        "handoffs": spec.handoffs,
        "approve": spec.approve,
        "middleware": [it.name for it in spec.middleware],
    }
    return {key: list(names) for key, names in lists.items()}

"""What is not wrong in a scenario, but hardly meant: each with its place in the file.

Nothing that the file names is imported: a Python module is read, not run.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path

from ..errors import Problem
from .advice_script import script_advice
from .agents import AgentSpec, steps_of
from .excerpt import quoted, suggestion
from .model import Scenario
from .needs import missing, module_file
from .nodes import MAX_BYTES, MAX_PROBLEMS
from .tools import CannedTool, PythonTool


def advice(
    scenario: Scenario, environ: Mapping[str, str], packages: Collection[str] = ()
) -> list[Problem]:
    """The warnings of a valid scenario, in the order of its files.

    ``packages`` are the installed ones that the user lets a file name; they are not looked into.
    """
    kinds = (
        environment_advice(scenario, environ),
        _code(scenario, packages),
        _unused_tools(scenario),
        _unreachable(scenario),
        _answers(scenario),
        script_advice(scenario, reachable(scenario)),
    )
    found = [it for kind in kinds for it in islice(kind, MAX_PROBLEMS)]
    files = {file: at for at, file in enumerate(scenario.source.texts)}
    return sorted(found, key=lambda it: (files.get(it.file, 0), it.line, it.column))


def reachable(scenario: Scenario) -> set[str]:
    """The agents that a run can come to: the main ones, and whoever is called or handed over to."""
    found = set[str]()
    todo = list(scenario.mains)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        spec = scenario.agents[name]
        todo += steps_of(spec)
        todo += spec.handoffs if isinstance(spec, AgentSpec) else ()
    return found


def environment_advice(scenario: Scenario, environ: Mapping[str, str]) -> Iterator[Problem]:
    """The variables that are named, and neither set nor given a default."""
    for variable in missing(scenario, environ):
        hint = "set it, or write it in .env"
        message = f"the environment variable {variable.name} is not set"
        yield scenario.source.problem(variable.where, message, hint)


def _code(scenario: Scenario, packages: Collection[str]) -> Iterator[Problem]:
    for name, tool in scenario.tools.items():
        if not isinstance(tool, PythonTool):
            continue
        where = ("tools", name, "python")
        module, _, attributes = tool.python.partition(":")
        if module.partition(".")[0] in packages:
            continue
        found = module_file(scenario.source, module)
        if found is None:
            message = f"no module {quoted(module)} beside the file or under the root"
            yield scenario.source.problem(where, message)
            continue
        wanted = attributes.partition(".")[0]
        names = _names_in(found[0])
        if names is not None and wanted not in names:
            message = f"{quoted(module)} has no {quoted(wanted)}"
            yield scenario.source.problem(where, message, suggestion(wanted, names))


def _names_in(file: Path) -> set[str] | None:
    """What a Python file defines at its top; None if that cannot be told by reading it."""
    try:
        with file.open("rb") as opened, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code that is read
            tree = ast.parse(opened.read(MAX_BYTES))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    found = set[str]()
    for node in ast.walk(tree):  # also below an `if` or a `try`: rather too many than too few
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.alias(name="*"):
                return None
            case ast.alias():
                found.add(node.asname or node.name.partition(".")[0])
    return None if "__getattr__" in found else found


def _unused_tools(scenario: Scenario) -> Iterator[Problem]:
    used = {
        tool
        for spec in scenario.agents.values()
        if isinstance(spec, AgentSpec)
        for tool in spec.tools
    }
    for name in scenario.tools:
        if name not in used:
            message = f"no agent has the tool {quoted(name)}"
            yield scenario.source.problem(("tools", name), message, at_key=True)


def _unreachable(scenario: Scenario) -> Iterator[Problem]:
    reached = reachable(scenario)
    mains = ", ".join(map(quoted, scenario.mains[:8]))
    for name in scenario.agents:
        if name not in reached:
            message = f"nothing leads from {mains} to {quoted(name)}"
            hint = "name it in 'subagents', 'handoffs' or a step"
            yield scenario.source.problem(("agents", name), message, hint, at_key=True)


def _answers(scenario: Scenario) -> Iterator[Problem]:
    """Answers of canned tools behind one that always fits."""
    for name, tool in scenario.tools.items():
        if not isinstance(tool, CannedTool):
            continue
        always = [at for at, it in enumerate(tool.returns) if not it.when and it.times is None]
        for at in range(always[0] + 1, len(tool.returns)) if always else ():
            message = "is never given: an answer above it always fits"
            yield scenario.source.problem(("tools", name, "returns", at), message)

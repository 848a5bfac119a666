"""``orchestra validate``: every problem of every file, and what is hardly meant in them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import INVALID, OK, Problem, ScenarioError, UsageError
from ..scenario import AgentSpec, PythonTool, Scenario, discover, load
from ..scenario.advice import advice, environment_advice
from ..scenario.agent_files import agents_in, is_agent, load_agent
from ..scenario.environment import environment
from ..text import one_line
from .paper import plain, problems_of, write_json, write_line


class Told(NamedTuple):
    """What the warnings depend on besides the file."""

    environ: Mapping[str, str]
    packages: Callable[[], Collection[str]]


@dataclass(slots=True)
class Report:
    """What was found in one file."""

    path: Path
    name: str = ""
    problems: tuple[Problem, ...] = ()
    warnings: list[Problem] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        shown = one_line(str(self.path))
        yield f"BAD   {shown}" if self.problems else f"ok    {one_line(self.name)}  {shown}"
        yield from map(str, self.problems)
        for it in self.warnings:
            what = f"{it.key}: {it.message}" if it.key else it.message
            yield str(it._replace(key="", message=f"warning: {what}"))

    def json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "name": self.name,
            "valid": not self.problems,
            "problems": [plain(problem) for problem in self.problems],
            "warnings": [plain(warning) for warning in self.warnings],
        }


def validate(args: argparse.Namespace) -> int:
    """Report on every file; the exit code says whether all are valid."""
    told = Told(environment(), _packages)
    reports = []
    for report in _reports(args.paths, args.root, told):
        reports.append(report)
        for line in () if args.json else report.lines():
            write_line(line)
    bad = sum(bool(report.problems) for report in reports)
    if args.json:
        write_json({"files": [report.json() for report in reports]})
    else:
        write_line(f"{len(reports) - bad} valid, {bad} invalid")
    return INVALID if bad else OK


def _reports(paths: Iterable[Path], root: Path | None, told: Told) -> Iterator[Report]:
    done = set[Path]()
    for path in paths:
        try:
            files = _files(path)
        except UsageError as error:
            yield Report(path, problems=problems_of(error, path))
            continue
        for file in files:
            if file.resolve() not in done:
                done.add(file.resolve())
                yield _report(file, root, told)


def _files(path: Path) -> list[Path]:
    """The scenarios and the agents at a path. UsageError if there is neither."""
    try:
        folder = path.is_dir()
    except OSError:  # a name that is too long: who opens it says so
        folder = False
    if not folder:
        return discover([path])
    agents = list(agents_in(path))
    try:
        return sorted([*discover([path]), *agents])
    except UsageError:
        if agents:
            return sorted(agents)
        raise


def _report(path: Path, root: Path | None, told: Told) -> Report:
    try:
        alone = path.is_file() and is_agent(path)
        scenario = load_agent(path, root=root) if alone else load(path, root=root)
        if problems := _middleware(scenario):
            raise ScenarioError(problems)
    except UsageError as error:
        return Report(path, problems=problems_of(error, path))
    if alone:
        return Report(path, path.stem, warnings=[*environment_advice(scenario, told.environ)])
    code = any(isinstance(it, PythonTool) for it in scenario.tools.values())
    packages = told.packages() if code else ()
    return Report(path, scenario.name, warnings=advice(scenario, told.environ, packages))


@cache
def _packages() -> Collection[str]:
    """The installed packages that a file may name, which only few files ask for."""
    from ..settings import load_settings

    return load_settings().packages


def _middleware(scenario: Scenario) -> list[Problem]:
    """What is wrong in the arguments of LangChain's middleware, which alone knows."""
    if not any(isinstance(it, AgentSpec) and it.middleware for it in scenario.agents.values()):
        return []
    from ..runtime.middleware import middleware_problems  # here: it imports langchain

    return [*middleware_problems(scenario)]

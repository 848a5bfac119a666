"""From a file to a checked :class:`Scenario`, or to every problem in it at once."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from ..errors import Problem, ScenarioError
from ..text import one_line
from .agents import COMPOSITES, AgentSpec
from .canned import canned_problems, response_problems
from .files import find_root, read
from .model import Scenario
from .names import main_candidates, main_problem, name_problems
from .nodes import MAX_PROBLEMS
from .shape import empty_problems, shape_problems, wrong_kind
from .source import Source
from .use import Reader


def load(path: str | Path, *, root: str | Path | None = None) -> Scenario:
    """The scenario in a file.

    ``root`` is the project, outside of which nothing is read; default: the nearest folder above
    the file with a ``pyproject.toml`` or ``.git``, else the file's folder. Raises ScenarioError
    with every problem of the file, or UsageError if there is no such file.
    """
    path = Path(path)
    return _load(read(path), path, find_root(path, root))


def loads(
    text: str, *, path: str | Path = "scenario.yaml", root: str | Path | None = None
) -> Scenario:
    """The scenario in ``text``, as if it stood in a file at ``path``, which need not exist."""
    path = Path(path)
    return _load(text.encode("utf-8", "surrogatepass"), path, find_root(path, root))


def _load(data: bytes, path: Path, root: Path) -> Scenario:
    reader = Reader(path, root)
    source = reader.source(data)
    _require_scenario(source, reader.problems)
    scenario, problems = _check(source, reader.problems)
    if scenario is None or problems:
        raise ScenarioError(problems)
    filled = scenario.model_copy(
        update={
            "name": scenario.name or one_line(path.stem, 200),
            "main": scenario.main or main_candidates(source.node)[0],
        }
    )
    filled._source = source.light()
    return filled


def _require_scenario(source: Source, problems: list[Problem]) -> None:
    """One clear message for a file that is something else."""
    document = source.node
    if not isinstance(document.value, dict):
        message, _ = wrong_kind("a scenario, a mapping with 'version' and 'agents'", document)
        raise ScenarioError([*problems, source.at(document, message)])
    keys = set(document.value)
    if (
        not keys & {"version", "agents"}
        and keys & {*AgentSpec.model_fields, *COMPOSITES, "use"} - _SHARED
    ):
        hint = "name it in a scenario with 'use:'"
        raise ScenarioError([*problems, source.at(document, "this is an agent", hint)])


_SHARED = {*Scenario.model_fields}


def _check(source: Source, found: list[Problem]) -> tuple[Scenario | None, list[Problem]]:
    """The scenario if its shape is right, and all problems in the order of the files."""
    scenario = None
    later: list[Problem] = []
    try:
        scenario = Scenario.model_validate_json(json.dumps(source.node.plain()))
    except ValidationError as error:
        later += shape_problems(error, source)
    later += islice(empty_problems(source), MAX_PROBLEMS)
    later += islice(name_problems(source), MAX_PROBLEMS)
    later += islice(canned_problems(source), MAX_PROBLEMS)
    later += islice(response_problems(source), MAX_PROBLEMS)
    # What is said of a value that could not even be read only follows from that.
    unread = {_place(problem) for problem in found}
    problems = [*found, *(problem for problem in later if _place(problem) not in unread)]
    if not any(problem.key.startswith("agents") for problem in problems):
        problems += filter(None, [main_problem(source)])
    files = {file: at for at, file in enumerate(map(one_line, source.texts))}
    unique: dict[object, Problem] = {}
    for problem in problems:  # an aliased or used agent says the same at each of its names
        unique.setdefault((_place(problem), problem.message), problem)
    ordered = sorted(
        unique.values(), key=lambda it: (files.get(it.file, len(files)), it.line, it.column)
    )
    if len(ordered) >= MAX_PROBLEMS:
        rest = Problem(file=ordered[0].file, message="has more problems than are told here")
        ordered = [*ordered[:MAX_PROBLEMS], rest]
    return scenario, ordered


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column

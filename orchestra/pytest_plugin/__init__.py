"""The pytest plugin: scenario files as test files, and their cases as tests, where asked for.

It comes with the package, so every pytest of an environment loads it. Nothing else of orchestra is
imported before a scenario is to be collected. It asserts nothing that pytest would have to rewrite:
PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from ..option_values import count, seeds


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("orchestra", "multi-agent scenarios in YAML (orchestra)")
    about = "collect the scenarios in folders, too; without it, those that are named as files"
    group.addoption("--orchestra", action="store_true", help=about)
    about = "an order of what runs side by side in a scenario, always the same for N"
    group.addoption("--orchestra-seed", type=count, metavar="N", help=about)
    about = "play each case of a scenario K more times, with the seeds 1 to K"
    group.addoption("--orchestra-seeds", type=count, metavar="K", help=about)
    about = "play each case in N orders of what runs side by side; it has to come out the same"
    group.addoption("--orchestra-interleave", type=_seeds, metavar="N", help=about)
    about = "let delays, rates and timeouts of scenarios take their time"
    group.addoption("--orchestra-real-time", action="store_true", help=about)
    about = "patterns, as in python_files, of the scenarios that are collected in folders"
    parser.addini("orchestra_files", about, type="args", default=[])


def _seeds(text: str) -> str:
    """As it was given, if it is right: it is handed on to the options of `orchestra test`."""
    seeds(text)
    return text


def pytest_configure(config: pytest.Config) -> None:
    names = ("seed", "seeds", "interleave", "real_time")
    given = [it for it in names if config.getoption(f"orchestra_{it}") not in (None, False)]
    if len(given) > 1:
        one, two, *_ = (f"--orchestra-{it.replace('_', '-')}" for it in given)
        raise pytest.UsageError(f"{one} does not go with {two}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario, if somebody asks for this file. Other YAML files are left to other plugins."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    if not (parent.session.isinitpath(file_path) or _wanted(file_path, parent.config)):
        return None
    from .items import scenario_file

    return scenario_file(file_path, parent)


def _wanted(path: Path, config: pytest.Config) -> bool:
    patterns = config.getini("orchestra_files")
    return config.getoption("orchestra") or any(_fits(path, it) for it in patterns)


def _fits(path: Path, pattern: str) -> bool:
    """Without a slash it is a pattern of names, with one that of the end of a path."""
    if "/" not in pattern and os.sep not in pattern:
        return fnmatchcase(path.name, pattern)
    return fnmatchcase(path.as_posix(), f"*/{pattern.replace(os.sep, '/').lstrip('/')}")

"""Scenario files and their cases, as pytest knows tests: collected, set up, run and told."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..errors import OrchestraError
from ..options import parser
from ..places import goldens_folder, near, pending_golden
from ..regression import CaseResult, Goldens, Stage, testable
from ..regression.leftovers import Leftovers
from ..regression.results import failure
from ..scenario import Case, Scenario
from ..scenario.discovery import is_scenario
from ..scenario.source import Where
from ..settings import load_settings
from ..store.lock import alone
from ..text import clean, one_line
from ..verbs.tested import how_of

_ACTED_UPON = {"filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail"}
"""Markers with which pytest does something: a tag of that name is to do nothing."""
_NO_MARKER = re.compile(r"[^\w.+/-]")


def scenario_file(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector of a file, if that is a scenario."""
    return ScenarioFile.from_parent(parent, path=path) if is_scenario(path) else None


class CaseFailed(Exception):  # noqa: N818 - named after what happened
    """A case did not pass."""

    def __init__(self, result: CaseResult, told: str) -> None:
        super().__init__(told)
        self.result = result


class ScenarioFile(pytest.File):
    """One scenario. Its team is built when the first of its cases is run, and serves them all."""

    scenario: Scenario
    _stage: Stage | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each case. What is wrong with the file is told as an error of the collection,
        with all of its problems.
        """
        try:
            self._how = how_of(_call(self.config), load_settings(), _say)
            self.scenario = testable(self.path, self._how)
        except OrchestraError as error:
            raise self.CollectError(self.told(failure(error)[1])) from None
        marks = [_marker(self.config, tag) for tag in self.scenario.tags]
        for at, case in enumerate(self.scenario.cases):
            item: ScenarioCase = ScenarioCase.from_parent(
                self, name=one_line(case.name).replace("::", ": :"), case=case, at=at
            )
            item.extra_keyword_matches |= {self.scenario.name, *self.scenario.tags}
            for mark in filter(None, marks):
                item.add_marker(mark)
            yield item

    def setup(self) -> None:
        """Build the team."""
        root, home = self.scenario.source.root, load_settings().home
        self._left, waiting = Leftovers(), goldens_folder(root, home)
        self._goldens = Goldens(
            lambda path: pending_golden(path, root, home), alone=lambda _: alone(waiting)
        )
        try:
            self._stage = Stage.of(self.scenario, self._how)
        except Exception as error:  # noqa: BLE001 - code of the project was loaded
            pytest.fail(self.told(failure(error)[1]), pytrace=False)

    def play(self, case: Case) -> None:
        """Play a case. Raises CaseFailed."""
        if self._stage is None:
            raise AssertionError("a case was played before its file was set up")
        played = self._stage.play(case)
        result = played.result
        self._left.add(case.name, None if played.short else played.left)
        self._goldens.take(result)
        if not result.reasons:
            return
        told = [*result.reasons]
        if result.golden is not None:
            told.append(f"to look at it: orchestra review {near(self.path)}")
        if result.kept:
            told.append(f"to watch it again: orchestra tui {result.kept}")
        raise CaseFailed(result, self.told(told))

    def teardown(self) -> None:
        """Let go of the team, and say what all of its cases together have left."""
        if self._stage is None:
            return
        self._stage.close()
        self._stage = None
        if any(check.golden for _, check in self.scenario.checks):
            deque(self._goldens.write(self.path), maxlen=0)  # each case has said so itself
        if left := self._left.lines([it.name for it in self.scenario.cases]):
            pytest.fail(self.told(left), pytrace=False)

    def told(self, lines: Iterable[str]) -> str:
        """Reasons as a person reads them: paths as short as they are where pytest was called."""
        here = f"{self.config.invocation_params.dir}{os.sep}"
        return "\n".join(clean(it).replace(here, "") for it in lines)


class ScenarioCase(pytest.Item):
    """One case of a scenario."""

    def __init__(self, *, parent: ScenarioFile, case: Case, at: int, **known: Any) -> None:
        super().__init__(parent=parent, **known)
        self._file, self._case, self._at = parent, case, at

    def runtest(self) -> None:
        """Play it, as ``orchestra test`` does."""
        self._file.play(self._case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The reasons, and nothing of the code that found them."""
        if not isinstance(excinfo.value, CaseFailed):
            return super().repr_failure(excinfo, style)
        told = excinfo.getrepr(style="value")
        if crash := told.reprcrash:
            crash.path, crash.lineno = near(self.path), self._line
            crash.message = self._file.told(excinfo.value.result.reasons[:1])
        return told

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line - 1, self.name

    @property
    def _line(self) -> int:
        """Where the file gives its input; counts from 1."""
        scenario = self._file.scenario
        place: Where = ("input",)
        if scenario.inputs is not None:
            place = ("inputs", self._at)
        elif scenario.turns is not None:
            place = ("turns",)
        return scenario.source.find(place)[1].line or 1


def _call(config: pytest.Config) -> argparse.Namespace:
    """What ``orchestra test`` would have been called with."""
    call = ["test"]
    for option in ("seed", "seeds", "interleave"):
        if (given := config.getoption(f"orchestra_{option}")) is not None:
            call += [f"--{option}", str(given)]
    if config.getoption("orchestra_real_time"):
        call.append("--real-time")
    return parser().parse_args(call)


def _say(text: str) -> None:
    sys.stderr.write(f"{clean(text)}\n")


def _marker(config: pytest.Config, tag: str) -> str:
    """The marker of a tag, made known to pytest; empty if there is to be none."""
    name = _NO_MARKER.sub("_", tag).lstrip("_")
    if not name or name in _ACTED_UPON:
        return ""
    line = f"{name}: scenarios with the tag {name}"
    if line not in config.getini("markers"):
        config.addinivalue_line("markers", line)
    return name

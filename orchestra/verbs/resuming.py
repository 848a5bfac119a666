"""``orchestra run --resume``: a run that broke off, found and made ready to go on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..events import Event, Header, RunFinished, RunStarted
from ..places import runs_folder
from ..scenario import Case, Scenario
from ..scenario.files import find_root
from ..store import Around
from ..text import clean

if TYPE_CHECKING:
    from ..runtime.past import Past
    from ..settings import Settings
    from ..store import Keeper, Running


@dataclass(frozen=True, slots=True)
class Broken:
    """A run that broke off: its file, and what its first line says."""

    path: Path
    header: Header

    def file(self, given: Path | None) -> Path:
        """The scenario that it is a run of. UsageError if that is gone."""
        if given is None and not self.header.path:
            raise UsageError(f"{self.path}: does not say which scenario it ran; name the FILE")
        file = given or Path(self.header.path)
        if given is None and not file.is_file():
            raise UsageError(f"{file}: the scenario of the run is gone; name the FILE")
        return file

    def take_up(self, scenario: Scenario, keeper: Keeper | None) -> tuple[Past, Case]:
        """What it has done so far, and the case that it is of; ``keeper`` goes on in its file.

        Raises UsageError if there is nothing to go on with, or if it still goes on elsewhere.
        """
        from ..runtime.past import Past
        from ..store import open_run

        if keeper:
            keeper.go_on(self.path)
        try:
            past = Past.of(open_run(self.path)[1])
            if self.header.digest not in ("", scenario.source.digest):
                told = "has changed since; what the run has done already stays as it was"
                sys.stderr.write(clean(f"{scenario.source.path}: {told}\n"))
            return past, self._case(scenario, past)
        except UsageError:
            if keeper:
                keeper.close()
            raise

    def _case(self, scenario: Scenario, past: Past) -> Case:
        if self.header.inputs:
            return scenario.case_of(*self.header.inputs)
        first = past.seen[0]
        name = first.case if isinstance(first, RunStarted) else None
        if name is None and len(scenario.cases) <= 1:
            return scenario.cases[0] if scenario.cases else scenario.case_of(*past.inputs)
        for case in scenario.cases:
            if case.name == name:
                return case
        raise UsageError(f"{scenario.source.path}: has no case {name!r} any more")


class After(Around):
    """A run with its past told first, so that whoever looks on sees one run, whole."""

    def __init__(self, seen: Sequence[Event], run: Running) -> None:
        super().__init__(run)
        self._seen = seen

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        for event in self._seen:
            if not isinstance(event, RunFinished):  # it was not the end
                yield event
        async with aclosing(aiter(self._run)) as happening:
            async for event in happening:
                yield event


def broken(args: argparse.Namespace, settings: Settings) -> Broken | None:
    """The run that ``--resume`` names. UsageError if there is none such."""
    if args.resume is None:
        if args.file is None:
            raise UsageError("name the FILE of a scenario, or a run to --resume")
        return None
    if args.input is not None:
        raise UsageError("--resume: the run has its input already; leave --input out")
    from ..store import find, open_run

    root = find_root(args.file or Path("scenario.yaml"), args.root)
    path = find(runs_folder(root, settings.home), args.resume)
    return Broken(path, open_run(path)[0])

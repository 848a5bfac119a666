"""How ``orchestra test`` plays a scenario: what it is given, in this process or in a worker."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import AsyncIterable, Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..events import Event
from ..garbage import look_seldom
from ..places import near, runs_folder
from ..scenario import Case, Scenario, load
from .tapes import offline
from .wanted import header_of

if TYPE_CHECKING:
    from ..regression import Choice, How, PythonCheck
    from ..regression.told import Known, Told
    from ..regression.trial import Player
    from ..regression.worker import Desk
    from ..settings import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a worker has to know: the call, and where it was made."""

    args: argparse.Namespace
    choice: Choice
    folder: str
    environ: Mapping[str, str]

    @classmethod
    def of(cls, args: argparse.Namespace, choice: Choice) -> Setting:
        plain = {name: it for name, it in vars(args).items() if not callable(it)}
        return cls(argparse.Namespace(**plain), choice, str(Path.cwd()), dict(os.environ))

    def enter(self) -> None:
        """Be where the call was made. A server of processes may have been begun elsewhere."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environ)


def at_work(desk: Desk, setting: Setting) -> None:
    """What a worker does."""
    look_seldom()
    from ..regression.worker import Hands, work
    from ..settings import load_settings

    def begin(say: Callable[[str], object]) -> Hands:
        setting.enter()
        from ..regression import play_file

        how = how_of(setting.args, load_settings(), say)
        team: list[Player] = []  # that plays now
        load = functools.lru_cache(maxsize=1)(how.load)  # once for all parts of a file

        def opened(scenario: Scenario) -> Player:
            team[:] = [how.open(scenario)]
            return team[0]

        own = replace(how, open=opened, load=load)

        def play(path: Path, known: Known, gone: Container[str]) -> Iterable[Told]:
            return play_file(path, own, setting.choice, known, gone)

        return Hands(play, load, lambda: team[0].keep() if team else None)

    work(desk, begin)


def how_of(args: argparse.Namespace, settings: Settings, say: Callable[[str], object]) -> How:
    """How the call wants cases to be played. ``say`` is told of runs that cannot be kept."""
    from ..regression import How
    from ..runtime import clock

    once = functools.cache(say)  # the same of many cases is said once
    virtual = not args.real_time and args.mode != "live"  # a network has a clock of its own
    complete = functools.partial(clock.run, virtual=virtual)
    return How(
        load=functools.partial(load, root=args.root),
        open=lambda it: _Team(it, settings, once, complete, mode=args.mode, trust=args.trust),
        seeds=args.interleave or (args.seed, *range(1, args.seeds + 1)),
        interleave=bool(args.interleave),
        complete=complete,
        functions=lambda it: _functions(it, settings, trust=args.trust),
        update=args.update,
        repeat=args.repeat,
        rate=1.0 if args.min_pass_rate is None else args.min_pass_rate,
    )


class _Team:
    """The team of a scenario, built once for all of its runs.

    Who speaks for its models is a matter of the ``mode``.
    """

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        say: Callable[[str], object],
        complete: Callable[[Any], Any],
        *,
        mode: str | None,
        trust: bool,
    ) -> None:
        from ..runtime import build
        from ..store import Held

        models, taping = ({}, None) if mode == "live" else offline(scenario, mode)
        self._team = build(
            scenario,
            models=models,
            packages=settings.packages,
            trust=trust,
            taping=taping,
            mock=mode != "live",
        )
        self._folder = runs_folder(scenario.source.root, settings.home)
        self._header, self._say, self._complete = header_of(scenario, models), say, complete
        self._held = Held()

    def play(self, case: Case, seed: int | None) -> AsyncIterable[Event]:
        from ..runtime import Run
        from ..store import Keeper

        run = Run(self._team, case, strict=True, seed=seed)
        return self._held.follow(run, Keeper(self._folder, self._header, self._say))

    def keep(self) -> str | None:
        kept = self._held.release(keep=True)
        return near(kept) if kept else None

    def close(self) -> None:
        self._held.release(keep=False)
        if self._team.holds:
            self._complete(self._team.aclose())


def _functions(scenario: Scenario, settings: Settings, *, trust: bool) -> PythonCheck:
    from ..regression import PythonCheck
    from ..runtime.finder import Finder

    finder = Finder(scenario, settings.packages, trust=trust)
    checks = ((where, check.python) for where, check in scenario.checks)
    return PythonCheck({it: finder.function(it, (*where, "python")) for where, it in checks if it})

"""``orchestra test``: scenario files as tests."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ..cassette import Cassette
from ..errors import INVALID, OK, UsageError
from ..events import Event
from ..places import pending_golden, runs_folder
from ..scenario import Case, Scenario, discover, load
from ..scenario.files import find_root
from ..text import clean
from .play import begin, complain
from .tapes import offline
from .wanted import header_of


def test(args: argparse.Namespace) -> int:
    """``orchestra test``: every scenario offline, one line each, a reason for each failure."""
    from ..regression import Goldens, PythonCheck, run_suite, worst
    from ..runtime import clock
    from ..runtime.finder import Finder
    from ..settings import load_settings
    from ..store import Held, Keeper

    settings = load_settings()
    held = Held()
    say = functools.cache(complain)  # the same of many cases is said once

    def load_one(path: Path) -> Scenario:
        return load(path, root=args.root)

    cassette = functools.cache(Cassette.beside)  # of several cases it is read once

    def play(
        scenario: Scenario, case: Case, models: Mapping[str, str], seed: int | None
    ) -> AsyncGenerator[Event, None]:
        taping = None
        if args.mode == "live":
            models = {}
        else:
            models, taping = offline(scenario, args.mode, cassette)
        folder = runs_folder(scenario.source.root, settings.home)
        how: Any = {"strict": True, "seed": seed, "taping": taping, "mock": args.mode != "live"}
        run = begin(args, settings, scenario, case, models, **how)
        return held.follow(run, Keeper(folder, header_of(scenario, models), say))

    def functions(scenario: Scenario) -> PythonCheck:
        finder = Finder(scenario, settings.packages, trust=args.trust)
        checks = ((where, check.python) for where, check in scenario.checks)
        return PythonCheck(
            {it: finder.function(it, (*where, "python")) for where, it in checks if it}
        )

    codes, files = [], []
    for path in args.paths:
        try:
            files += discover([path])
        except UsageError as error:  # the other paths are tested all the same
            sys.stderr.write(f"{clean(str(error))}\n")
            codes.append(INVALID)
    out, seeds = sys.stdout, [args.seed, *range(1, args.seeds + 1)]
    virtual = not args.real_time and args.mode != "live"  # a network has a clock of its own
    complete = functools.partial(clock.run, virtual=virtual)
    how = {"seeds": seeds, "complete": complete, "functions": functions, "update": args.update}
    suite = run_suite(dict.fromkeys(files), load_one, play, **how)
    goldens = Goldens(functools.partial(_pending, args.root, settings.home), update=args.update)
    with redirect_stdout(sys.stderr):  # as in a run
        for result in suite:
            codes.append(result.code)
            goldens.take(result)
            kept = held.release(keep=result.code != OK)
            first, *reasons = result.lines()
            first += f"  {clean(_near(kept))}" if kept else ""
            out.writelines(f"{line}\n" for line in (first, *reasons))
            out.flush()
    for line in goldens.write():
        out.write(f"{clean(line)}\n")
    passed = codes.count(OK)
    out.write(f"{passed} passed, {len(codes) - passed} failed\n")
    return worst(codes)


def _pending(root: Path | None, home: Path | None, path: Path) -> Path:
    return pending_golden(path, find_root(path, root), home)


def _near(path: Path) -> str:
    """A path as it is the shortest to type."""
    return min(str(path), os.path.relpath(path), key=len)

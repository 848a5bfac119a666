"""``orchestra tui RUN``: a recorded run in the viewer."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OK, UsageError
from ..events import Event, RunStarted
from ..places import runs_folder
from ..scenario.files import find_root

if TYPE_CHECKING:
    from ..settings import Settings

_LIVE = {"input": "--input", "model": "--model", "trust": "--trust", "no_keep": "--no-keep"}


def is_recording(args: argparse.Namespace) -> bool:
    """Whether FILE is a run: an event file, or what 'orchestra runs' calls it."""
    if args.file is None or args.resume:
        return False
    path: Path = args.file
    return path.suffix == ".jsonl" or (
        not path.exists() and path.suffix == "" and path.name == str(path)
    )


def replay(args: argparse.Namespace, settings: Settings) -> int:
    """Show the run until the user quits. How it ended is its own affair: exit code 0."""
    from ..store import find, open_run
    from ..tui import Comfort
    from ..tui import replay as show

    for name, option in _LIVE.items():
        if getattr(args, name):
            raise UsageError(f"{option}: {args.file} is a recorded run, and takes none")
    root = find_root(Path("scenario.yaml"), args.root)
    path = find(runs_folder(root, settings.home), str(args.file))
    header, found = open_run(path)
    recorded = list(found)
    if not recorded:
        raise UsageError(f"{path}: nothing has happened in this run")
    begun = next((it for it in recorded if isinstance(it, RunStarted)), None)
    show(
        header.scenario or path.stem,
        begun.team if begun else (),
        recorded,
        comfort=Comfort.of(settings),
    )
    return OK


def recorded_in(paths: Iterable[Path]) -> Sequence[Event]:
    """All that was kept of the runs of these files, one after another."""
    from ..store import open_run

    return [event for path in paths for event in open_run(path)[1]]

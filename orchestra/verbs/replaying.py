"""Recorded runs: in the viewer, two of them side by side, and held against each other as text."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CHECK_FAILED, OK, UsageError
from ..events import Event, Header, RunStarted
from ..places import runs_folder
from ..scenario.files import find_root
from ..text import clean, one_line
from .paper import write_line

if TYPE_CHECKING:
    from ..settings import Settings

_LIVE = {"input": "--input", "model": "--model", "trust": "--trust", "no_keep": "--no-keep"}
_NOTHING = "nothing has happened in this run"
_AT_ONCE = 0.25  # seconds: what takes longer to read is read while the viewer shows how far it is


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
    from ..tui import Comfort, beside
    from ..tui import replay as show

    for name, option in _LIVE.items():
        if getattr(args, name):
            raise UsageError(f"{option}: {args.file} is a recorded run, and takes none")
    if args.other is not None:
        named = [read_run(args.root, settings, str(it)) for it in (args.file, args.other)]
        a, b = ((str(path), events) for path, _, events in named)
        beside(a, b, comfort=Comfort.of(settings))
        return OK
    share = [0.0]
    path, header, found = _open(
        args.root, settings, str(args.file), lambda it: share.__setitem__(0, it)
    )
    recorded, whole = _first_of(found)
    if whole and not recorded:
        raise UsageError(f"{path}: {_NOTHING}")
    begun = next((it for it in recorded if isinstance(it, RunStarted)), None)
    show(
        header.scenario or path.stem,
        begun.team if begun else (),
        recorded,
        rest=None if whole else found,
        share=lambda: share[0],
        comfort=Comfort.of(settings),
    )
    return OK


def _first_of(found: Iterator[Event]) -> tuple[list[Event], bool]:
    """What can be read at once, and whether that is all: then nobody needs to be told of it."""
    until = time.monotonic() + _AT_ONCE
    recorded: list[Event] = []
    for event in found:
        recorded.append(event)
        if time.monotonic() > until:
            return recorded, False
    return recorded, True


def compare(args: argparse.Namespace) -> int:
    """``orchestra compare A B``: a line for each call that differs. Exit code 1 if one does."""
    from ..regression.reports.as_json import is_report
    from ..settings import load_settings
    from ..trajectory import Transcript
    from ..trajectory import compare as held

    settings = load_settings()
    named = [Path(args.a), Path(args.b)]
    reports = [path.suffix == ".json" or is_report(path) for path in named]
    if all(reports):
        return _compare_suites(*named)
    if any(reports):
        suite, other = sorted(named, key=lambda it: not reports[named.index(it)])
        raise UsageError(f"{suite}: is a suite's report, and {other} is not; name two of a kind")
    runs = [read_run(args.root, settings, it)[2] for it in (args.a, args.b)]
    comparison = held(*map(Transcript.of, runs))
    for pair in comparison.differing:
        write_line(clean(pair.line))
    write_line(comparison.summary)
    return CHECK_FAILED if comparison.differing else OK


def _compare_suites(a: Path, b: Path) -> int:
    from ..regression.comparing import compare_suites
    from ..regression.reports.as_json import read

    comparison = compare_suites(read(a), read(b))
    for line in comparison.lines:
        write_line(clean(line))
    write_line(comparison.summary)
    return CHECK_FAILED if comparison.differing else OK


def read_run(
    root: Path | None, settings: Settings, name: str
) -> tuple[Path, Header, Sequence[Event]]:
    """A recorded run, by its file or its id. Raises UsageError if there is none."""
    path, header, found = _open(root, settings, name)
    recorded, whole = _first_of(found)
    if not whole:
        with _saying(f"reading {one_line(str(path))} …"):
            recorded += found
    if not recorded:
        raise UsageError(f"{path}: {_NOTHING}")
    return path, header, recorded


@contextmanager
def _saying(line: str) -> Iterator[None]:
    """A line on the terminal while something takes its time: nothing would look like a hang."""
    shown = sys.stderr.isatty()
    if shown:
        sys.stderr.write(line)
        sys.stderr.flush()
    try:
        yield
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _open(
    root: Path | None,
    settings: Settings,
    name: str,
    told: Callable[[float], object] = lambda _: None,
) -> tuple[Path, Header, Iterator[Event]]:
    from ..store import find, open_run

    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        raise UsageError(
            f"{one_line(name)}: is a scenario; name a recorded run, as its .jsonl file"
        )
    path = find(runs_folder(find_root(Path("scenario.yaml"), root), settings.home), name)
    return path, *open_run(path, told)


def recorded_in(paths: Iterable[Path]) -> Sequence[Event]:
    """All that was kept of the runs of these files, one after another."""
    from ..store import open_run

    return [event for path in paths for event in open_run(path)[1]]

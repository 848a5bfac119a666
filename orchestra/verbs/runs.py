"""``orchestra runs``: the runs that were kept: list them, show one, remove the old ones."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OK, RUN_FAILED, UsageError
from ..events import Event, RunFinished
from ..text import clean, one_line
from .paper import write_json, write_line

if TYPE_CHECKING:
    from ..store import Kept
    from ..store.read import Head

LISTED = 20  # runs, unless --limit says otherwise
KEPT = 50  # runs that `prune` leaves, unless told what to remove
_INPUT = 60  # characters
_DAY = 86_400
_UNSURE = ("running", "unfinished")  # perhaps somebody still writes them


def runs(args: argparse.Namespace) -> int:
    """What is done with the runs of the project one stands in, or of ``--root``."""
    if args.action and (args.json or args.limit is not None):
        raise UsageError(f"orchestra runs {args.action}: knows no --json and no --limit")
    folder = _folder(args.root)
    verbs = {None: _list, "show": _show, "prune": _prune}
    return verbs[args.action](args, folder)


def _folder(root: Path | None) -> Path:
    from ..places import runs_folder
    from ..scenario.files import find_root
    from ..settings import load_settings

    # As of a scenario in the current folder.
    return runs_folder(find_root(Path("scenario.yaml"), root), load_settings().home)


def _list(args: argparse.Namespace, folder: Path) -> int:
    from ..store import heads

    found = heads(folder, _complain)
    limit = args.limit if args.limit is not None else 0 if args.json else LISTED
    kept = list(_looked(found[: limit or None]))
    if args.json:
        write_json({"folder": str(folder), "total": len(found), "runs": list(map(_json, kept))})
        return OK
    if not found:
        _complain(f"no runs are kept in {folder}")
        return OK
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in _table(kept, width):
        write_line(line)
    if len(found) > limit > 0:
        _complain(f"({len(found) - limit} more; --limit 0 lists all {len(found)})")
    return OK


def _looked(found: Iterable[Head]) -> Iterator[Kept]:
    from ..store import look

    for head in found:
        try:
            yield look(head)
        except FileNotFoundError:
            continue  # it has just been removed
        except OSError as error:
            _complain(f"{head.path}: cannot be read: {error.strerror}")


def _table(kept: Iterable[Kept], width: int) -> Iterator[str]:
    from rich.cells import cell_len, set_cell_size

    from .listing import table

    for line in table([_cells(it) for it in kept]):
        fits = not width or cell_len(line) <= width
        yield line if fits else set_cell_size(line, width - 1) + "…"


def _cells(kept: Kept) -> tuple[str, ...]:
    tokens = kept.usage and kept.usage.input_tokens + kept.usage.output_tokens
    return (
        one_line(kept.head.id),
        f"{_local(kept.head):%Y-%m-%d %H:%M:%S}",
        one_line(kept.case or kept.head.header.scenario or "?"),  # a case is named after both
        kept.status,
        f"{kept.duration:.1f}s",
        "-" if tokens is None else f"{tokens:,} tokens",
        one_line(kept.input, _INPUT),
    )


def _json(kept: Kept) -> dict[str, Any]:
    header, usage = kept.head.header, kept.usage
    return {
        "id": kept.head.id,
        "path": str(kept.head.path),
        "started": _local(kept.head).isoformat(),
        "scenario": header.scenario,
        "file": header.path,
        "case": kept.case,
        "status": kept.status,
        "duration": kept.duration,
        "input_tokens": usage and usage.input_tokens,
        "output_tokens": usage and usage.output_tokens,
        "models": header.models,
        "input": kept.input,
    }


def _local(head: Head) -> datetime:
    return datetime.fromtimestamp(head.started, UTC).astimezone()


def _show(args: argparse.Namespace, folder: Path) -> int:
    """Print a run as ``run`` prints it in a pipe."""
    from ..console import display
    from ..store import find, look, open_run
    from ..store.read import Head

    path = find(folder, args.run)
    header, events = open_run(path)
    write_line(str(path))
    write_line()
    last: Event | None = None
    shown = display("plain", out=sys.stdout, err=sys.stderr, stats=False, header=header)
    try:
        for event in events:
            shown.feed(event)
            last = event
    finally:
        shown.close()
    if not isinstance(last, RunFinished):
        sys.stdout.flush()
        _complain(f"the run has no end: {look(Head(path, header, 0.0)).status}")
    return OK


def _prune(args: argparse.Namespace, folder: Path) -> int:
    """Remove what is meant, and say what that was. Never a run that goes on."""
    from ..store import heads, remove

    found = heads(folder, _complain)
    if not found:
        _complain(f"no runs are kept in {folder}")
    failed = removed = 0
    for kept in _meant(args, found):
        try:
            if not args.dry_run and not remove(kept.head):
                continue
        except FileNotFoundError:
            continue
        except OSError as error:
            _complain(f"{kept.head.path}: cannot be removed: {error.strerror}")
            failed += 1
            continue
        removed += 1
        write_line(f"{'would remove' if args.dry_run else 'removed'} {'  '.join(_cells(kept))}")
    if found:
        would = "would be " if args.dry_run else ""
        write_line(f"{removed} {would}removed, {len(found) - removed} kept in {folder}")
    return RUN_FAILED if failed else OK


def _meant(args: argparse.Namespace, found: Iterable[Head]) -> list[Kept]:
    """Of the runs that the options describe, all but the newest ``--keep``."""
    before = None if args.older_than is None else time.time() - args.older_than * _DAY
    told = args.all or args.status or before is not None
    keep = args.keep if args.keep is not None else 0 if told else KEPT
    old = (head for head in found if before is None or head.started < before)
    unsure = [it for it in _UNSURE if it != args.status]
    meant = [
        it for it in _looked(old) if it.status not in unsure and args.status in (None, it.status)
    ]
    return meant[keep:]


def _complain(text: str) -> None:
    sys.stderr.write(f"{clean(text)}\n")

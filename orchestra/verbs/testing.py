"""``orchestra test``: scenario files as tests."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import INVALID, UsageError
from ..places import suites_folder
from ..scenario import discover
from ..scenario.files import find_root
from ..text import clean, one_line

if TYPE_CHECKING:
    from ..regression import Choice
    from ..settings import Settings
    from ..store.suites import Past

_MANY = 30  # files or cases, from which on more than one process is worth its start
_LIVE = 8  # processes that wait for a network: not the cores are what there is too little of
_INPUTS = re.compile(rb"^inputs:", re.MULTILINE)
_ITEM = re.compile(rb"^ *- ", re.MULTILINE)


def test(args: argparse.Namespace) -> int:
    """``orchestra test``: every scenario offline, one line each, a reason for each failure."""
    _fit_together(args)
    if args.words:
        from ..regression.choice import words

        words(args.words)
    files, missed = found(args.paths)
    if not args.dry_run and workers(args, files):
        from .processes import processes

        processes(args.mode)  # first: what it imports takes longer than all that is imported here

    from ..settings import load_settings

    settings = load_settings()
    if args.dry_run:
        return _dry_run(args, settings, files, missed)
    if args.watch:
        from .watching import watch

        return watch(args, settings)

    from .suite import Suite

    return Suite(args, settings, files, missed).play()


def found(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The scenarios, no file twice; and what is wrong with some paths."""
    files, missed = dict[Path, Path](), list[str]()
    for path in paths or [Path()]:
        try:
            for file in discover([path]):
                files.setdefault(file.resolve(), file)
        except UsageError as error:  # the other paths are tested all the same
            missed.append(str(error))
    return [*files.values()], missed


def workers(args: argparse.Namespace, files: Sequence[Path]) -> int:
    """How many processes are worth their start; 0: this one.

    Code of the project may end its process. Data cannot, so a few files without code stay here.
    A process is a copy of one that has imported all: thirty megabytes, and no time.
    """
    if args.workers is not None:
        return int(args.workers)
    texts = [_text(path) for path in files] if len(files) < _MANY else []
    cases = sum(map(_cases_in, texts)) or len(files)
    if args.mode == "live" and cases > 1:
        return min(_LIVE, cases)
    if cases >= _MANY:
        return max(min(_cores(), cases // (_MANY // 2)), 1)
    code = any(b"python" in text for text in texts)
    return int(args.timeout is not None or args.watch or code)


def _cases_in(text: bytes) -> int:
    """About how many: to know it, the file has to be loaded, which is a worker's work."""
    inputs = _INPUTS.search(text)
    return max(len(_ITEM.findall(text, inputs.end())) // 2, 1) if inputs else 1


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _cores() -> int:
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fit_together(args: argparse.Namespace) -> None:
    if args.min_pass_rate is not None and args.repeat < 2:
        raise UsageError("--min-pass-rate is of several runs; say how many with --repeat N")
    if args.workers == 0 and (args.timeout is not None or args.watch):
        option = "--watch" if args.watch else "--timeout"
        raise UsageError(f"{option} needs a process that can be ended: leave -n 0 out")
    if args.resume and (args.last_failed or args.watch):
        other = "--last-failed" if args.last_failed else "--watch"
        raise UsageError(f"--resume goes on with the last suite; it does not go with {other}")


def past_of(
    args: argparse.Namespace, settings: Settings, files: Sequence[Path]
) -> tuple[Path, Past]:
    """The project of the files, and what its last suite has left."""
    from ..store.suites import last

    root = find_root(files[0] if files else Path("scenario.yaml"), args.root)
    return root, last(suites_folder(root, settings.home))


def chosen(args: argparse.Namespace, root: Path, past: Past) -> Choice:
    """What the call chooses. UsageError if it goes by a suite that has left nothing for it."""
    from ..regression import Choice

    failed = None
    if args.last_failed:
        failed = dict[str, frozenset[str]]()
        for file, name in (key for key, bad in past.failed.items() if bad):
            path = str((root / file).resolve())
            failed[path] = failed.get(path, frozenset()) | {name}
        if not failed:
            raise UsageError("--last-failed: nothing failed the last time; play all without it")
    if args.resume and past.over:
        raise UsageError("--resume: the last suite came to its end; play all without it")
    return Choice(args.words, tuple(args.tag), failed)


def _dry_run(
    args: argparse.Namespace, settings: Settings, files: Sequence[Path], missed: Sequence[str]
) -> int:
    """Only say what would be played."""
    from ..regression import worst
    from ..scenario import load

    choice = chosen(args, *past_of(args, settings, files))
    codes, count, tags = [INVALID] * bool(missed), 0, set[str]()
    for told in missed:
        sys.stderr.write(f"{clean(told)}\n")
    for path in files:
        try:
            scenario = load(path, root=args.root)
        except UsageError as error:
            codes.append(INVALID)
            sys.stderr.write(f"{clean(str(error))}\n")
            continue
        tags |= {*scenario.tags}
        for case in scenario.cases:
            if choice.takes(case.name, path, scenario):
                count += 1
                sys.stdout.write(f"{one_line(case.name)}  {clean(str(path))}\n")
    sys.stdout.write(f"{count} case{'s' * (count != 1)} to play\n")
    return worst([*codes, *nothing(choice, count + len(codes), tags)])


def nothing(choice: Choice, count: int, tags: Iterable[str]) -> list[int]:
    """Say why nothing was chosen, or what was not found: INVALID for each."""
    from ..text import nearest

    known, codes = {*tags}, list[int]()
    for tag in [it for it in choice.tags if it not in known]:
        hint = nearest(tag, known) or f"known: {', '.join(sorted(known)[:20]) or 'none'}"
        sys.stderr.write(f"--tag: no scenario has {clean(repr(tag))}; {clean(hint)}\n")
        codes.append(INVALID)
    if not count and not codes:
        told = f"-k {one_line(repr(choice.words), 80)} fits no case" if choice.words else "no case"
        told += " of what failed the last time" if choice.failed is not None else ""
        sys.stderr.write(f"nothing to play: {told}\n")
        codes.append(INVALID)
    return codes

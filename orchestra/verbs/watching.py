"""``orchestra test --watch``: what a changed file concerns is played again, until ctrl+c."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import INVALID, UsageError
from ..scenario.discovery import SKIPPED
from ..text import clean
from .testing import found

if TYPE_CHECKING:
    from ..settings import Settings

_ENDINGS = {".yaml", ".yml", ".py"}
_CLEAR = "\x1b[2J\x1b[3J\x1b[H"
_INTERRUPT = 130
_TICK = 100  # milliseconds until the next look, if nothing changes


def watch(args: argparse.Namespace, settings: Settings) -> int:
    """Play all, then what has changed. The exit code is that of ctrl+c."""
    watched = Watched(args, settings)
    changes = Changes(watched.folders())
    try:
        watched.round(*found(args.paths))
        while True:
            if watched.folders() != changes.folders:
                changes = Changes(watched.folders())
            changed = changes.next()
            files, missed = found(args.paths)
            if concerned := watched.concerned(files, changed):
                watched.round(concerned, missed)
    except KeyboardInterrupt:
        return _INTERRUPT


class Changes:
    """What changes in some folders, from the moment that this is made."""

    def __init__(self, folders: Set[Path]) -> None:
        from watchfiles import watch as changes

        self.folders = folders
        self._news = changes(
            *folders,
            watch_filter=self._counts,
            debounce=400,
            rust_timeout=_TICK,
            yield_on_timeout=True,
            raise_interrupt=True,
        )
        self._found = self._look()  # it only looks from its first look on

    def next(self) -> set[Path]:
        """The files that have changed; waits for one."""
        while not self._found:
            self._found = self._look()
        found, self._found = self._found, set()
        return found

    def _look(self) -> set[Path]:
        return {Path(path).resolve() for _, path in next(self._news)}

    def _counts(self, _: object, path: str) -> bool:
        """Whether a change of a file may be of any concern."""
        file = Path(path)
        if file.suffix not in _ENDINGS or file.name.startswith("."):
            return False
        below = [it for it in self.folders if file.is_relative_to(it)]
        return any(
            not any(part in SKIPPED or part.startswith(".") for part in parts)
            for parts in (file.relative_to(it).parts[:-1] for it in below)
        )


class Watched:
    """What is known of the scenarios from their last round."""

    def __init__(self, args: argparse.Namespace, settings: Settings) -> None:
        self._args, self._settings = args, settings
        self._concerns: dict[Path, frozenset[Path]] = {}
        self._codes: dict[Path, int] = {}

    def round(self, files: Sequence[Path], missed: Sequence[str]) -> None:
        """Play ``files``. KeyboardInterrupt if the user ended it."""
        from ..console import can_move_the_cursor
        from .suite import Suite

        if can_move_the_cursor(sys.stdout):
            sys.stdout.write(_CLEAR)
        try:
            suite = Suite(self._args, self._settings, files, missed)
            code = suite.play()
        except UsageError as error:  # as when nothing failed the last time
            sys.stderr.write(f"{clean(str(error))}\n")
            code = INVALID
        else:
            self._concerns |= suite.concerns
            self._codes |= suite.codes
        if code > 128:
            raise KeyboardInterrupt
        elsewhere = {it for it, code in self._codes.items() if code and it not in files}
        if elsewhere:
            named = ", ".join(sorted(map(str, elsewhere))[:5])
            sys.stdout.write(f"still failing, and not changed: {clean(named)}\n")
        sys.stdout.write("waiting for a change; ctrl+c ends it\n")
        sys.stdout.flush()

    def concerned(self, files: Iterable[Path], changed: set[Path]) -> list[Path]:
        """The files that depend on what has changed; a new one does, and a broken one may."""
        present = [*files]
        for gone in self._concerns.keys() - set(present):
            del self._concerns[gone]
            self._codes.pop(gone, None)
        return [
            it
            for it in present
            if it not in self._concerns
            or changed & {it.resolve(), *self._concerns[it]}
            or self._codes.get(it) == INVALID
        ]

    def folders(self) -> set[Path]:
        """Where something may change: the folders of the call, and of all files concerned."""
        places = {path if path.is_dir() else path.parent for path in self._args.paths or [Path()]}
        places = {it.resolve() for it in places if it.is_dir()}
        places |= {it.parent for known in self._concerns.values() for it in known}
        inside = (it for it in places if not any(up in places for up in it.parents))
        return {it for it in inside if it.is_dir()}

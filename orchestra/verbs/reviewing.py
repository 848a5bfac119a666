"""``orchestra review``: goldens that wait, one after the other, for a person to decide on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CHECK_FAILED, INVALID, OK, UsageError
from ..places import goldens_folder, near, pending_golden
from ..text import clean, one_line
from .asking import person, prompt
from .paper import write_line

if TYPE_CHECKING:
    from ..regression.reviewing import Waiting

_ANSWERS = ("accept", "reject", "skip", "file", "quit")
_HELP = (
    "accept: this is right from now on; reject: it is not; skip: later; "
    "file: accept all that is left of this file; quit. The first letter will do."
)


def review(args: argparse.Namespace) -> int:
    """CHECK_FAILED while something waits."""
    from ..regression.reviewing import waiting

    wrong, found = list[str](), list["Waiting"]()
    for it in waiting(_files(args, wrong)):
        if isinstance(it, UsageError):
            wrong.append(str(it))
        else:
            found.append(it)
    for told in wrong:
        sys.stderr.write(f"{clean(told)}\n")
    desk = _Desk(lambda golden: _folder_of(golden, args), found)
    if args.accept or args.reject:
        desk.all("accept" if args.accept else "reject")
    elif args.list or not (person() and sys.stdout.isatty()):
        desk.list()
    else:
        desk.ask()
    return INVALID if wrong else CHECK_FAILED if desk.left else OK


def _root(args: argparse.Namespace) -> Path:
    from ..scenario.files import find_root

    return find_root(Path("scenario.yaml"), args.root)  # as of one in the current folder


def _folder(args: argparse.Namespace) -> Path:
    from ..settings import load_settings

    return goldens_folder(_root(args), load_settings().home)


def _folder_of(golden: Path, args: argparse.Namespace) -> Path:
    """Where the new ones of a golden file wait: with them whoever tests its scenario locks it."""
    from ..scenario.files import find_root
    from ..settings import load_settings

    return goldens_folder(find_root(golden, args.root), load_settings().home)


def _files(args: argparse.Namespace, wrong: list[str]) -> Iterator[tuple[Path, Path]]:
    """Golden files, each with where its new ones wait; ``wrong`` is told of what cannot be."""
    from ..regression import GoldenFile
    from ..scenario.files import find_root
    from ..settings import load_settings
    from .testing import found

    if args.paths:
        files, missed = found(args.paths)
        wrong += missed
        home = load_settings().home
        for path in files:
            pending = pending_golden(path, find_root(path, args.root), home)
            yield GoldenFile.beside(path).path, pending
        return
    root, folder = _root(args), _folder(args)
    for pending in sorted(folder.rglob("*.golden.yaml")):
        golden = root / pending.relative_to(folder)
        stem = golden.name.removesuffix(".golden.yaml")
        if any(golden.with_name(f"{stem}{it}").exists() for it in (".yaml", ".yml")):
            yield Path(near(golden)), pending
        else:
            told = "waits, and its scenario is gone; if that is meant, remove the file"
            sys.stderr.write(f"{clean(near(pending))}: {told}\n")


class _Desk:
    """What waits, and what has become of it."""

    def __init__(self, folder: Callable[[Path], Path], found: Sequence[Waiting]) -> None:
        self._folder, self._found = folder, found
        self._count = dict.fromkeys(("accepted", "rejected", "gone"), 0)

    @property
    def left(self) -> int:
        """How many still wait."""
        return len(self._found) - sum(self._count.values())

    def list(self) -> None:
        """Say what waits, and how to go on."""
        for it in self._found:
            write_line(f"{it.golden}  {one_line(it.case)}  {one_line(it.line)}")
        if not self._found:
            write_line("nothing waits for a review")
            return
        told = "on a terminal 'orchestra review' asks what is right; --accept takes all of it"
        sys.stderr.write(f"{self.left} wait{'s' * (self.left == 1)}; {told}\n")

    def all(self, answer: str) -> None:
        """The same answer to all of it."""
        for it in self._found:
            self._decide(it, answer)
        self._sum_up()

    def ask(self) -> None:
        """Go through it with a person. What they have answered holds, however this ends."""
        from ..console.sides import Sides

        sides, whole = Sides(sys.stdout, ("accepted", "new")), Path()
        try:
            for number, it in enumerate(self._found, 1):
                if it.golden == whole:
                    self._decide(it, "accept")
                    continue
                new = "  (the first of this case)" if it.old is None else ""
                sides.title(f"{number} of {len(self._found)}: {it.case}  {it.golden}{new}")
                for part in it.parts:
                    sides.difference(part.where, part.rows, part.lines)
                answer = _answer()
                if answer == "quit":
                    break
                whole = it.golden if answer == "file" else Path()
                self._decide(it, answer)
        finally:
            sys.stdout.write("\n")
            self._sum_up()

    def _decide(self, it: Waiting, answer: str) -> None:
        from ..scenario.matcher import same
        from ..store.lock import alone

        if answer == "skip":
            return
        with alone(self._folder(it.golden)):
            now = it.now
            if now is None or not same(now, it.new):
                # It is not what the person has seen, so it is not what they have answered.
                self._count["gone"] += now is None
                told = (
                    "waits no longer"
                    if now is None
                    else "is newer than what was shown: it waits on"
                )
                write_line(f"{one_line(it.case)}  {it.golden}  {told}")
                return
            if answer == "reject":
                it.reject()
                self._count["rejected"] += 1
                return
            said = it.accept()
        self._count["accepted"] += 1
        if said:
            write_line(said)

    def _sum_up(self) -> None:
        if not self._found:
            write_line("nothing waits for a review")
            return
        told = [f"{count} {what}" for what, count in self._count.items() if count]
        told += [f"{self.left} still wait{'s' * (self.left == 1)}"] if self.left else []
        write_line(", ".join(told))


def _answer() -> str:
    """What the person says; the end of the input is to quit."""
    while True:
        sys.stdout.write("\n")
        sys.stdout.flush()
        prompt("[a]ccept, [r]eject, [s]kip, [f]ile, [q]uit?")
        line = sys.stdin.readline()
        if not line:
            return "quit"
        word = line.strip().casefold()
        found = [it for it in _ANSWERS if word and it.startswith(word)]
        if found:
            return found[0]
        sys.stderr.write(f"{_HELP}\n")

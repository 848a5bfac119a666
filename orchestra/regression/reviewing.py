"""What waits for a review: goldens that a run saw, beside those that were accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..scenario.matcher import same
from .beside import Row, beside
from .differing import diff, lines_of, listed, parts
from .golden import Golden, GoldenFile, plain
from .goldens import settle


@dataclass(frozen=True, slots=True)
class Part:
    """A call, or something of the run, that is not as accepted: both sides, and their rows."""

    where: str
    rows: tuple[Row, ...]
    lines: tuple[str, ...]
    """As in ``diff -u``."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The new golden of a case, and the accepted one; None: there is none yet."""

    golden: Path
    pending: Path
    case: str
    new: Golden
    old: Golden | None

    @property
    def parts(self) -> Iterator[Part]:
        """What differs, as the calls are made."""
        for where, old, new in parts(self.old or {}, self.new):
            sides = lines_of(old), lines_of(new)
            yield Part(where, tuple(beside(*sides)), tuple(diff(old, new)))

    @property
    def line(self) -> str:
        """What differs, in short."""
        if self.old is None:
            return "new"
        return listed([where for where, _, _ in parts(self.old, self.new)])

    @property
    def now(self) -> Golden | None:
        """What waits by now: a test may have seen something newer, or have passed again."""
        return GoldenFile.at(self.pending).cases.get(self.case)

    def accept(self) -> str:
        """Write it into the golden file, as ``--update`` does; what there is to say of it."""
        return settle(self.golden, self.pending, {self.case: self.new})

    def reject(self) -> None:
        """Forget it."""
        settle(self.golden, self.pending, {}, [self.case])


def waiting(files: Iterable[tuple[Path, Path]]) -> Iterator[Waiting | UsageError]:
    """What waits, of golden files each with the file in which its new ones do, case by case.

    What has been accepted in the meantime does not. A file that cannot be read is an error.
    """
    for golden, pending in files:
        try:
            new, old = GoldenFile.at(pending).cases, GoldenFile.at(golden).cases
        except UsageError as error:
            yield error
            continue
        for case, seen in new.items():
            accepted = old.get(case)
            if accepted is None or not same(plain(accepted), plain(seen)):
                yield Waiting(golden, pending, case, seen, accepted)

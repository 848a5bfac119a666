"""Where goldens go: into their files when asked to, else beside the runs, to be reviewed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from .golden import Golden, GoldenFile
from .suite import CaseResult


@dataclass(slots=True)
class Goldens:
    """What the cases of a suite saw, by scenario file, and in the end what becomes of it.

    ``pending`` gives the file in which a scenario's goldens wait for a review.
    """

    pending: Callable[[Path], Path]
    update: bool = False
    _seen: dict[Path, dict[str, Golden | None]] = field(default_factory=dict)

    def take(self, result: CaseResult) -> None:
        """Take in how a case went."""
        self._seen.setdefault(result.path, {})[result.name] = result.golden

    def write(self) -> Iterator[str]:
        """Write what has changed; a line on each file. UsageError if a golden file cannot be."""
        for path, cases in self._seen.items():
            if self.update:
                yield from self._update(path, cases)
                continue
            try:
                yield from self._hold(path, cases)
            except UsageError as error:  # what waits is a copy: the suite is none the worse for it
                yield str(error)

    def _update(self, path: Path, cases: dict[str, Golden | None]) -> Iterator[str]:
        file = GoldenFile.beside(path)
        new = {name: it for name, it in cases.items() if it is not None}
        file.cases |= new
        gone = [name for name in file.cases if name not in cases]
        if new and file.write(keep=cases.keys()):
            yield f"wrote {file.path}" + (f" without {', '.join(gone)}" if gone else "")
        waiting = GoldenFile.at(self.pending(path))
        if done := [name for name in new if name in waiting.cases]:
            _write(done, waiting, {})

    def _hold(self, path: Path, cases: dict[str, Golden | None]) -> Iterator[str]:
        waiting = GoldenFile.at(self.pending(path))
        done = [name for name, it in cases.items() if it is None and name in waiting.cases]
        new = {name: it for name, it in cases.items() if it is not None}
        if done or new:
            _write(done, waiting, new)
        if new:
            count = f"{len(new)} golden{'s' * (len(new) > 1)}"
            yield f"{count} of {path} to look at: orchestra review {path}"


def _write(done: list[str], waiting: GoldenFile, new: dict[str, Golden]) -> None:
    """Save what waits; the file goes with its last case."""
    for name in done:
        del waiting.cases[name]
    waiting.cases |= new
    if waiting.cases:
        waiting.write()
    else:
        waiting.path.unlink(missing_ok=True)

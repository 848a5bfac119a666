"""Where goldens go: into their files when asked to, else beside the runs, to be reviewed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from .golden import Golden, GoldenFile
from .results import CaseResult


def _anyhow(_: Path) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(slots=True)
class Goldens:
    """What the cases of a file saw, until the file is over, and what becomes of it.

    ``pending`` gives the file in which a scenario's goldens wait for a review, ``alone`` keeps
    others, as another suite or that review, from writing it meanwhile.
    """

    pending: Callable[[Path], Path]
    update: bool = False
    alone: Callable[[Path], AbstractContextManager[None]] = _anyhow
    _seen: dict[Path, dict[str, Golden | None]] = field(default_factory=dict)

    def take(self, result: CaseResult) -> None:
        """Take in how a case went."""
        self._seen.setdefault(result.path, {})[result.name] = result.golden

    def write(self, path: Path, names: Collection[str] = ()) -> Iterator[str]:
        """Write what has changed of a scenario; a line on each file.

        ``names`` are all its cases: what its golden file has of others is gone. UsageError if that
        file cannot be written.
        """
        cases = self._seen.pop(path, {})
        if self.update:
            yield from self._update(path, cases, names)
            return
        try:
            yield from self._hold(path, cases)
        except UsageError as error:  # what waits is a copy: the suite is none the worse for it
            yield str(error)

    def rest(self) -> Iterator[str]:
        """Write what has changed of scenarios that were not played to their end."""
        for path in [*self._seen]:
            yield from self.write(path)

    def _update(
        self, path: Path, cases: dict[str, Golden | None], names: Collection[str]
    ) -> Iterator[str]:
        new = {name: it for name, it in cases.items() if it is not None}
        if not new:
            return
        golden = GoldenFile.beside(path).path
        with self.alone(path):
            said = settle(golden, self.pending(path), new, names=names)
        if said:
            yield said

    def _hold(self, path: Path, cases: dict[str, Golden | None]) -> Iterator[str]:
        pending = self.pending(path)
        new = {name: it for name, it in cases.items() if it is not None}
        if not new and not pending.exists():
            return
        with self.alone(path):
            waiting = GoldenFile.at(pending)
            done = [name for name, it in cases.items() if it is None and name in waiting.cases]
            if done or new:
                _write(done, waiting, new)
        if new:
            count = f"{len(new)} golden{'s' * (len(new) > 1)}"
            yield f"{count} of {path} to look at: orchestra review {path}"


def settle(
    golden: Path,
    pending: Path,
    accepted: dict[str, Golden],
    rejected: Collection[str] = (),
    names: Collection[str] = (),
) -> str:
    """Write what is accepted into a golden file, and let neither it nor what is rejected wait.

    What there is to say of it; nothing if the golden file is as it was. ``names`` are as in
    :meth:`Goldens.write`.
    """
    said = ""
    if accepted:
        file = GoldenFile.at(golden)
        file.cases |= accepted
        gone = [name for name in file.cases if names and name not in names]
        if file.write(keep=names or None):
            said = f"wrote {file.path}" + (f" without {', '.join(gone)}" if gone else "")
    waiting = GoldenFile.at(pending)
    if done := [name for name in (*accepted, *rejected) if name in waiting.cases]:
        _write(done, waiting, {})
    return said


def _write(done: list[str], waiting: GoldenFile, new: dict[str, Golden]) -> None:
    """Save what waits; the file goes with its last case."""
    for name in done:
        del waiting.cases[name]
    waiting.cases |= new
    if waiting.cases:
        waiting.write()
    else:
        waiting.path.unlink(missing_ok=True)

"""From what is told of several files to the results of their cases."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..errors import CHECK_FAILED
from .choice import Choice
from .leftovers import Leftovers
from .results import CaseResult
from .suite import How, play_file
from .told import Over, Planned, Played, Told


@dataclass(slots=True)
class _File:
    plan: Planned | None = None
    leftovers: Leftovers = field(default_factory=Leftovers)


def gather(
    told: Iterable[tuple[int, Told]], before: Callable[[int, str], Played | None] | None = None
) -> Iterator[tuple[int, Told]]:
    """What is told of several files, by their numbers, with what only shows at a file's end.

    That is what no case has used of the script, unless one was cut short. ``before`` gives what
    an earlier try has played.
    """
    files: dict[int, _File] = {}
    for number, it in told:
        file = files.setdefault(number, _File())
        match it:
            case Planned():
                again, file.plan = file.plan is not None, it
                if again:  # another worker went on with it
                    continue
                yield number, it
                for name in it.done:
                    if before and (old := before(number, name)):
                        yield number, old
                        _take(file, old)
            case Played():
                _take(file, it)
                yield number, it
            case Over():
                del files[number]
                if file.plan and (reasons := file.leftovers.lines(file.plan.names)):
                    name, path = file.plan.scenario, file.plan.path
                    yield number, Played(CaseResult(name, path, CHECK_FAILED, tuple(reasons)))
                yield number, it
            case _:
                yield number, it


def _take(file: _File, played: Played) -> None:
    file.leftovers.add(played.result.name, None if played.short else played.left)


def run_suite(
    paths: Iterable[Path], how: How, choice: Choice | None = None
) -> Iterator[CaseResult]:
    """The result of each case, as it comes; all in this process."""
    for _, it in gather(in_process(enumerate(paths), partial(play_file, how=how, choice=choice))):
        if isinstance(it, Played):
            yield it.result


def in_process(
    files: Iterable[tuple[int, Path]], play: Callable[[Path], Iterable[Told]]
) -> Generator[tuple[int, Told], None, None]:
    """One file after another."""
    for number, path in files:
        for it in play(path):
            yield number, it

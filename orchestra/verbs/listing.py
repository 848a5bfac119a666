"""``orchestra list``: the scenarios in folders, one line each."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import INVALID, OK, Problem, UsageError
from ..scenario import discover, load
from ..text import clean, nearest, one_line
from .paper import plain, problems_of, write_json

GAP = "  "


@dataclass(frozen=True, slots=True)
class Found:
    """One file, and what it says of itself or what is wrong with it."""

    path: Path
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    problem: Problem | None = None

    def cells(self) -> tuple[str, ...]:
        description = self.description
        if self.problem:
            at = f"line {self.problem.line}: " if self.problem.line else ""
            description = f"(invalid: {at}{self.problem.message})"
        cells = (self.name, description, ", ".join(self.tags), str(self.path))
        return tuple(map(one_line, cells))

    def json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "name": self.name,
            "description": self.description,
            "tags": list(self.tags),
            "valid": self.problem is None,
            "problem": self.problem and plain(self.problem),
        }


def list_scenarios(args: argparse.Namespace) -> int:
    """List what is there; what is broken is listed too, and makes the exit code 2."""
    found, missed = _found(args.paths or [Path()])
    kept = [it for it in found if not args.tag or args.tag in it.tags or it.problem]
    if args.json:
        write_json({"scenarios": [it.json() for it in kept]})
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        sys.stdout.writelines(f"{line}\n" for line in table([it.cells() for it in kept], width))
    if args.tag and not any(args.tag in it.tags for it in kept):
        hint = nearest(args.tag, {tag for it in found for tag in it.tags})
        raise UsageError(f"--tag: no scenario has {args.tag!r}" + (f"; {hint}" if hint else ""))
    return INVALID if missed or any(it.problem for it in kept) else OK


def _found(paths: Iterable[Path]) -> tuple[list[Found], bool]:
    """The scenarios, and whether some path had none."""
    files, missed = list[Path](), False
    for path in paths:
        try:
            files += discover([path])
        except UsageError as error:  # the others are listed all the same
            sys.stderr.write(f"{clean(str(error))}\n")
            missed = True
    return [read(path) for path in dict.fromkeys(files)], missed


def read(path: Path) -> Found:
    """What a file says of itself, or what is wrong with it."""
    try:
        it = load(path)
    except UsageError as error:
        return Found(path, path.stem, problem=problems_of(error, path)[0])
    return Found(path, it.name, it.description, it.tags)


def table(rows: Sequence[Sequence[str]], width: int = 0) -> Iterator[str]:
    """Rows in aligned columns, each line cut to ``width`` cells (0: not cut)."""
    from rich.cells import cell_len, set_cell_size

    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if width:  # the description gives way first: name, tags and path are what one looks for
        spare = width - sum(widths) - len(GAP) * (len(widths) - 1)
        widths[1] = max(widths[1] + min(spare, 0), min(widths[1], 12))
    for row in rows:
        cells = []
        for cell, size in zip(row, widths, strict=True):
            fits = cell_len(cell) <= size
            cells.append(set_cell_size(cell, size) if fits else set_cell_size(cell, size - 1) + "…")
        line = GAP.join(cells).rstrip()
        if width and cell_len(line) > width:
            line = set_cell_size(line, width - 1).rstrip() + "…"
        yield line

"""``orchestra demo``: a gallery of the scenarios that ship."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import orchestra

from ..errors import OK, OrchestraError, UsageError
from ..scenario import discover
from ..text import nearest, one_line
from .listing import Found, read, table

_HERE = Path(orchestra.__file__).parent


def shipped() -> Path:
    """The folder with ``scenarios`` and ``agents``: in the package, or above it in a checkout."""
    for folder in (_HERE / "demo", _HERE.parent):
        if (folder / "scenarios" / "newsroom.yaml").is_file():
            return folder.resolve()
    raise UsageError("this installation has no scenarios: orchestra/demo is missing")


def exhibits(folder: Path) -> dict[str, Found]:
    """What there is, by name: the file's way from ``scenarios``, without its suffix."""
    top = folder / "scenarios"
    paths = sorted(discover([top]), key=lambda it: (len(it.relative_to(top).parts), it))
    return {it.relative_to(top).with_suffix("").as_posix(): read(it) for it in paths}


def demo(args: argparse.Namespace) -> int:
    """One scenario, or the gallery; where there is no terminal, as text."""

    folder = shipped()
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if args.name is not None:
        return _play(folder, _named(folder, args.name), terminal=terminal)
    known = exhibits(folder)
    if terminal:
        return _gallery(folder, known)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    rows = [(name, one_line(it.description)) for name, it in known.items()]
    sys.stdout.writelines(f"{line}\n" for line in table(rows, width))
    return OK


def _named(folder: Path, name: str) -> Path:
    """The file of a scenario; the last part of its name will do."""
    top = folder / "scenarios"
    files = {it.relative_to(top).with_suffix("").as_posix(): it for it in discover([top])}
    wanted = name.removesuffix(".yaml")
    short = {it.rpartition("/")[2]: file for it, file in files.items()} | files
    if wanted not in short:
        hint = nearest(wanted, short) or "'orchestra demo | cat' lists them"
        raise UsageError(f"there is no scenario {one_line(name, 60)!r} in the gallery; {hint}")
    return short[wanted]


def _play(folder: Path, path: Path, *, terminal: bool) -> int:
    """Run it in the viewer. What ships is trusted, and leaves no record among a person's runs."""
    from ..options import parser

    verb = "tui" if terminal else "run"
    told = [verb, str(path), "--root", str(folder), "--trust", "--no-keep"]
    args = parser().parse_args(told)
    return int(args.verb(args))


def _gallery(folder: Path, known: dict[str, Found]) -> int:
    from ..settings import load_settings
    from ..tui import Comfort, Exhibit, Terminated, choose

    comfort = Comfort.of(load_settings())
    found: Sequence[Found] = list(known.values())
    shown = [
        Exhibit(name, it.description, tuple(tag for tag in it.tags if tag != "demo"))
        for name, it in known.items()  # that it is one of the demo's, all of them are
    ]
    at, notice = 0, ""
    while True:
        chosen = choose(shown, at=at, notice=notice, comfort=comfort)
        if chosen is None:
            return OK
        at, notice = chosen, ""
        try:
            _play(folder, found[chosen].path, terminal=True)
        except Terminated:
            raise
        except OrchestraError as error:  # it was on the screen; here it says why it came back
            notice = f"{shown[chosen].name}: {error}"

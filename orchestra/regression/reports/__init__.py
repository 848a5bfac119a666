"""Reports of a suite: for CI systems, for programs, for a browser, for a summary.

Each is written from the suite's journal, a case at a time, so a suite may be as long as it likes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ...errors import CHECK_FAILED, OK, UsageError
from ..records import CaseRecord

Cases = Callable[[], Iterator[CaseRecord]]
"""The records of all cases, in the order of their files, from the beginning each time."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of a suite beside its cases. ``codes``: how many cases ended with which."""

    orchestra: str
    started: str
    seconds: float
    clock: str
    exit_code: int
    interrupted: bool
    codes: Mapping[int, int] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        return self.codes.get(OK, 0)

    @property
    def failed(self) -> int:
        """Those of which a check failed."""
        return self.codes.get(CHECK_FAILED, 0)

    @property
    def cases(self) -> int:
        return sum(self.codes.values())

    @property
    def errors(self) -> int:
        """Those that could not be judged."""
        return self.cases - self.passed - self.failed


Write = Callable[[TextIO, Whole, Cases], None]


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports that were asked for."""

    files: Mapping[str, Path]

    @classmethod
    def of(cls, args: argparse.Namespace, scenarios: Sequence[Path]) -> Reports:
        """Those that the call names. UsageError if one cannot be written, before anything runs."""
        named = {kind: getattr(args, kind) for kind in _KINDS}
        files = {kind: path for kind, path in named.items() if path is not None}
        own = {path.resolve() for path in scenarios} if files else set()
        for kind, path in files.items():
            if path.resolve() in own:
                raise UsageError(f"--{kind} {path}: is one of the scenarios; name another")
            if path.is_dir():
                raise UsageError(f"--{kind} {path}: is a folder; name a file")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a"):
                    pass
            except OSError as error:
                raise UsageError(f"--{kind} {path}: cannot be written: {error.strerror}") from None
        if len({path.resolve() for path in files.values()}) < len(files):
            raise UsageError(f"{' and '.join(f'--{it}' for it in files)} name one file twice")
        return cls(files)

    def write(self, whole: Whole, lines: Callable[[], Iterator[Mapping[str, Any]]]) -> None:
        """Write all of them. UsageError if one cannot be; the others are, all the same."""

        def cases() -> Iterator[CaseRecord]:
            return (line["record"] for line in lines())

        wrong = []
        for kind, path in self.files.items():
            try:
                _write(kind, path, whole, cases)
            except OSError as error:
                wrong.append(f"--{kind} {path}: cannot be written: {error.strerror}")
        if wrong:
            raise UsageError("\n".join(wrong))


def _write(kind: str, path: Path, whole: Whole, cases: Cases) -> None:
    """As a whole, or not at all; a summary is added to what others have said there."""
    from importlib import import_module

    write: Write = import_module(f".{_KINDS[kind]}", __name__).write
    if kind == "summary" and os.environ.get("GITHUB_STEP_SUMMARY") == str(path):
        with path.open("a", encoding="utf-8") as file:
            write(file, whole, cases)
        return
    if not path.is_file():  # a pipe, or /dev/stderr
        with path.open("w", encoding="utf-8") as file:
            write(file, whole, cases)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            write(file, whole, cases)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


_KINDS = {"junit": "junit", "json": "as_json", "html": "page", "summary": "markdown"}

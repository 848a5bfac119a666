"""The JSON report, and reading it again: docs/regression.md has every key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from ...errors import UsageError
from ...text import one_line, whole_characters
from ..records import CaseRecord
from . import Cases, Whole

VERSION = 1
KIND = "orchestra suite"
_LARGEST = 1 << 30  # bytes


class Report(TypedDict):
    """The whole document."""

    kind: str
    version: int
    orchestra: str
    started: str
    seconds: float
    clock: str
    exit_code: int
    interrupted: bool
    counts: dict[str, int]
    cases: list[CaseRecord]


def write(out: TextIO, whole: Whole, cases: Cases) -> None:
    """Write the report, a line for each case."""
    head = {
        "kind": KIND,
        "version": VERSION,
        "orchestra": whole.orchestra,
        "started": whole.started,
        "seconds": whole.seconds,
        "clock": whole.clock,
        "exit_code": whole.exit_code,
        "interrupted": whole.interrupted,
        "counts": {"passed": whole.passed, "failed": whole.failed, "error": whole.errors},
    }
    out.write("{\n")
    out.writelines(f"{_json(key)}: {_json(value)},\n" for key, value in head.items())
    out.write('"cases": [')
    told = enumerate(map(_json, cases()))
    out.writelines(f"{',' if number else ''}\n{case}" for number, case in told)
    out.write("\n]}\n")


def _json(value: Any) -> str:
    return whole_characters(json.dumps(value, ensure_ascii=False)).replace("\x7f", "\\u007f")


def is_report(path: Path) -> bool:
    """Whether a file is one, by its beginning."""
    try:
        with path.open("rb") as file:
            return KIND.encode() in file.read(200)
    except (OSError, ValueError):
        return False


def read(path: Path) -> Report:
    """A report from its file. Raises UsageError if it is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: is larger than a report may be")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no JSON: {one_line(str(error), 200)}") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise UsageError(f"{path}: is no report of a suite; orchestra test --json FILE writes one")
    if document.get("version") != VERSION:
        told = one_line(repr(document.get("version")), 40)
        raise UsageError(f"{path}: is a report of version {told}; this orchestra reads {VERSION}")
    try:
        return TypeAdapter(Report).validate_python(document)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = one_line(".".join(map(str, wrong["loc"])), 200)
        raise UsageError(f"{path}: {where}: {wrong['msg']}") from None

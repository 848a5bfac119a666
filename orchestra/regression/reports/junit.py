"""JUnit XML as CI systems read it: the grammar of Jenkins' and Surefire's ``junit-10``.

A suite for each scenario file, a testcase for each case. Neither time, names nor texts can break
it: what XML cannot hold is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from ...text import clean, one_line
from ..records import CaseRecord
from . import Cases, Whole

# XML 1.0 knows no other control characters, no lone surrogates and not these two.
_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MESSAGE = 300  # characters of an attribute; the text has all of it


def write(out: TextIO, whole: Whole, cases: Cases) -> None:
    """Write the report."""
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    attributes = _attributes(
        name="orchestra",
        tests=whole.cases,
        failures=whole.failed,
        errors=whole.errors,
        time=f"{whole.seconds:.3f}",
    )
    out.write(f"<testsuites{attributes}>\n")
    for (file, scenario), suite in _suites(cases()):
        attributes = _attributes(
            name=scenario,
            tests=suite.tests,
            failures=suite.failures,
            errors=suite.errors,
            skipped=0,
            time=f"{suite.seconds:.3f}",
            timestamp=whole.started.partition("+")[0],
            package=file,
        )
        out.write(f"  <testsuite{attributes}>\n{''.join(suite.lines)}  </testsuite>\n")
    out.write("</testsuites>\n")


@dataclass(slots=True)
class _Suite:
    """The cases of one file."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)


def _suites(cases: Iterator[CaseRecord]) -> Iterator[tuple[tuple[str, str], _Suite]]:
    for key, found in groupby(cases, key=lambda it: (it["file"], it["scenario"])):
        suite = _Suite()
        for case in found:
            suite.tests += 1
            suite.failures += case["outcome"] == "failed"
            suite.errors += case["outcome"] == "error"
            suite.seconds += case["seconds"]
            suite.lines += _case(case)
        yield key, suite


def _case(case: CaseRecord) -> Iterator[str]:
    attributes = _attributes(
        name=case["name"], classname=case["file"], time=f"{case['seconds']:.3f}"
    )
    inner = []
    if case["outcome"] != "passed":
        tag = "failure" if case["outcome"] == "failed" else "error"
        first = one_line(case["reasons"][0], _MESSAGE) if case["reasons"] else ""
        told = _attributes(message=first, type=f"exit code {case['exit_code']}")
        inner.append(f"<{tag}{told}>{_text(chr(10).join(case['reasons']))}</{tag}>")
    said = [*case["notes"], *([f"the run is kept in {case['kept']}"] if case["kept"] else [])]
    if said:
        inner.append(f"<system-out>{_text(chr(10).join(said))}</system-out>")
    if not inner:
        yield f"    <testcase{attributes}/>\n"
        return
    yield f"    <testcase{attributes}>\n"
    yield from (f"      {it}\n" for it in inner)
    yield "    </testcase>\n"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(_whole(str(it)))}" for name, it in values.items())


def _text(text: str) -> str:
    return escape(_whole(text))


def _whole(text: str) -> str:
    return _NEVER.sub("\N{REPLACEMENT CHARACTER}", clean(text))

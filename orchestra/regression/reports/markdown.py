"""The Markdown summary: how it went, what failed and why, what was slow and what was used."""

from __future__ import annotations

import heapq
import re
from itertools import islice
from typing import TextIO

from ...text import clean, one_line
from ..records import CaseRecord
from ..results import SLOW
from . import Cases, Whole

_SHOWN = 50  # cases that failed; CI systems cut a summary at 1 MiB
_LINES = 40  # of a reason
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&@])")


def write(out: TextIO, whole: Whole, cases: Cases) -> None:
    """Write the summary."""
    bad = whole.failed + whole.errors
    mark = "❌" if bad or whole.exit_code else "✅"
    state = " (interrupted)" if whole.interrupted else ""
    out.write(f"## {mark} {whole.passed} passed, {bad} failed{state}\n\n")
    tokens, cost, priced = 0, 0.0, False
    slow: list[tuple[float, int, CaseRecord]] = []
    for number, case in enumerate(cases()):
        for agent in (case["run"]["agents"] if case["run"] else {}).values():
            tokens += agent["input_tokens"] + agent["output_tokens"]
            cost += agent["cost"] or 0.0
            priced = priced or bool(agent["cost"])
        if case["seconds"] >= SLOW:
            heapq.heappush(slow, (case["seconds"], number, case))
            slow = heapq.nlargest(5, slow)
    out.write("| cases | passed | failed | errors | seconds | tokens | cost |\n")
    out.write("|---:|---:|---:|---:|---:|---:|---:|\n")
    out.write(
        f"| {whole.cases} | {whole.passed} | {whole.failed} | {whole.errors} "
        f"| {whole.seconds:.1f} | {tokens} | {f'{cost:.4f}' if priced else '–'} |\n"
    )
    failed = (it for it in cases() if it["outcome"] != "passed")
    for case in islice(failed, _SHOWN):
        _case(out, case)
    if bad > _SHOWN:
        out.write(f"\n… and {bad - _SHOWN} more that failed.\n")
    notes = [(it["name"], note) for it in cases() for note in it["notes"]]
    if notes:
        out.write("\n### Notes\n\n")
        out.writelines(f"- {_plain(name)}: {_plain(note)}\n" for name, note in notes[:_SHOWN])
    if slow:
        out.write("\n### Slow\n\n")
        out.writelines(f"- {_plain(it['name'])}: {it['seconds']:.1f} s\n" for _, _, it in slow)


def _case(out: TextIO, case: CaseRecord) -> None:
    word = "failed" if case["outcome"] == "failed" else "error"
    out.write(f"\n### {_plain(case['name'])} ({word})\n\n{_plain(case['file'])}")
    out.write(f", run kept in {_plain(case['kept'])}\n" if case["kept"] else "\n")
    lines = clean("\n".join(f"- {it}" for it in case["reasons"])).split("\n")
    left = len(lines) - _LINES
    shown = "\n".join(lines[:_LINES] + ([f"… and {left} more lines"] if left > 0 else []))
    longest = max((len(it) for it in re.findall("`+", shown)), default=0)
    fence = "`" * max(longest + 1, 3)
    out.write(f"\n{fence}diff\n{shown}\n{fence}\n")


def _plain(text: str) -> str:
    """Text that is no markup, whatever is in it."""
    return _SPECIAL.sub(r"\\\1", one_line(text, 300))

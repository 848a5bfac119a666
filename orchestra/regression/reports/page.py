"""One HTML page with everything in it: no script, style, font or picture from anywhere else.

Cases that failed are open. The few lines of script only filter: without them all can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import TextIO

from ...text import clean
from ..beside import beside
from ..records import CaseRecord, DiffRecord
from ..results import AgentFigures
from . import Cases, Whole

_WORDS = {"passed": "passed", "failed": "failed", "error": "error"}
# Nothing may be loaded, whatever a text has in it; the hash is not needed, all is inline.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write(out: TextIO, whole: Whole, cases: Cases) -> None:
    """Write the page, a case at a time."""
    folder = files(__package__)
    style = (folder / "page.css").read_text(encoding="utf-8")
    script = (folder / "page.js").read_text(encoding="utf-8")
    bad = whole.failed + whole.errors
    title = f"{whole.passed} passed, {bad} failed"
    out.write(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n"
    )
    out.writelines(_head(whole, title))
    out.write('<main id="cases">\n')
    for case in cases():
        out.writelines(_case(case))
    out.write(
        f'</main>\n<p id="none" hidden>No case is like that.</p>\n<script>\n{script}</script>'
    )
    out.write("\n</body>\n</html>\n")


def _head(whole: Whole, title: str) -> Iterator[str]:
    state = "bad" if whole.exit_code else "good"
    yield f'<header class="{state}">\n<h1>{title}</h1>\n<p>{_text(whole.started)}'
    yield f" · {whole.cases} cases in {whole.seconds:.1f} s · {_text(whole.clock)} clock"
    yield f" · exit code {whole.exit_code} · orchestra {_text(whole.orchestra)}"
    yield " · <strong>interrupted</strong>" if whole.interrupted else ""
    yield '</p>\n<form id="filter" hidden>\n'
    bad = whole.failed + whole.errors
    for value, label in (
        ("all", f"all {whole.cases}"),
        ("bad", f"failed {bad}"),
        ("passed", f"passed {whole.passed}"),
    ):
        chosen = " checked" if value == ("bad" if bad else "all") else ""
        yield f'<label><input type="radio" name="show" value="{value}"{chosen}> {label}</label>\n'
    yield '<input type="search" name="words" placeholder="name, file, agent, tag" '
    yield 'aria-label="part of a name">\n</form>\n</header>\n'


def _case(case: CaseRecord) -> Iterator[str]:
    word = _WORDS.get(case["outcome"], "error")
    run = case["run"]
    agents = run["agents"] if run else {}
    find = " ".join([case["name"], case["scenario"], case["file"], *case["tags"], *agents])
    tokens = sum(it["input_tokens"] + it["output_tokens"] for it in agents.values())
    yield f'<details class="case {word}" data-find="{_text(find.casefold())}"'
    yield f"{'' if word == 'passed' else ' open'}>\n<summary>"
    yield f'<b class="word">{word}</b> <span class="name">{_text(case["name"])}</span> '
    yield f'<span class="file">{_text(case["file"])}</span> <span class="figures">'
    yield f"{case['passed']} of {case['runs']} · " if case["runs"] > 1 else ""
    yield f"{tokens} tokens · " if tokens else ""
    yield f"{case['seconds']:.2f} s</span></summary>\n"
    drawn = {diff["check"] for diff in case["diffs"]}
    for reason in case["reasons"]:
        first, _, more = reason.partition("\n")
        both = more and any(f"{check}: " in first for check in drawn)  # it is shown side by side
        yield f'<pre class="reason">{_text(first if both else reason)}</pre>\n'
    for note in case["notes"]:
        yield f'<p class="note">{_text(note)}</p>\n'
    for diff in case["diffs"]:
        yield from _diff(diff)
    if run:
        yield from _agents(agents)
        yield f'<p class="label">Output, after {run["duration"]:.3f} s on the run’s clock</p>\n'
        yield f"<pre>{_text(run['output']) or '<i>nothing</i>'}</pre>\n"
    if case["kept"]:
        command = f"orchestra tui {case['kept']}"
        yield f'<p class="label">Watch it again: <code>{_text(command)}</code></p>\n'
    yield "</details>\n"


def _agents(agents: dict[str, AgentFigures]) -> Iterator[str]:
    heads = ("agent", "calls", "model calls", "tool calls", "tokens in", "out", "cost", "seconds")
    yield '<div class="wide"><table>\n<tr>'
    yield "".join(f"<th>{it}</th>" for it in heads) + "</tr>\n"
    for name, it in agents.items():
        cost = "–" if it["cost"] is None else f"{it['cost']:.4f}"
        figures = (
            it["calls"], it["model_calls"], it["tool_calls"], it["input_tokens"],
            it["output_tokens"], cost, f"{it['seconds']:.3f}",
        )  # fmt: skip
        cells = "".join(f"<td>{figure}</td>" for figure in figures)
        yield f"<tr><th>{_text(name)}</th>{cells}</tr>\n"
    yield "</table></div>\n"


def _diff(diff: DiffRecord) -> Iterator[str]:
    """Both sides, line by line."""
    yield f'<div class="wide"><table class="diff">\n<caption>{_text(diff["where"])} '
    yield f"<small>{_text(diff['check'])}</small></caption>\n"
    yield "<tr><th>expected</th><th>actual</th></tr>\n"
    for kind, left, right in beside(diff["expected"], diff["seen"]):
        if kind == "alike":
            yield f'<tr><td colspan="2" class="alike">{left}</td></tr>\n'
            continue
        cells = (
            f'<td class="{kind if it is not None else "gap"}">{_text(it or "")}</td>'
            for it in (left, right)
        )
        yield f"<tr>{''.join(cells)}</tr>\n"
    yield "</table></div>\n"


def _text(text: str) -> str:
    return escape(clean(text))

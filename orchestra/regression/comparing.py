"""Two suites, held against each other: case by case and call by call, by their JSON reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ..events import ModelFinished, ToolCall
from ..text import one_line
from ..trajectory import Call, ToolResult, Transcript, compare
from ..trajectory.compare import natural
from .records import CaseRecord
from .reports.as_json import Report
from .results import Asked, CallFigures, RunFigures

_INSTANT = 0.001  # seconds: seeds delay what happens by less
_WHERE = 200  # characters of a name

Key = tuple[str, str]


@dataclass(slots=True)
class SuiteComparison:
    """``lines`` are the differences, one each; ``cases`` all that there are in either suite."""

    lines: list[str] = field(default_factory=list)
    cases: int = 0
    differing: int = 0

    @property
    def summary(self) -> str:
        """``3 of 14 cases differ``."""
        if not self.differing:
            return f"all {self.cases} cases are equal" if self.cases != 1 else "the case is equal"
        verb = "differs" if self.differing == 1 else "differ"
        return f"{self.differing} of {self.cases} cases {verb}"


def compare_suites(a: Report, b: Report) -> SuiteComparison:
    """Hold suite B against suite A.

    How long calls took counts only if both ran on the virtual clock: there it is exact.
    """
    exact = a["clock"] == b["clock"] == "virtual"
    cases, others = _keyed(a["cases"], b["cases"])
    found = SuiteComparison(cases=len({*cases, *others}))
    for key in {**cases, **others}:
        file, name = key
        lines = list(_case(cases.get(key), others.get(key), exact=exact))
        place = one_line(f"{name} ({file})", _WHERE)
        found.lines += [f"{place}: {line}" for line in lines]
        found.differing += bool(lines)
    return found


def _keyed(
    a: list[CaseRecord], b: list[CaseRecord]
) -> tuple[dict[Key, CaseRecord], dict[Key, CaseRecord]]:
    """The cases by file and name; by the file's name alone, if the folders are all others."""
    same = {it["file"] for it in a} & {it["file"] for it in b}

    def keyed(cases: list[CaseRecord]) -> dict[Key, CaseRecord]:
        files = (it["file"] if same else PurePosixPath(it["file"]).name for it in cases)
        return {(file, it["name"]): it for file, it in zip(files, cases, strict=True)}

    return keyed(a), keyed(b)


def _case(a: CaseRecord | None, b: CaseRecord | None, *, exact: bool) -> Iterator[str]:
    if a is None or b is None:
        yield "only in B" if a is None else "only in A"
        return
    if (a["outcome"], a["exit_code"]) != (b["outcome"], b["exit_code"]):
        sides = (f"{it['outcome']} ({it['exit_code']})" for it in (a, b))
        yield f"outcome: {' ≠ '.join(sides)}"
    if (a["passed"], a["runs"]) != (b["passed"], b["runs"]):
        sides = (f"{it['passed']} of {it['runs']} runs" for it in (a, b))
        yield f"passed: {' ≠ '.join(sides)}"
    one, two = a["run"], b["run"]
    if one is not None and two is not None:
        yield from _run(one, two, exact=exact)
    elif one is not two:
        yield "ran only in B" if one is None else "ran only in A"


def _run(one: RunFigures, two: RunFigures, *, exact: bool) -> Iterator[str]:
    if one["status"] != two["status"]:
        yield f"status: {one['status']} ≠ {two['status']}"
    told = {pair.path: pair.line for pair in compare(_transcript(one), _transcript(two)).pairs}
    for path in sorted(told, key=natural):
        if told[path]:
            yield told[path]
        if path in one["calls"] and path in two["calls"]:
            yield from _used(path, one["calls"][path], two["calls"][path], exact=exact)
    if one["output"] != two["output"] and not any(told.values()):
        yield f"output: {one_line(repr(one['output']), 80)} ≠ {one_line(repr(two['output']), 80)}"


def _used(path: str, a: CallFigures, b: CallFigures, *, exact: bool) -> Iterator[str]:
    tokens = [(it["input_tokens"], it["output_tokens"]) for it in (a, b)]
    if tokens[0] != tokens[1]:
        sides = (f"{given} in, {taken} out" for given, taken in tokens)
        yield f"{path}: tokens: {' ≠ '.join(sides)}"
    if _differ(a["cost"], b["cost"], 1e-9):
        yield f"{path}: cost: {_figure(a['cost'])} ≠ {_figure(b['cost'])}"
    if exact and _differ(a["seconds"], b["seconds"], _INSTANT):
        yield f"{path}: seconds: {_figure(a['seconds'])} ≠ {_figure(b['seconds'])}"
    if exact and _differ(a["first_token"], b["first_token"], _INSTANT):
        sides = (_figure(it["first_token"]) for it in (a, b))
        yield f"{path}: seconds to the first token: {' ≠ '.join(sides)}"


def _differ(a: float | None, b: float | None, least: float) -> bool:
    return a is not b if a is None or b is None else abs(a - b) > least


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"


def _transcript(run: RunFigures) -> Transcript:
    """The calls of a run, as the comparison of two runs takes them."""
    calls = {path: _call(path, it) for path, it in run["calls"].items()}
    return Transcript(calls=calls)


def _call(path: str, figures: CallFigures) -> Call:
    said = figures["trajectory"]
    call = Call(figures["agent"], path, task=said.get("task", ""))
    call.status, call.error = said.get("status", "completed"), said.get("error")
    call.output, call.structured = figures["output"], said.get("structured")
    for number, message in enumerate(said["messages"]):
        asked = []
        for nth, it in enumerate(message.get("tool_calls", ())):
            id_ = f"{number}.{nth}"
            asked.append(ToolCall(id=id_, name=it["tool"], args=it["args"]))
            call.results += _results(id_, it)
        call.messages.append(
            ModelFinished(
                message_id=str(number),
                text=message["text"],
                reasoning=message.get("reasoning", ""),
                truncated=message.get("truncated", False),
                tool_calls=tuple(asked),
            )
        )
    return call


def _results(id_: str, it: Asked) -> Iterator[ToolResult]:
    if "result" in it:
        yield ToolResult(id_, it["tool"], "succeeded", it["result"])
    if "failed" in it:
        yield ToolResult(id_, it["tool"], "failed", it["failed"])
    if "rejected" in it:
        yield ToolResult(id_, it["tool"], "rejected", it["rejected"])

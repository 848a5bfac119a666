"""The figures of a finished run, in the words and columns that every display shows."""

from __future__ import annotations

from dataclasses import dataclass

from ..events import AgentTotals, RunFinished, Usage
from ..text import one_line

COLUMNS = ("agent", "calls", "model", "tools", "in", "out", "first", "tok/s", "time")
UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One agent, or all of them: its cells in the order of ``COLUMNS``."""

    agent: str
    cells: tuple[str, ...]
    total: bool = False


def rows(finished: RunFinished) -> list[Row]:
    """A row for each agent in the order in which they began, and one for all, if several."""
    totals = finished.totals
    found = [Row(agent, _cells(agent, figures)) for agent, figures in totals.items()]
    if len(found) > 1:
        every = totals.values()
        whole = AgentTotals(
            calls=sum(figures.calls for figures in every),
            model_calls=sum(figures.model_calls for figures in every),
            tool_calls=sum(figures.tool_calls for figures in every),
            usage=sum((figures.usage for figures in every), Usage()),
            seconds=sum(figures.seconds for figures in every),
        )
        found.append(Row("total", _cells("total", whole), total=True))
    return found


def lines(finished: RunFinished) -> list[str]:
    """The rows as aligned text under their headings; nothing if no agent did anything."""
    table = [COLUMNS, *(row.cells for row in rows(finished))]
    if len(table) == 1:
        return []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in table
    ]


def ending(finished: RunFinished) -> str:
    """How the run ended and how long it took: ``completed in 3.21s``."""
    word = "in" if finished.status == "completed" else "after"
    return f"{finished.status} {word} {duration(finished.duration)}"


def verdict(finished: RunFinished) -> str:
    """The one line that a run which did not complete leaves: its error, if it has one."""
    if finished.status == "failed":
        return f"error: {one_line(finished.error or 'the run failed and did not say why')}"
    error = one_line(finished.error or "")
    return f"{ending(finished)}: {error}" if error else ending(finished)


def duration(seconds: float) -> str:
    """``0.21s``."""
    return f"{seconds:.2f}s"


def _cells(agent: str, figures: AgentTotals) -> tuple[str, ...]:
    usage, rate = figures.usage, figures.tokens_per_second
    reported = bool(usage.input_tokens or usage.output_tokens)  # 0 and 0: nobody counted
    return (
        one_line(agent),
        str(figures.calls),
        str(figures.model_calls),
        str(figures.tool_calls),
        f"{usage.input_tokens:,}" if reported else UNKNOWN,
        f"{usage.output_tokens:,}" if reported else UNKNOWN,
        UNKNOWN if figures.first_token is None else duration(figures.first_token),
        UNKNOWN if rate is None else f"{rate:.1f}",
        duration(figures.seconds),
    )

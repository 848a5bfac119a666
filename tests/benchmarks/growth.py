"""How cost grows: ten times the work may take at most eleven times as long."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from processes import project
from table import Measured, Row, of_pairs

TENFOLD = 10
Work = Callable[[], object]


def _run(text: str, *, built: bool) -> Work:
    """A run; ``built``: of a team that is made before, else from the file on."""
    from runs import collect, scenario

    from orchestra.runtime import Run, build

    if not built:
        return lambda: asyncio.run(collect(Run(build(scenario(text)))))
    team = build(scenario(text))
    return lambda: asyncio.run(collect(Run(team)))


def tokens(count: int) -> Work:
    text = f"agents: {{a: {{}}}}\ninput: go\nscript: {{a: [{{text: {'word ' * count}}}]}}\n"
    return _run(text, built=True)


def agents(count: int) -> Work:
    """From the file to the end of the run: each agent is called once."""
    names = [f"a{at}" for at in range(count)]
    asked = ", ".join(f"{{{name}: {{query: go}}}}" for name in names)
    text = (
        f"main: lead\nagents:\n  lead: {{subagents: [{', '.join(names)}]}}\n"
        + "".join(f"  {name}: {{}}\n" for name in names)
        + f"input: go\nscript:\n  lead: [{{tool_calls: [{asked}]}}, {{text: end}}]\n"
        + "".join(f"  {name}: [{{text: done}}]\n" for name in names)
    )
    return _run(text, built=False)


def depth(count: int) -> Work:
    """A chain of agents, each the only subagent of the one before."""
    names = [f"a{at}" for at in range(count)]
    text = "main: a0\nagents:\n"
    for name, below in pairwise(names):
        text += f"  {name}: {{subagents: [{below}]}}\n"
    text += f"  {names[-1]}: {{}}\ninput: go\nscript:\n"
    for name, below in pairwise(names):
        text += f"  {name}: [{{tool_calls: [{{{below}: {{query: go}}}}]}}, {{text: end}}]\n"
    text += f"  {names[-1]}: [{{text: done}}]\n"
    return _run(text, built=True)


def cases(count: int, folder: Path) -> Work:
    from orchestra.regression import How, play_file
    from orchestra.runtime import clock
    from orchestra.scenario import load
    from orchestra.settings import load_settings
    from orchestra.verbs.tested import _Team

    path = folder / f"{count}.yaml"
    lines = [
        f"  - {{input: 'case {at}', expect: [{{output: case {at}}}]}}\n" for at in range(count)
    ]
    path.write_text("version: 1\nagents: {a: {model: echo}}\ninputs:\n" + "".join(lines))
    complete = partial(clock.run, virtual=True)
    settings = load_settings()
    how = How(
        load=load,
        open=lambda it: _Team(it, settings, print, complete, mode=None, trust=False),
        complete=complete,
    )
    return lambda: [*play_file(path, how)]


def _grown(make: Callable[[int], Work], few: int, rounds: int = 5) -> Measured:
    from orchestra.garbage import look_seldom

    def cpu(work: Work) -> float:
        gc.collect()
        began = time.process_time()
        work()
        return time.process_time() - began

    look_seldom()  # as the command line does
    small, large = make(few), make(few * TENFOLD)
    small(), large()
    return of_pairs([(cpu(small), cpu(large)) for _ in range(rounds)], "ms", 1e3)


def _cases() -> Measured:
    with project() as folder:
        return _grown(lambda count: cases(count, folder), 30)


def _row(name: str, what: str, measure: Callable[[], Measured]) -> Row:
    return Row(f"{TENFOLD}x-{name}", what, "a tenth of them", measure, most=11)


ROWS = [
    _row("tokens", "a run of 20,000 tokens", lambda: _grown(tokens, 2_000)),
    _row("agents", "a run of 200 agents, built from the file", lambda: _grown(agents, 20, 3)),
    _row("depth", "a run of 30 agents, one below the other", lambda: _grown(depth, 3)),
    _row("cases", "a suite of 300 cases", _cases),
]

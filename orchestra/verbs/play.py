"""What each verb does: it takes the parts and wires them together."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import (
    INTERRUPTED,
    MISSING,
    OK,
    RUN_FAILED,
    TIMED_OUT,
    UsageError,
    exit_code_of,
)
from ..events import Event, RunFinished, dumps
from ..scenario import Case, Scenario
from ..scenario.team import members
from ..text import clean
from .asking import Terminal, person
from .ending import Threads, on_signals
from .pacing import Paced
from .replaying import is_recording, recorded_in, replay
from .resuming import After
from .wanted import Wanted, header_of, inputs_of, keeper_of, known_agents, spare, wanted

if TYPE_CHECKING:
    from ..cassette import Taping
    from ..console import Display, Filter, Kind, Saver
    from ..runtime import Batch, Run
    from ..runtime.approval import Decide
    from ..runtime.past import Past
    from ..runtime.runner import Ask
    from ..settings import Settings
    from ..store import Running

READING_RATE = 40.0  # tokens a second of scripted replies, where a person watches
_GRAVITY = (OK, MISSING, INTERRUPTED, RUN_FAILED, TIMED_OUT, 128 + signal.SIGINT)


def run(args: argparse.Namespace) -> int:
    """``orchestra run``: print the run's events as they come."""
    from ..settings import load_settings

    settings = load_settings()
    return play(args, settings, wanted(args, settings))


def play(
    args: argparse.Namespace, settings: Settings, want: Wanted, out: TextIO | None = None
) -> int:
    """Run what is wanted, as ``args`` ask for it to be shown, on ``out``; default: stdout."""
    from ..console import Filter, Saver, TextFile, display
    from ..runtime import clock

    scenario, models, back = want.scenario, want.models, want.back
    known_agents(scenario, args.agent)
    terminal = Terminal(scenario) if person() and not want.replayed else None
    asks = terminal is not None and scenario.interactive
    inputs = () if back else inputs_of(want, args.input, asks=asks)
    kind: Kind = args.display or ("rich" if sys.stdout.isatty() else "plain")
    pace = READING_RATE if kind == "rich" and sys.stdout.isatty() else 0.0
    rate = pace if settings.rate is None else settings.rate
    spare(scenario, "--save", args.save)
    spare(scenario, "--save-text", args.save_text)
    header = header_of(scenario, models)
    late: list[str] = []  # while a terminal is drawn on, nothing else is said there
    say = late.append if kind == "rich" else complain
    keeper = keeper_of(args, settings, scenario, header, inputs, say)
    past, case = back.take_up(scenario, keeper) if back else (None, inputs)
    saver = Saver(args.save, header) if args.save else None
    text = TextFile(args.save_text) if args.save_text else None
    stats = args.stats or kind == "rich"
    show = display(kind, out=out or sys.stdout, err=sys.stderr, stats=stats, header=header)
    try:
        ask = terminal.ask if terminal and asks else None
        decide = terminal.decide if terminal else None
        how: Any = {"rate": rate, "ask": ask, "decide": decide, "past": past, "seed": args.seed}
        how |= {"taping": want.taping, "mock": want.offline}
        begun = begin(args, settings, scenario, case, models, **how)
        kept = keeper.follow(begun) if keeper else begun
        kept = After(past.seen, kept) if past else kept
        kept = Paced(kept, args.pace) if args.pace else kept
        shows = [it for it in (show, text) if it]
        with redirect_stdout(sys.stderr):  # what a tool prints is not to stand in the output
            keep = Filter(args.agent, args.node)
            shown = _print(kept, shows, saver, keep, terminal, debug=args.debug)
            return clock.run(shown, virtual=args.seed is not None)  # a real one is too coarse
    finally:
        show.close()
        for file in (text, saver):
            if file:
                file.close()
        for line in late:
            complain(line)


def begin(
    args: argparse.Namespace,
    settings: Settings,
    scenario: Scenario,
    case: Case | Sequence[str],
    models: Mapping[str, str],
    *,
    rate: float = 0.0,
    ask: Ask | None = None,
    decide: Decide | None = None,
    strict: bool = False,
    past: Past | None = None,
    seed: int | None = None,
    taping: Taping | None = None,
    mock: bool = False,
) -> Run | Batch:
    from ..runtime import run as start

    return start(
        scenario,
        case,
        models=models,
        rate=rate,
        packages=settings.packages,
        trust=args.trust,
        ask=ask,
        decide=decide,
        strict=strict,
        past=past,
        seed=seed,
        taping=taping,
        mock=mock,
    )


async def _print(
    run: Running,
    shows: Sequence[Display],
    saver: Saver | None,
    keep: Filter,
    terminal: Terminal | None,
    *,
    debug: bool = False,
) -> int:
    caught: list[signal.Signals] = []
    on_signals(run.cancel, caught)
    threads = Threads()
    threads.abandoned = True  # if the output cannot be written, the run is called off
    asyncio.get_running_loop().set_default_executor(threads)
    ends: list[RunFinished] = []
    async with aclosing(aiter(run)) as happening:
        async for event in happening:
            if saver:
                saver.feed(event)
            if debug:
                sys.stderr.write(f"{dumps(event)}\n")
            for show in shows if keep.keep(event) else ():
                show.feed(event)
            if terminal:
                terminal.showed(event)
            if isinstance(event, RunFinished):
                ends.append(event)
    if caught:
        return 128 + caught[0]
    threads.abandoned = any(_exit_code(end) == TIMED_OUT for end in ends)
    # Of a batch, the gravest end.
    return max(map(_exit_code, ends), key=_GRAVITY.index, default=_exit_code(None))


def _exit_code(finished: Event | None) -> int:
    match finished:
        case RunFinished(status="completed"):
            return OK
        case None | RunFinished(status="cancelled"):  # None: the viewer was left before the end
            return 128 + signal.SIGINT
        case RunFinished(status="interrupted"):
            return INTERRUPTED
        case RunFinished(error_type=error_type):
            return exit_code_of(error_type)
    return exit_code_of(None)


def tui(args: argparse.Namespace) -> int:
    """``orchestra tui``: the run in the viewer, every agent in its own pane."""
    _needs_a_screen(args)
    from ..settings import load_settings
    from ..tui import Comfort, Questions, view

    settings = load_settings()
    if is_recording(args):
        return replay(args, settings)
    if args.other is not None:
        told = f"{args.file} is no recorded run; two of those are shown side by side"
        raise UsageError(f"{told}: orchestra tui A.jsonl B.jsonl")
    want = wanted(args, settings)
    scenario, models, back = want.scenario, want.models, want.back
    questions = Questions()
    ask = questions.ask if scenario.interactive and not want.replayed else None
    inputs = () if back else inputs_of(want, args.input, asks=ask is not None)

    rate = READING_RATE if settings.rate is None else settings.rate

    late: list[str] = []
    header = header_of(scenario, models)
    keeper = keeper_of(args, settings, scenario, header, inputs, late.append)
    past, case = back.take_up(scenario, keeper) if back else (None, inputs)

    def source() -> Running:
        # In the viewer's thread, so that its first frame does not wait for langchain.
        decide = None if want.replayed else questions.decide
        how: Any = {"rate": rate, "ask": ask, "decide": decide, "past": past}
        how |= {"taping": want.taping, "mock": want.offline}
        begun = begin(args, settings, scenario, case, models, **how)
        kept = keeper.follow(begun) if keeper else begun
        return After(past.seen, kept) if past else kept

    try:
        team, comfort = members(scenario, models), Comfort.of(settings)
        recording = partial(recorded_in, keeper.paths.values()) if keeper else None
        shown = view(
            scenario.name,
            team,
            source,
            questions=questions,
            recording=recording,
            comfort=comfort,
        )
    finally:
        for line in late:
            complain(line)
    return _exit_code(shown)


def _needs_a_screen(args: argparse.Namespace) -> None:
    """UsageError where the viewer cannot be drawn, with what to do instead."""
    instead = f"runs show {args.file}" if is_recording(args) else f"run {args.file or '…'}"
    if args.other is not None:
        instead = f"compare {args.file} {args.other}"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"orchestra tui needs a terminal; in a pipe, use: orchestra {instead}")
    if os.environ.get("TERM") == "dumb":
        raise UsageError(
            f"orchestra tui needs a terminal that moves its cursor, and TERM is dumb; "
            f"use: orchestra {instead}"
        )


def complain(line: str) -> None:
    sys.stderr.write(f"{clean(line)}\n")
    sys.stderr.flush()

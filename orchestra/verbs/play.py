"""What each verb does: it takes the parts and wires them together."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import (
    INTERRUPTED,
    MISSING,
    OK,
    RUN_FAILED,
    TIMED_OUT,
    UsageError,
    exit_code_of,
)
from ..events import Event, Header, RunFinished, dumps
from ..places import runs_folder
from ..scenario import Case, Scenario, ScriptKey, load
from ..scenario.team import ALL, choose, members, speaks
from ..text import clean, nearest
from .asking import Terminal, person, prompt, said
from .ending import Threads, on_signals
from .pacing import Paced
from .replaying import is_recording, recorded_in, replay
from .resuming import After, Broken, broken

if TYPE_CHECKING:
    from ..console import Display, Filter, Kind, Saver
    from ..runtime import Batch, Run
    from ..runtime.approval import Decide
    from ..runtime.past import Past
    from ..runtime.runner import Ask
    from ..settings import Settings
    from ..store import Keeper, Running

READING_RATE = 40.0  # tokens a second of scripted replies, where a person watches
_GRAVITY = (OK, MISSING, INTERRUPTED, RUN_FAILED, TIMED_OUT, 128 + signal.SIGINT)


def run(args: argparse.Namespace) -> int:
    """``orchestra run``: print the run's events as they come."""
    from ..console import Filter, Saver, TextFile, display, safe_streams
    from ..runtime import clock
    from ..settings import load_settings

    safe_streams()
    settings = load_settings()
    back, scenario, models = _asked_for(args, settings)
    _known_agents(scenario, args.agent)
    terminal = Terminal(scenario) if person() else None
    asks = terminal is not None and scenario.interactive
    inputs = () if back else _inputs(scenario, args.input, asks=asks)
    kind: Kind = args.display or ("rich" if sys.stdout.isatty() else "plain")
    pace = READING_RATE if kind == "rich" and sys.stdout.isatty() else 0.0
    rate = pace if settings.rate is None else settings.rate
    _spare(scenario, "--save", args.save)
    _spare(scenario, "--save-text", args.save_text)
    header = header_of(scenario, models)
    late: list[str] = []  # while a terminal is drawn on, nothing else is said there
    say = late.append if kind == "rich" else complain
    keeper = _keeper(args, settings, scenario, header, inputs, say)
    past, case = back.take_up(scenario, keeper) if back else (None, inputs)
    saver = Saver(args.save, header) if args.save else None
    text = TextFile(args.save_text) if args.save_text else None
    stats = args.stats or kind == "rich"
    show = display(kind, out=sys.stdout, err=sys.stderr, stats=stats, header=header)
    try:
        ask = terminal.ask if terminal and asks else None
        decide = terminal.decide if terminal else None
        how = {"rate": rate, "ask": ask, "decide": decide, "past": past, "seed": args.seed}
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
    back, scenario, models = _asked_for(args, settings)
    questions = Questions()
    ask = questions.ask if scenario.interactive else None
    inputs = () if back else _inputs(scenario, args.input, asks=ask is not None)

    rate = READING_RATE if settings.rate is None else settings.rate

    late: list[str] = []
    header = header_of(scenario, models)
    keeper = _keeper(args, settings, scenario, header, inputs, late.append)
    past, case = back.take_up(scenario, keeper) if back else (None, inputs)

    def source() -> Running:
        # In the viewer's thread, so that its first frame does not wait for langchain.
        decide = questions.decide
        begun = begin(
            args, settings, scenario, case, models, rate=rate, ask=ask, decide=decide, past=past
        )
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


def _asked_for(
    args: argparse.Namespace, settings: Settings
) -> tuple[Broken | None, Scenario, Mapping[str, str]]:
    """The run to go on with, if there is one; the scenario; and the models by agent."""
    back = broken(args, settings)
    scenario = load(back.file(args.file) if back else args.file, root=args.root)
    models = _models(scenario, args.model, settings.model)
    return back, scenario, back.header.models if back and not args.model else models


def _models(scenario: Scenario, given: Sequence[str], from_settings: str | None) -> dict[str, str]:
    """Models by agent: ``--model`` over ``ORCHESTRA_MODEL``. Raises UsageError."""
    models = {ALL: from_settings} if from_settings else {}
    for text in given:
        agent, equals, model = text.partition("=")
        if not equals:
            agent, model = ALL, text
        elif agent not in scenario.agents:
            raise UsageError(_unknown("--model", "agent", agent, scenario.agents))
        models[agent] = model
    for model in models.values():
        if ":" not in model and model not in (*scenario.models, "scripted", "echo"):
            known = [*scenario.models, "scripted", "echo"]
            raise UsageError(_unknown("--model", "model", model, known) + ", or provider:name")
    for agent, spec in scenario.agents.items():
        if speaks(spec):
            choose(scenario, agent, models)
        elif agent in models:
            raise UsageError(f"--model: {agent!r} has no model; its steps have")
    return models


def _known_agents(scenario: Scenario, agents: Sequence[str]) -> None:
    for agent in agents:
        try:
            names = [segment.name for segment in ScriptKey.parse(agent).segments]
        except ValueError as error:
            raise UsageError(f"--agent {agent!r}: {error}") from error
        for name in names:
            if name not in scenario.agents:
                raise UsageError(_unknown("--agent", "agent", name, scenario.agents))


def _unknown(option: str, kind: str, word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    hint = nearest(word, known) or "known: " + ", ".join(known)
    return f"{option}: there is no {kind} {word!r}; {hint}"


def _inputs(scenario: Scenario, given: str | None, *, asks: bool) -> tuple[str, ...]:
    """The user's messages in place of the file's; asked for where there are none at all.

    ``asks``: the run itself will ask for them.
    """
    if given is not None:
        return (given,)
    if scenario.cases or asks:
        return ()
    if person():
        prompt(scenario.name)
        if line := said():
            return (line,)
    raise UsageError(f"{scenario.source.path}: there is no 'input'; give one with --input")


def _spare(scenario: Scenario, option: str, save: Path | None) -> None:
    """Events are never written over the files they come from."""
    own = {scenario.source.path, *map(Path, scenario.source.used)}
    if save is not None and save.resolve() in {path.resolve() for path in own}:
        raise UsageError(f"{option} {save}: is a file of this scenario; name another")


def header_of(scenario: Scenario, models: Mapping[str, str]) -> Header:
    return Header(
        scenario=scenario.name,
        digest=scenario.source.digest,
        orchestra=__version__,
        path=str(scenario.source.path.absolute()),
        root=str(scenario.source.root),
        models=dict(models),
    )


def _keeper(
    args: argparse.Namespace,
    settings: Settings,
    scenario: Scenario,
    header: Header,
    inputs: tuple[str, ...],
    say: Callable[[str], object],
) -> Keeper | None:
    """What keeps the run's events, unless that is not wanted."""
    if args.no_keep:
        return None
    from ..store import Keeper

    folder = runs_folder(scenario.source.root, settings.home)
    return Keeper(folder, replace(header, inputs=inputs or None), say)


def complain(line: str) -> None:
    sys.stderr.write(f"{clean(line)}\n")
    sys.stderr.flush()

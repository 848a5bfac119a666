"""``orchestra record``: a run with real models, kept as a cassette beside its scenario."""

from __future__ import annotations

import argparse
import sys

from .. import __version__
from ..cassette import Cassette, Recording
from ..cassette.lines import Head
from ..errors import UsageError
from ..scenario import Scenario
from ..scenario.team import choose, offline, speaks
from ..settings import Settings, load_settings
from ..store import hold
from .play import complain, play
from .wanted import Wanted, models_of


def record(args: argparse.Namespace) -> int:
    """Run a scenario as ``run`` does, and keep what its models say."""
    settings = load_settings()
    if args.file is None:
        raise UsageError("name the FILE of a scenario")
    scenario = load_scenario(args)
    cassette = Cassette.beside(scenario.source.path)
    if args.as_script and cassette.exists and not args.missing:
        return _print_script(scenario, cassette)
    code = _record(args, settings, scenario, cassette)
    if args.as_script and code == 0:
        _print_script(scenario, cassette)
    return code


def load_scenario(args: argparse.Namespace) -> Scenario:
    from ..scenario import load

    return load(args.file, root=args.root)


def _record(
    args: argparse.Namespace, settings: Settings, scenario: Scenario, cassette: Cassette
) -> int:
    models = models_of(scenario, args.model, settings.model)
    agents = [name for name, spec in scenario.agents.items() if speaks(spec)]
    if not models and all(offline(choose(scenario, name)) for name in agents):
        told = f"{scenario.source.path}: all its models are scripted, there is nothing to record"
        raise UsageError(f"{told}; name one: --model openai:gpt-5-mini, or one of its 'models'")
    head = Head(
        scenario=scenario.name,
        digest=scenario.source.digest,
        orchestra=__version__,
        models=models,
    )
    recording = Recording(cassette, head, missing=args.missing)
    part = recording.part
    if not hold(part.file):
        part.file.close()
        raise UsageError(f"{part.path}: another recording of this scenario is under way")
    try:
        # What is printed in the end is the script alone.
        out = sys.stderr if args.as_script else None
        return play(args, settings, Wanted(scenario, models, taping=recording), out)
    finally:
        _finish(recording, scenario, args)


def _finish(recording: Recording, scenario: Scenario, args: argparse.Namespace) -> None:
    """Put what is complete in its place, and say so."""
    from ..regression import means

    cases = {scenario.key_of(case): case for case in scenario.cases}

    def good(key: str, status: str) -> bool:
        case = cases.get(key)
        checks = [*case.expect, *(it for turn in case.turns for it in turn.expect)] if case else []
        return status == "completed" or any(means(check, status) for check in checks)

    left = recording.finish(good)
    count = f"{recording.asked} repl{'y' if recording.asked == 1 else 'ies'}"
    name = recording.cassette.path
    if len(left) < len(recording.tapes):
        complain(f"recorded {count} in {name}")
    elif recording.cassette.exists:
        complain(f"{name}: is as it was, as the run came to no good end")
    if left and recording.asked:
        more = f"orchestra record {args.file} --missing"
        complain(f"{recording.part.path}: has what was said so far; to go on from there: {more}")


def _print_script(scenario: Scenario, cassette: Cassette) -> int:
    from ..regression.spelled import script_of

    sys.stdout.write(script_of(scenario, cassette))
    return 0

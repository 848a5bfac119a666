"""What can be said on the command line, and what is told of it.

``--version`` and ``--help`` pay for neither langchain nor textual nor pydantic: what a verb needs
is imported when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from . import __version__
from .option_values import count, days, path, rate, seeds
from .options_testing import add_options

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]
    Options = argparse._ActionsContainer

EXIT_CODES = """\
exit codes: 0 all well · 1 a check failed · 2 invalid file, wrong call, nothing found ·
3 a reply or a decision was missing · 4 the run failed · 5 interrupted, resumable · 124 timeout ·
129, 130, 143 hang-up, interrupt, termination. Of several: 2, then 124, 4, 3, 1."""


def parser() -> argparse.ArgumentParser:
    """All that can be said on the command line."""
    parser = argparse.ArgumentParser(
        prog="orchestra",
        description="Run multi-agent scenarios, watch every agent live, and test them offline.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"orchestra {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    run = _run(verbs)
    tui = verbs.add_parser(
        "tui",
        help="every agent live in its own pane; or a recorded run, replayed in the same panes",
        epilog="examples: orchestra tui scenarios/newsroom.yaml · orchestra tui last · "
        "orchestra tui before.jsonl last",
    )
    _common(tui, "a scenario, or a recorded run: its .jsonl file, its id, or last")
    about = "another recorded run, to be held against the first: both side by side"
    _mode(tui, "default: the models that the file and --model name")
    tui.add_argument("other", nargs="?", metavar="OTHER", help=about)
    tui.set_defaults(verb=_verb("play", "tui"))

    _record(verbs)

    about = "a gallery of the scenarios that ship: choose one and watch it; in a pipe, a list"
    demo = _add(verbs, "demo", about, "orchestra demo newsroom")
    demo.add_argument("name", nargs="?", metavar="NAME", help="run this one, and no gallery")
    demo.set_defaults(verb=_verb("demo", "demo"))

    test = verbs.add_parser("test", help="run scenarios as tests: offline, scripted, exact")
    about = "scenario files, or folders; default: the current folder"
    test.add_argument("paths", nargs="*", type=path, metavar="PATH", help=about)
    _project(test)
    clock = test.add_mutually_exclusive_group()
    about = "an order of what runs side by side, always the same for N; waiting takes no time"
    for verb in (run, clock):
        verb.add_argument("--seed", type=count, metavar="N", help=about)
    about = "play each case in N orders of what runs side by side; its outcome has to be the same"
    clock.add_argument("--interleave", type=seeds, default=(), metavar="N", help=about)
    # An earlier spelling, which compares nothing: it lives on in scripts that have it.
    clock.add_argument("--seeds", type=count, default=0, metavar="K", help=argparse.SUPPRESS)
    about = "let delays, rates and timeouts take their time"
    clock.add_argument("--real-time", action="store_true", help=about)
    about = "write the golden files anew, of the cases that pass otherwise"
    test.add_argument("--update", action="store_true", help=about)
    _mode(test, "default: the script, and the cassette for agents that have none")
    add_options(test)
    test.set_defaults(verb=_verb("testing", "test"))
    _review(verbs)
    about = "hold two recorded runs, or two suites, against each other, call by call"
    compare = _add(verbs, "compare", about, "orchestra compare before.jsonl last")
    for name in ("a", "b"):
        about = "a recorded run: its .jsonl file, its id, or last; or a report of test --json"
        compare.add_argument(name, metavar=name.upper(), help=about)
    _root(compare)
    compare.set_defaults(verb=_verb("replaying", "compare"))
    _readers(verbs)
    _runs(verbs)
    _makers(verbs)
    return parser


def _review(verbs: Verbs) -> None:
    about = "decide on the new goldens that wait: accept or reject them, one by one"
    review = _add(verbs, "review", about, "orchestra review scenarios/")
    about = "scenario files, or folders; default: all that wait in the project"
    review.add_argument("paths", nargs="*", type=path, metavar="PATH", help=about)
    how = review.add_mutually_exclusive_group()
    how.add_argument("--list", action="store_true", help="only say what waits, as in a pipe")
    for word, about in (
        ("accept", "write all of them into their golden files"),
        ("reject", "forget all of them"),
    ):
        how.add_argument(f"--{word}", action="store_true", help=f"{about}, and ask nothing")
    _root(review)
    review.set_defaults(verb=_verb("reviewing", "review"))


def _run(verbs: Verbs) -> argparse.ArgumentParser:
    run = verbs.add_parser("run", help="run a scenario and print what its agents say")
    _common(run)
    _mode(run, "default: the models that the file and --model name")
    _showing(run)
    run.set_defaults(verb=_verb("play", "run"))
    return run


def _record(verbs: Verbs) -> None:
    about = "run a scenario with real models, and keep what they say for tests"
    example = "orchestra record desk.yaml --model openai:gpt-5-mini"
    record = _add(verbs, "record", about, example)
    _common(record, resumes=False)
    _showing(record)
    about = "ask models only what has no reply yet in the cassette"
    record.add_argument("--missing", action="store_true", help=about)
    about = "print what was recorded as a 'script:' to be edited; records only if nothing is yet"
    record.add_argument("--as-script", action="store_true", help=about)
    record.set_defaults(verb=_verb("recording", "record"), resume=None, mode=None, seed=None)


def _mode(parser: Options, default: str) -> None:
    about = "who speaks: the script; the cassette, for the requests that were recorded; the "
    about += f"cassette, whatever the requests are; real models; {default}"
    modes = ("script", "replay", "loose", "live")
    parser.add_argument("--mode", choices=modes, help=about)


def _showing(run: Options) -> None:
    """How a run is shown, and where it is saved."""
    run.add_argument(
        "--display",
        choices=("rich", "plain", "jsonl", "quiet"),
        help="default: rich on a terminal, plain in a pipe; jsonl is one event a line",
    )
    run.add_argument(
        "--agent",
        action="append",
        default=[],
        metavar="NAME",
        help="show only this agent, or this call path (repeatable)",
    )
    run.add_argument(
        "--node",
        action="append",
        default=[],
        choices=("model", "tools"),
        help="show only what comes from this node of the graph (repeatable)",
    )
    run.add_argument("--stats", action="store_true", help="figures per agent at the end")
    run.add_argument(
        "--save", type=path, metavar="FILE", help="write events to FILE as they come (JSON Lines)"
    )
    run.add_argument(
        "--save-text", type=path, metavar="FILE", help="write what is said to FILE as it comes"
    )
    run.add_argument(
        "--pace", type=rate, metavar="N", help="show what is said at N tokens a second"
    )
    run.add_argument(
        "--debug", action="store_true", help="every event with its metadata, on stderr"
    )


def _readers(verbs: Verbs) -> None:
    """The verbs that look at files and run nothing."""
    validate = _add(
        verbs,
        "validate",
        "check files: every problem at its line, and warnings",
        "orchestra validate scenarios/ agents/researcher.yaml",
    )
    validate.add_argument(
        "paths", nargs="+", type=path, metavar="PATH", help="scenario or agent files, or folders"
    )
    _json(validate)
    _root(validate)
    validate.set_defaults(verb=_verb("validate", "validate"))

    listing = _add(verbs, "list", "list scenarios", "orchestra list scenarios/ --tag demo")
    listing.add_argument(
        "paths",
        nargs="*",
        type=path,
        metavar="PATH",
        help="files or folders; default: the current folder",
    )
    listing.add_argument("--tag", metavar="TAG", help="only those with this tag")
    _json(listing)
    listing.set_defaults(verb=_verb("listing", "list_scenarios"))

    show = _add(
        verbs,
        "show",
        "show a scenario's team, and what it needs",
        "orchestra show scenarios/newsroom.yaml --mermaid",
    )
    show.add_argument("file", type=path, metavar="FILE", help="a scenario")
    kind = show.add_mutually_exclusive_group()
    kind.add_argument("--mermaid", action="store_true", help="the team as a Mermaid flowchart")
    _json(kind)
    _root(show)
    show.set_defaults(verb=_verb("show", "show"))


def _runs(verbs: Verbs) -> None:
    """The verb of the runs that were kept, and what can be done with them."""
    about = "list the runs that were kept, the newest first; show one, or remove old ones"
    runs = _add(verbs, "runs", about, "orchestra runs show last")
    _json(runs)
    runs.add_argument(
        "--limit",
        type=count,
        metavar="N",
        help="only the newest N; 0: all; default: 20, in JSON all",
    )
    _root(runs)
    runs.set_defaults(verb=_verb("runs", "runs"))
    more = runs.add_subparsers(title="more", metavar="[show | prune]", dest="action")

    show = _add(more, "show", "print a run as it was", "orchestra runs show last")
    show.add_argument("run", metavar="RUN", help="its id, the beginning of it, last, or a file")
    _root(show, argparse.SUPPRESS)

    prune = _add(more, "prune", "remove runs that are over", "orchestra runs prune --older-than 30")
    some = prune.add_mutually_exclusive_group()
    some.add_argument(
        "--keep",
        type=count,
        metavar="N",
        help="leave the newest N of them; default: 50, or 0 with any other option",
    )
    some.add_argument("--all", action="store_true", help="leave none of them")
    prune.add_argument(
        "--older-than", type=days, metavar="DAYS", help="only those that began so long ago"
    )
    statuses = ("completed", "failed", "interrupted", "cancelled", "killed", "unfinished")
    prune.add_argument("--status", choices=statuses, help="only those that ended so")
    prune.add_argument("--dry-run", action="store_true", help="only say which")
    _root(prune, argparse.SUPPRESS)


def _makers(verbs: Verbs) -> None:
    """The verbs that write something to begin with."""
    new = _add(
        verbs,
        "new",
        "begin a scenario from a template; without one, list them",
        "orchestra new delegation team.yaml",
    )
    new.add_argument("template", nargs="?", metavar="TEMPLATE", help="see: orchestra new")
    new.add_argument(
        "file",
        nargs="?",
        type=path,
        metavar="FILE",
        help="where to write it, never over a file; default: TEMPLATE.yaml; -: standard output",
    )
    new.set_defaults(verb=_verb("new", "new"))

    schema = _add(
        verbs,
        "schema",
        "print the JSON Schema of scenario files",
        "orchestra schema > scenario.schema.json",
    )
    schema.add_argument("--agent", action="store_true", help="of agent files instead")
    schema.set_defaults(verb=_verb("schema", "schema"))


def _add(verbs: Verbs, name: str, about: str, example: str) -> argparse.ArgumentParser:
    return verbs.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _json(parser: Options) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")


def _common(
    parser: argparse.ArgumentParser, file: str = "a scenario", *, resumes: bool = True
) -> None:
    parser.add_argument(
        "file", nargs="?" if resumes else None, type=path, metavar="FILE", help=file
    )
    if resumes:
        about = "go on with a run that broke off: an id of 'orchestra runs', its beginning, or last"
        parser.add_argument("--resume", metavar="RUN", help=about)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[AGENT=]MODEL",
        help="the model of all agents, or of one: a name of the file's models, "
        "provider:name, scripted or echo (repeatable)",
    )
    parser.add_argument(
        "--input", metavar="TEXT", help="the user's message, in place of the file's"
    )
    parser.add_argument(
        "--no-keep", action="store_true", help="keep no record of the run in .orchestra/runs"
    )
    _project(parser)


def _root(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """``default``: SUPPRESS where the verb above has the option as well."""
    parser.add_argument(
        "--root",
        type=path,
        default=default,
        metavar="DIR",
        help="the project's folder; default: the nearest with a pyproject.toml or .git",
    )


def _project(parser: argparse.ArgumentParser) -> None:
    _root(parser)
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load Python tools of a project you do not stand in",
    )


def _verb(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """A function of a module of ``verbs``, which is imported when it is called."""

    def call(args: argparse.Namespace) -> int:
        return int(getattr(import_module(f".verbs.{module}", __package__), name)(args))

    return call

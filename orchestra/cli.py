"""The command line: what can be said, and which exit code it ends with.

``--version`` and ``--help`` pay for neither langchain nor textual nor pydantic: what a verb needs
is imported when it runs.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .errors import RUN_FAILED, OrchestraError

INTERRUPT = 130
BROKEN_PIPE = 141

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]
    Options = argparse._ActionsContainer

EXIT_CODES = """\
exit codes: 0 all well · 1 a check failed · 2 invalid file, wrong call, nothing found ·
3 a reply or a decision was missing · 4 the run failed · 5 interrupted, resumable · 124 timeout ·
129, 130, 143 hang-up, interrupt, termination. Of several: 2, then 4, 3, 1."""


def main(argv: Sequence[str]) -> int:
    """Run one command line. Returns the exit code; never raises, never shows a traceback."""
    _speak_any_locale()
    try:
        args = _parser().parse_args(argv)
        return int(args.verb(args))
    except OrchestraError as error:
        from .text import clean

        sys.stderr.write(clean(str(error)) + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPT
    except BrokenPipeError:
        _give_up_stdout()
        return BROKEN_PIPE
    except OSError as error:  # a full disk, most often
        _give_up_stdout()
        sys.stderr.write(f"orchestra: {error}\n")
        return RUN_FAILED


def _speak_any_locale() -> None:
    """The help, too, has characters that not every locale knows."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so under pytest
            stream.reconfigure(errors="replace")


def _give_up_stdout() -> None:
    """What stdout still holds cannot be written; Python would say so once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="orchestra",
        description="Run multi-agent scenarios, watch every agent live, and test them offline.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"orchestra {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    run = verbs.add_parser("run", help="run a scenario and print what its agents say")
    _common(run)
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
        "--save",
        type=Path,
        metavar="FILE",
        help="write every event to FILE as it comes (JSON Lines)",
    )
    run.set_defaults(verb=_verb("run"))

    tui = verbs.add_parser("tui", help="run a scenario with every agent live in its own pane")
    _common(tui)
    tui.set_defaults(verb=_verb("tui"))

    test = verbs.add_parser("test", help="run scenarios as tests: offline, scripted, exact")
    test.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="scenario files, or folders"
    )
    _project(test)
    test.set_defaults(verb=_verb("test"))
    _readers(verbs)
    _makers(verbs)
    return parser


def _readers(verbs: Verbs) -> None:
    """The verbs that look at files and run nothing."""
    validate = _add(
        verbs,
        "validate",
        "check files: every problem at its line, and warnings",
        "orchestra validate scenarios/ agents/researcher.yaml",
    )
    validate.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="scenario or agent files, or folders"
    )
    _json(validate)
    _root(validate)
    validate.set_defaults(verb=_verb("validate"))

    listing = _add(verbs, "list", "list scenarios", "orchestra list scenarios/ --tag demo")
    listing.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files or folders; default: the current folder",
    )
    listing.add_argument("--tag", metavar="TAG", help="only those with this tag")
    _json(listing)
    listing.set_defaults(verb=_verb("list_scenarios"))

    show = _add(
        verbs,
        "show",
        "show a scenario's team, and what it needs",
        "orchestra show scenarios/newsroom.yaml --mermaid",
    )
    show.add_argument("file", type=Path, metavar="FILE", help="a scenario")
    kind = show.add_mutually_exclusive_group()
    kind.add_argument("--mermaid", action="store_true", help="the team as a Mermaid flowchart")
    _json(kind)
    _root(show)
    show.set_defaults(verb=_verb("show"))


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
        type=Path,
        metavar="FILE",
        help="where to write it, never over a file; default: TEMPLATE.yaml; -: standard output",
    )
    new.set_defaults(verb=_verb("new"))

    schema = _add(
        verbs,
        "schema",
        "print the JSON Schema of scenario files",
        "orchestra schema > scenario.schema.json",
    )
    schema.add_argument("--agent", action="store_true", help="of agent files instead")
    schema.set_defaults(verb=_verb("schema"))


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


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a scenario")
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
    _project(parser)


def _root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=Path,
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


def _verb(name: str) -> Callable[[argparse.Namespace], int]:
    def call(args: argparse.Namespace) -> int:
        from . import verbs

        return int(getattr(verbs, name)(args))

    return call

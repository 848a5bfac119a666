"""What can be said after ``orchestra test``."""

from __future__ import annotations

import argparse

from .option_values import count, path


def add_options(test: argparse.ArgumentParser) -> None:
    """All but those that other verbs have as well."""
    chosen = test.add_argument_group("which cases")
    about = "those whose name, scenario or path has these words: and, or, not, ( )"
    chosen.add_argument("-k", dest="words", default="", metavar="EXPR", help=about)
    about = "those of scenarios with this tag (repeatable: with any of them)"
    chosen.add_argument("--tag", action="append", default=[], metavar="T", help=about)
    about = "those that failed when they were last played"
    chosen.add_argument("--last-failed", action="store_true", help=about)
    about = "only those that the last suite, which was killed or interrupted, had left"
    chosen.add_argument("--resume", action="store_true", help=about)
    chosen.add_argument("--dry-run", action="store_true", help="only say which")

    how = test.add_argument_group("how they are played")
    about = "worker processes; 0: this one; default: as many as are worth it, live models: up to 8"
    how.add_argument("-n", dest="workers", type=count, metavar="WORKERS", help=about)
    about = "play each case N times; it passes if all of them do, or as many as --min-pass-rate"
    how.add_argument("--repeat", type=_positive, default=1, metavar="N", help=about)
    about = "of each case, the part of its runs that has to pass: 0.9, or 90%%"
    how.add_argument("--min-pass-rate", type=_rate, metavar="R", help=about)
    about = "seconds that a case may take, on the clock on the wall; then its worker is ended"
    how.add_argument("--timeout", type=_seconds, metavar="S", help=about)
    about = "play again what a changed file concerns, until ctrl+c"
    how.add_argument("--watch", action="store_true", help=about)

    reports = test.add_argument_group("reports")
    for option, about in (
        ("--junit", "JUnit XML, for a CI system"),
        ("--json", "JSON; 'orchestra compare' holds two of them against each other"),
        ("--html", "one page that needs no network: expected beside actual, figures of all agents"),
        ("--summary", "Markdown, for $GITHUB_STEP_SUMMARY, to which it is added"),
    ):
        reports.add_argument(option, type=path, metavar="FILE", help=about)


def _positive(text: str) -> int:
    if (found := count(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return found


def _rate(text: str) -> float:
    rate = _float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < rate <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no part of a whole: 0.9, or 90%")
    return rate


def _seconds(text: str) -> float:
    seconds = _float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0

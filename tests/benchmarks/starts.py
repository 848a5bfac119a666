"""How long it takes until something is there: the command line, the first frame, the first token."""

from __future__ import annotations

from functools import partial

from processes import PYTHON, cost, pairs, project, until, until_shown
from table import Measured, Row, of_pairs

ORCHESTRA = [PYTHON, "-m", "orchestra"]
SCENARIO = """\
version: 1
name: start
agents: {watchman: {}}
input: go
script: {watchman: [{text: firstword and some more}]}
"""
STATIC = """\
from textual.app import App
from textual.widgets import Static
class Plain(App):
    def compose(self):
        yield Static("watchman")
Plain().run()
"""


def _user(theirs: str, *arguments: str) -> Measured:
    """Seconds of CPU of a user's process, not of the system's for it."""
    with project() as folder:
        (folder / "s.yaml").write_text(SCENARIO)
        return of_pairs(
            pairs(
                9,
                lambda: cost([PYTHON, "-c", theirs], folder).user,
                lambda: cost([*ORCHESTRA, *arguments], folder).user,
            ),
            "ms",
            1e3,
        )


def first_frame() -> Measured:
    with project() as folder:
        (folder / "s.yaml").write_text(SCENARIO)
        (folder / "plain.py").write_text(STATIC)
        return of_pairs(
            pairs(
                5,
                lambda: until_shown(b"watchman", [PYTHON, "plain.py"], folder),
                lambda: until_shown(b"watchman", [*ORCHESTRA, "tui", "s.yaml"], folder),
            ),
            "ms",
            1e3,
        )


def first_token() -> Measured:
    load = "from langchain.agents import create_agent"
    with project() as folder:
        (folder / "s.yaml").write_text(SCENARIO)
        return of_pairs(
            pairs(
                5,
                lambda: cost([PYTHON, "-c", load], folder).wall,
                lambda: until(b"firstword", [*ORCHESTRA, "run", "s.yaml"], folder),
            ),
            "ms",
            1e3,
        )


ARGPARSE = "python -c 'import argparse'"
ROWS = [
    Row(
        "version",
        "orchestra --version, user CPU",
        ARGPARSE,
        partial(_user, "import argparse", "--version"),
        most=3,
    ),
    Row(
        "help",
        "orchestra --help, user CPU",
        ARGPARSE,
        partial(_user, "import argparse", "--help"),
        most=3,
    ),
    Row(
        "validate",
        "orchestra validate of one file, user CPU",
        "python -c 'import pydantic, yaml'",
        partial(_user, "import pydantic, yaml", "validate", "s.yaml"),
        most=1.5,
    ),
    Row(
        "first-frame",
        "orchestra tui until its first frame",
        "a Textual app with one Static",
        first_frame,
        most=1.3,
    ),
    Row(
        "first-token",
        "orchestra run, keyless, until its first token",
        "python -c 'from langchain.agents import create_agent'",
        first_token,
        most=1.25,
    ),
]

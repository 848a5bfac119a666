"""What orchestra raises, and the exit code each means.

OrchestraError                     4  the run failed
├── UsageError                     2  a wrong call: no such file, no input, an unknown agent
│   └── ScenarioError              2  a file that is not valid; holds every problem found in it
├── MissingReply                   3  the script, or the cassette, has no reply left for a call
├── MissingDecision                3  a question that no decision answers
├── LimitExceeded                  4  an agent, or the run, used more than it may
├── ModelFailed                    4  a model call came to no good end
│   ├── BrokenStream               4  its stream broke off, and said nothing of it
│   └── ModelTimeout               4  it took too long
└── RunTimeout                   124  the whole run took too long
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

OK = 0
CHECK_FAILED = 1
INVALID = 2
MISSING = 3
RUN_FAILED = 4
INTERRUPTED = 5
TIMED_OUT = 124


class OrchestraError(Exception):
    """Anything orchestra reports to its user: one clear message, never a traceback."""

    exit_code = RUN_FAILED


class UsageError(OrchestraError):
    """The call was wrong: what, where, and what to do instead."""

    exit_code = INVALID


class Problem(NamedTuple):
    """One thing wrong in a scenario file. ``line`` and ``column`` count from 1; 0 is unknown.

    Attributes:
        key: where in the document, as ``agents.editor.tools[0]``; empty for the document itself.
        hint: what to do, such as ``did you mean 'subagents'?``.
        source: the line, or the part of it around the caret, safe to show.
        caret: terminal cells of ``source`` before the caret; wide characters take two.

    No dataclass: to import those would be a third of what ``--version`` takes.
    """

    file: str
    message: str
    line: int = 0
    column: int = 0
    key: str = ""
    hint: str = ""
    source: str = ""
    caret: int = 0

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        what = f"{self.key}: {self.message}" if self.key else self.message
        lines = [f"{where}: {what}" + (f"; {self.hint}" if self.hint else "")]
        if self.source and self.line:
            number = f"{self.line:>6} | "
            lines += [number + self.source, " " * (len(number) + self.caret) + "^"]
        return "\n".join(lines)


class ScenarioError(UsageError):
    """A scenario that cannot be used, with all its problems in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class MissingReply(OrchestraError):  # noqa: N818 - named after what is missing
    """A scripted model was asked for a reply that its script does not have."""

    exit_code = MISSING


class MissingDecision(OrchestraError):  # noqa: N818 - named after what is missing
    """A tool waits for a person, and the scenario's ``decisions`` have nothing left for it."""

    exit_code = MISSING


class LimitExceeded(OrchestraError):  # noqa: N818 - named after what happened
    """An agent, or the whole run, used more than its ``limits`` allow."""


class ModelFailed(OrchestraError):  # noqa: N818 - named after what happened
    """A model call came to no good end; another try, or another model, may."""


class BrokenStream(ModelFailed):
    """A model's answer ended too soon, without an error: half of it must not be acted on."""


class ModelTimeout(ModelFailed):
    """A model call, or its first token, took longer than it may."""


class RunTimeout(OrchestraError):  # noqa: N818 - named after what happened
    """The whole run took longer than ``run.timeout``."""

    exit_code = TIMED_OUT


def exit_code_of(error_type: str | None) -> int:
    """The exit code of a failed run, from ``run_finished.error_type``."""
    known = {kind.__name__: kind.exit_code for kind in (MissingReply, MissingDecision, RunTimeout)}
    return known.get(error_type or "", RUN_FAILED)

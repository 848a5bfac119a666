"""Where things lie: names of files that more than one part of orchestra reads or writes."""

from __future__ import annotations

import os
from pathlib import Path

ENV_FILE = ".env"
"""Variables of the project one stands in; those of the process win."""

HOME = ".orchestra"
"""What orchestra itself writes, in the project's folder; ``ORCHESTRA_HOME`` is another."""


def near(path: Path) -> str:
    """A path as it is the shortest to type."""
    return min(str(path), os.path.relpath(path), key=len)


def runs_folder(root: Path, home: Path | None = None) -> Path:
    """Where the runs of a project are kept."""
    return _home(root, home) / "runs"


def suites_folder(root: Path, home: Path | None = None) -> Path:
    """Where a project's suites leave what they have played."""
    return _home(root, home) / "suites"


def goldens_folder(root: Path, home: Path | None = None) -> Path:
    """Where the new goldens of a project wait for a review, each at its scenario's place."""
    return _home(root, home) / "goldens"


def pending_golden(scenario: Path, root: Path, home: Path | None = None) -> Path:
    """Where the new goldens of a scenario wait for a review.

    A file may be a link, and so may its folder: from outside, it waits below its whole path.
    """
    place, root_ = scenario.parent.resolve() / scenario.name, root.resolve()
    below = place.relative_to(root_ if place.is_relative_to(root_) else place.anchor)
    return goldens_folder(root, home) / below.with_name(f"{below.stem}.golden.yaml")


def _home(root: Path, home: Path | None) -> Path:
    return root / HOME if home is None else home.absolute()

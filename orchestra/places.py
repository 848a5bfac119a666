"""Where things lie: names of files that more than one part of orchestra reads or writes."""

from __future__ import annotations

from pathlib import Path

ENV_FILE = ".env"
"""Variables of the project one stands in; those of the process win."""

HOME = ".orchestra"
"""What orchestra itself writes, in the project's folder; ``ORCHESTRA_HOME`` is another."""


def runs_folder(root: Path, home: Path | None = None) -> Path:
    """Where the runs of a project are kept."""
    return (root / HOME if home is None else home.absolute()) / "runs"

"""The only place that knows LangChain and LangGraph: models, tools, delegation, graph, run.

The public names are exported lazily: to check a file's middleware needs no graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import exports
from .later import run_later

if TYPE_CHECKING:
    from .batch import Batch, run
    from .graph import Team, build
    from .runner import Run

_NAMES = {
    "batch": "Batch run",
    "graph": "Team build",
    "runner": "Run",
}

run_later()

__all__ = ["Batch", "Run", "Team", "build", "run"]

__getattr__ = exports(__name__, _NAMES)

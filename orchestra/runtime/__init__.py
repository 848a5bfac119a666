"""The only place that knows LangChain and LangGraph: models, tools, delegation, graph, run.

The public names are exported lazily: to check a file's middleware needs no graph.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .later import run_later

if TYPE_CHECKING:
    from .batch import Batch, run
    from .graph import Team, build
    from .runner import Run

_HOME = {
    "Batch": ".batch",
    "Run": ".runner",
    "Team": ".graph",
    "build": ".graph",
    "run": ".batch",
}

run_later()

__all__ = ["Batch", "Run", "Team", "build", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)

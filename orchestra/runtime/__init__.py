"""The only place that knows LangChain and LangGraph: models, tools, delegation, graph, run."""

from .graph import Team, build
from .runner import Run, run

__all__ = ["Run", "Team", "build", "run"]

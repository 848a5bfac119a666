"""The only place that knows LangChain and LangGraph: models, tools, delegation, graph, run."""

from .graph import Team, build
from .run import Run, run

__all__ = ["Run", "Team", "build", "run"]

"""The only place that knows LangChain and LangGraph: models, tools, delegation, graph, run."""

from .graph import Team, build
from .runner import Batch, Run, run

__all__ = ["Batch", "Run", "Team", "build", "run"]

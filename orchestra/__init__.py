"""orchestra: multi-agent scenarios in YAML, every agent live in its own pane.

The public names are exported lazily: importing orchestra imports neither langchain nor textual.

>>> import orchestra
>>> scenario = orchestra.load("scenarios/newsroom.yaml")
>>> async for event in orchestra.run(scenario):  # doctest: +SKIP
...     print(event)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazily import exports

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .errors import LimitExceeded, MissingReply, OrchestraError, ScenarioError, UsageError
    from .events import Event
    from .runtime import Batch, Run, Team, build, run
    from .scenario import Scenario, load

_NAMES = {
    "errors": "LimitExceeded MissingReply OrchestraError ScenarioError UsageError",
    "events": "Event events",
    "runtime": "Batch Run Team build run",
    "scenario": "Scenario load",
}

__all__ = [  # noqa: RUF022 - the order of a first use: load, run, look at the events
    "load",
    "run",
    "build",
    "events",
    "Event",
    "Run",
    "Batch",
    "Scenario",
    "Team",
    "OrchestraError",
    "UsageError",
    "ScenarioError",
    "MissingReply",
    "LimitExceeded",
    "__version__",
]


__getattr__ = exports(__name__, _NAMES)

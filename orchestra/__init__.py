"""orchestra: multi-agent scenarios in YAML, every agent live in its own pane.

The public names are exported lazily: importing orchestra imports neither langchain nor textual.

>>> import orchestra
>>> scenario = orchestra.load("scenarios/newsroom.yaml")
>>> async for event in orchestra.run(scenario):  # doctest: +SKIP
...     print(event)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .errors import LimitExceeded, MissingReply, OrchestraError, ScenarioError, UsageError
    from .events import Event
    from .runtime import Batch, Run, Team, build, run
    from .scenario import Scenario, load

_HOME = {
    "Batch": ".runtime",
    "Event": ".events",
    "LimitExceeded": ".errors",
    "MissingReply": ".errors",
    "OrchestraError": ".errors",
    "Run": ".runtime",
    "Scenario": ".scenario",
    "ScenarioError": ".errors",
    "Team": ".runtime",
    "UsageError": ".errors",
    "build": ".runtime",
    "events": ".events",
    "load": ".scenario",
    "run": ".runtime",
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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_HOME[name], __name__)
    return module if name == "events" else getattr(module, name)

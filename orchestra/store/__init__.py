"""Runs that are kept: one event file each, written as the run goes, read when it is long over.

``keep`` writes them, ``read`` finds and reads them, ``lock`` tells whether somebody still writes.
Nothing here knows how a run is made or shown: events come in, events come out.
"""

from .keep import Around, Held, Keeper, Running
from .lock import hold
from .read import Kept, find, heads, look, open_run, remove

__all__ = [
    "Around",
    "Held",
    "Keeper",
    "Kept",
    "Running",
    "find",
    "heads",
    "hold",
    "look",
    "open_run",
    "remove",
]

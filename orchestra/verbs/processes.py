"""Where the workers of a suite come from."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any


def processes(mode: str | None) -> Any:
    """Makes workers: copies of a process that has imported all, where there is such a thing.

    That process is begun here: it imports while the caller does so as well.
    """
    copied = "forkserver" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    context = multiprocessing.get_context("forkserver" if copied else "spawn")
    if copied:
        from multiprocessing.forkserver import ensure_running

        more = ["orchestra.runtime.openai"] if mode == "live" else []
        context.set_forkserver_preload(["orchestra.verbs.preloading", *more])
        ensure_running()
    return context

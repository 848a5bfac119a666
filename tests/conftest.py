"""Fixtures of more than one module."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

# Else each worker rewrites all tests and hypothesis anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What a shell starts with & ignores ctrl+c, and so does all that is started from there: programs
# that a test interrupts would run for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the collector need not look at it a thousand times.

    From here on no bytecode is kept: a module that a test writes twice within a second would be
    taken for what it was.
    """
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish() -> None:
    """As it ends, pytest looks for garbage five times; once is enough for what there is by now."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of the tests are not kept in the project. And a viewer in the process of the tests does
    not look at all that is in it, each time it opens: see ``test_tui_pauses``.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORCHESTRA_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("orchestra.tui.short_pauses", nullcontext)
        yield


if sys.platform != "win32":
    from terminal import Spawn, spawning

    @pytest.fixture
    def spawn() -> Iterator[Spawn]:
        """Starts processes, each on a terminal of its own."""
        yield from spawning()

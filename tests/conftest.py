"""Fixtures of more than one module."""

import sys
from collections.abc import Iterator

import pytest

if sys.platform != "win32":
    from terminal import Spawn, spawning

    @pytest.fixture
    def spawn() -> Iterator[Spawn]:
        """Starts processes, each on a terminal of its own."""
        yield from spawning()

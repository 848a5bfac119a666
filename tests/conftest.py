"""Fixtures of more than one module."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of the tests are not kept in the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORCHESTRA_HOME", str(tmp_path_factory.mktemp("home")))
        yield


if sys.platform != "win32":
    from terminal import Spawn, spawning

    @pytest.fixture
    def spawn() -> Iterator[Spawn]:
        """Starts processes, each on a terminal of its own."""
        yield from spawning()

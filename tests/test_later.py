"""Packages that run when they are used: nobody who uses one can tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from orchestra.runtime import later

PACKAGE = """
import threading
from rare_package.part import ONE
RAN.append(threading.get_ident())
TWO = ONE + 1
def __getattr__(name):
    if name == "THREE":
        return TWO + 1
    raise AttributeError(name)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A package that is rare, and a list of who has run it."""
    home = tmp_path / "rare_package"
    home.mkdir()
    ran: list[int] = []
    (home / "__init__.py").write_text("from rare_ran import RAN\n" + PACKAGE)
    (home / "part.py").write_text("ONE = 1\n")
    told = ModuleType("rare_ran")
    told.RAN = ran  # type: ignore[attr-defined] # the package's own
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(later, "RARE", frozenset({"rare_package"}))
    monkeypatch.setattr(sys, "meta_path", [later._Finder(), *sys.meta_path])
    for name in ("rare_package", "rare_package.part"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "rare_ran", told)
    return ran


def test_a_module_of_it_needs_no_package(package: list[int]) -> None:
    from rare_package.part import ONE  # type: ignore[import-not-found] # made by the test

    assert (ONE, package) == (1, [])
    import rare_package  # type: ignore[import-not-found] # made by the test

    assert rare_package.part.ONE == 1
    assert package == []
    assert (rare_package.TWO, rare_package.THREE, len(package)) == (2, 3, 1)
    assert type(rare_package) is ModuleType
    with pytest.raises(AttributeError):
        _ = rare_package.FOUR
    assert rare_package.__spec__.loader.get_source("rare_package").startswith("from rare_ran")


def test_from_it_something_is_imported(package: list[int]) -> None:
    from rare_package import TWO

    assert (TWO, len(package)) == (2, 1)
    with pytest.raises(ImportError):
        from rare_package import FOUR  # noqa: F401 - there is none


def test_one_that_fails_says_so_each_time(package: list[int], tmp_path: Path) -> None:
    (tmp_path / "rare_package" / "__init__.py").write_text("import no_such_module_anywhere\n")
    import rare_package

    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            _ = rare_package.TWO


def test_a_run_needs_none_of_them() -> None:
    """And who uses one, after it was spared, gets all of it."""
    code = """
import sys, orchestra.runtime.batch
from orchestra.runtime.later import RARE
assert not [it for it in RARE if it in sys.modules and type(sys.modules[it]).__name__ != "_Rare"]
assert "httpx" not in sys.modules
import langsmith, langgraph_sdk
assert langsmith.types.Run and langgraph_sdk.get_client and "httpx" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)

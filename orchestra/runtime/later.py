"""Packages that others import on the way, and a run does not need: they run when they are used.

LangChain imports ``langsmith``, whose ``types`` are hundreds of pydantic models, and LangGraph
``langgraph_sdk``, which is the client of a server: together a third of the time in which a run
starts. Whoever asks such a package for anything gets it, as ever; but one of its modules can be
imported without it. (Python's own ``LazyLoader`` runs a package as soon as that happens.)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # to import it takes as long as all the rest of this
    from importlib.abc import Loader

RARE = frozenset({"langgraph_sdk", "langsmith.types"})


class _Rare(ModuleType):
    """A package that has not run yet. Only what it has not got is asked for here."""

    def __getattr__(self, name: str) -> Any:
        loader: Any = self.__spec__ and self.__spec__.loader
        if isinstance(loader, _Loader):
            loader.run(self)
        if type(self) is _Rare:  # it asks itself for something, while it runs
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self, name)


class _Loader:
    def __init__(self, real: Loader) -> None:
        self._real, self._lock, self._begun = real, RLock(), False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Rare

    def run(self, module: ModuleType) -> None:
        """Run it, once; who comes meanwhile, from another thread, waits."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
            try:
                self._real.exec_module(module)
            except BaseException:
                self._begun = False
                raise
            module.__class__ = ModuleType


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in RARE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment] # it has all that one has
        return spec


def run_later() -> None:
    """From now on the rare packages run when they are used."""
    if not any(isinstance(it, _Finder) for it in sys.meta_path):
        sys.meta_path.insert(0, _Finder())

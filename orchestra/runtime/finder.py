"""Finds the Python objects that a scenario names, and nothing that it has no right to.

A name proves nothing (``tools:os.system`` may be an import of the module), so it is the home of
the object that was found that counts: the project one stands in, or a package that the user's
settings allow.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from langchain_core.tools import BaseTool

from ..errors import ScenarioError
from ..scenario import Scenario
from ..scenario.needs import module_file
from ..text import nearest

Where = tuple[str | int, ...]


class Finder:
    """Finds the objects of one scenario.

    ``packages`` are installed packages that may be named beside the project; ``trust`` lifts
    every limit.
    """

    def __init__(
        self, scenario: Scenario, packages: Sequence[str] = (), *, trust: bool = False
    ) -> None:
        self._source, self._packages, self._trust = scenario.source, packages, trust

    def find(self, target: str, where: Where) -> Any:
        """A function, class or LangChain tool. Raises ScenarioError, at its line, if it is none."""
        module_name, _, attributes = target.partition(":")
        found: Any = self._module(module_name, target, where)
        for attribute in attributes.split("."):
            if not hasattr(found, attribute):
                names = [n for n in dir(found) if not n.startswith("_")]
                message = f"{module_name} has no {attribute!r}"
                raise self.error(where, message, nearest(attribute, names))
            found = getattr(found, attribute)
        known = inspect.isroutine(found) or inspect.isclass(found) or isinstance(found, BaseTool)
        if not known:
            told = f"{target!r} is no function, no class and no LangChain tool"
            raise self.error(where, told)
        if inspect.isgeneratorfunction(found) or inspect.isasyncgenfunction(found):
            hint = "a tool returns its answer as a whole"
            raise self.error(where, f"{target!r} is a generator", hint)
        home = _home(found)
        if not self.owns(found):
            told = f"{target!r} is defined outside the project, in {home or 'Python'}"
            raise self.error(where, told)
        return found

    def function(self, target: str, where: Where) -> Callable[[Any], Any]:
        """A plain function, as a check is. Raises as :meth:`find` does."""
        found = self.find(target, where)
        if not inspect.isroutine(found) or inspect.iscoroutinefunction(found):
            kind = "is async" if inspect.isroutine(found) else "is no function"
            raise self.error(
                where, f"{target!r} {kind}", "a check is a function, 'def f(transcript)'"
            )
        return found

    def owns(self, found: Any) -> bool:
        """Whether an object is code that the scenario may name."""
        return self._trust or self._at_home(_home(found))

    def error(self, where: Where, message: str, hint: str = "") -> ScenarioError:
        return ScenarioError([self._source.problem(where, message, hint)])

    def _at_home(self, home: Path | None) -> bool:
        if home is None:
            return False
        if home.is_relative_to(self._source.root) and not _installed(home):
            return self._standing()
        return any(home.is_relative_to(folder) for folder in self._allowed())

    def _allowed(self) -> list[Path]:
        """The folders of the packages that the settings allow."""
        folders = []
        for package in self._packages:
            try:
                spec = importlib.util.find_spec(package.partition(".")[0])
            except (ValueError, ImportError):  # as for __main__
                continue
            if spec and spec.submodule_search_locations:
                folders += [Path(it).resolve() for it in spec.submodule_search_locations]
            elif spec and spec.origin:
                folders.append(Path(spec.origin).resolve())
        return folders

    def _standing(self) -> bool:
        return Path.cwd().is_relative_to(self._source.root)

    def _module(self, name: str, target: str, where: Where) -> ModuleType:
        if name.partition(".")[0] in self._packages:
            return self._import(name, where)
        if not self._trust and not self._standing():
            root = self._source.root
            message = f"{target!r} is code of a project you do not stand in ({root})"
            raise self.error(where, message, "change into it, or say --trust")
        if found := module_file(self._source, name):
            file, folder = found
            return self._load(file.resolve(), folder, where)
        if self._trust:
            return self._import(name, where)
        folders = (self._source.path.parent, self._source.root)
        looked = " and ".join(dict.fromkeys(str(folder) for folder in folders))
        hint = f"looked in {looked}; ORCHESTRA_PACKAGES names installed packages to allow"
        raise self.error(where, f"no module {name!r}", hint)

    def _import(self, name: str, where: Where) -> ModuleType:
        try:
            return importlib.import_module(name)
        except Exception as error:
            told = f"{name} cannot be imported: {type(error).__name__}: {error}"
            raise self.error(where, told) from error

    def _load(self, file: Path, folder: Path, where: Where) -> ModuleType:
        # Named by its path: two projects may both have a `tools.py` in one process.
        name = f"_orchestra_{abs(hash(file)):x}_{file.stem}"
        if name in sys.modules:
            return sys.modules[name]
        if str(folder) not in sys.path:
            # At the end: it may import its siblings, not shadow others.
            sys.path.append(str(folder))
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise self.error(where, f"{file.name} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            told = f"{file.name} fails: {type(error).__name__}: {error}"
            raise self.error(where, told) from error
        return module


def _installed(home: Path) -> bool:
    """Whether a file belongs to an environment inside the project: it is no code of it."""
    return "site-packages" in home.parts


def _home(found: Any) -> Path | None:
    """The file in which a class, a function, or the function of a tool, was defined."""
    inner = getattr(found, "coroutine", None) or getattr(found, "func", None) or found
    if isinstance(inner, BaseTool):
        inner = type(inner)
    try:
        file = inspect.getsourcefile(inspect.unwrap(inner))
    except TypeError:
        return None
    # Python's own frozen modules have no file: "<frozen os>" would be one of the current folder.
    return Path(file).resolve() if file and Path(file).is_file() else None

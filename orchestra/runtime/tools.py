"""The tools of a scenario: functions of the project, and canned answers."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as as_tool
from pydantic import JsonValue

from ..errors import ScenarioError
from ..scenario import CannedTool, PythonTool, Scenario
from ..scenario.tools import is_schema
from ..text import nearest
from . import clock
from .observe import brief
from .state import state_of


def make_tool(scenario: Scenario, name: str, *, trust: bool = False) -> BaseTool:
    """Tool ``name`` of the scenario. Raises ScenarioError, at the tool's line, if it cannot be."""
    match scenario.tools[name]:
        case PythonTool() as spec:
            return _python_tool(scenario, name, spec, trust=trust)
        case CannedTool() as spec:
            return _canned_tool(name, spec)


def _python_tool(scenario: Scenario, name: str, spec: PythonTool, *, trust: bool) -> BaseTool:
    finder = _Finder(scenario, ("tools", name, "python"), trust=trust)
    found = finder.find(spec.python)
    if isinstance(found, StructuredTool):
        own = {"func": found.func, "coroutine": found.coroutine}
        staying = {key: function and _staying(function) for key, function in own.items()}
        return found.model_copy(update={"name": name, **staying})
    if isinstance(found, BaseTool):
        return found.model_copy(update={"name": name})
    description = inspect.getdoc(found) or f"The tool {name}."
    try:
        made = as_tool(name, description=description)(_staying(found))
    except Exception as error:  # LangChain's, for a signature that is no tool's
        raise finder.error(f"{spec.python!r} cannot be a tool: {brief(error)}") from error
    made.handle_tool_error = True  # a ToolException is meant for the model
    return made


def _staying(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, whose ``sys.exit()`` or panic is a failure of the tool, not the end of us all.

    It has to be caught here: asyncio lets what is no Exception through the event loop at once.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with _contained():
                return await function(*args, **kwargs)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _contained():
            return function(*args, **kwargs)

    return call


@contextmanager
def _contained() -> Iterator[None]:
    try:
        yield
    except (Exception, asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except SystemExit as error:
        raise RuntimeError(f"the tool called sys.exit({error.code!r})") from error
    except BaseException as error:
        raise RuntimeError(brief(error)) from error


class _Finder:
    """Finds a Python object of the scenario's project, and nothing else.

    A name proves nothing (``tools:os.system`` may be an import of the module), so it is the home
    of the object that was found that counts. Only the project one stands in is trusted.
    """

    def __init__(self, scenario: Scenario, where: tuple[str | int, ...], *, trust: bool) -> None:
        self._source, self._where, self._trust = scenario.source, where, trust

    def find(self, target: str) -> Any:
        root = self._source.root
        if not self._trust and not Path.cwd().is_relative_to(root):
            raise self.error(
                f"{target!r} is code of a project you do not stand in ({root})",
                "change into it, or say --trust",
            )
        module_name, _, attributes = target.partition(":")
        found: Any = self._module(module_name)
        for attribute in attributes.split("."):
            if not hasattr(found, attribute):
                names = [n for n in vars(found) if not n.startswith("_")]
                raise self.error(f"{module_name} has no {attribute!r}", nearest(attribute, names))
            found = getattr(found, attribute)
        if inspect.isclass(found):
            raise self.error(f"{target!r} is a class", "name a function, or a LangChain tool")
        if not inspect.isroutine(found) and not isinstance(found, BaseTool):
            raise self.error(f"{target!r} is neither a function nor a LangChain tool")
        if inspect.isgeneratorfunction(found) or inspect.isasyncgenfunction(found):
            raise self.error(f"{target!r} is a generator", "a tool returns its answer as a whole")
        home = _home(found)
        if not self._trust and (home is None or not home.is_relative_to(root)):
            raise self.error(f"{target!r} is defined outside the project, in {home or 'Python'}")
        return found

    def _module(self, name: str) -> ModuleType:
        relative = Path(*name.split("."))
        folders = (self._source.path.parent, self._source.root)
        for folder in folders:
            for candidate in (
                folder / relative.with_suffix(".py"),
                folder / relative / "__init__.py",
            ):
                if candidate.is_file():
                    return self._load(candidate.resolve(), folder)
        looked = " and ".join(dict.fromkeys(str(folder) for folder in folders))
        raise self.error(f"no module {name!r}", f"looked in {looked}")

    def _load(self, file: Path, folder: Path) -> ModuleType:
        # Named by its path: two projects may both have a `tools.py` in one process.
        name = f"_orchestra_{abs(hash(file)):x}_{file.stem}"
        if name in sys.modules:
            return sys.modules[name]
        if str(folder) not in sys.path:
            sys.path.append(
                str(folder)
            )  # at the end: it may import its siblings, not shadow others
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None  # noqa: S101 - a .py file always has one
        assert spec.loader is not None  # noqa: S101 - as above
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise self.error(f"{file.name} fails: {type(error).__name__}: {error}") from error
        return module

    def error(self, message: str, hint: str = "") -> ScenarioError:
        return ScenarioError([self._source.problem(self._where, message, hint)])


def _home(found: Any) -> Path | None:
    """The file in which a function, or the function of a tool, was defined."""
    inner = getattr(found, "coroutine", None) or getattr(found, "func", None) or found
    if isinstance(inner, BaseTool):
        inner = type(inner)
    try:
        file = inspect.getsourcefile(inspect.unwrap(inner))
    except TypeError:
        return None
    return Path(file).resolve() if file else None


def _canned_tool(name: str, spec: CannedTool) -> BaseTool:
    schema = _schema(spec.parameters)
    required, known = schema.get("required", []), schema.get("properties", {})

    async def run(runtime: ToolRuntime[Any, Any], **args: Any) -> str:
        if missing := [key for key in required if key not in args]:
            raise ToolException(f"{name}: missing argument {', '.join(missing)}")
        if known and (unknown := [key for key in args if key not in known]):
            raise ToolException(f"{name}: unknown argument {', '.join(unknown)}")
        given = state_of(runtime.config).canned
        for index, answer in enumerate(spec.returns):
            used_up = answer.times is not None and given[name, index] >= answer.times
            if used_up or any(args.get(key) != value for key, value in answer.when.items()):
                continue
            given[name, index] += 1
            await clock.sleep(answer.delay)
            if answer.error is not None:
                raise ToolException(answer.error)
            value = answer.value
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        raise ToolException(f"{name}: no canned answer fits {json.dumps(args, ensure_ascii=False)}")

    return StructuredTool(
        name=name,
        description=spec.description or f"The tool {name}.",
        args_schema=schema,
        coroutine=run,
        handle_tool_error=True,
    )


def _schema(parameters: dict[str, JsonValue]) -> dict[str, Any]:
    """JSON Schema of a canned tool's arguments; every one of the short form is required."""
    if is_schema(parameters):
        return dict(parameters)
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}

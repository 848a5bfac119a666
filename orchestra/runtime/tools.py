"""The tools of a scenario: functions and classes of the project, and canned answers."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as as_tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import JsonValue

from ..scenario import AgentSpec, CannedTool, PythonTool, Return, Scenario
from ..scenario.matcher import same
from ..scenario.tools import is_schema
from . import clock
from .finder import Finder, Where
from .past import Past
from .secrets import Filler
from .signatures import evaluated
from .state import CALL, RUN, RunState, state_of
from .values import brief


def make_tools(
    scenario: Scenario, filler: Filler, finder: Finder, *, mock: bool = False
) -> dict[str, Sequence[BaseTool]]:
    """The tools that agents use, by the name in ``tools``; a class gives several.

    ``mock``: Python tools that have a ``mock`` are not run, and answer as it says. Raises
    ScenarioError, at the tool's line, for one that cannot be made.
    """
    used = {
        tool
        for spec in scenario.agents.values()
        if isinstance(spec, AgentSpec)
        for tool in spec.tools
    }
    made: dict[str, Sequence[BaseTool]] = {}
    for name, spec in scenario.tools.items():
        match spec:
            case _ if name not in used:
                continue
            case PythonTool():
                found = _python_tools(name, spec, filler, finder)
                if spec.mock:
                    stand_in = _mocked(name, spec.mock, found, finder)
                    found = [stand_in] if mock else found
                made[name] = [_Timely.of(it) for it in found]
            case CannedTool():
                made[name] = [_Timely.of(_canned_tool(name, spec))]
    return made


class _Timely(StructuredTool):
    """A tool that begins when the seed of the run has it begin.

    A function that is not async cannot wait by itself: it runs in a thread.
    """

    @classmethod
    def of(cls, tool: BaseTool) -> BaseTool:
        if type(tool) is not StructuredTool:  # a tool of another kind knows best how it is called
            return tool
        return cls(**{name: getattr(tool, name) for name in StructuredTool.model_fields})

    async def ainvoke(
        self,
        input: str | dict[str, Any] | ToolCall,  # noqa: A002 - LangChain's signature
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        own = ensure_config(config)
        state = own.get("configurable", {}).get(RUN)
        if isinstance(state, RunState) and isinstance(input, dict):
            place = str(input.get("id"))
            await clock.sleep(state.schedule.delay(own["metadata"][CALL], place))
        return await super().ainvoke(input, config, **kwargs)


def _python_tools(
    name: str, spec: PythonTool, filler: Filler, finder: Finder
) -> Sequence[BaseTool]:
    where: Where = ("tools", name, "python")
    found = finder.find(spec.python, where)
    if inspect.isclass(found):
        args = filler.fill(f"tools.{name}.args", spec.args)
        return list(_methods(name, found, args, finder))
    if spec.args:
        hint = "only a class takes 'args'"
        raise finder.error(("tools", name, "args"), f"{spec.python!r} is no class", hint)
    if isinstance(found, StructuredTool):
        own = {"func": found.func, "coroutine": found.coroutine}
        staying = {key: function and _staying(function) for key, function in own.items()}
        return [found.model_copy(update={"name": name, **staying})]
    if isinstance(found, BaseTool):
        return [found.model_copy(update={"name": name})]
    return [_function_tool(name, found, finder, where)]


def _function_tool(
    name: str, function: Callable[..., Any], finder: Finder, where: Where
) -> BaseTool:
    description = inspect.getdoc(function) or f"The tool {name}."
    try:
        made = as_tool(name, description=description)(_staying(function))
    except Exception as error:  # LangChain's, for a signature that is no tool's
        raise finder.error(where, f"{name!r} cannot be a tool: {brief(error)}") from error
    made.handle_tool_error = True  # a ToolException is meant for the model
    return made


def _methods(name: str, kind: type, args: dict[str, Any], finder: Finder) -> Iterator[BaseTool]:
    """The public methods of a class as tools; in each run they belong to one instance of it."""
    where: Where = ("tools", name, "python")
    try:
        inspect.signature(kind).bind(**args)
    except (TypeError, ValueError) as error:
        wrong = ("tools", name, "args") if args else where
        raise finder.error(wrong, f"{kind.__name__} cannot be made: {error}") from error

    def instance() -> Any:
        state = state_of(ensure_config())
        with state.lock:  # two methods may be called at once, in threads
            if name not in state.instances:
                state.instances[name] = kind(**copy.deepcopy(args))
            return state.instances[name]

    methods = [
        (method, function)
        for method, function in inspect.getmembers(kind, inspect.isroutine)
        # What a class has from elsewhere is none of its own methods.
        if not method.startswith("_") and not inspect.isbuiltin(function) and finder.owns(function)
    ]
    if not methods:
        raise finder.error(where, f"the class {kind.__name__} has no public methods")
    for method, function in methods:
        static = isinstance(inspect.getattr_static(kind, method), staticmethod | classmethod)
        # What the model sees is the signature without `self`.
        bare = function if static else MethodType(function, object())
        yield _function_tool(method, _late(bare, instance, method), finder, where)


def _late(bare: Callable[..., Any], instance: Callable[[], Any], method: str) -> Callable[..., Any]:
    """A method with the signature of ``bare``, of the instance that there is when it is called."""
    if inspect.iscoroutinefunction(bare):

        @functools.wraps(bare)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return await getattr(instance(), method)(*args, **kwargs)

        return call_async

    @functools.wraps(bare)
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(instance(), method)(*args, **kwargs)

    return call


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


def _mocked(
    name: str, answers: Sequence[Return], found: Sequence[BaseTool], finder: Finder
) -> BaseTool:
    """A tool as the model sees it, without its code."""
    if len(found) > 1:
        hint = "'run.replay_tools' has them answer as recorded"
        what = "a class that has several tools cannot be mocked"
        raise finder.error(("tools", name, "mock"), what, hint)

    @evaluated
    async def run(runtime: ToolRuntime[Any, Any], **args: Any) -> str:
        return await _give(name, answers, args, state_of(runtime.config))

    tool = found[0]
    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=convert_to_openai_tool(tool)["function"].get("parameters") or {},
        coroutine=run,
        handle_tool_error=True,
    )


async def _give(
    name: str, answers: Sequence[Return], args: Mapping[str, Any], state: RunState
) -> str:
    """The canned answer that is due. Raises ToolException if there is none."""
    answer = _choose(name, answers, args, state.canned)
    if answer is None:
        asked = json.dumps(args, ensure_ascii=False)
        raise ToolException(f"{name}: no canned answer fits {asked}")
    await clock.sleep(answer.delay)
    if answer.error is not None:
        raise ToolException(answer.error)
    value = answer.value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _canned_tool(name: str, spec: CannedTool) -> BaseTool:
    schema = _schema(spec.parameters)
    required, known = schema.get("required", []), schema.get("properties", {})

    @evaluated
    async def run(runtime: ToolRuntime[Any, Any], **args: Any) -> str:
        if missing := [key for key in required if key not in args]:
            raise ToolException(f"{name}: missing argument {', '.join(missing)}")
        if known and (unknown := [key for key in args if key not in known]):
            raise ToolException(f"{name}: unknown argument {', '.join(unknown)}")
        return await _give(name, spec.returns, args, state_of(runtime.config))

    return StructuredTool(
        name=name,
        description=spec.description or f"The tool {name}.",
        args_schema=schema,
        coroutine=run,
        handle_tool_error=True,
    )


def _choose(
    name: str, answers: Sequence[Return], args: Mapping[str, Any], given: Counter[tuple[str, int]]
) -> Return | None:
    """The first answer that fits, and is not used up; counted in ``given``."""
    for index, answer in enumerate(answers):
        used_up = answer.times is not None and given[name, index] >= answer.times
        if not used_up and all(
            key in args and same(value, args[key]) for key, value in answer.when.items()
        ):
            given[name, index] += 1
            return answer
    return None


def count_given(scenario: Scenario, past: Past) -> Counter[tuple[str, int]]:
    """How often each answer of the canned tools was given before the run was resumed."""
    given: Counter[tuple[str, int]] = Counter()
    for call in past.tool_calls():
        match scenario.tools.get(call.name):
            case CannedTool(returns=answers) | PythonTool(mock=tuple(answers)):
                _choose(call.name, answers, call.args, given)
    return given


def _schema(parameters: dict[str, JsonValue]) -> dict[str, Any]:
    """JSON Schema of a canned tool's arguments; every one of the short form is required."""
    if is_schema(parameters):
        return dict(parameters)
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}

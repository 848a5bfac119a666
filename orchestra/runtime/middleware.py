"""LangChain's middleware from a scenario: arguments checked, objects made.

The arguments are those of LangChain's own constructors, checked by their signatures, so an
upgrade brings its new ones. What a file gives is data: a list stands for a tuple, the name of a
model for the model, and ``{clear_tool_uses: {keep: 3}}`` for an edit of ``context_editing``. An
argument that takes only functions or classes cannot be given. ``model_fallback`` takes
``first_model``, and ``additional_models`` as a list.

LangChain is imported in the functions: only a scenario that has middleware pays for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ..errors import OrchestraError, Problem, ScenarioError
from ..scenario import ECHO, SCRIPTED, AgentSpec, Scenario
from ..scenario.excerpt import quoted, suggestion
from ..scenario.expressions import check, spans
from ..scenario.middleware import ASIDES, MIDDLEWARE, middleware_named, place_of, tool_problems
from ..scenario.model_names import wrong_model
from ..scenario.nodes import Node
from ..scenario.shape import wrong_kind
from ..scenario.source import Where
from ..text import one_line
from .signatures import (
    LISTS,
    Parameter,
    asked,
    giveable,
    is_called,
    options_of,
    parameters,
    typed_keys,
)

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware, PIIMatch
    from langchain_core.language_models import BaseChatModel

    Layer = AgentMiddleware[Any, Any, Any]

    Detector = Callable[[str], list[PIIMatch]]

MOST_FOUND = 10_000  # places in one text that a detector of pii may find

MakeModel = Callable[[str | None, str], "BaseChatModel"]

# Where LangChain's own default would hide a failure.
_DEFAULTS = {"model_retry": {"on_failure": "error"}}


def middleware_problems(scenario: Scenario) -> list[Problem]:
    """Every wrong argument of the scenario's middleware, at its line."""
    return [
        problem
        for name, spec in scenario.agents.items()
        if isinstance(spec, AgentSpec) and spec.middleware
        for problem in _checked(scenario, name, spec)
    ]


def make_middleware(scenario: Scenario, agent: str, model: MakeModel) -> list[Layer]:
    """The middleware of one agent, in the order of the file. ScenarioError for all that is wrong.

    ``model`` makes a chat model of its name in the file (None: the agent's own), for the
    middleware that speaks for itself with it (empty: it speaks as the agent).
    """
    spec = scenario.agents[agent]
    if not isinstance(spec, AgentSpec) or not spec.middleware:
        return []
    if problems := _checked(scenario, agent, spec):
        raise ScenarioError(problems)
    # Now with the real models, which may lack what a middleware needs.
    layers = _layers(scenario, agent, spec, model, problems)
    if problems:
        raise ScenarioError(problems)
    return [
        layer
        for name, layer in layers
        # It needs a provider that has it; a scripted model knows all its tools anyway.
        if name != "provider_tool_search" or not _offline(model(None, ""))
    ]


def _offline(model: BaseChatModel) -> bool:
    return getattr(model, "spoken_name", None) in (SCRIPTED, ECHO)


def _checked(scenario: Scenario, agent: str, spec: AgentSpec) -> list[Problem]:
    from langchain_core.language_models import FakeListChatModel

    # Whether a model's size is known, as fractions need it, shows only with the real one.
    fake = FakeListChatModel(responses=[], profile={"max_input_tokens": 1})
    problems: list[Problem] = []
    _layers(scenario, agent, spec, lambda *_: fake, problems)
    return [*problems, *tool_problems(scenario, agent, spec)]


def _layers(
    scenario: Scenario, agent: str, spec: AgentSpec, model: MakeModel, problems: list[Problem]
) -> list[tuple[str, Layer]]:
    """The middleware that can be made, with its names in the table."""
    from langchain.agents import middleware

    made: list[tuple[str, Layer]] = []
    for at, given in enumerate(spec.middleware):
        name, where = middleware_named(given.name), place_of(scenario, agent, at, given.name)
        reader = _Reader(scenario, model, name if name in ASIDES else "", problems)
        if name is None:  # a scenario that no loader has checked
            reader.wrong(where, f"unknown middleware {quoted(given.name)}", at_key=True)
            continue
        kind = getattr(middleware, MIDDLEWARE[name])
        layer = reader.made(kind, {**_DEFAULTS.get(name, {}), **given.args}, where)
        if layer is None:
            continue
        if any(layer.name == other.name for _, other in made):
            hint = "pii may stand once for each pii_type, tool_call_limit once for each tool_name"
            reader.refuse(where, f"{quoted(str(where[-1]))} is there twice", hint)
            continue
        if hasattr(layer, "retry_on"):
            layer.retry_on = _retried(layer.retry_on)
        made.append((name, layer))
    return made


def _retried(errors: Callable[[Exception], bool]) -> Callable[[Exception], bool]:
    """What to try again: not what orchestra raises (no reply left, a limit), it would come again.

    Neither is it told to the model as a tool's failure: it ends the run.
    """
    return lambda error: not isinstance(error, OrchestraError) and errors(error)


def _detected(pii_type: str, pattern: str, text: str) -> list[PIIMatch]:
    """Where the expression of a ``detector`` fits. OrchestraError if that cannot be told.

    What could not be looked through must not be said as if there were nothing in it.
    """
    try:
        found = spans(pattern, text, MOST_FOUND + 1)
    except TimeoutError as error:
        raise OrchestraError(f"middleware pii, {pii_type}: {error}") from None
    if len(found) > MOST_FOUND:
        told = f"{pattern!r} is found more than {MOST_FOUND:,} times"
        raise OrchestraError(f"middleware pii, {pii_type}: {told}")
    return [
        {"type": pii_type, "value": text[start:end], "start": start, "end": end}
        for start, end in found
    ]


@dataclass(slots=True)
class _Reader:
    """Makes what a signature asks for of what a file gives, and collects what is wrong."""

    scenario: Scenario
    make: MakeModel
    aside: str
    problems: list[Problem] = field(default_factory=list)

    def made(self, kind: Any, given: dict[str, Any], where: Where) -> Any:
        """An object of the class; None if it cannot be made."""
        known, before = parameters(kind), len(self.problems)
        args = self.fields(known, given, where)
        if isinstance(pattern := args.get("detector"), str):
            args["detector"] = self.detector(args.get("pii_type"), pattern, (*where, "detector"))
        if len(self.problems) > before:
            return None
        if "model" in known and args.get("model") is None:
            args["model"] = self.make(None, self.aside)
        spread = [value for key in args if known[key].spread for value in args[key]]
        args = {key: value for key, value in args.items() if not known[key].spread}
        first = [args.pop(key) for key in known if spread and known[key].required]
        try:
            return kind(*first, *spread, **args)
        except (TypeError, ValueError) as error:
            said = one_line(str(error), 300)
            named = [key for key in args if re.match(rf"{key}\b", said)]
            self.refuse((*where, *named), said)
        return None

    def fields(self, known: dict[str, Parameter], given: dict[str, Any], where: Where) -> Any:
        args, hints = {}, ""
        names = [name for name, it in known.items() if giveable(it.kind)]
        for key, value in given.items():
            if key in known:
                args[key] = self.read(known[key].kind, value, (*where, key))
                continue
            hint = suggestion(key, names) or f"known arguments: {', '.join(names)}"
            self.wrong((*where, key), f"unknown argument {quoted(key)}", hint, at_key=True)
            hints += hint
        for key, it in known.items():
            if it.required and key not in given and f"mean {key!r}" not in hints:
                self.refuse(where, f"missing argument {key!r}")
        return args

    def read(self, kind: Any, value: Any, where: Where) -> Any:
        """The value as a signature asks for it: as the member of the union that fits best."""
        options = options_of(kind)
        if not giveable(kind):
            self.wrong(where, "takes functions or classes, which a file cannot give")
            return None
        if value is not None and any(is_called(it, "BaseChatModel") for it in options):
            return self.named(value, where)
        tries: list[tuple[Any, list[Problem]]] = []
        for option in options:
            if type(value) in asked(option)[0]:
                reader = _Reader(self.scenario, self.make, self.aside)
                tries.append((reader.one(option, value, where), reader.problems))
        tries.sort(key=lambda it: len(it[1]))  # stable: of equals, the first
        if not tries or (len(tries) > 1 and len(tries[0][1]) == len(tries[1][1]) > 0):
            self.misfit(options, value, where)
            return None
        self.problems += tries[0][1]
        return tries[0][0]

    def one(self, kind: Any, value: Any, where: Where) -> Any:
        """The value as one member of a union; its outermost type fits."""
        origin, inner = get_origin(kind), get_args(kind)
        if kind in (int, float) and not 0 <= value < float("inf"):
            self.wrong(where, f"must be at least 0 and finite, found {value}")
        elif origin is Literal and value not in inner:
            self.misfit([kind], value, where)
        elif origin is tuple and len(inner) != len(value):
            self.wrong(where, f"expected {asked(kind)[1]}, found {len(value)} items")
        elif origin is tuple:
            parts = enumerate(zip(inner, value, strict=True))
            return tuple(self.read(part, it, (*where, at)) for at, (part, it) in parts)
        elif origin in LISTS:
            return [self.read(inner[0], it, (*where, at)) for at, it in enumerate(value)]
        elif is_called(kind, "ContextEdit"):
            return self.edit(value, where)
        elif hasattr(kind, "__required_keys__"):
            return self.fields(typed_keys(kind), value, where)
        elif origin is dict:
            return {key: self.read(inner[1], it, (*where, key)) for key, it in value.items()}
        return value

    def edit(self, value: dict[str, Any], where: Where) -> Any:
        """``{clear_tool_uses: {trigger: 1000}}``, the one kind of edit that LangChain has."""
        from langchain.agents.middleware import ClearToolUsesEdit

        given = value.get("clear_tool_uses")
        if list(value) == ["clear_tool_uses"] and isinstance(given, dict):
            return self.made(ClearToolUsesEdit, given, (*where, "clear_tool_uses"))
        self.wrong(where, "expected one edit", "write {clear_tool_uses: {trigger: 1000, keep: 3}}")
        return None

    def detector(self, pii_type: Any, pattern: str, where: Where) -> Detector | None:
        """What finds an expression: LangChain's own has Python's, which may take for ever."""
        try:
            check(pattern)
        except ValueError as error:
            self.wrong(where, str(error))
            return None
        return partial(_detected, str(pii_type), pattern)

    def named(self, value: Any, where: Where) -> Any:
        """The model that a text names."""
        if not isinstance(value, str):
            self.misfit([str], value, where)
        elif (wrong := wrong_model(value, self.scenario.models)) is not None:
            self.wrong(where, *wrong)
        else:
            return self.make(value, self.aside)
        return None

    def misfit(self, kinds: list[Any], value: Any, where: Where) -> None:
        told = dict.fromkeys(asked(kind)[1] for kind in kinds if kind is not NoneType)
        literals = [it for kind in kinds if get_origin(kind) is Literal for it in get_args(kind)]
        hint = suggestion(value, literals) if isinstance(value, str) else ""
        node = Node([] if isinstance(value, list) else {} if isinstance(value, dict) else value)
        message, other = wrong_kind(" or ".join(told), node)
        self.wrong(where, message, hint or other)

    def wrong(self, where: Where, message: str, hint: str = "", *, at_key: bool = False) -> None:
        self.problems.append(self.scenario.source.problem(where, message, hint, at_key=at_key))

    def refuse(self, where: Where, message: str, hint: str = "") -> None:
        """Report the whole of what stands at a key, whatever line its parts are on."""
        self.problems.append(self.scenario.source.missing(where, message, hint))

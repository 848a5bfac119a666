"""What the constructors of LangChain's middleware ask for, as far as a file can give it.

Its classes are known by their names: some it imports for the type checker only, so there may be
nothing behind a name.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, TypeVar, Union, get_args, get_origin

WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
F = TypeVar("F", bound=Callable[..., Any])

LISTS = (list, Iterable, Sequence)


@dataclass(frozen=True, slots=True)
class Parameter:
    kind: Any
    required: bool = False
    spread: bool = False
    """A list in the file, ``*names`` in the signature."""


class _Unknown:
    def __class_getitem__(cls, _: Any) -> type[_Unknown]:
        return cls


def _hints(thing: Any) -> dict[str, Any]:
    names: dict[str, Any] = {}
    while True:
        try:
            return typing.get_type_hints(thing, localns=names, include_extras=True)
        except NameError as error:
            name = str(error.name)
            names[name] = type(name, (_Unknown,), {})


def evaluated(function: F) -> F:
    """The function, its annotations types and no longer texts.

    LangChain looks at those of a tool twice at every call, and evaluates each text anew.
    """
    function.__annotations__ = typing.get_type_hints(function)
    return function


def parameters(kind: Any) -> dict[str, Parameter]:
    """The arguments of a class, but for the deprecated ones that hide behind ``**``."""
    hints, found = _hints(kind.__init__), dict[str, Parameter]()
    for name, it in inspect.signature(kind).parameters.items():
        if it.kind is it.VAR_POSITIONAL:
            found[name] = Parameter(Sequence[hints[name]], spread=True)  # type: ignore[valid-type] # known when it runs
        elif it.kind is not it.VAR_KEYWORD:
            # 'model' is the agent's own unless given.
            found[name] = Parameter(hints[name], it.default is it.empty and name != "model")
    return found


def typed_keys(kind: Any) -> dict[str, Parameter]:
    """The keys of a TypedDict; its own ``__required_keys__`` fails where annotations are texts."""
    return {
        name: Parameter(it, kind.__total__ and get_origin(it) is not NotRequired)
        for name, it in _hints(kind).items()
    }


def options_of(kind: Any) -> list[Any]:
    """The members of a union that a file can give, and chat models, which it can name."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Annotated, NotRequired):
        return options_of(inner[0])
    if origin in (Union, UnionType):
        return [option for member in inner for option in options_of(member)]
    if origin in LISTS or origin is tuple:
        return [kind] if inner and all(map(options_of, inner)) else []
    known = (
        kind in (*WORDS, NoneType, Any)
        or origin in (Literal, dict)
        or hasattr(kind, "__required_keys__")
    )
    return (
        [kind]
        if known or is_called(kind, "BaseChatModel") or is_called(kind, "ContextEdit")
        else []
    )


def giveable(kind: Any) -> bool:
    return any(option is not NoneType for option in options_of(kind))


def is_called(kind: Any, name: str) -> bool:
    return getattr(kind, "__name__", "") == name


def asked(option: Any) -> tuple[tuple[type, ...], str]:
    """The types of the values in a file that may fit, and YAML's words for them."""
    origin, inner = get_origin(option), get_args(option)
    if origin is Literal:
        return tuple(map(type, inner)), " or ".join(map(repr, inner))
    if origin is tuple:
        return (list,), f"[{', '.join(asked(it)[1].strip(chr(39)) for it in inner)}]"
    if origin in LISTS:
        return (list,), "a list"
    if is_called(option, "BaseChatModel"):
        return (), "text"
    if option in WORDS:
        return (option, int) if option is float else (option,), WORDS[option]
    if option is Any:
        return (str, int, float, bool, list, dict, NoneType), "a value"
    return (option,) if option is NoneType else (dict,), "a mapping"

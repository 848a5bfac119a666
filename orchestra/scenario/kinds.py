"""Reads the models' annotations: what a file should hold at a place."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from .nodes import Entry, Node
from .scalars import Scalar
from .spec import keys_of

T = TypeVar("T")


def _known(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """Reads an annotation once. There are few, each is asked for at every value of a file, and
    not all can be hashed; what is kept with its answer has its id for ever.
    """
    found: dict[int, tuple[Any, T]] = {}

    @wraps(read)
    def look(kind: Any) -> T:
        if id(kind) not in found:
            found[id(kind)] = kind, read(kind)
        return found[id(kind)][1]

    return look


@_known
def bare(kind: Any) -> Any:
    """An annotation without ``Annotated`` and ``| None``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
            continue
        if get_origin(kind) in (Union, types.UnionType):
            members = [member for member in get_args(kind) if member is not type(None)]
            if len(members) == 1:
                kind = members[0]
                continue
        return kind


@_known
def members(kind: Any) -> list[Any]:
    """The members of a union but ``None``; empty if it is none."""
    if get_origin(kind) not in (Union, types.UnionType):
        return []
    return [member for member in get_args(kind) if member is not type(None)]


def tag(member: Any) -> str | None:
    """The tag of a union's member, as pydantic puts it into the place of an error."""
    return next((it.tag for it in getattr(member, "__metadata__", ()) if isinstance(it, Tag)), None)


def labelled(member: Any, label: str | int) -> bool:
    """Whether pydantic calls that member so: ``Spec``, or ``function-before[_short(), Spec]``."""
    if get_origin(bare(member)) is Literal:
        return str(label).startswith("literal[")
    name = getattr(bare(member), "__name__", "")
    return label == name or str(label).endswith(f" {name}]")


def child(kind: Any, part: str | int) -> Any:
    """The annotation of a field, a mapping's values or a list's items; None if there is none."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = keys_of(kind).get(str(part))
        return field.annotation if field else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


@_known
def wanted(kind: Any) -> str:
    """The kind of value that an annotation asks for, in YAML's words."""
    kind = bare(kind)
    if get_origin(kind) in (tuple, list):
        return "a list"
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return "a mapping"
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(kind, "")


def accepts(kind: Any, node: Node) -> bool:
    """Whether a value is of the kind that an annotation asks for, whatever it holds."""
    asked = wanted(kind)
    match node.value:
        case bool():
            return asked == "true or false"
        case int():
            return asked in ("a whole number", "a number")
        case float():
            return asked == "a number"
        case str():
            return asked == "text"
        case list():
            return asked == "a list"
        case dict():
            return asked == "a mapping"
    return False


def optional(kind: Any) -> bool:
    """Whether an annotation is of the form ``X | None``."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def scalars(node: Node) -> Iterator[Scalar]:
    """What stands in a document beside lists and mappings, in no order."""
    todo = [node]
    while todo:
        match todo.pop().value:
            case dict() as entries:
                todo += [entry.node for entry in entries.values()]
            case list() as items:
                todo += items
            case scalar:
                yield scalar


def with_whole_numbers(node: Node, kind: Any) -> Node:
    """The document with ``8.0`` as 8 where a whole number is asked for: JSON Schema takes it so.

    Elsewhere, as in what a tool answers, 8.0 stays 8.0.
    """
    if any(isinstance(it, float) and it.is_integer() for it in scalars(node)):  # few have one
        return _whole(node, kind)
    return node


def _whole(node: Node, kind: Any) -> Node:
    """Recursive, as deep as a document may be."""
    options = members(bare(kind)) or [bare(kind)]
    asked = {wanted(it) for it in options}
    match node.value:
        case float() as number if number.is_integer():
            whole = "a whole number" in asked and "a number" not in asked
            return replace(node, value=int(number)) if whole else node
        case dict() as entries:
            kinds = {key: _part(options, node, key) for key in entries}
            filled = {
                key: Entry(_whole(it.node, kinds[key]), it.line, it.column)
                for key, it in entries.items()
            }
            return replace(node, value=filled)
        case list() as items:
            below = _part(options, node, 0)
            return replace(node, value=[_whole(it, below) for it in items])
    return node


def _part(options: list[Any], node: Node, part: str | int) -> Any:
    """The annotation of what stands at a key or an index, by the first option that has it."""
    kinds = (child(bare(it), part) for it in options if accepts(it, node))
    return next((it for it in kinds if it is not None), None)

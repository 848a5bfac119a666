"""How a JSONPath is read and followed: the library's ways, bounded.

Every value that it looks at counts, and every comparison; its regular expressions are those of
``expressions``. A value does not know its way from the root: that may be longer than the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jsonpath import JSONPathEnvironment, JSONPathMatch, JSONPathSyntaxError, NodeList
from jsonpath.filter import StringLiteral
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.parse import Parser
from jsonpath.segments import (
    JSONPathChildSegment,
    JSONPathRecursiveDescentSegment,
    JSONPathSegment,
)
from jsonpath.stream import TokenStream
from jsonpath.token import TOKEN_INTERSECTION, TOKEN_RE, TOKEN_RE_PATTERN, Token

from .bounds import spend, spend_on
from .expressions import check, fullmatch, search

_DOT = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\.", re.DOTALL)
_REFUSED = {
    TOKEN_RE: "'=~' is not of RFC 9535; write match(@.x, 'expression') or search(…)",
    TOKEN_RE_PATTERN: "an expression is a text: search(@.x, 'expression')",
    TOKEN_INTERSECTION: "'&' is not of RFC 9535",
}


class _Node(JSONPathMatch):
    """A value that was found; making one is a step."""

    __slots__ = ()

    def __init__(self, **given: Any) -> None:
        spend()
        super().__init__(**given)

    def add_child(self, *_: JSONPathMatch) -> None:
        pass

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:  # noqa: ARG002 - jsonpath's
        return _node(self, obj, self)


def _node(of: JSONPathMatch, value: object, parent: JSONPathMatch | None) -> JSONPathMatch:
    context = of.filter_context()
    return _Node(filter_context=context, obj=value, parent=parent, path="", parts=(), root=of.root)


def _counted(nodes: Iterable[JSONPathMatch]) -> Iterator[JSONPathMatch]:
    """The library makes the root itself; all others are made by their parents."""
    for node in nodes:
        yield node if isinstance(node, _Node) else _node(node, node.obj, None)


class _Child(JSONPathChildSegment):
    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        return super().resolve(_counted(nodes))


class _Descent(JSONPathRecursiveDescentSegment):
    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
        return super().resolve(_counted(nodes))


class _Parser(Parser):
    def parse_query(self, stream: TokenStream) -> Iterable[JSONPathSegment]:
        for it in super().parse_query(stream):
            kind = _Descent if isinstance(it, JSONPathRecursiveDescentSegment) else _Child
            yield kind(env=it.env, token=it.token, selectors=it.selectors)


class _Expression(FilterFunction):
    """``search`` or ``match``: false for what is no text, or no expression, as RFC 9535 has it."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, fits: Callable[[str, str], bool]) -> None:
        self._fits = fits

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            check(pattern)
        except ValueError:
            return False  # one from the document: those of the path were checked with it
        return self._fits(_dialect(pattern), value)


def _dialect(pattern: str) -> str:
    """In RFC 9485 a dot is neither end of a line; here it may be the first."""
    return _DOT.sub(lambda found: r"[^\n\r]" if found[0] == "." else found[0], pattern)


class Rules(JSONPathEnvironment):
    """RFC 9535, bounded."""

    parser_class = _Parser

    def __init__(self) -> None:
        # Copies of an expression, made to keep its parts, could not be counted.
        super().__init__(filter_caching=False)

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["search"] = _Expression(search)
        self.function_extensions["match"] = _Expression(fullmatch)

    def compile(self, path: str) -> Any:
        for token in self.lexer.tokenize(path):
            if told := _REFUSED.get(token.kind):
                raise JSONPathSyntaxError(told, token=token)
        return super().compile(path)

    def validate_function_extension_signature(self, token: Token, args: list[Any]) -> list[Any]:
        found = super().validate_function_extension_signature(token, args)
        if token.value in ("search", "match") and isinstance(args[1], StringLiteral):
            try:
                check(args[1].value)
            except ValueError as error:
                told = f"{args[1].value!r} {error}"
                raise JSONPathSyntaxError(told, token=token) from None
        return found

    def is_truthy(self, obj: object) -> bool:
        spend()
        return super().is_truthy(obj)

    def compare(self, left: object, operator: str, right: object) -> bool:
        spend()
        kinds = {type(left), type(right)}
        if operator in ("in", "contains") or (len(kinds) == 1 and NodeList not in kinds):
            spend_on(left, right)
        return super().compare(left, operator, right)

"""YAML as a tree of nodes that know where they stand, bounded while it is read.

Scenario files come from strangers. The tree is built from the parser's events with a stack of its
own, so depth costs no recursion, and what an alias stands for is counted, not copied, before
anything could be expanded.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from ..errors import Problem, ScenarioError
from .excerpt import escaped, hidden, problem_at, quoted, split_lines, suggestion
from .parsers import BROKEN, Plain, parser_of
from .scalars import Scalar, plain
from .slips import quoting, value_at
from .syntax import syntax_problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 10_000
MAX_PROBLEMS = 100
"""More are of no use to a person, and each costs a search for the nearest name."""

# What YAML calls not printable, and the line breaks that YAML 1.1 knew and no editor counts. (What
# is allowed would be a class of a million characters, and takes 5 ms to compile.)
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Blanks of web pages and word processors, where YAML wants its own.
_ODD_BLANK = re.compile("(?:^|:)([\xa0\u2000-\u200a\u202f\u3000])")
_HALF = "half a character (a surrogate) in an escape"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place; ``line`` and ``column`` count from 1, 0 is unknown.

    Attributes:
        size: nodes in it, itself included and every alias expanded.
        height: levels below it.
    """

    value: Scalar | list[Node] | dict[str, Entry] = None
    file: str = ""
    line: int = 0
    column: int = 0
    size: int = 1
    height: int = 0

    def get(self, key: str | int) -> Node | None:
        """The node at a key of a mapping or an index of a list, if there is one."""
        value = self.value
        if isinstance(value, dict):
            entry = value.get(key) if isinstance(key, str) else None
            return entry.node if entry else None
        if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            return value[key]
        return None

    def plain(self) -> Any:
        """The value as JSON knows it. Recursive, as deep as :data:`MAX_DEPTH` at most."""
        match self.value:
            case dict() as entries:
                return {key: entry.node.plain() for key, entry in entries.items()}
            case list() as items:
                return [item.plain() for item in items]
            case scalar:
                return scalar


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a mapping, and the place of its key."""

    node: Node
    line: int
    column: int


@dataclass(slots=True)
class Budget:
    """How many nodes all files of one scenario may have together."""

    nodes: int = MAX_NODES


def compose(
    text: str,
    file: str = "",
    *,
    budget: Budget | None = None,
    problems: list[Problem] | None = None,
) -> Node:
    """The document in ``text``; ScenarioError if it has none, is too large, or is broken.

    Mistakes that leave a readable tree (a duplicate key, a tag) are added to ``problems`` when a
    list is given, so that they can be told together with what is found later.
    """
    budget = budget or Budget()
    nodes, told = budget.nodes, problems or []
    composer = _Composer(text, file, parser_of(text), budget, [*told])
    try:
        node = composer.compose()
    except BROKEN:
        budget.nodes = nodes
        composer = _Composer(text, file, Plain, budget, [*told])
        try:
            node = composer.compose()
        except BROKEN as error:
            problem = syntax_problem(error, composer.lines, file)
            raise ScenarioError([*composer.problems, problem]) from None
    if problems is None and composer.problems:
        raise ScenarioError(composer.problems)
    if problems is not None:
        problems[:] = composer.problems
    return node


Place = tuple[int, int]


@dataclass(slots=True)
class _Open:
    """A list or a mapping that is still being read."""

    place: Place
    anchor: str | None
    items: list[Node] | dict[str, Entry]
    key: tuple[str, Place] | None = None
    size: int = 1
    height: int = 0


@dataclass(slots=True)
class _Composer:
    text: str
    file: str
    parser: Any
    budget: Budget
    problems: list[Problem]
    lines: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | _Open] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    root: Node | None = None

    def compose(self) -> Node:
        self.lines = split_lines(self.text)
        self.check_characters()
        self.check_directives()
        for event in yaml.parse(self.text, self.parser):
            self.take(event)
        if self.root is None or self.root.value is None:
            raise ScenarioError([*self.problems, Problem(file=self.file, message="is empty")])
        return self.root

    def check_characters(self) -> None:
        found = _FORBIDDEN.search(self.text)
        if found is None:
            return
        if found[0] == "\0":
            raise ScenarioError([Problem(file=self.file, message="is not a text file")])
        before = split_lines(self.text[: found.start()])
        write = f'write "{escaped(found[0])}" in double quotes'
        hint = "remove it" if _SURROGATE.match(found[0]) else write
        place = len(before), len(before[-1]) + 1
        self.stop(place, f"the invisible character U+{ord(found[0]):04X} is not allowed", hint)

    def check_directives(self) -> None:
        """The two parsers know different ones, and a scenario needs none."""
        for number, line in enumerate(self.lines, start=1):
            if line.startswith("%"):
                self.stop((number, 1), "directives are not allowed", "remove this line")
            if line and not line.startswith("#"):
                return

    def take(self, event: yaml.Event) -> None:
        line, column = _place(event)
        place = self.numbers.setdefault(line, line), column  # all of a line have one number
        match event:
            case yaml.MappingStartEvent():
                self.open(event, place, {})
            case yaml.SequenceStartEvent():
                self.open(event, place, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.close()
            case yaml.ScalarEvent():
                self.scalar(event, place)
            case yaml.AliasEvent():
                self.alias(str(event.anchor), place)
            case yaml.DocumentStartEvent() if self.root is not None:
                self.stop(place, "a second document begins here", "keep one per file")

    def open(
        self, event: yaml.CollectionStartEvent, place: Place, items: list[Node] | dict[str, Entry]
    ) -> None:
        self.refuse_tag(event.tag, place)
        if self.expects_key():
            self.stop(*self.no_key(place))
        if len(self.stack) >= MAX_DEPTH:
            self.stop(place, f"more than {MAX_DEPTH} levels deep")
        self.spend(1, place)
        opened = _Open(place, event.anchor, items)
        if event.anchor:
            self.anchors[event.anchor] = opened
        self.stack.append(opened)

    def no_key(self, place: Place) -> tuple[Place, str, str]:
        """Where a list or a mapping stands for a key: most likely ``{{input}}`` without quotes."""
        line, column = self.stack[-1].place
        if value := value_at(self.lines, line, column) if (line, column + 1) == place else "":
            return (
                (line, column),
                f"text that begins with {value[:2]!r} needs quotes",
                quoting(value),
            )
        return place, "a key must be text", "text that begins with '{' or '[' needs quotes"

    def close(self) -> None:
        done = self.stack.pop()
        node = Node(done.items, self.file, *done.place, done.size, done.height)
        if done.anchor and self.anchors.get(done.anchor) is done:
            self.anchors[done.anchor] = node
        self.add(node)

    def scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        self.refuse_tag(event.tag, place)
        if self.expects_key():
            text = _joined(event.value)
            node = Node(text, self.file, *place)
            self.key(text, place)
        else:
            self.spend(1, place)
            node = Node(self.read(event, place), self.file, *place)
            self.add(node)
        if event.anchor:
            self.anchors[event.anchor] = node

    def read(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        text = _joined(event.value)
        if _SURROGATE.search(text):
            self.problem(place, _HALF)
            return ""
        if event.style:  # quoted, or a block: text whatever it looks like
            return text
        try:
            return plain(event.value)
        except ValueError as error:
            self.problem(place, str(error), "put it in quotes if it is meant as text")
            return event.value

    def alias(self, name: str, place: Place) -> None:
        if self.expects_key():
            self.stop(place, "a key cannot be an alias", "write it out")
        match self.anchors.get(name):
            case Node() as node:
                if len(self.stack) + node.height > MAX_DEPTH:
                    self.stop(place, f"more than {MAX_DEPTH} levels deep with this alias expanded")
                self.spend(node.size, place)
                self.add(node)
            case _Open():
                self.stop(place, f"the alias *{name} is part of what it stands for")
            case None:
                hint = suggestion(name, self.anchors) or "'*' begins an alias: text needs quotes"
                self.problem(place, f"no anchor &{name} stands above this alias", hint)
                self.add(Node(None, self.file, *place))

    def expects_key(self) -> bool:
        if not self.stack:
            return False
        parent = self.stack[-1]
        return isinstance(parent.items, dict) and parent.key is None

    def key(self, text: str, place: Place) -> None:
        if _SURROGATE.search(text):
            self.stop(place, _HALF)
        parent = self.stack[-1]
        parent.key = sys.intern(text), place
        if found := hidden(text):
            message = f"the key {quoted(text)} holds the invisible character {found}"
            self.problem(place, message, "remove it")
        elif odd := _ODD_BLANK.search(text):
            message = f"the blank here is no ordinary one, but U+{ord(odd[1]):04X}"
            self.problem(place, message, "write an ordinary blank")
        if isinstance(parent.items, dict) and text in parent.items:
            hint = f"the first one is at line {parent.items[text].line}"
            self.problem(place, f"the key {quoted(text)} is given twice", hint)

    def add(self, node: Node) -> None:
        """Put a finished node where it belongs: into what is open, or at the top."""
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        match parent.items, parent.key:
            case list() as items, _:
                items.append(node)
            case dict() as entries, (key, place):
                entries.setdefault(key, Entry(node, *place))
                parent.key = None

    def refuse_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None:
            hint = "remove it; text that begins with '!' needs quotes"
            self.problem(place, f"the tag {quoted(tag)} is not allowed", hint)

    def spend(self, nodes: int, place: Place) -> None:
        self.budget.nodes -= nodes
        if self.budget.nodes < 0:
            self.stop(place, f"more than {MAX_NODES:,} values, with every alias expanded")

    def problem(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(problem_at(self.lines, self.file, *place, message, hint))
        if len(self.problems) > MAX_PROBLEMS:
            raise ScenarioError(self.problems)

    def stop(self, place: Place, message: str, hint: str = "") -> NoReturn:
        self.problem(place, message, hint)
        raise ScenarioError(self.problems)


def _joined(text: str) -> str:
    """``text`` with every pair of surrogates as the one character that JSON writes so.

    The Python parser reads the halves of ``"\\ud83d\\ude00"`` one by one, libyaml refuses them.
    """
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)

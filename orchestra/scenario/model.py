"""A scenario: what one YAML file says, once it has been checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, StringConstraints, Tag

from .agents import AnyAgent, ModelSpec, steps_of
from .expect import Expectation
from .replies import Decision, Reply
from .running import RunSpec
from .source import Source
from .spec import Name, Spec, text_or
from .tools import ToolSpec


def _no_bool(value: Any) -> Any:
    return str(value) if isinstance(value, bool) else value  # Python's True equals 1


def _one_or_list(value: Any) -> str:
    return "@list" if isinstance(value, (list, tuple)) else "@one"


class Item(Spec):
    """One of ``turns`` or ``inputs``, with a name and checks of its own."""

    input: str
    """What the user says."""
    name: str = ""
    """What to call the case, or the turn."""
    expect: tuple[Expectation, ...] = ()
    """Checks at the end of this turn, or of this case."""


_Item = Annotated[
    Annotated[str, Tag("@text")] | Annotated[Item, Tag("@mapping")], Discriminator(text_or)
]
_Items = Annotated[tuple[_Item, ...], Field(min_length=1)]


def _item(given: str | Item) -> Item:
    return Item(input=given) if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class Case:
    """One run that a scenario asks for: a conversation, and what is expected of it.

    Attributes:
        name: the scenario's name, with ``[0]`` or ``[its name]`` for one of ``inputs``.
        turns: the user's messages, with the checks of each turn.
        expect: the checks at the end.
        alone: whether it is the scenario's only case.
    """

    name: str
    turns: tuple[Item, ...]
    expect: tuple[Expectation, ...] = ()
    alone: bool = True


class Scenario(Spec):
    """One YAML file, loaded and checked."""

    version: Annotated[Literal[1], BeforeValidator(_no_bool)]
    """Of the language."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = ""
    """Default: the file's stem."""
    description: str = ""
    """What it shows, for ``orchestra list``."""
    tags: tuple[str, ...] = ()
    """To choose scenarios by."""
    models: dict[Name, ModelSpec | str] = {}
    """Named models; ``default`` is used where an agent names none."""
    tools: dict[Name, ToolSpec] = {}
    """The tools that agents name."""
    agents: Annotated[dict[Name, AnyAgent], Field(min_length=1)]
    """Agents and composites, by name."""
    main: Annotated[
        Annotated[str, Tag("@one")]
        | Annotated[Annotated[tuple[str, ...], Field(min_length=1)], Tag("@list")],
        Discriminator(_one_or_list),
    ] = ""
    """The agent that gets the input, or several that run side by side on it. Default: the only
    agent that no ``subagents`` and no step names."""
    input: str | None = None
    """One user message; at most one of ``input``, ``turns`` and ``inputs``."""
    turns: _Items | None = None
    """The user's messages of a conversation: texts, or ``{input, name, expect}``."""
    inputs: _Items | None = None
    """A batch, one independent run each: texts, or ``{input, name, expect}``."""
    interactive: bool = False
    """Ask for further turns after the given ones, in the viewer and on a terminal."""
    script: dict[str, tuple[Reply, ...]] = {}
    """What the scripted model says; a key is the tail of a call path."""
    decisions: tuple[Decision, ...] = ()
    """What the person decides where approval is asked."""
    expect: tuple[Expectation, ...] = ()
    """What ``orchestra test`` checks, of each of ``inputs`` or at the end of a conversation."""
    run: RunSpec = RunSpec()
    """How it is run: timeouts, retries, and limits."""

    _source: Source = PrivateAttr(default_factory=Source)

    @property
    def source(self) -> Source:
        """The file it came from: path, root, digest, and where each key stands."""
        return self._source

    @property
    def mains(self) -> tuple[str, ...]:
        """The main agents; most often one."""
        return (self.main,) if isinstance(self.main, str) else self.main

    @property
    def cases(self) -> tuple[Case, ...]:
        """The runs that the file asks for, in order; none if it gives no input."""
        if self.inputs is not None:
            items = [_item(given) for given in self.inputs]
            return tuple(
                Case(f"{self.name}[{item.name or at}]", (item,), self.expect, alone=False)
                for at, item in enumerate(items)
            )
        given = self.turns if self.turns is not None else (self.input,)
        turns = tuple(_item(it) for it in given if it is not None)
        return (Case(self.name, turns, self.expect),) if turns else ()

    @property
    def checks(self) -> Iterator[tuple[tuple[str | int, ...], Expectation]]:
        """Every check of the file, what it negates included, and where it stands."""
        todo: deque[tuple[tuple[str | int, ...], Expectation]] = deque()
        todo.extend((("expect", at), it) for at, it in enumerate(self.expect))
        for key, items in (("turns", self.turns), ("inputs", self.inputs)):
            for number, item in enumerate(items or ()):
                if isinstance(item, Item):
                    own = enumerate(item.expect)
                    todo.extend(((key, number, "expect", at), it) for at, it in own)
        while todo:
            where, check = todo.popleft()
            yield where, check
            if check.not_ is not None:
                todo.append(((*where, "not"), check.not_))

    def key_of(self, case: Case) -> str:
        """What a cassette calls a case: without the scenario's name, which may change."""
        return "" if case.alone else case.name.removeprefix(self.name)[1:-1]

    def case_of(self, *messages: str) -> Case:
        """A conversation of other messages than the file's, with its checks at the end."""
        return Case(self.name, tuple(map(_item, messages)), self.expect)

    def parents(self, agent: str) -> tuple[str, ...]:
        """The agents that may call ``agent``, in the order of the file."""
        return tuple(name for name, spec in self.agents.items() if agent in steps_of(spec))

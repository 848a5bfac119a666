"""A team as a tree, from the main agents down: what ``orchestra show`` prints of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..scenario import (
    AgentSpec,
    AnyAgent,
    LoopSpec,
    MapSpec,
    Matcher,
    ParallelSpec,
    RouteSpec,
    Scenario,
    SequenceSpec,
)
from ..scenario.advice import reachable
from ..scenario.agents import step
from ..scenario.team import choose, speaks
from ..text import one_line

DEEPEST = 20  # levels; a chain of thousands would be as wide as it is long
LONGEST = 60  # characters of a text of the file within a line


class Link(NamedTuple):
    """From an agent to another: as what it is called, and what goes before its name."""

    name: str
    role: str = ""
    handoff: bool = False


def kind_of(spec: AnyAgent) -> str:
    """What an agent is, by the key that makes it so."""
    kinds: Mapping[type, str] = {
        AgentSpec: "agent",
        SequenceSpec: "sequence",
        ParallelSpec: "parallel",
        MapSpec: "map",
        LoopSpec: "loop",
        RouteSpec: "route",
    }
    return kinds[type(spec)]


def links(spec: AnyAgent) -> list[Link]:
    """Whom an agent calls, in the order of the file, and whom it hands over to."""
    match spec:
        case AgentSpec():
            found = [Link(name) for name in spec.subagents]
            return found + [Link(name, "", handoff=True) for name in spec.handoffs]
        case SequenceSpec():
            return _numbered([step(it).agent for it in spec.sequence])
        case LoopSpec():
            return _numbered([step(it).agent for it in spec.loop])
        case ParallelSpec():
            found = [Link(step(it).agent) for it in spec.parallel]
        case MapSpec():
            found = [Link(step(spec.map).agent, "each")]
        case RouteSpec():
            return _routes(spec)
    return found + ([Link(step(spec.join).agent, "join")] if spec.join else [])


def _numbered(names: list[str]) -> list[Link]:
    return [Link(name, f"{number}.") for number, name in enumerate(names, start=1)]


def _routes(spec: RouteSpec) -> list[Link]:
    found = [Link(rule.to, f"if {said(rule.when)}:") for rule in spec.rules]
    found += [Link(name, f"“{one_line(why, LONGEST)}”:") for name, why in spec.choices.items()]
    return found + ([Link(spec.default, "default:")] if spec.default else [])


def said(matcher: Matcher) -> str:
    """A matcher in words."""
    given = matcher.model_dump(exclude_none=True)
    return " and ".join(f"{key} {one_line(str(it), LONGEST)!r}" for key, it in given.items())


def tree(scenario: Scenario) -> Iterator[str]:
    """The lines of the tree. An agent is told once; where it comes again it is marked ``↑``."""
    outline = _Outline(scenario)
    for name in scenario.mains:
        yield from outline.top(name)
    reached = reachable(scenario)
    for words, names in (
        ("further down:", [name for name in scenario.agents if name in reached]),
        ("never reached:", [name for name in scenario.agents if name not in reached]),
    ):
        if any(name not in outline.told for name in names):
            yield words
        for name in names:
            if name not in outline.told:
                yield from outline.top(name)


class _Outline:
    def __init__(self, scenario: Scenario) -> None:
        self.agents = scenario.agents
        self.scenario = scenario
        self.told: set[str] = set()

    def top(self, name: str) -> Iterator[str]:
        yield self._line(Link(name))
        if name not in self.told:
            self.told.add(name)
            yield from self._below(name, "")

    def _below(self, name: str, indent: str) -> Iterator[str]:
        found = links(self.agents[name])
        if found and len(indent) >= DEEPEST * 3:
            yield f"{indent}└─ …"
            return
        for at, link in enumerate(found):
            last = at == len(found) - 1
            again = link.name in self.told
            yield f"{indent}{'└─' if last else '├─'} {self._line(link)}"
            self.told.add(link.name)
            if not again:
                yield from self._below(link.name, indent + ("   " if last else "│  "))

    def _line(self, link: Link) -> str:
        role = "→ " if link.handoff else f"{link.role} " if link.role else ""
        if link.name in self.told:
            return f"{role}{link.name} ↑"
        title = one_line(self.agents[link.name].title)
        named = f"{link.name} “{title}”" if title and title != link.name else link.name
        return f"{role}{named}  {' · '.join(facts(self.scenario, link.name))}"


def model_of(scenario: Scenario, name: str) -> str:
    """The model of an agent as it stands in the file, or nothing if none speaks for it."""
    return choose(scenario, name).model if speaks(scenario.agents[name]) else ""


def facts(scenario: Scenario, name: str) -> list[str]:
    """What there is to say of an agent besides its name and whom it calls."""
    spec = scenario.agents[name]
    found = [kind_of(spec)] if not isinstance(spec, AgentSpec) else []
    if model := model_of(scenario, name):
        found.append(one_line(model, LONGEST))
    match spec:
        case AgentSpec():
            found += _told("tools", spec.tools)
            found += _told("asks before", spec.approve)
            found += ["answers in JSON"] if spec.response_format else []
            found += _told("middleware", tuple(it.name for it in spec.middleware))
        case LoopSpec():
            found += [f"until {said(spec.until)}"] if spec.until else []
            found.append(f"at most {spec.max_rounds} rounds")
        case MapSpec():
            found += [f"over {one_line(spec.over, LONGEST)}"] if spec.over else []
    return found


def _told(word: str, names: tuple[str, ...]) -> list[str]:
    return [f"{word} {', '.join(map(one_line, names))}"] if names else []

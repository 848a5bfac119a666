"""A team as a Mermaid flowchart. What a file says goes into quoted labels, as entities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..scenario import AgentSpec, Scenario
from ..text import one_line
from .outline import kind_of, links

_SHAPES = {
    "agent": '["{}"]',
    "sequence": '[["{}"]]',
    "parallel": '[/"{}"/]',
    "map": '[/"{}"\\]',
    "loop": '{{{{"{}"}}}}',
    "route": '{{"{}"}}',
}
_SPECIAL = re.compile(r"[^\w .,:/'’“”…-]")
_LONGEST = 60  # characters of a label


def mermaid(scenario: Scenario) -> Iterator[str]:
    """The lines of a flowchart: delegation is solid, a handoff dotted, a tool rounded."""
    yield "flowchart TD"
    # Numbered, as a name may be one of Mermaid's own words, such as `end`.
    agents = {name: f"a{at}_{_word(name)}" for at, name in enumerate(scenario.agents)}
    tools = {name: f"t{at}_{_word(name)}" for at, name in enumerate(scenario.tools)}
    for name, spec in scenario.agents.items():
        kind = kind_of(spec)
        title = label(spec.title.strip() or name)
        told = title if kind == "agent" else f"{title}<br/>{kind}"
        yield f"  {agents[name]}{_SHAPES[kind].format(told)}"
    used = [
        (name, tool)
        for name, spec in scenario.agents.items()
        if isinstance(spec, AgentSpec)
        for tool in spec.tools
    ]
    for tool in dict.fromkeys(tool for _, tool in used):
        yield f'  {tools[tool]}("{label(tool)}")'
    for name, spec in scenario.agents.items():
        for link in links(spec):
            yield f"  {agents[name]} {_arrow(link.role, handoff=link.handoff)} {agents[link.name]}"
    for name, tool in used:
        yield f"  {agents[name]} --- {tools[tool]}"
    yield "  classDef main stroke-width:3px"
    yield f"  class {','.join(agents[name] for name in scenario.mains)} main"


def label(text: str) -> str:
    """A text as part of a quoted label: nothing in it can end the label, or begin markup."""
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", one_line(text, _LONGEST))


def _arrow(role: str, *, handoff: bool) -> str:
    if handoff:
        return '-. "hands over" .->'
    role = role.removesuffix(":").removesuffix(".")
    return f'-- "{label(role)}" -->' if role else "-->"


def _word(name: str) -> str:
    return re.sub(r"\W|-", "_", name, flags=re.ASCII)

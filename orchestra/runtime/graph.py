"""From a scenario to a compiled graph that serves any number of runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph

from ..errors import OrchestraError
from ..events import Member
from ..scenario import Scenario
from ..scenario.team import Script, choose, members, spoken
from .delegate import call_agent, delegate
from .models import Models
from .observe import Observer
from .state import state_of
from .tools import make_tool


@dataclass(slots=True)
class Team:
    """The agents of a scenario, built and ready. Holds nothing of a run: runs may be concurrent.

    ``graph`` is the root: one node that calls the main agent. It catches what the team raises,
    so LangGraph's stream ends in good order and nothing that was said is lost with it.
    """

    scenario: Scenario
    graph: Any  # CompiledStateGraph; its type parameters say nothing here
    members: tuple[Member, ...]
    script: Script
    """What of the script its agents answer from."""
    redact: Callable[[str], str] = str
    _closers: Sequence[Callable[[], Any]] = field(default_factory=list)

    async def aclose(self) -> None:
        """Close the models' connections; the team is of no more use."""
        for close in self._closers:
            await close()


class _Root(TypedDict):
    turn: int


def build(
    scenario: Scenario,
    *,
    models: Mapping[str, str] | None = None,
    rate: float = 0.0,
    trust: bool = False,
) -> Team:
    """Build the team of ``scenario``.

    Args:
        models: model by agent name, in place of what the file says; see :func:`choose`.
        rate: tokens per second of scripted replies that give none; 0 is at once.
        trust: let tools be code of a project one does not stand in.

    Raises:
        ScenarioError: a tool cannot be loaded.
        UsageError: a model cannot be made: no key, no such provider.
    """
    agents: dict[str, Any] = {}
    makers = Models(scenario, rate)
    chosen = {name: choose(scenario, name, models) for name in scenario.agents}
    used = {tool for spec in scenario.agents.values() for tool in spec.tools}
    tools = {
        name: make_tool(scenario, name, trust=trust) for name in scenario.tools if name in used
    }
    for name, spec in scenario.agents.items():
        subagents = [
            delegate(agents, sub, scenario.agents[sub].description) for sub in spec.subagents
        ]
        agents[name] = create_agent(
            makers.make(chosen[name]),
            [tools[tool] for tool in spec.tools] + subagents,
            system_prompt=spec.system_prompt or None,
            middleware=[Observer(name, chosen[name].model, frozenset(spec.subagents))],
            name=name,
        )
    return Team(
        scenario=scenario,
        graph=_root(scenario.main, agents),
        members=members(scenario, models),
        script=spoken(scenario, models),
        redact=makers.redact,
        _closers=makers.closers,
    )


def _root(main: str, agents: Mapping[str, Any]) -> Any:
    async def run(state: _Root, config: RunnableConfig) -> dict[str, Any]:
        own = state_of(config)
        if own.cancelled:
            return {"turn": state["turn"]}
        # A task of its own, so that cancel() ends the agents and not the stream that tells of it.
        own.task = asyncio.create_task(
            call_agent(agents, main, main, own.messages, state=own, write=get_stream_writer())
        )
        try:
            own.messages = list(await own.task)
        except GraphBubbleUp as error:
            asked = error.args[0] if error.args else ()
            questions = ", ".join(repr(getattr(each, "value", each)) for each in asked)
            own.error = OrchestraError(f"nobody can answer what a tool asked: {questions}")
        except asyncio.CancelledError:
            if not own.cancelled:  # the consumer walked away: nobody is left to be told
                raise
        except Exception as error:  # noqa: BLE001 - every failure of a run ends in run_finished
            own.error = error
        else:
            own.output = own.messages[-1].text
        return {"turn": state["turn"]}

    graph = StateGraph(_Root)
    graph.add_node("run", run)
    graph.add_edge(START, "run")
    graph.add_edge("run", END)
    return graph.compile(name="orchestra")

"""From a scenario to a compiled graph that serves any number of runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, ModelFallbackMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.config import get_stream_writer
from langgraph.errors import GraphBubbleUp
from langgraph.func import entrypoint

from ..cassette import Taping
from ..errors import OrchestraError, ScenarioError
from ..events import Member
from ..scenario import AgentSpec, Composite, RouteSpec, Scenario
from ..scenario.agents import TRANSFER
from ..scenario.environment import environment
from ..scenario.team import Script, choose, members, offline, resolve, spoken
from .approval import ALL, YES_OR_NO, questions_of
from .composites import blocks, choice_prompt, composite, side_by_side
from .delegate import Caller, Crew, call_agent, delegate, transfer
from .finder import Finder
from .middleware import make_middleware
from .models import Models
from .observe import Observer, around
from .secrets import Filler
from .state import state_of
from .structured import response_model
from .tools import make_tools
from .turns import Turns


@dataclass(slots=True)
class Team:
    """The agents of a scenario, built and ready. Holds nothing of a run: runs may be concurrent.

    ``graph`` is the root, the same for every team: it calls the main agents. It catches
    what they raise, so LangGraph's stream ends in good order and nothing that was said is lost.
    """

    scenario: Scenario
    graph: Any  # CompiledStateGraph; its type parameters say nothing here
    begin: Callable[[Caller], Awaitable[str]]
    """One turn of the conversation with the main agents."""
    members: tuple[Member, ...]
    script: Script
    """What of the script its agents answer from."""
    secrets: Filler = field(default_factory=Filler)
    """The values of the environment that went into its models and tools."""
    taping: Taping | None = None
    """How what its models say is recorded, or replayed."""
    _closers: Sequence[Callable[[], Any]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether there is anything to close."""
        return bool(self._closers)

    async def aclose(self) -> None:
        """Close the models' connections; the team is of no more use."""
        for close in self._closers:
            await close()


def build(
    scenario: Scenario,
    *,
    models: Mapping[str, str] | None = None,
    rate: float = 0.0,
    packages: Sequence[str] = (),
    trust: bool = False,
    taping: Taping | None = None,
    mock: bool = False,
) -> Team:
    """Build the team of ``scenario``.

    Args:
        models: model by agent name, in place of what the file says; see :func:`choose`.
        rate: tokens per second of scripted replies that give none; 0 is at once.
        packages: installed packages whose code may be tools.
        trust: let tools be code of a project one does not stand in.
        taping: how what its models say is recorded, or replayed.
        mock: tools that have a ``mock`` answer as it says, and are not run.

    Raises:
        ScenarioError: a tool cannot be loaded, or a middleware not made.
        UsageError: a model cannot be made: no key, no such provider.
    """
    filler = Filler(environment())
    makers = Models(scenario, rate, taping, filler)
    replayed = taping.speaks if taping and not taping.records else (lambda _: False)
    tools = make_tools(scenario, filler, Finder(scenario, packages, trust=trust), mock=mock)
    crew = Crew(dict(scenario.agents))
    for name, spec in scenario.agents.items():
        if isinstance(spec, AgentSpec):
            crew.makers[name] = _agent(scenario, crew, name, spec, makers, models, tools)
        else:
            picker = _picker(scenario, name, spec, makers, models)
            crew.makers[name] = partial(composite, crew, name, spec, picker)
    return Team(
        scenario=scenario,
        graph=_root(),
        begin=partial(_all, scenario.mains, crew),
        members=members(scenario, models),
        script=spoken(scenario, models, replayed),
        secrets=filler,
        taping=taping,
        _closers=makers.closers,
    )


def _agent(
    scenario: Scenario,
    crew: Crew,
    name: str,
    spec: AgentSpec,
    makers: Models,
    models: Mapping[str, str] | None,
    tools: Mapping[str, Sequence[BaseTool]],
) -> Callable[[], Any]:
    """How to compile the graph of one agent. What can be wrong with it comes out now."""
    chosen = choose(scenario, name, models)

    def model(ref: str | None, aside: str) -> BaseChatModel:
        """A model of the agent's middleware: scripted where the agent is, whatever it names."""
        spoken = chosen if ref is None or offline(chosen) else resolve(scenario, ref)
        return makers.make(spoken, name, aside)

    own = [tool for listed in spec.tools for tool in tools[listed]]
    own += [delegate(crew, subagent) for subagent in spec.subagents]
    own += [transfer(crew, other) for other in spec.handoffs]
    _refuse_twins(scenario, name, own)
    layers, approve = _approvals(spec, make_middleware(scenario, name, model))
    delegates = frozenset(spec.subagents)
    turns = Turns(name, chosen.model, delegates, _fallbacks(layers))
    outer = around(layers)
    observer = Observer(name, turns, approve, delegates, alone=not outer)
    schema = spec.response_format
    return partial(
        create_agent,
        makers.make(chosen, name),
        own,
        system_prompt=spec.system_prompt or None,
        middleware=[*outer, *layers, observer],
        # As a tool, also where the provider has a better way: LangChain's own way for that asks
        # no second time when an answer does not fit, and goes past our OpenAIChat.
        response_format=None if schema is None else ToolStrategy(response_model(schema)),
        name=name,
    )


def _approvals(
    spec: AgentSpec, layers: Sequence[Any]
) -> tuple[list[Any], dict[str, Sequence[str]]]:
    """The middleware without LangChain's approval, and what may be decided of which tool.

    Ours asks in the same words, and goes on where it stands; see ``approval``.
    """
    kept, asks = [], dict[str, Sequence[str]](dict.fromkeys(spec.approve, ALL))
    for layer in layers:
        if isinstance(layer, HumanInTheLoopMiddleware):
            asks |= {tool: it["allowed_decisions"] for tool, it in layer.interrupt_on.items()}
        else:
            kept.append(layer)
    asks |= dict.fromkeys((it for it in asks if it.startswith(TRANSFER)), YES_OR_NO)
    return kept, asks


def _fallbacks(layers: Sequence[Any]) -> int:
    """How many models middleware tries after the agent's own."""
    return sum(len(it.models) for it in layers if isinstance(it, ModelFallbackMiddleware))


def _refuse_twins(scenario: Scenario, agent: str, tools: Sequence[BaseTool]) -> None:
    """The methods of classes are known only now, and may have the name of another tool."""
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            where = ("agents", agent, "tools")
            message = f"two tools of this agent are called {tool.name!r}"
            raise ScenarioError([scenario.source.problem(where, message, "rename one")])
        seen.add(tool.name)


def _picker(
    scenario: Scenario,
    name: str,
    spec: Composite,
    makers: Models,
    models: Mapping[str, str] | None,
) -> Any:
    """The graph by which the model of a route picks a name; None where there is no model."""
    if not isinstance(spec, RouteSpec) or not spec.choices:
        return None
    chosen = choose(scenario, name, models)
    return create_agent(
        makers.make(chosen, name),
        system_prompt=choice_prompt(spec),
        middleware=[Observer(name, Turns(name, chosen.model))],
        name=name,
    )


@cache
def _root() -> Any:
    """Compiled once: what it calls is in the state of the run."""

    @entrypoint()
    async def orchestra(turn: int, config: RunnableConfig) -> None:  # noqa: ARG001 - LangGraph's signature
        own = state_of(config)
        if own.stopped or own.begin is None:
            return
        # A task of its own, so that cancel() ends the agents and not the stream that tells of it.
        caller = Caller(own, get_stream_writer())
        own.task = asyncio.ensure_future(own.begin(caller))
        try:
            own.output = await own.task
        except GraphBubbleUp as error:
            own.waiting = questions_of(error)
            if not own.waiting:
                own.error = OrchestraError(f"{type(error).__name__} in a tool: {error}")
        except asyncio.CancelledError:
            if not own.stopped:  # the consumer walked away: nobody is left to be told
                raise
        except Exception as error:  # noqa: BLE001 - every failure of a run ends in run_finished
            own.error = own.error or error

    return orchestra


async def _all(mains: Sequence[str], crew: Crew, caller: Caller) -> str:
    """One turn of the conversation with the main agent, or with each of several."""
    conversations = caller.state.conversations
    works = [call_agent(crew, name, name, conversations[name], caller) for name in mains]
    answers = [await works[0]] if len(works) == 1 else await side_by_side(works)
    for name, answer in zip(mains, answers, strict=True):
        conversations[name] = list(answer.messages)
    texts = [answer.text for answer in answers]
    return texts[0] if len(mains) == 1 else blocks(zip(mains, texts, strict=True))

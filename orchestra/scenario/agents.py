"""Agents and composites, as a scenario describes them.

Field names are those of ``create_agent`` wherever it has one. A composite is an agent without a
model of its own (only a route may have one): it calls other agents as its steps.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, JsonValue, Tag, field_validator

from .matcher import Matcher
from .paths import compiled
from .spec import (
    Arguments,
    Name,
    Named,
    Positive,
    Spec,
    Timeout,
    Tokens,
    text_or,
)

SCRIPTED, ECHO = "scripted", "echo"
DEFAULT = "default"

TRANSFER = "transfer_to_"
"""What the name of a handoff's tool begins with."""
RESPONSE = "structured_response"
"""The tool by which a model gives its structured answer."""


class ModelSpec(Spec):
    """A model with its settings; they are handed to ``langchain.chat_models.init_chat_model``."""

    model: str
    """``provider:name``, as ``openai:gpt-5-mini``; or ``scripted``, or ``echo``."""
    temperature: float | None = None
    """How freely it chooses its words; 0 is the least."""
    top_p: float | None = None
    """Which share of the likeliest words it chooses from."""
    max_tokens: Positive | None = None
    """How long one answer may be."""
    timeout: Timeout | None = None
    """Seconds for one request."""
    max_retries: Tokens | None = None
    """Of the provider's SDK; 0 unless given."""
    seed: int | None = None
    """Asks the provider for the same answer each time."""
    base_url: str | None = None
    """An OpenAI-compatible server, as ``http://127.0.0.1:8000/v1``."""
    api_key: str | None = None
    """Best as ``${NAME}``: filled from the environment, never written anywhere."""
    default_headers: dict[str, str] | None = None
    """Headers that go with every request."""
    model_kwargs: dict[str, JsonValue] | None = None
    """Anything else that the provider's API takes."""


class MiddlewareSpec(Named):
    """One of LangChain's middlewares: ``name``, or ``{name: {argument: value}}``."""

    what = "middleware"

    name: str
    """In snake_case, as ``model_retry`` for ``ModelRetryMiddleware``."""
    args: Arguments = {}
    """What it is made with."""


class Limits(Spec):
    """What one go of an agent may use: one delegated task, one step, or one user turn."""

    model_calls: Positive = 100
    """Answers of its model."""
    tool_calls: Positive = 10_000
    """Tool calls, delegations among them."""
    seconds: Timeout = 3600.0
    """Time on the clock."""
    tokens: Positive = 5_000_000
    """Input and output, as the provider reports them."""


class _Member(Spec):
    title: str = ""
    """Display name, any characters."""
    description: str = ""
    """What a caller's model reads as the description of the delegate tool."""


class AgentSpec(_Member):
    """One agent; its key is its name, on the wire and as ``lc_agent_name``."""

    system_prompt: str = ""
    """What it is told before anything else."""
    model: str | ModelSpec | None = None
    """A name of ``models``, ``provider:name``, ``scripted`` or ``echo``."""
    tools: tuple[str, ...] = ()
    """Names of ``tools``."""
    subagents: tuple[str, ...] = ()
    """Each becomes a delegate tool named after the agent, taking ``{query: string}``."""
    handoffs: tuple[str, ...] = ()
    """Each becomes a tool ``transfer_to_<agent>``; the conversation moves there."""
    approve: tuple[str, ...] = ()
    """Tools that wait for a person, one question per call."""
    response_format: Arguments | None = None
    """A JSON Schema of type ``object``, which the last answer is made to fit."""
    middleware: tuple[MiddlewareSpec, ...] = ()
    """LangChain's middleware by snake_case name, the outermost first."""
    limits: Limits = Limits()
    """What one go of it may use."""


class StepSpec(Spec):
    """A step with an input of its own."""

    agent: str
    """Who takes the step."""
    input: str = ""
    """A template: ``{{input}}`` is what the composite was asked, ``{{previous}}`` the output of
    the step before, ``{{steps.researcher}}`` the last output of that step."""


Step = Annotated[
    Annotated[str, Tag("@text")] | Annotated[StepSpec, Tag("@mapping")], Discriminator(text_or)
]


def step(given: str | StepSpec) -> StepSpec:
    """A step in its long form."""
    return StepSpec(agent=given) if isinstance(given, str) else given


class SequenceSpec(_Member):
    """Its steps one after another; each gets the output of the one before."""

    sequence: Annotated[tuple[Step, ...], Field(min_length=1)]
    """Names of agents, or ``{agent, input}``."""


class ParallelSpec(_Member):
    """Its steps side by side on the same input."""

    parallel: Annotated[tuple[Step, ...], Field(min_length=1)]
    """Names of agents, or ``{agent, input}``."""
    join: Step | None = None
    """Gets the outputs as blocks headed ``## name``, in listed order; without it, that text is
    the output."""


class MapSpec(_Member):
    """One agent called once per item of the input, side by side."""

    map: Step
    """The agent; in a template, ``{{input}}`` is the item."""
    over: str = ""
    """A JSONPath into the input's JSON, as ``$.items``; default: its items, or its lines."""
    join: Step | None = None
    """As in ``parallel``."""

    @field_validator("over")
    @classmethod
    def _is_path(cls, path: str) -> str:
        if path:
            compiled(path)
        return path


class LoopSpec(_Member):
    """Its steps in rounds; with a writer and a critic, the evaluator-optimiser."""

    loop: Annotated[tuple[Step, ...], Field(min_length=1)]
    """The first step gets the task, and in later rounds also its own last output and that of the
    last step. The output of the loop is the first step's last one."""
    until: Matcher | None = None
    """Ends the loop when it fits the output of the last step."""
    max_rounds: Annotated[int, Field(gt=0, le=1000)] = 3
    """Running out of them is a warning."""


class Rule(Spec):
    """A route that needs no model."""

    when: Matcher
    """Of the input."""
    to: str
    """The agent that answers."""


Choices = dict[Name, str]


def _rule_or(value: Any) -> str:
    rule = isinstance(value, Rule) or (isinstance(value, dict) and value.keys() & {"when", "to"})
    return "@rule" if rule else "@choices"


def _choices_or(value: Any) -> str:
    return "@rules" if isinstance(value, (list, tuple)) else "@choices"


_Option = Annotated[
    Annotated[Rule, Tag("@rule")] | Annotated[Choices, Tag("@choices")], Discriminator(_rule_or)
]


class RouteSpec(_Member):
    """One of several agents answers: the first whose rule fits, or the one a model picks."""

    route: Annotated[
        Annotated[Annotated[Choices, Field(min_length=1)], Tag("@choices")]
        | Annotated[Annotated[tuple[_Option, ...], Field(min_length=1)], Tag("@rules")],
        Discriminator(_choices_or),
    ]
    """``{name: when to choose it}`` for a model to pick from; or a list, with rules
    ``{when: …, to: name}`` before it."""
    default: str | None = None
    """Answers if no rule fits and no model picks a name."""
    model: str | ModelSpec | None = None
    """Picks one name; as an agent's ``model``."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What is tried first, in order."""
        options = self.route if isinstance(self.route, tuple) else ()
        return tuple(option for option in options if isinstance(option, Rule))

    @property
    def choices(self) -> Choices:
        """What a model picks from; empty if no model is needed."""
        options = self.route if isinstance(self.route, tuple) else (self.route,)
        found: Choices = {}
        for option in options:
            if not isinstance(option, Rule):
                found.update(option)
        return found


COMPOSITES: dict[str, type[_Member]] = {
    "sequence": SequenceSpec,
    "parallel": ParallelSpec,
    "map": MapSpec,
    "loop": LoopSpec,
    "route": RouteSpec,
}


def composite_of(keys: Any) -> str | None:
    """Which composite an agent is, by its keys; None if it is none."""
    return next((kind for kind in COMPOSITES if kind in keys), None)


def kind_of(spec: object) -> str:
    """``agent``, or which composite it is."""
    return next((kind for kind, each in COMPOSITES.items() if type(spec) is each), "agent")


def _agent_tag(value: Any) -> str:
    if isinstance(value, dict):
        return f"@{composite_of(value) or 'agent'}"
    return f"@{kind_of(value)}"


Composite = SequenceSpec | ParallelSpec | MapSpec | LoopSpec | RouteSpec
AnyAgent = Annotated[
    Annotated[AgentSpec, Tag("@agent")]
    | Annotated[SequenceSpec, Tag("@sequence")]
    | Annotated[ParallelSpec, Tag("@parallel")]
    | Annotated[MapSpec, Tag("@map")]
    | Annotated[LoopSpec, Tag("@loop")]
    | Annotated[RouteSpec, Tag("@route")],
    Discriminator(_agent_tag),
]


def steps_of(spec: AgentSpec | Composite) -> tuple[str, ...]:
    """The agents that an agent calls, as subagents or as steps; each once, in order."""
    match spec:
        case AgentSpec():
            names: list[str] = [*spec.subagents]
        case SequenceSpec():
            names = [step(it).agent for it in spec.sequence]
        case ParallelSpec():
            names = [step(it).agent for it in spec.parallel]
        case MapSpec():
            names = [step(spec.map).agent]
        case LoopSpec():
            names = [step(it).agent for it in spec.loop]
        case RouteSpec():
            names = [*(rule.to for rule in spec.rules), *spec.choices]
            names += [spec.default] if spec.default else []
    if isinstance(spec, ParallelSpec | MapSpec) and spec.join:
        names.append(step(spec.join).agent)
    return tuple(dict.fromkeys(names))

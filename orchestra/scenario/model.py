"""The scenario language as types: what a YAML file says, once it has been checked.

Field names are those of ``create_agent`` wherever it has one. The text under a field is its
documentation, and goes into the JSON Schema.

Files are validated as JSON in strict mode: ``"40"`` is no number, and ``1`` is no text.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    PrivateAttr,
    StringConstraints,
    Tag,
    ValidationInfo,
    model_validator,
)

from .expect import Expectation, named_arguments, spelled_out
from .source import Source

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
SCRIPTED, ECHO = "scripted", "echo"
DEFAULT = "default"

PYTHON = r"^[\w.]+:[\w.]+$"
JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object")

Name = Annotated[str, StringConstraints(pattern=NAME)]
Arguments = dict[str, JsonValue]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Spec(BaseModel):
    """A part of a scenario: immutable, and without keys nobody knows."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
        allow_inf_nan=False,
    )


class ModelSpec(Spec):
    """A model with its settings; they are handed to ``langchain.chat_models.init_chat_model``."""

    model: str
    """``provider:name``, as ``openai:gpt-5-mini``; or ``scripted``, or ``echo``."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds for one request."""
    max_retries: Annotated[int, Field(ge=0)] | None = None
    """Of the provider's SDK; 0 unless given."""
    seed: int | None = None
    base_url: str | None = None
    """An OpenAI-compatible server, as ``http://127.0.0.1:8000/v1``."""
    api_key: str | None = None
    """Best as ``${NAME}``: filled from the environment, never written anywhere."""
    default_headers: dict[str, str] | None = None
    model_kwargs: dict[str, JsonValue] | None = None
    """Anything else that the provider's API takes."""


class AgentSpec(Spec):
    """One agent; its key is its name, on the wire and as ``lc_agent_name``."""

    title: str = ""
    """Display name, any characters."""
    description: str = ""
    """What a caller's model reads as the description of the delegate tool."""
    system_prompt: str = ""
    model: str | ModelSpec | None = None
    """A name of ``models``, ``provider:name``, ``scripted`` or ``echo``."""
    tools: tuple[str, ...] = ()
    """Names of ``tools``."""
    subagents: tuple[str, ...] = ()
    """Each becomes a delegate tool named after the agent, taking ``{query: string}``."""


class PythonTool(Spec):
    """A function, or a LangChain tool, of a Python module of the project."""

    python: Annotated[str, StringConstraints(pattern=PYTHON)]
    """``module:function``, looked up beside the scenario and under its root."""


class Return(Spec):
    """One answer of a canned tool."""

    when: Arguments = {}
    """Arguments that must be equal for this answer to fit."""
    value: JsonValue = None
    error: str | None = None
    """The tool fails with this message, and the model is told so."""
    delay: Seconds = 0.0
    """Seconds before the answer."""
    times: Annotated[int, Field(gt=0)] | None = None
    """How often it may be given in one run; default: without end."""

    @model_validator(mode="after")
    def _one_answer(self) -> Return:
        if ("value" in self.model_fields_set) == ("error" in self.model_fields_set):
            raise ValueError("needs one of 'value' and 'error'")
        return self


class CannedTool(Spec):
    """A tool without code: deterministic answers, the first that fits is given."""

    description: str = ""
    parameters: Arguments = {}
    """Short form ``{city: string}``, or a JSON Schema of type ``object``."""
    returns: Annotated[tuple[Return, ...], Field(min_length=1)]


def is_schema(parameters: Arguments) -> bool:
    """Whether the parameters of a canned tool are a JSON Schema, and not the short form."""
    return parameters.get("type") == "object"


def _tool_tag(value: Any) -> str:
    return "@python" if isinstance(value, dict) and "python" in value else "@canned"


ToolSpec = Annotated[
    Annotated[PythonTool, Tag("@python")] | Annotated[CannedTool, Tag("@canned")],
    Discriminator(_tool_tag),
]


class ScriptedCall(Spec):
    """A tool call of a scripted reply; in YAML ``{name: {argument: value}}`` or just ``name``."""

    name: str
    args: Arguments = {}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        return value if spelled_out(cls, value, info) else named_arguments(value, "tool call")


class ScriptedUsage(Spec):
    """Token usage that a scripted reply reports."""

    input_tokens: Annotated[int, Field(ge=0)] = 0
    output_tokens: Annotated[int, Field(ge=0)] = 0
    reasoning_tokens: Annotated[int, Field(ge=0)] = 0
    cached_tokens: Annotated[int, Field(ge=0)] = 0


class Reply(Spec):
    """One scripted model turn."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ScriptedCall, ...] = ()
    usage: ScriptedUsage | None = None
    """What the reply reports; default: estimated from the text."""
    finish_reason: str | None = None
    """Default: ``tool_calls`` if it calls any, else ``stop``."""
    rate: Annotated[float, Field(ge=0)] | None = None
    """Tokens per second; 0 is at once; default: the settings."""
    first_token: Seconds = 0.0
    """Seconds before the first token."""


def _no_bool(value: Any) -> Any:
    return str(value) if isinstance(value, bool) else value  # Python's True equals 1


class Scenario(Spec):
    """One YAML file, loaded and checked."""

    version: Annotated[Literal[1], BeforeValidator(_no_bool)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = ""
    """Default: the file's stem."""
    description: str = ""
    tags: tuple[str, ...] = ()
    models: dict[Name, ModelSpec | str] = {}
    """Named models; ``default`` is used where an agent names none."""
    tools: dict[Name, ToolSpec] = {}
    agents: Annotated[dict[Name, AgentSpec], Field(min_length=1)]
    main: str = ""
    """Default: the only agent that is no other agent's subagent."""
    input: str | None = None
    """One user message; at most one of ``input`` and ``turns``."""
    turns: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The user messages of a conversation."""
    script: dict[str, tuple[Reply, ...]] = {}
    """What the scripted model says; a key is the tail of a call path."""
    expect: tuple[Expectation, ...] = ()

    _source: Source = PrivateAttr(default_factory=Source)

    @property
    def source(self) -> Source:
        """The file it came from: path, root, digest, and where each key stands."""
        return self._source

    @property
    def inputs(self) -> tuple[str, ...]:
        """The user messages of one run, in order; empty if the file gives none."""
        if self.turns is not None:
            return self.turns
        return () if self.input is None else (self.input,)

    def parents(self, agent: str) -> tuple[str, ...]:
        """The agents that may call ``agent``, in the order of the file."""
        return tuple(name for name, spec in self.agents.items() if agent in spec.subagents)

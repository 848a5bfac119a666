"""What the scripted model says, and what a person decides: the scripted half of a scenario."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .matcher import Matcher
from .spec import Arguments, Named, Seconds, Spec, Tokens


class ScriptedCall(Named):
    """A tool call of a scripted reply; in YAML ``{name: {argument: value}}`` or just ``name``."""

    what = "tool call"

    name: str
    """The tool, or the subagent."""
    args: Arguments = {}
    """What it is called with."""


class ScriptedUsage(Spec):
    """Token usage that a scripted reply reports."""

    input_tokens: Tokens = 0
    """What the model read."""
    output_tokens: Tokens = 0
    """What it wrote, its reasoning included."""
    reasoning_tokens: Tokens = 0
    """The part of the output that was reasoning."""
    cached_tokens: Tokens = 0
    """The part of the input that came from the provider's cache."""
    cost: Annotated[float, Field(ge=0)] = 0.0
    """What the provider says that it cost."""


class Fault(Spec):
    """Breaks the stream of a reply, to see what the team makes of it."""

    error: Literal[
        "connection", "rate_limit", "timeout", "server", "stall", "malformed", "unfinished"
    ]
    """What goes wrong."""
    after: Annotated[int, Field(ge=0)] = 0
    """Chunks of any kind before it."""
    attempts: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] = (1,)
    """On which attempts at this reply it happens, from 1."""


class Reply(Spec):
    """One scripted model turn."""

    text: str = ""
    """What it says."""
    reasoning: str = ""
    """What it thinks before that."""
    tool_calls: tuple[ScriptedCall, ...] = ()
    """What it calls, all at once: ``{tool: {argument: value}}``, or just ``tool``."""
    structured: Arguments | None = None
    """The object that answers an agent's ``response_format``."""
    usage: ScriptedUsage | None = None
    """What the reply reports; default: estimated from the text."""
    finish_reason: str | None = None
    """Default: ``tool_calls`` if it calls any, else ``stop``."""
    rate: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Tokens per second; 0 is at once; default: the settings."""
    first_token: Seconds = 0.0
    """Seconds before the first token."""
    chunks: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The text in the very pieces in which it is streamed."""
    match: Matcher | None = None
    """Of the last message: the first unused reply that fits is taken."""
    fault: Fault | None = None
    """What breaks its stream."""

    @model_validator(mode="after")
    def _agrees(self) -> Reply:
        if self.chunks is not None and self.text not in ("", "".join(self.chunks)):
            raise ValueError("'chunks' are not the pieces of 'text'; leave 'text' out")
        if self.structured is not None and self.tool_calls:
            raise ValueError("a structured answer ends the agent: it has no 'tool_calls'")
        return self

    @property
    def words(self) -> str:
        """The text, whichever way it is given."""
        return "".join(self.chunks) if self.chunks is not None else self.text


class Decision(Spec):
    """What the person decides when an agent asks for approval; taken in order."""

    agent: str
    """The agent's name, or its call path."""
    tool: str
    """The tool that waits."""
    decide: Literal["approve", "edit", "reject", "respond"]
    """``approve``: the call goes on; ``edit``: with other arguments; ``reject``: it does not;
    ``respond``: it gets an answer without the tool."""
    args: Arguments | None = None
    """``edit``: the whole arguments that the tool gets instead."""
    message: str | None = None
    """``reject``: why; ``respond``: the answer in the tool's place."""
    times: Annotated[int, Field(gt=0)] | Literal["all"] = 1
    """How many questions it answers."""

    @model_validator(mode="after")
    def _agrees(self) -> Decision:
        if (self.args is not None) != (self.decide == "edit"):
            needs = "needs" if self.decide == "edit" else "takes no"
            raise ValueError(f"'decide: {self.decide}' {needs} 'args'")
        if self.message is not None and self.decide not in ("reject", "respond"):
            raise ValueError(f"'decide: {self.decide}' takes no 'message'")
        if self.message is None and self.decide == "respond":
            raise ValueError("'decide: respond' needs 'message'")
        return self

"""The values that events are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider reported them, never a count of chunks."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool call of a model message, its arguments whole."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One agent of the team. ``parents`` are the agents that may call it.

    ``kind`` is ``agent``, or which composite it is: ``sequence``, ``parallel``, ``map``, ``loop``,
    ``route``. ``model`` is empty for a composite that says nothing itself. ``structured``: its
    answers are JSON.
    """

    name: str
    title: str = ""
    description: str = ""
    parents: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    model: str = ""
    kind: str = "agent"
    structured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTotals:
    """What one agent did in a run, over all its calls.

    ``first_token`` is the mean time to the first token in seconds (None: no token came);
    ``seconds`` the time its models spent answering.
    """

    calls: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    first_token: float | None = None
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens per second of answering, from reported usage; None if unknown."""
        if self.seconds <= 0 or not self.usage.output_tokens:
            return None
        return self.usage.output_tokens / self.seconds

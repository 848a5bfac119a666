"""How a scenario is run: timeouts, retries, and what a whole run may use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .spec import Positive, Spec, Timeout

Failure = Literal["connection", "rate_limit", "timeout", "server"]


class Retry(Spec):
    """Of model calls that failed; it owns the retries, the provider's SDK has none."""

    attempts: Annotated[int, Field(gt=0, le=100)] = 3
    """Of one model call, the first included."""
    backoff: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """Seconds before the second attempt; twice as long before each one after it."""
    errors: Annotated[tuple[Failure, ...], Field(min_length=1)] = (
        "connection",
        "rate_limit",
        "timeout",
        "server",
    )
    """Which failures are tried again."""


class RunLimits(Spec):
    """What a whole run may use."""

    model_calls: Positive = 1000
    """Answers of all models."""
    tokens: Positive = 20_000_000
    """Input and output, as the providers report them."""
    cost: Annotated[float, Field(gt=0)] | None = None
    """What its model calls may cost, as far as providers report it; default: no limit."""


class RunSpec(Spec):
    """How it is run."""

    timeout: Timeout | None = None
    """Seconds for the whole run."""
    model_timeout: Timeout | None = None
    """Seconds for one model call."""
    first_token_timeout: Timeout | None = None
    """Seconds until the first token of a model call."""
    max_concurrency: Annotated[int, Field(gt=0, le=1000)] = 8
    """Model calls at once, and cases of ``inputs`` at once."""
    retry: Retry = Retry()
    """What happens when a model call fails."""
    on_timeout: Literal["fail", "invoke"] = "fail"
    """When a model call takes too long. ``invoke``: one bounded try without streaming."""
    on_broken_stream: Literal["fail", "invoke", "keep"] = "fail"
    """When a stream ends too soon. ``invoke``: one bounded try without streaming; ``keep``: go on
    with what was said."""
    limits: RunLimits = RunLimits()
    """What the whole run may use."""
    replay_tools: bool = False
    """In a replay tools are not run: they give what they gave when it was recorded."""

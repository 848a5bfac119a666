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


class RunLimits(Spec):
    """What a whole run may use."""

    model_calls: Positive = 1000
    tokens: Positive = 20_000_000
    """Input and output, as the providers report them."""
    cost: Annotated[float, Field(gt=0)] | None = None


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
    on_timeout: Literal["fail", "invoke"] = "fail"
    """``invoke``: one bounded try without streaming."""
    on_broken_stream: Literal["fail", "invoke", "keep"] = "fail"
    """``keep``: go on with what was said."""
    limits: RunLimits = RunLimits()

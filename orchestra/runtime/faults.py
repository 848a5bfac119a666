"""What can go wrong with a model call: which kind of failure it is, and how a stream ended."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping
from typing import Any, Literal, get_args

from langchain_core.messages import AIMessage

from ..cassette.lines import Failed
from ..errors import ModelTimeout
from ..scenario.running import Failure
from .values import brief

HALF = "orchestra_half"  # in response_metadata: the ids of tool calls whose arguments are no JSON
COST = "orchestra_cost"  # in response_metadata: what the provider says that the message cost
UNSAID = "orchestra_unsaid"  # in response_metadata: ended in order, but for no reason that was told
LONGEST_WAIT = 3600.0  # seconds that a server may ask us to wait

# Finish reasons of a turn that was cut short, as the providers spell them.
_CUT = {
    *("length", "max_tokens", "max_output_tokens", "model_length", "incomplete"),
    *("content_filter", "safety", "error", "failed", "network_error"),
}
_TIMEOUTS = {"APITimeoutError", "TimeoutException", "TimeoutError", "StreamChunkTimeoutError"}
_CONNECTIONS = {"APIConnectionError", "ConnectionError", "TransportError", "ClientConnectionError"}
_CODES: dict[str, Failure] = {
    "rate_limit": "rate_limit",
    "timeout": "timeout",
    "server": "server",
    "internal": "server",
    "overload": "server",
    "unavailable": "server",
}
_HOPELESS = {"insufficient_quota", "billing_hard_limit_reached"}  # 429, but no wait will help


class MalformedAnswerError(Exception):
    """A model server answered with something that is no answer."""


class ScriptedFault(Exception):  # noqa: N818 - the word of the language
    """What a reply's ``fault`` breaks its stream with."""

    def __init__(self, kind: Failure, after: int) -> None:
        said, self.status_code = {
            "connection": ("the connection was lost", None),
            "rate_limit": ("too many requests", 429),
            "timeout": ("the server took too long", 408),
            "server": ("the server failed", 500),
        }[kind]
        self.kind = kind
        super().__init__(f"{said} after {after} chunk{'s'[: after != 1]}, as scripted")


class RecordedFault(Exception):  # noqa: N818 - the provider's error, under its own name
    """What a model call failed with when it was recorded; ``brief`` is what was said of it."""

    def __init__(self, brief: str, kind: Failure | None = None, wait: float = 0.0) -> None:
        super().__init__(brief)
        self.brief, self.kind, self.wait = brief, kind, wait

    @classmethod
    def of(cls, failed: Failed) -> RecordedFault:
        """The error of that name: a run ends with the name of what ended it."""
        kind = next((it for it in get_args(Failure) if it == failed.kind), None)
        named: type[RecordedFault] = type(failed.type, (cls,), {})
        return named(failed.said, kind, failed.wait)


def failed_of(error: BaseException) -> Failed:
    """An error as it is recorded."""
    kind = failure_of(error)
    return Failed(said=brief(error), type=type(error).__name__, kind=kind, wait=_asked_for(error))


def failure_of(error: BaseException) -> Failure | None:
    """Which of the failures that may be tried again an error is, of whatever provider.

    The SDKs are much alike: a status, or else a class that is named after what happened. An error
    in the midst of a stream has no status, but most often a code.
    """
    if isinstance(error, ModelTimeout):
        return "timeout"
    if isinstance(error, ScriptedFault | RecordedFault):
        return error.kind
    if isinstance(error, MalformedAnswerError):
        return "server"
    code = getattr(error, "code", None)
    if code in _HOPELESS:
        return None
    status = getattr(error, "status_code", None)
    number = str(code if status is None else status)
    if number.isdecimal():  # of an error in mid-stream, OpenAI's SDK makes a text of it
        return _of_status(int(number[:4]))
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _TIMEOUTS:
        return "timeout"
    if names & _CONNECTIONS:
        return "connection"
    said = f"{code} {getattr(error, 'type', '')}".lower() if code else ""
    return next((kind for word, kind in _CODES.items() if word in said), None)


def _of_status(status: int) -> Failure | None:
    if status == 429:
        return "rate_limit"
    if status in (408, 504):
        return "timeout"
    return "server" if status >= 500 else None


def wait_before(error: BaseException, backoff: float, attempt: int, seed: str) -> float:
    """Seconds to wait after the failed ``attempt``: as long as the server asks for, or longer.

    Exponential, with up to a quarter taken off by chance, so that calls which failed together do
    not come back together. The chance follows from ``seed``: the same call waits the same time.
    """
    jitter = 1 - random.Random(seed).random() / 4  # noqa: S311 - no secret
    own: float = backoff * 2 ** (attempt - 1) * jitter
    return round(max(_asked_for(error), own), 3)


def _asked_for(error: BaseException) -> float:
    """Seconds of ``Retry-After`` (RFC 9110: seconds, or a date) or OpenAI's ``retry-after-ms``."""
    if isinstance(error, RecordedFault):
        return error.wait
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        if said := headers.get("retry-after-ms"):
            seconds = float(said) / 1000
        elif said := headers.get("retry-after"):
            seconds = _seconds(said)
        else:
            return 0.0
    except (ValueError, TypeError):
        return 0.0
    return min(seconds, LONGEST_WAIT) if seconds > 0 else 0.0  # NaN is not either


def _seconds(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return email.utils.parsedate_to_datetime(said).timestamp() - time.time()


def finish_reason(message: AIMessage) -> str | None:
    """Why the provider says that the message ended, in its own word."""
    said = message.response_metadata
    reason = said.get("finish_reason") or said.get("stop_reason") or said.get("status")
    return reason if isinstance(reason, str) else None


def ending(message: AIMessage, model: Any) -> Literal["orderly", "cut", "missing"]:
    """How a message ended. ``missing``: its provider always says why, and said nothing."""
    reason = finish_reason(message)
    if reason is None:
        told = getattr(model, "says_why_it_ends", False) and not message.response_metadata.get(
            UNSAID
        )
        return "missing" if told else "orderly"
    return "cut" if is_cut(reason) else "orderly"


def is_cut(reason: str) -> bool:
    """Whether a finish reason is one of a turn that was cut short."""
    return reason.casefold() in _CUT

"""Values as events hold them: JSON alone, and errors in one short line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import events
from ..errors import OrchestraError
from ..text import whole_characters

if TYPE_CHECKING:
    from langchain_core.messages.ai import UsageMetadata

LONGEST = 400  # characters of an error; some servers answer with a page of HTML
DEEPEST = 100  # values in values: far deeper ones can neither be copied nor written


def plain(value: Any) -> Any:
    """A deep copy of ``value`` made of JSON types only; what JSON lacks becomes its ``str``."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False, allow_nan=False)
        if too_deep(value):
            raise RecursionError
    except (TypeError, ValueError, RecursionError):  # odd keys, NaN, a circle
        text = json.dumps(_spelled(value), default=str, ensure_ascii=False)
    return json.loads(whole_characters(text))


def too_deep(value: Any) -> bool:
    """Whether there are more than DEEPEST values in each other. Of JSON: it has no circles."""
    level = [value]
    for _ in range(DEEPEST):
        inner = [it.values() if isinstance(it, dict) else it for it in level if _holds(it)]
        level = [each for it in inner for each in it]
        if not level:
            return False
    return True


def _holds(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)


def _spelled(value: Any, depth: int = 20) -> Any:
    if isinstance(value, dict) and depth:
        return {str(key): _spelled(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_spelled(item, depth - 1) for item in value]
    if _holds(value):
        return "…"
    return value if isinstance(value, str | int | bool | None) else str(value)


def brief(error: BaseException) -> str:
    """An error in one short line, in the provider's own words where there are any."""
    if isinstance(error, OrchestraError):
        return str(error)
    if isinstance(told := getattr(error, "brief", None), str):  # it was an error of a recording
        return told
    status = getattr(error, "status_code", None)
    try:
        text = str(_said(getattr(error, "body", None)) or error)
    except Exception:  # noqa: BLE001 - a stranger's __str__ may do anything
        text = ""
    if (cause := _cause(error)) and status is None:
        text += f" ({cause})"
    text = whole_characters(" ".join(text.split()))
    if len(text) > LONGEST:
        # Between words, so that no part of a key is left, where it could not be told from others.
        text = text[: text.rfind(" ", 0, LONGEST) + 1] + "…"
    kind = type(error).__name__ + (f" ({status})" if isinstance(status, int) else "")
    return f"{kind}: {text}" if text else kind


def _said(body: Any) -> Any:
    """What a provider says in the body of its refusal; each has a place of its own for it."""
    if isinstance(body, dict):
        return body.get("message") or body.get("error") or body.get("detail") or body
    return body


def _cause(error: BaseException) -> str:
    """What lies behind an error that says as good as nothing, as a failed connection's does."""
    root = error
    for _ in range(10):  # an error may be its own cause
        root = root.__cause__ or root
    return "" if str(root) in str(error) else f"{type(root).__name__}: {root}"


def usage_of(reported: UsageMetadata | None) -> events.Usage | None:
    """The tokens of a message, as its provider reports them; None if it does not."""
    if reported is None:
        return None
    return events.Usage(
        input_tokens=reported["input_tokens"],
        output_tokens=reported["output_tokens"],
        reasoning_tokens=reported.get("output_token_details", {}).get("reasoning") or 0,
        cached_tokens=reported.get("input_token_details", {}).get("cache_read") or 0,
    )

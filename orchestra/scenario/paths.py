"""JSONPath (RFC 9535), by the library ``python-jsonpath``."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from .bounds import bounded

if TYPE_CHECKING:
    from .path_rules import Rules

LONGEST = 1000  # characters of a path
MOST = 100_000  # values that it may find
STEPS = 500_000  # values and comparisons that a path of 50 characters may take to find them


def select(path: str, document: Any) -> list[Any]:
    """The values that ``path`` finds in a document, in order. ValueError if they are too many.

    ValueError, too, if finding them takes too long.
    """
    import jsonpath

    try:
        with bounded(STEPS // (1 + len(path) // 50)):  # a step of a long path takes longer
            found = [it.obj for it in islice(compiled(path).finditer(document), MOST + 1)]
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None
    except (ValueError, TimeoutError) as error:
        raise ValueError(f"{path}: {error}") from None
    if len(found) > MOST:
        raise ValueError(f"{path} finds more than {MOST:,} values")
    return found


@lru_cache(maxsize=256)
def compiled(path: str) -> Any:
    """``path``, ready to use. ValueError if it is no JSONPath."""
    import jsonpath  # here: few scenarios have a path, and it takes its time

    if len(path) > LONGEST:
        raise ValueError(f"a JSONPath of more than {LONGEST} characters")
    if not path.startswith("$"):
        raise ValueError("is no JSONPath: it begins with '$', as '$.items'")
    try:
        return _rules().compile(path)
    except (jsonpath.JSONPathError, RecursionError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"is no JSONPath: {reason}") from None


@lru_cache(maxsize=1)
def _rules() -> Rules:
    from .path_rules import Rules

    return Rules()

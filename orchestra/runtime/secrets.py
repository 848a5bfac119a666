"""``${NAME}`` filled in when a model or a tool needs it, and kept out of all that is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any
from urllib.parse import quote

from ..errors import UsageError
from ..scenario.environment import environment, fill

SHORTEST = 4  # characters of a value that is kept out; shorter ones would blot out common words
HIDDEN = "***"
# What says who and which, and no more: made by us, or by the file.
_NAMES = {"type", "run", "agent", "call", "parent", "message_id", "tool_call_id", "name", "node"}


def _forms(secret: str) -> Iterator[str]:
    """How a secret may be spelt: bare, folded to a line, in Python, in JSON, in JSON in JSON."""
    yield from (secret, secret.strip(), " ".join(secret.split()), repr(secret)[1:-1])
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield quote(secret, safe="")


@dataclass(slots=True)
class Filler:
    """Fills variables of the environment in, and remembers their values as secrets."""

    environ: Mapping[str, str] = field(default_factory=environment)
    secrets: set[str] = field(default_factory=set)
    _spelt: tuple[str, ...] = ()
    _known: int = 0

    def fill(self, where: str, value: Any, *, public: bool = False) -> Any:
        """``value`` with the variables in its texts filled in. UsageError for one that is unset.

        ``public`` values are no secrets: which model it is, is what an error has to say.
        """
        if isinstance(value, dict):
            return {key: self.fill(f"{where}.{key}", item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(where, item) for item in value]
        if not isinstance(value, str):
            return value
        try:
            filled, values = fill(value, self.environ)
        except KeyError as error:
            unset = f"{where}: the environment variable {error.args[0]} is not set"
            raise UsageError(unset) from error
        if not public:
            self.secrets |= values
        return filled

    def redact(self, text: str) -> str:
        """``text`` without the secrets, however it spells them."""
        for spelt in self.spellings:
            text = text.replace(spelt, HIDDEN)
        return text

    @property
    def spellings(self) -> tuple[str, ...]:
        """The secrets as they may be written, the longest first."""
        if self._known != len(self.secrets):
            self._known = len(self.secrets)
            spelt = {
                form for secret in self.secrets for form in _forms(secret) if len(form) >= SHORTEST
            }
            self._spelt = tuple(sorted(spelt, key=len, reverse=True))
        return self._spelt

    def stream(self, text: str) -> tuple[str, str]:
        """What of a streamed text may be said, and its end, that may be a secret's beginning."""
        text = self.redact(text)
        held = 0
        for spelt in self.spellings:
            for size in range(min(len(spelt) - 1, len(text)), held, -1):
                if text.endswith(spelt[:size]):
                    held = size
                    break
        return (text[:-held], text[-held:]) if held else (text, "")

    def clean(self, value: Any) -> Any:
        """An event, or a part of one, without the secrets."""
        match value:
            case str():
                return self.redact(value)
            case dict():
                return {self.clean(key): self.clean(item) for key, item in value.items()}
            case list():
                return [self.clean(item) for item in value]
            case tuple():
                return tuple(self.clean(item) for item in value)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changes = {}
        for each in fields(value):
            if each.name not in _NAMES:
                before = getattr(value, each.name)
                after = self.clean(before)
                if after != before:
                    changes[each.name] = after
        return replace(value, **changes) if changes else value

"""The two YAML parsers, of which a person sees one.

libyaml is fast but may be missing, and takes tabs where PyYAML's own parser does not. So PyYAML's
reads files with tabs, and explains whatever libyaml refuses: the result is always the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

BROKEN = (yaml.YAMLError, ValueError, OverflowError)
"""What the parsers raise; the latter two for escapes such as ``"\\UFFFFFFFF"``."""


class Plain(yaml.SafeLoader):
    """PyYAML's own parser, where it is stricter than libyaml and YAML 1.2 made to read as they do.

    ``{query: Which moon?}`` is text, and ``|# comment`` begins a text.
    """

    _read_as: Mapping[str, str] = {}

    def scan_plain(self) -> Any:
        self._read_as = {"?": "."}
        try:
            return super().scan_plain()
        finally:
            self._read_as = {}

    def scan_block_scalar_indicators(self, start_mark: Any) -> Any:
        self._read_as = {"#": " "}
        try:
            return super().scan_block_scalar_indicators(start_mark)
        finally:
            self._read_as = {}

    def peek(self, index: int = 0) -> str:
        """What the next character is to be read as."""
        character: str = super().peek(index)
        return self._read_as.get(character, character)


FAST: Any = getattr(yaml, "CSafeLoader", Plain)


def parser_of(text: str) -> Any:
    """The parser for a text: a loader class of PyYAML."""
    return Plain if "\t" in text else FAST

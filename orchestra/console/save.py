"""A run kept in a file as it happens."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..errors import OrchestraError, UsageError
from ..events import Event, Header
from .jsonlines import line


class Saver:
    """Writes events to a JSON Lines file, the header first; each line is there when fed.

    The folder is made if need be, an old file replaced.

    Raises:
        UsageError: the file cannot be opened.
        OrchestraError: it cannot be written any further.
    """

    def __init__(self, path: str | os.PathLike[str], header: Header) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Line by line: what a run said before it was killed is in the file.
            self._file = self.path.open("w", encoding="utf-8", newline="\n", buffering=1)
        except OSError as error:
            raise UsageError(f"{self.path}: {_reason(error)}") from error
        self._write(line(header))

    def feed(self, event: Event) -> None:
        self._write(line(event))

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise OrchestraError(f"{self.path}: {_reason(error)}") from error

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            with contextlib.suppress(OSError):  # what it still holds cannot be written either
                self._file.close()
            raise OrchestraError(f"{self.path}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

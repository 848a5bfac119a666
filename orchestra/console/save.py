"""A run written to a file as it happens."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from ..errors import OrchestraError, UsageError
from ..events import Event, Header
from .jsonlines import line


class Lines:
    """Events in a file that is open without a buffer: each is a whole line there, or nothing.

    What was put is the system's, so that a process that is killed has lost none of it.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def put(self, *events: Event | Header) -> None:
        """Add a line of each. Raises OSError, and then the file ends with a whole line."""
        data = "".join(map(line, events)).encode()
        written = 0
        try:
            while written < len(data):
                count = self._file.write(data[written:])
                if not count:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                written += count
        except OSError:
            torn = written - data.rfind(b"\n", 0, written) - 1
            with contextlib.suppress(OSError):  # a pipe cannot be cut
                self._file.truncate(self._file.tell() - torn)
            raise

    def close(self) -> None:
        self._file.close()


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
            self._lines = Lines(self.path.open("wb", buffering=0))
        except OSError as error:
            raise UsageError(f"{self.path}: {_reason(error)}") from error
        self._put(header)

    def feed(self, event: Event) -> None:
        self._put(event)

    def close(self) -> None:
        try:
            self._lines.close()
        except OSError as error:
            raise OrchestraError(f"{self.path}: {_reason(error)}") from error

    def _put(self, event: Event | Header) -> None:
        try:
            self._lines.put(event)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._lines.close()
            raise OrchestraError(f"{self.path}: {_reason(error)}") from error


class TextFile:
    """Writes what is said to a file, as plain output has it, as it comes. Errors as of Saver."""

    def __init__(self, path: Path) -> None:
        from .plain import PlainDisplay

        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: {_reason(error)}") from error
        self._display = PlainDisplay(self._file, self._file, stats=False)

    def feed(self, event: Event) -> None:
        with self._told():
            self._display.feed(event)
            self._file.flush()

    def close(self) -> None:
        with self._told():
            self._display.close()
            self._file.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            raise OrchestraError(f"{self._path}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

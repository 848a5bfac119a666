"""Who writes a file holds a lock on it, and the system drops that lock however the writer ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    import fcntl

    LOCKS = True
except ImportError:  # Windows
    LOCKS = False


def hold(file: IO[Any], *, wait: bool = False) -> bool:
    """Lock a file until it is closed; False if somebody else holds it, unless it may ``wait``.

    True as well where there are no such locks: then nobody can tell.
    """
    if LOCKS:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks
    return True


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While nobody else who asks for it writes in a folder. Where that cannot be made sure, none
    is the wiser.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError:
        yield
        return
    with file:
        hold(file, wait=True)
        yield


def held(file: IO[Any]) -> bool | None:
    """Whether somebody writes the file; None if that cannot be known. Ends when it is closed."""
    if not LOCKS:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False

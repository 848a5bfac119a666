"""While the viewer draws, the terminal is its own: nobody else writes on it, or reads its keys.

A program that a tool starts, or a library in C, knows nothing of Python's streams: it has the
descriptors 0, 1 and 2. So these lead elsewhere for as long, and the viewer has others: what is
written goes to the console, and who reads finds the end of the file. It draws where stdout leads.
"""

from __future__ import annotations

import codecs
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO

from .console import Stray

_READ = 64 * 1024  # bytes
_REST = 0.005  # seconds between two reads: who prints without end is held back, and not the keys


@contextmanager
def alone(stray: Stray) -> Iterator[None]:
    """Take the terminal, if stdin and stdout are one. Of stderr only what is that terminal, too."""
    if sys.platform == "win32" or not (os.isatty(0) and os.isatty(1)):
        yield
        return
    both = os.isatty(2)
    with ExitStack() as stack:
        keys = os.fdopen(os.dup(0), encoding="utf-8")
        screen = os.fdopen(os.dup(1), "w", 1, sys.stdout.encoding, errors="backslashreplace")
        stack.callback(_try, keys.close)
        stack.callback(_try, screen.close)
        names = ("__stdout__", "__stderr__", "stdout", *(["stderr"] if both else ()))
        own: dict[str, TextIO] = {"__stdin__": keys, **dict.fromkeys(names, screen)}
        inner, outer = os.pipe()
        threading.Thread(target=_read, args=(inner, stray), daemon=True).start()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        for number, to in ((0, nowhere), (1, outer), *([(2, outer)] if both else ())):
            stack.enter_context(_leading(number, to))
        os.close(nowhere)
        os.close(outer)
        stack.enter_context(_streams(own))
        yield


@contextmanager
def _leading(number: int, to: int) -> Iterator[None]:
    """A descriptor that leads elsewhere for a while."""
    before = os.dup(number)
    _flush()
    os.dup2(to, number)
    try:
        yield
    finally:
        _flush()
        os.dup2(before, number)
        os.close(before)


def _flush() -> None:
    _try(sys.stdout.flush)
    _try(sys.stderr.flush)


def _try(what: Callable[[], object]) -> None:
    with suppress(OSError, ValueError):  # the terminal may be gone, and cannot be told anything
        what()


@contextmanager
def _streams(own: dict[str, TextIO]) -> Iterator[None]:
    """Python's streams, by the names that :mod:`sys` has for them, for a while."""
    before = {name: getattr(sys, name) for name in own}
    for name, stream in own.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)


def _read(inner: int, stray: Stray) -> None:
    """What is written elsewhere, until the last who could write has ended."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with stray.stream() as stream:
        while data := os.read(inner, _READ):
            stream.write(decoder.decode(data))
            time.sleep(_REST)
    os.close(inner)

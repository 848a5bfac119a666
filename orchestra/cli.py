"""The command line: one call, and which exit code it ends with."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from .errors import INVALID, RUN_FAILED, OrchestraError
from .options import parser

INTERRUPT = 130
BROKEN_PIPE = 141
_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)  # of a path: a wrong call, wherever it is found out


def main(argv: Sequence[str]) -> int:
    """Run one command line. Returns the exit code; raises nothing but argparse's SystemExit.

    One line says what went wrong. A mistake of orchestra's own has its traceback in
    ``ORCHESTRA_DEBUG=1``.
    """
    _open_streams()
    safe_streams()
    try:
        args = parser().parse_args(argv)
        return int(args.verb(args))
    except OrchestraError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPT
    except BrokenPipeError:
        _give_up_stdout()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno in _NAMES:
            _say(f"orchestra: {_short(str(error.filename))}: {error.strerror}")
            return INVALID
        _give_up_stdout()  # a full disk, most often
        where = error.filename or "the output cannot be written"
        _say(f"orchestra: {_short(str(where))}: {error.strerror or error}")
        return RUN_FAILED
    except Exception as error:  # noqa: BLE001 - the last resort
        if os.environ.get("ORCHESTRA_DEBUG"):
            import traceback

            traceback.print_exc()
        told = f"{type(error).__name__}: {_short(str(error))}" if str(error) else repr(error)
        _say(f"orchestra: {told} (a mistake of orchestra's own; ORCHESTRA_DEBUG=1 shows where)")
        return RUN_FAILED


def _open_streams() -> None:
    """A standard stream that was closed (``>&-``) is None here; what it is told goes nowhere.

    In the order of their numbers, so that each gets its own again, and no file of the run does.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            from pathlib import Path  # a third of what --version would take

            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good


def _say(message: str) -> None:
    from .text import clean

    try:
        sys.stderr.write(clean(message) + "\n")
        sys.stderr.flush()
    except OSError:  # the terminal is gone: nobody is left to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _short(text: str) -> str:
    from .text import one_line

    return one_line(text, 300)


def safe_streams(*streams: TextIO) -> None:
    """Let ``streams`` (stdout and stderr by default) replace what they cannot encode.

    A terminal may be gbk, cp1252 or ascii; help and models say what they like.
    """
    for stream in streams or (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so under pytest
            stream.reconfigure(errors="replace")


def _give_up_stdout() -> None:
    """What stdout still holds cannot be written; Python would say so once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

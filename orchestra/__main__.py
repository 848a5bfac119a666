"""``python -m orchestra`` and the ``orchestra`` command."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_IMPORTS = "<frozen importlib._bootstrap>"


def main() -> int:
    _end_in_silence()
    from .garbage import look_seldom

    look_seldom()
    from .cli import main as cli_main

    return cli_main(sys.argv[1:])


def _end_in_silence() -> None:
    """What signals do before the verb has handlers of its own, which may take a second.

    What this process was told to ignore, as by ``nohup``, it goes on to ignore.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """What is open is closed; a second signal does not wait for that.

    Nothing is open yet while modules are imported; and an exception does not always find its way
    out of there: it comes out as another, or a library says on stderr that it was one.
    """
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTS:
            os._exit(128 + number)
        frame = frame.f_back
    if number == signal.SIGINT:
        signal.signal(number, signal.default_int_handler)
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

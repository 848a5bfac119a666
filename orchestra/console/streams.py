"""Standard streams that never raise over a character they cannot say."""

from __future__ import annotations

import io
import sys
from typing import TextIO


def safe_streams(*streams: TextIO) -> None:
    """Let ``streams`` (stdout and stderr by default) replace what they cannot encode.

    A terminal may be gbk, cp1252 or ascii; a model says what it likes.
    """
    for stream in streams or (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not so under pytest, or in a notebook
            stream.reconfigure(errors="replace")

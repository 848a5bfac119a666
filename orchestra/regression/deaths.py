"""How a process has ended that was not to end, and where it was."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from ..places import near

_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_OWN = Path(__file__).resolve().parent.parent


def how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def where(trace: Path) -> str:
    """The innermost line of the project's own code in what Python wrote as it ended."""
    try:
        text = trace.read_text(errors="replace")
    except OSError:
        return ""
    for file, line, function in _FRAME.findall(text):
        path = Path(file)
        if not ({"site-packages", "lib"} & {*path.parts} or path.is_relative_to(_OWN)):
            return f"{near(path)}:{line} ({function})"
    return ""

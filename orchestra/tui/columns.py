"""Every character in the columns that it was given, whatever the terminal thinks of it.

Terminals do not agree how wide an emoji with a variation selector or a skin tone is: tmux gives ⚠️
one column where Rich counts two, and 👍🏽 four. All that follows in the row would then stand beside
its place, over the pane at the right. So whatever is disputed is written alone: its columns are
cleared, and the cursor is put behind them by number, not by trust.
"""

from __future__ import annotations

import re
from queue import Full

from rich.cells import cell_len
from textual.driver import Driver

from .wrap import graphemes

# What every terminal agrees about: letters of one column (marks above and below have none), and
# the scripts of two. The escape codes of the driver are among them. So are the scripts whose vowels
# stand beside their letters, as in Hindi: they are disputed, but held they would lose the vowels.
_DISPUTED = re.compile(
    "[^\x00-\u02ff\u0300-\u0482\u048a-\u052f\u0590-\u06ff\u0900-\u109f\u1780-\u17ff\u1e00-\u1fff"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20c0\u2190-\u2319\u2400-\u2426\u2500-\u25fc\u2713-\u2718"
    "\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uffdc\ufffd\U00020000-\U0003fffd]+"
)
_SAVE, _BACK = "\x1b7", "\x1b8"
_ENDS_CODE = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]\Z")
_PATIENCE = 2.0  # seconds, for what is still to be written
_CODE = 64  # characters: more than any escape code has


def placed(data: str) -> str:
    """What goes to the terminal, with each disputed character held in its columns."""
    if data.isascii() or data.startswith("\x1b]"):  # a title, or the clipboard: nothing is drawn
        return data
    found = _DISPUTED.search(data)
    if found is None:
        return data
    parts: list[str] = []
    at = 0
    while found is not None:
        start, end = found.span()
        # A variation selector, or a joiner, belongs to the character before it.
        if start > at and not _ENDS_CODE.search(data, max(start - _CODE, at), start):
            start -= 1
        parts += [data[at:start], *map(_held, graphemes(data[start:end]))]
        at = end
        found = _DISPUTED.search(data, at)
    return "".join([*parts, data[at:]])


def _held(character: str) -> str:
    if _DISPUTED.search(character) is None:
        return character
    columns = cell_len(character)
    onward = f"\x1b[{columns}C" if columns else ""
    return f"{_SAVE}{' ' * columns}{_BACK}{character}{_BACK}{onward}"


def placing(kind: type[Driver]) -> type[Driver]:
    """The driver of a terminal, with all that it writes :func:`placed`.

    Where the terminal is gone the thread that writes to it has ended, and Textual would wait for it
    for ever: for room in its queue, and when it closes.
    """

    class Placing(kind):  # type: ignore[misc, valid-type] # of the driver at hand
        def write(self, data: str) -> None:
            writer = getattr(self, "_writer_thread", None)
            if writer is None or writer.is_alive():
                super().write(placed(data))

        def close(self) -> None:
            writer = getattr(self, "_writer_thread", None)
            if writer is None:
                super().close()
                return
            try:
                writer._queue.put(None, timeout=_PATIENCE)
            except Full:  # it ends with the process
                return
            writer.join(_PATIENCE)

    return Placing

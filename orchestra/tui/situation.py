"""What the help says first: how the run stands, and which key is the next one."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding

from .items import State
from .screen import Split

_DEFAULTS = {
    "prompt.reply": "i",
    "prompt.approve": "a",
    "prompt.edit": "e",
    "app.quit": "q",
    "run.pause": "p",
    "app.cancel": "ctrl+c",
}


def situation(
    split: Split, keymap: Mapping[str, str], *, over: bool, playing: bool | None = None
) -> str:
    """One line; the keys as they are remapped. ``playing``: whether the recorded run moves."""

    def shown(key: str) -> str:
        return split.app.get_key_display(Binding(key, ""))

    keys = {
        id_: " ".join(shown(it) for it in keymap.get(id_, key).split(","))
        for id_, key in _DEFAULTS.items()
    }
    if playing is not None:
        does, key = ("plays", "pauses") if playing else ("stands still", "plays")
        if over:
            does = "is at its end"
        return (
            f"A recorded run, which {does}: {keys['run.pause']} {key} it, {keys['app.quit']} quits."
        )
    if over:
        end = {State.FAILED: "The run failed; why stands at the foot.", State.DONE: "All is done."}
        return f"{end.get(split.board.state, 'The run is over.')} {keys['app.quit']} quits."
    if split.prompt.approves:
        edits = f", {keys['prompt.edit']} edits the arguments" if split.prompt.edits else ""
        return (
            f"An agent asks: {keys['prompt.reply']} answers, "
            f"{keys['prompt.approve']} types 'approve'{edits}."  # fits a bar of 80 columns
        )
    if split.prompt.pending:
        return f"The run waits for you: {keys['prompt.reply']} goes to the bar to type in."
    return f"The run goes on: {keys['app.cancel']} stops it, {keys['app.quit']} quits."

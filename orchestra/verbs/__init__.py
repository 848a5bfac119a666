"""What each verb does: one function a verb, named after it, from parsed arguments to exit code."""

from .play import run, test, tui

__all__ = ["run", "test", "tui"]

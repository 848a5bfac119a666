"""The check ``golden``: what a case says and does is what its golden file has."""

from __future__ import annotations

from dataclasses import dataclass

from ..scenario import Expectation
from ..trajectory import Transcript
from .differing import difference
from .golden import WRITE, Golden, GoldenFile, golden_of


@dataclass(slots=True)
class GoldenCheck:
    """The check ``golden`` of one case. ``seen`` is what was seen, where it is not in the file.

    ``update``: whatever is seen first is right.
    """

    file: GoldenFile
    case: str
    update: bool = False
    seen: Golden | None = None

    def __call__(self, _: Expectation, transcript: Transcript) -> str | None:
        expected, seen = self.file.cases.get(self.case), golden_of(transcript)
        if self.update and self.seen is None:
            self.seen = seen
            return None
        if self.update:
            expected = self.seen
        if expected is None:
            self.seen = seen
            return f"no golden of {self.case!r} yet in {self.file.path.name}; {WRITE}"
        reason = difference(expected, seen)
        if reason is not None and not self.update:
            self.seen = seen
        return reason

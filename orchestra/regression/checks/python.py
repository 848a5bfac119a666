"""The check ``python``: a function of the project looks at the transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...scenario.expect import Expectation
from ...text import one_line
from ...trajectory import Transcript
from .outcome import SHOWN
from .scope import calls_of

Function = Callable[[Any], Any]
"""Gets the :class:`Transcript`, or each :class:`Call` of ``agent:``; returns true, or a reason."""


class PythonCheck:
    """Judges by functions that have been found, by their ``module:function``."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def __call__(self, expectation: Expectation, transcript: Transcript) -> str | None:
        target = expectation.python or ""
        if expectation.agent is None:
            return self._ask(target, transcript)
        for call in calls_of(expectation, transcript):
            if reason := self._ask(target, call):
                return f"{call.path}: {reason}"
        return None

    def _ask(self, target: str, about: Any) -> str | None:
        try:
            answer = self._functions[target](about)
        except Exception as error:  # noqa: BLE001 - whatever the project's code raises
            told = one_line(str(error), SHOWN)
            return f"{target} raised {type(error).__name__}" + (f": {told}" if told else "")
        if answer is True:
            return None
        if isinstance(answer, str) and answer:
            return answer
        return f"{target} returned {one_line(repr(answer), SHOWN)}; expected true, or a reason"

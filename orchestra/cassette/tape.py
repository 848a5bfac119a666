"""What a run asks of its cassette: the seam between the models and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .lines import Json, Take, ToolTake, Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model is asked something; ``turn`` is 0 of middleware, whose calls the tape counts."""

    call: str
    turn: int = 0
    attempt: int = 1
    digest: str = ""
    request: Json

    @property
    def key(self) -> tuple[str, int, int]:
        return self.call, self.turn, self.attempt


@dataclass(frozen=True, slots=True)
class Played:
    """What is to be said again. ``drift``: in what the request is another than the recorded one.

    ``timed``: its chunks come when they came.
    """

    take: Take
    drift: str | None = None
    timed: bool = True


class Tape:
    """Of one run. This one is of a run that is neither recorded nor replayed."""

    inputs: Sequence[str] = ()
    """What the user has said, of a run that is replayed."""

    def model(self, call: str, turn: int, attempt: int) -> str | None:
        """The name of the model that speaks in a replay; None: it says so itself."""

    def play(self, asked: Asked) -> Played | None:
        """What was said to this; None: the model itself is to be asked.

        Raises MissingReply if nothing was recorded, or if that was to another request.
        """

    def keep(self, take: Take) -> None:
        """Record a model call."""

    def heard(self, turn: int, text: str) -> None:
        """Record what the user says."""

    def decided(self, call: str, question: str, tool: str, decision: Json) -> None:
        """Record what a person decides."""

    def decision(self, question: str) -> Json | None:
        """What a person decided, where nobody else decides it."""

    def tool(
        self,
        call: str,
        tool_call_id: str,
        name: str,
        args: Json,
    ) -> ToolTake | None:
        """What a tool gave; None: it is to be run. Raises MissingReply if that is not known."""

    def keep_tool(self, take: ToolTake) -> None:
        """Record what a tool gave."""

    def left(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The call paths with replies that nobody has asked for, and the numbers of those."""
        return iter(())

    def ended(self, status: str) -> None:
        """The run is over."""


class Taping(Protocol):
    """How the runs of a team are recorded, or replayed."""

    @property
    def records(self) -> bool:
        """Whether the models themselves speak, for what is not on the tape."""
        ...

    def speaks(self, agent: str) -> bool:
        """Whether the models of an agent are recorded, or replayed."""
        ...

    def voice(self, agent: str, aside: str, model: str) -> Voice:
        """What was recorded of a model: of the agent, or of its middleware ``aside``."""
        ...

    def tape(self, case: str) -> Tape:
        """That of a run of one case."""
        ...

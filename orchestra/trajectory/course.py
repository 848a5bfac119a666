"""In which order a run did what it did, across all of its calls.

A :class:`~orchestra.trajectory.Transcript` leaves out whatever depends on who of several was
faster; here is just that, and nothing else: no time, no id, no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..events import Event, ModelFinished, ModelStarted, ToolFailed, ToolFinished, ToolStarted


@dataclass(frozen=True, slots=True)
class Moment:
    """Something begins or ends: a turn of a call's model, or a tool call that it asked for.

    ``place`` is the turn, and the number of the tool call in it. ``id`` is that of the message or
    of the tool call; it tells nothing about the order.
    """

    call: str
    what: str
    ends: bool
    place: tuple[int, int]
    tool: bool = False
    id: str = field(default="", compare=False)


@dataclass(slots=True)
class Course:
    """The moments of a run, in the order in which they came."""

    moments: list[Moment] = field(default_factory=list)
    _turns: dict[str, int] = field(default_factory=dict)  # of each call, that have ended
    _asked: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def feed(self, event: Event) -> None:
        """Take in the next event of the run."""
        call = event.call
        if call is None:
            return
        turn = self._turns.get(call, 0) + 1
        match event:
            case ModelStarted(message_id=id_, attempt=1):
                self.moments.append(
                    Moment(call, f"turn {turn}", ends=False, place=(turn, 0), id=id_)
                )
            case ModelFinished(message_id=id_):
                self._turns[call] = turn
                for nth, asked in enumerate(event.tool_calls, 1):
                    self._asked[call, asked.id] = turn, nth
                self.moments.append(
                    Moment(call, f"turn {turn}", ends=True, place=(turn, 0), id=id_)
                )
            case ToolStarted(tool_call_id=id_, name=name):
                self.moments.append(self._tool(call, name, id_, ends=False))
            case (
                ToolFinished(tool_call_id=id_, name=name) | ToolFailed(tool_call_id=id_, name=name)
            ):
                self.moments.append(self._tool(call, name, id_, ends=True))
            case _:
                pass

    def _tool(self, call: str, name: str, id_: str, *, ends: bool) -> Moment:
        place = self._asked.get((call, id_), (0, 0))
        return Moment(call, name, ends=ends, place=place, tool=True, id=id_)

    @property
    def key(self) -> tuple[Moment, ...]:
        """What two courses of the same order have in common."""
        return tuple(self.moments)

    def position(self, call: str, id_: str) -> int:
        """Where a message or a tool call of a call ended; what has no id was at the very end."""
        for at, it in enumerate(self.moments):
            if id_ and it.ends and (it.call, it.id) == (call, id_):
                return at
        return len(self.moments)

    def begin(self, call: str) -> int:
        """Where a call, or one below it, did its first thing."""
        begun = (at for at, it in enumerate(self.moments) if f"{it.call}/".startswith(f"{call}/"))
        return next(begun, len(self.moments))

    def until(self, end: int, other: Sequence[Moment]) -> list[Moment]:
        """What came up to a moment, and on until all has come that had in another run."""
        known = {*other}
        last = max((at for at, it in enumerate(self.moments) if it in known), default=0)
        return self.moments[: max(end, last) + 1]


def steps(moments: Sequence[Moment]) -> Iterator[tuple[Moment, str]]:
    """Moments with what they are in words; what begins and ends with nothing between is one."""
    at = 0
    while at < len(moments):
        one, after = moments[at], moments[at + 1] if at + 1 < len(moments) else None
        whole = after is not None and not one.ends and after == replace(one, ends=True)
        yield one, one.what + ("" if whole else " ends" if one.ends else " begins")
        at += 1 + whole

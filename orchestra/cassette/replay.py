"""Playing a cassette: strictly, or loosely where prompts have changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..errors import MissingReply
from ..events import agent_of
from ..text import nearest
from .file import Cassette
from .lines import Decided, Heard, Json, Line, Take, ToolTake, Voice
from .requests import difference, same
from .tape import Asked, Played, Tape

DRIFTED = ": not the request that was recorded: "
"""Between whose reply it is, and in what its request differs."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Plays what was recorded of a scenario.

    ``agents`` are those whose models the cassette speaks for, ``others`` the rest. ``strict``: a
    request that is not the recorded one has no reply; else that is told, and the reply is the one
    of its turn. ``tools``: tools answer as recorded, too. ``record`` is what to do about a miss.
    """

    cassette: Cassette
    agents: Collection[str]
    others: Collection[str] = ()
    strict: bool = True
    tools: bool = False
    record: str = "orchestra record"
    records = False

    def speaks(self, agent: str) -> bool:
        return agent in self.agents

    def voice(self, agent: str, aside: str, model: str) -> Voice:
        return self.cassette.voice(agent, aside, model)

    def tape(self, case: str) -> Tape:
        return ReplayTape(self, self.cassette.of(case))


class Takes:
    """The model calls of one case, and which of them have been played."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.takes = [line for line in lines if isinstance(line, Take)]
        self._by_key = {(it.call, it.turn, it.attempt): it for it in self.takes}
        self._played: set[tuple[str, int, int]] = set()

    def find(self, asked: Asked) -> Take | None:
        """The call at the same place; of middleware, the next at that path, like it if one is."""
        if asked.turn:
            return self.get(*asked.key)
        left = [it for it in self.takes if it.call == asked.call and not self.played(it)]
        alike = (it for it in left if alike_to(it, asked))
        return next(alike, left[0] if left else None)

    def get(self, call: str, turn: int, attempt: int) -> Take | None:
        """That attempt; of one more than there were, as in a resumed run, the one that was good."""
        while attempt > 1 and (call, turn, attempt) not in self._by_key:
            attempt -= 1
        return self._by_key.get((call, turn, attempt))

    def play(self, take: Take) -> None:
        self._played.add((take.call, take.turn, take.attempt))

    def played(self, take: Take) -> bool:
        return (take.call, take.turn, take.attempt) in self._played

    def of(self, call: str) -> list[Take]:
        return [it for it in self.takes if it.call == call and it.reply is not None]


def alike_to(take: Take, asked: Asked) -> bool:
    return take.digest == asked.digest or same(take.request, asked.request)


class ReplayTape(Tape):
    """The replay of one run."""

    def __init__(self, replay: Replay, lines: Sequence[Line]) -> None:
        self._replay = replay
        self._takes = Takes(lines)
        self._tools = {(it.call, it.id, it.attempt): it for it in lines if isinstance(it, ToolTake)}
        self._decisions = {it.question: it.decision for it in lines if isinstance(it, Decided)}
        said = sorted((it for it in lines if isinstance(it, Heard)), key=lambda it: it.turn)
        self.inputs = [it.text for it in said]
        self._asides: Counter[str] = Counter()
        self._tried: Counter[tuple[str, str]] = Counter()
        self._missed: dict[tuple[str, int], MissingReply] = {}

    def model(self, call: str, turn: int, attempt: int) -> str | None:
        take = self._takes.get(call, turn, attempt)
        return take.model.name if take else None

    def play(self, asked: Asked) -> Played:
        # Middleware may try again, or another model: that there is no reply stays the reason.
        place = asked.call, asked.turn
        if asked.turn and (missed := self._missed.get(place)):
            raise missed
        try:
            take, drift = self._found(asked)
        except MissingReply as error:
            self._missed[place] = error
            raise
        self._takes.play(take)
        return Played(take, drift)

    def _found(self, asked: Asked) -> tuple[Take, str | None]:
        take = self._takes.find(asked)
        number = asked.turn
        if not number:
            self._asides[asked.call] += 1
            number = self._asides[asked.call]
        if take is None:
            raise MissingReply(self._never(asked, number))
        if alike_to(take, asked):
            return take, None
        told = difference(take.request, asked.request) or "it differs"
        if not self._replay.strict:
            return take, f"reply {number}{DRIFTED}{told}"
        elsewhere = [it for it in self._takes.takes if it.digest == asked.digest]
        if elsewhere:
            told += f"; the same was asked by {elsewhere[0].call!r} for reply {elsewhere[0].turn}"
        name = self._replay.cassette.path.name
        raise MissingReply(
            f"{asked.call}: reply {number} in {name} is to another request: {told}{self._advice()}"
        )

    def _never(self, asked: Asked, number: int) -> str:
        name, known = self._replay.cassette.path.name, self._takes.of(asked.call)
        if known:
            told = f"reply {number} was asked for, but {name} has {len(known)}"
            return f"{asked.call}: {told}{self._advice()}"
        paths = dict.fromkeys(it.call for it in self._takes.takes if it.reply is not None)
        hint = nearest(asked.call, paths) or "recorded: " + (", ".join([*paths][:8]) or "nothing")
        if same_ := next((it for it in self._takes.takes if it.digest == asked.digest), None):
            hint = f"the same was asked by {same_.call!r} for reply {same_.turn}"
        return f"{asked.call}: {name} has no reply for this call; {hint}{self._advice()}"

    def _advice(self) -> str:
        return f"; to record it: {self._replay.record}"

    def decision(self, question: str) -> Json | None:
        return self._decisions.get(question)

    def tool(self, call: str, tool_call_id: str, name: str, args: Json) -> ToolTake | None:
        if not self._replay.tools:
            return None
        self._tried[call, tool_call_id] += 1
        take = self._tools.get((call, tool_call_id, self._tried[call, tool_call_id]))
        where = f"{call}: tool {name!r}"
        if take is None or take.tool != name:
            cassette = self._replay.cassette.path.name
            raise MissingReply(f"{where}: {cassette} has no result of this call{self._advice()}")
        if self._replay.strict and not same(take.args, args):
            told = difference({"arguments": take.args}, {"arguments": args})
            raise MissingReply(f"{where}: not called as it was recorded: {told}{self._advice()}")
        return None if take.runs else take

    def left(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        left: dict[str, list[int]] = defaultdict(list)
        for take in self._takes.takes:
            used = self._takes.played(take) or agent_of(take.call) in self._replay.others
            if take.reply is not None and not used:
                left[take.call].append(take.turn)
        return ((call, tuple(sorted(turns))) for call, turns in sorted(left.items()))

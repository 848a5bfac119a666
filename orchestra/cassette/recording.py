"""Recording: what models, tools and people say, written down as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from .file import Cassette, Part, merged
from .lines import Decided, Head, Heard, Json, Line, Take, ToolTake, Voice
from .replay import Takes, alike_to
from .tape import Asked, Played, Tape


@dataclass(slots=True)
class Recording:
    """Records the runs of a scenario.

    With ``missing``, what has a reply already is not asked again: neither of the cassette's, nor
    of what an earlier recording has left in the part. ``clean`` takes secrets out of a text.
    """

    cassette: Cassette
    head: Head
    missing: bool = False
    part: Part = field(init=False)
    asked: int = 0
    """How many replies were recorded, that were not known before."""
    tapes: dict[str, RecordingTape] = field(default_factory=dict)
    records = True

    def __post_init__(self) -> None:
        self.part = Part(self.cassette.path, self.head, more=self.missing)

    def speaks(self, agent: str) -> bool:  # noqa: ARG002 - all of them
        return True

    def voice(self, agent: str, aside: str, model: str) -> Voice:
        return self.cassette.voice(agent, aside, model)

    def tape(self, case: str) -> Tape:
        known = merged(self.cassette.of(case), self.part.found.of(case)) if self.missing else []
        made = self.tapes[case] = RecordingTape(self, case, known)
        return made

    def finish(self, good: Callable[[str, str], bool]) -> list[str]:
        """Put what is complete into the cassette. Returns the cases that are not.

        ``good(case, status)`` tells whether a run came to the end that it should come to.
        """
        done = [
            case for case, tape in self.tapes.items() if tape.status and good(case, tape.status)
        ]
        left = [line for line in self.part.found.lines if line.case not in done]
        for case, tape in self.tapes.items():
            if case not in done:
                left = merged(left, tape.new)
        if done:
            kept = [line for line in self.cassette.lines if line.case not in done]
            for case in done:
                kept += self.tapes[case].lines
            self.cassette.lines, self.cassette.head = kept, self.head
            self.cassette.write()
        self.part.close(left, done=bool(done))
        return [case for case in self.tapes if case not in done]


class RecordingTape(Tape):
    """The recording of one run. ``lines`` are all of it; ``new`` those that were not known."""

    def __init__(self, recording: Recording, case: str, known: Sequence[Line]) -> None:
        self._recording = recording
        self._case = case
        # Who has failed is asked again, unless that came to a good end.
        good = {(it.call, it.turn) for it in known if isinstance(it, Take) and it.reply is not None}
        self._known = Takes(
            [it for it in known if not isinstance(it, Take) or (it.call, it.turn) in good]
        )
        self._asides: Counter[str] = Counter()
        self._tried: Counter[tuple[str, str]] = Counter()
        self.lines: list[Line] = []
        self.new: list[Line] = []
        self.status = ""

    def play(self, asked: Asked) -> Played | None:
        take = self._known.find(asked)
        if take is None or not alike_to(take, asked):
            return None
        self._known.play(take)
        self.lines.append(self._numbered(take))
        return Played(take, timed=False)

    def keep(self, take: Take) -> None:
        self._recording.asked += take.reply is not None
        self._put(self._numbered(take))

    def _numbered(self, take: Take) -> Take:
        """With the number of the call at its path, where the run has none for it."""
        if "." not in take.call.rpartition("/")[2]:
            return take
        self._asides[take.call] += 1
        return replace(take, turn=self._asides[take.call])

    def heard(self, turn: int, text: str) -> None:
        self._put(Heard(turn=turn, text=text))

    def decided(self, call: str, question: str, tool: str, decision: Json) -> None:
        self._put(Decided(call=call, question=question, tool=tool, decision=decision))

    def keep_tool(self, take: ToolTake) -> None:
        self._tried[take.call, take.id] += 1
        self._put(replace(take, attempt=self._tried[take.call, take.id]))

    def _put(self, line: Line) -> None:
        line = replace(line, case=self._case)
        self.lines.append(line)
        self.new.append(line)
        self._recording.part.put(line)

    def left(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        return iter(())

    def ended(self, status: str) -> None:
        self.status = status

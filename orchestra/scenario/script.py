"""Which script speaks for which call.

A key is the tail of a call path: ``writer``, ``writer#2``, ``editor/writer#2``. A segment without
``#n`` fits any n; a leading ``/`` anchors the key at the main agent. The most specific key wins.
Middleware's own model calls are an aside of their agent: ``editor.summarization``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

MAX_SEGMENTS = 12
"""Of a key, not of a call path; it bounds the search for ties in a hostile file."""

_SEGMENT = re.compile(
    r"([/>]?)([A-Za-z][A-Za-z0-9_-]{0,63})(?:#([1-9][0-9]{0,8}))?(?:\.([a-z][a-z_]{0,63})$)?"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One agent on the way.

    ``joint`` is ``/`` after a delegation, ``>`` after a handoff; ``aside`` the middleware of the
    agent that speaks instead of it.
    """

    joint: str
    name: str
    ordinal: int | None = None
    aside: str = ""

    @property
    def speaker(self) -> tuple[str, str]:
        return self.name, self.aside

    def fits(self, other: Segment) -> bool:
        return self.speaker == other.speaker and self.ordinal in (None, other.ordinal)

    def __str__(self) -> str:
        ordinal = f"#{self.ordinal}" if self.ordinal else ""
        return f"{self.joint}{self.name}{ordinal}" + (f".{self.aside}" if self.aside else "")


@dataclass(frozen=True, slots=True)
class ScriptKey:
    """A key of ``script``, or a call path, taken apart."""

    segments: tuple[Segment, ...]
    anchored: bool = False

    @classmethod
    def parse(cls, text: str) -> ScriptKey:
        """ValueError, with what is wrong, if it is no tail of a call path."""
        segments: list[Segment] = []
        at = 0
        while at < len(text):
            found = _SEGMENT.match(text, at)
            if not found or (segments and not found[1]) or (not segments and found[1] == ">"):
                break
            joint = found[1] if segments else ""
            ordinal = int(found[3]) if found[3] else None
            segments.append(Segment(joint, found[2], ordinal, found[4] or ""))
            at = found.end()
        if at < len(text) or not segments:
            raise ValueError("expected the end of a call path, as 'writer' or 'editor/writer#2'")
        return cls(tuple(segments), text.startswith("/"))

    @property
    def rank(self) -> tuple[int, int]:
        """Of two keys that fit, the one of higher rank wins; the anchor is one more segment."""
        ordinals = sum(segment.ordinal is not None for segment in self.segments)
        return len(self.segments) + self.anchored, ordinals

    def fits(self, call: str) -> bool:
        """Whether this key speaks for the call of that path."""
        path = _path(call)
        return path is not None and self._fits(path)

    def _fits(self, call: ScriptKey) -> bool:
        own, whole = self.segments, call.segments
        if len(own) > len(whole) or (self.anchored and len(own) < len(whole)):
            return False
        tail = whole[len(whole) - len(own) :]
        joints = all(a.joint == b.joint for a, b in zip(own[1:], tail[1:], strict=True))
        return joints and all(a.fits(b) for a, b in zip(own, tail, strict=True))

    def _ordinals(self, places: Iterable[int]) -> tuple[int | None, ...]:
        return tuple(self.segments[at].ordinal for at in places)

    def _meet(self, other: ScriptKey) -> ScriptKey:
        """The key that fits what both fit, of two that differ in their ordinals only."""
        segments = (
            one if one.ordinal else two
            for one, two in zip(self.segments, other.segments, strict=True)
        )
        return ScriptKey(tuple(segments), self.anchored)

    def __str__(self) -> str:
        return "/" * self.anchored + "".join(map(str, self.segments))


def find(keys: Iterable[str], call: str) -> str | None:
    """The key that speaks for a call, or None; ``keys`` are those of a checked scenario."""
    by_agent = _ranked(tuple(keys))
    path = _path(call)
    if path is None:
        return None
    for text, key in by_agent.get(path.segments[-1].speaker, ()):
        if key._fits(path):
            return text
    return None


def ties(keys: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Pairs of well-formed keys that could both speak for one call, and the key to decide it.

    Such a pair is no tie if the deciding key is there: it outranks both wherever both fit.
    """
    known = {ScriptKey.parse(text) for text in keys}
    # Keys of one rank that name the same agents, by the positions of their ordinals. Two keys with
    # ordinals in the same places never meet, so a thousand of writer#1, writer#2, ... cost nothing.
    groups: dict[tuple[object, ...], dict[tuple[int, ...], list[ScriptKey]]] = {}
    for key in sorted(known, key=str):
        names = tuple((segment.joint, segment.speaker) for segment in key.segments)
        places = tuple(at for at, segment in enumerate(key.segments) if segment.ordinal)
        groups.setdefault((key.rank, names), {}).setdefault(places, []).append(key)
    for group in groups.values():
        for one, two in combinations(group, 2):
            shared = sorted({*one} & {*two})
            partners: dict[tuple[int | None, ...], list[ScriptKey]] = {}
            for key in group[two]:
                partners.setdefault(key._ordinals(shared), []).append(key)
            for key in group[one]:
                for partner in partners.get(key._ordinals(shared), ()):
                    both = key._meet(partner)
                    if both not in known:
                        yield str(key), str(partner), str(both)


@lru_cache(maxsize=4096)
def _path(call: str) -> ScriptKey | None:
    """A call path taken apart; None for what is none, such as a name that LangChain made up."""
    try:
        return ScriptKey.parse(call)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _ranked(keys: tuple[str, ...]) -> dict[tuple[str, str], tuple[tuple[str, ScriptKey], ...]]:
    """The keys by the agent, or its aside, that they speak for, highest rank first."""
    parsed = sorted(
        ((text, ScriptKey.parse(text)) for text in keys),
        key=lambda pair: pair[1].rank,
        reverse=True,
    )
    speakers = dict.fromkeys(key.segments[-1].speaker for _, key in parsed)
    return {
        speaker: tuple(pair for pair in parsed if pair[1].segments[-1].speaker == speaker)
        for speaker in speakers
    }


def unused(
    script: Mapping[str, Sequence[object]], used: Mapping[str, Collection[int]]
) -> dict[str, tuple[int, ...]]:
    """The numbers, from 1, of the replies of each key that no call has used.

    ``used`` holds the indexes of the replies that each call path was given.
    """
    left = {key: set(range(len(replies))) for key, replies in script.items()}
    for call, indexes in used.items():
        if (key := find(script, call)) is not None:
            left[key] -= set(indexes)
    return {key: tuple(at + 1 for at in sorted(some)) for key, some in left.items() if some}


def unused_line(key: str, numbers: Sequence[int], total: int) -> str:
    """What to tell a person of replies that were never used."""
    were = "were" if len(numbers) > 1 else "was"
    return f"script key {key!r}: {_replies(numbers)} of {total} {were} never used"


def unasked_line(call: str, numbers: Sequence[int]) -> str:
    """The same of recorded replies of a call."""
    were = "were" if len(numbers) > 1 else "was"
    return f"{_replies(numbers)} of {call!r} {were} never asked for"


def _replies(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"reply {numbers[0]}"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = " and ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"replies {said}"

"""Which script speaks for which call.

A key is the tail of a call path: ``writer``, ``writer#2``, ``editor/writer#2``. A segment without
``#n`` fits any n; a leading ``/`` anchors the key at the main agent. The most specific key wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

MAX_SEGMENTS = 12
"""Of a key, not of a call path; it bounds the search for ties in a hostile file."""

_SEGMENT = re.compile(r"([/>]?)([A-Za-z][A-Za-z0-9_-]{0,63})(?:#([1-9][0-9]{0,8}))?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One agent on the way: ``joint`` is ``/`` after a delegation, ``>`` after a handoff."""

    joint: str
    name: str
    ordinal: int | None = None

    def fits(self, other: Segment) -> bool:
        return self.name == other.name and self.ordinal in (None, other.ordinal)

    def __str__(self) -> str:
        return f"{self.joint}{self.name}" + (f"#{self.ordinal}" if self.ordinal else "")


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
            segments.append(Segment(joint, found[2], int(found[3]) if found[3] else None))
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
    for text, key in by_agent.get(path.segments[-1].name, ()):
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
        names = tuple((segment.joint, segment.name) for segment in key.segments)
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
def _ranked(keys: tuple[str, ...]) -> dict[str, tuple[tuple[str, ScriptKey], ...]]:
    """The keys by the agent they speak for, highest rank first."""
    parsed = sorted(
        ((text, ScriptKey.parse(text)) for text in keys),
        key=lambda pair: pair[1].rank,
        reverse=True,
    )
    names = dict.fromkeys(key.segments[-1].name for _, key in parsed)
    return {
        name: tuple(pair for pair in parsed if pair[1].segments[-1].name == name) for name in names
    }


def unused(script: Mapping[str, Sequence[object]], asked: Mapping[str, int]) -> list[str]:
    """One line for each key of ``script`` with replies that no call has used.

    ``asked`` is the number of model turns that each call path began.
    """
    used = dict.fromkeys(script, 0)
    for call, turns in asked.items():
        if (key := find(script, call)) is not None:
            used[key] = max(used[key], turns)
    lines = []
    for key, count in used.items():
        first, last = count + 1, len(script[key])
        if first < last:
            lines.append(f"script key {key!r}: replies {first} to {last} of {last} were never used")
        elif first == last:
            lines.append(f"script key {key!r}: reply {last} of {last} was never used")
    return lines

"""Two runs, held against each other call by call.

Calls are matched by their paths, which are allotted in the order of the messages that ask for
them: so which of several parallel calls was faster makes no difference. Neither do times, ids,
token counts, nor into which pieces a text was cut.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from ..text import one_line
from .transcript import Call, Transcript

_ORDINAL = re.compile(r"([#/>])")
_CONTEXT = 24  # characters before the first that differs
_SHOWN = 60  # of each side

Status = Literal["equal", "different", "only in A", "only in B"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a call did: ``what`` names it, ``id`` is that of its message or tool call."""

    what: str
    value: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A call path in both runs, or in one of them.

    ``first`` is the first thing in which they differ, of each side; None: it is not there.
    """

    path: str
    status: Status
    first: tuple[Fact | None, Fact | None] = (None, None)

    @property
    def line(self) -> str:
        """The difference in one line; empty if there is none."""
        if self.status == "equal":
            return ""
        if self.status != "different":
            return f"{self.path}: {self.status}"
        what, a, b = self.told
        return f"{self.path}: {what}: {a} ≠ {b}"

    @property
    def told(self) -> tuple[str, str, str]:
        """What differs, and how it reads in A and in B, from shortly before where they part."""
        a, b = self.first
        if a is None or b is None or a.what != b.what:
            both = a is not None and b is not None
            what = "what comes next" if both else (a or b or Fact("end", "")).what
            return what, _whole(a, named=both), _whole(b, named=both)
        pairs = enumerate(zip(a.value, b.value, strict=False))
        shorter = min(len(a.value), len(b.value))
        same = next((at for at, (one, two) in pairs if one != two), shorter)
        return a.what, _around(a.value, same), _around(b.value, same)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All pairs, a call before those that it makes."""

    pairs: tuple[Pair, ...]

    @property
    def differing(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.status != "equal")

    @property
    def summary(self) -> str:
        """``3 of 14 calls differ``."""
        count, all_ = len(self.differing), len(self.pairs)
        if not count:
            return f"all {all_} calls are equal" if all_ != 1 else "the call is equal"
        return f"{count} of {all_} calls {'differs' if count == 1 else 'differ'}"


def compare(a: Transcript, b: Transcript) -> Comparison:
    """Hold run B against run A."""
    paths = sorted({*a.calls, *b.calls}, key=natural)
    return Comparison(tuple(_pair(path, a.calls.get(path), b.calls.get(path)) for path in paths))


def outcome(transcript: Transcript) -> str:
    """A digest of all that counts of a run: two runs that have the same differ in nothing."""
    end = transcript.finished
    told: list[Any] = [
        [path, call.agent, *((it.what, it.value) for it in _facts(call))]
        for path, call in sorted(transcript.calls.items())
    ]
    told.append([[end.status, end.output, end.error]] if end else [])
    return hashlib.blake2b(_json(told).encode("utf-8", "surrogatepass")).hexdigest()


def natural(path: str) -> list[tuple[int, str]]:
    """A key to sort call paths by: ``a#2`` before ``a#10``, and a call before what it calls."""
    return [(int(it) if it.isdecimal() else 0, it) for it in _ORDINAL.split(path)]


def _pair(path: str, a: Call | None, b: Call | None) -> Pair:
    if a is None or b is None:
        return Pair(path, "only in B" if a is None else "only in A")
    for one, two in zip_longest(_facts(a), _facts(b)):
        if one is None or two is None or (one.what, one.value) != (two.what, two.value):
            return Pair(path, "different", (one, two))
    return Pair(path, "equal")


def _facts(call: Call) -> Iterator[Fact]:
    """All that counts of a call, in the order in which it happened."""
    yield Fact("task", call.task)
    results = {result.id: result for result in call.results}
    for number, message in enumerate(call.messages, 1):
        at, id_ = f"message {number}", message.message_id
        if message.reasoning:
            yield Fact(f"{at}, reasoning", message.reasoning, id_)
        yield Fact(at, message.text + (" (cut short)" if message.truncated else ""), id_)
        for nth, asked in enumerate(message.tool_calls, 1):
            yield Fact(f"{at}, tool call {nth}", f"{asked.name}{_json(asked.args)}", asked.id)
        for nth, asked in enumerate(message.tool_calls, 1):
            if (came := results.get(asked.id)) is not None:
                told = f"{came.name} {came.status}: {came.text}"
                yield Fact(f"{at}, result {nth}", told, asked.id)
    yield Fact("end", call.status + (f": {call.error}" if call.error else ""))
    if call.structured is not None:
        yield Fact("structured answer", _json(call.structured))
    yield Fact("output", call.output)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _around(text: str, at: int) -> str:
    begin = max(at - _CONTEXT, 0)
    cut = one_line(text[begin : begin + _CONTEXT + _SHOWN], _SHOWN)
    return f"“{'…' if begin else ''}{cut}”"


def _whole(fact: Fact | None, *, named: bool) -> str:
    if fact is None:
        return "nothing"
    return one_line(f"{fact.what}: {fact.value}" if named else fact.value, _SHOWN)

"""A case under several orders of what runs side by side: does its outcome depend on them?

What counts as an outcome is what :func:`~orchestra.trajectory.compare` compares: all that the
calls say, ask for and are given, and how they end. Which of several was faster is none.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from ..errors import CHECK_FAILED
from ..text import clean
from ..trajectory import Course, Pair, Transcript, compare, outcome
from ..trajectory.compare import Fact
from ..trajectory.course import Moment, steps
from .evidence import between
from .trial import Ran, Seed, Tries
from .verdict import Verdict

_PAIRS = 300  # of runs that are held against each other, to find the two that differ the least
_ROWS = 10  # of an order that is shown
_WIDTH = 44  # of one order, beside another


def interleaved(
    play: Callable[[Seed], Ran], keep: Callable[[], str | None], seeds: Sequence[Seed], tries: Tries
) -> bool:
    """Play a case under each of the seeds; whether it held, and came out alike under all."""
    runs: list[Ran] = []
    for seed in seeds:
        runs.append(play(seed))
        if not runs[-1].held:
            tries.fail(runs[-1].verdict, keep(), f"--seed {seed}")
        if len(runs) == 2 and not any(it.transcript and it.transcript.side_by_side for it in runs):
            break
    orders = len({ran.course.key for ran in runs})
    parting = _closest(runs)
    if parting is None:
        tries.note(_told(runs, orders))
        return all(ran.held for ran in runs)
    again, kept = [], list[str | None]()
    for ran in parting.runs:
        again.append(play(ran.seed))
        kept.append(keep())
    if [_outcome(it) for it in again] != [_outcome(it) for it in parting.runs]:
        verdict = _chance(parting, again)
    else:
        verdict = parting.verdict(_summary(runs, orders), kept)
    tries.failed = None
    tries.fail(verdict, kept[1], f"--interleave {parting.seeds}")
    return False


def _told(runs: Sequence[Ran], orders: int) -> str:
    if any(it.transcript and it.transcript.side_by_side for it in runs):
        unlike = "all of them alike" if orders == 1 else f"{orders} of them different"
        return f"{len(runs)} schedules, {unlike}"
    return f"nothing runs side by side: one order, played {len(runs)} times"


def _summary(runs: Sequence[Ran], orders: int) -> str:
    outcomes = len({_outcome(it) for it in runs})
    return f"{len(runs)} schedules, {orders} of them different, have {outcomes} outcomes"


def _outcome(ran: Ran) -> str:
    return outcome(ran.transcript) if ran.transcript else ran.verdict.reasons[0]


@dataclass(frozen=True, slots=True)
class _Parting:
    """Two runs with other outcomes, the worse one last, and where they part."""

    runs: tuple[Ran, Ran]
    pairs: tuple[Pair, ...]
    ends: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """How much they differ: calls with another outcome, then what came in another order."""
        keys = [ran.course.key[:end] for ran, end in zip(self.runs, self.ends, strict=True)]
        rows = sum(a != b for a, b in zip(*keys, strict=False))
        return len(self.pairs), rows + abs(len(keys[0]) - len(keys[1]))

    @property
    def seeds(self) -> str:
        return ",".join(str(ran.seed) for ran in self.runs)

    def verdict(self, summary: str, kept: Sequence[str | None]) -> Verdict:
        """Why the case failed: by its checks, if it did, and by its order."""
        worse = self.runs[1].verdict
        lines = [f"order: the outcome depends on what comes first: {summary}", *self._lines()]
        if all(kept):
            lines.append(f"side by side: orchestra tui {' '.join(map(str, kept))}")
        names = " | ".join(f"seed {ran.seed}" for ran in self.runs)
        a, b = (ran.transcript for ran in self.runs)
        diffs = tuple(between(names, a, b)) if a and b else ()
        reasons = (*worse.reasons, "\n".join(lines))
        return Verdict(worse.code or CHECK_FAILED, reasons, (*worse.diffs, *diffs))

    def _lines(self) -> Iterator[str]:
        if not self.pairs:
            yield "what they say and do is the same; how they are judged is not"
            return
        yield f"first difference: {_line(self.pairs[0])}"
        if (more := len(self.pairs) - 1) > 0:
            yield f"{more} other{'s' * (more > 1)}: {_names(self.pairs[1:])}"
        yield from _beside(self.runs, self.ends)


def _line(pair: Pair) -> str:
    return pair.line.replace("only in A", "only in the first").replace(
        "only in B", "only in the second"
    )


def _names(pairs: Sequence[Pair]) -> str:
    return _cut(", ".join(pair.path for pair in pairs), 80)


def _closest(runs: Sequence[Ran]) -> _Parting | None:
    """The two runs that differ the least, of those with another outcome or another verdict."""
    kinds: dict[tuple[int, str], list[Ran]] = {}
    for ran in runs:
        kinds.setdefault((ran.verdict.code, _outcome(ran)), []).append(ran)
    mixed = len({code for code, _ in kinds}) > 1
    found: list[_Parting] = []
    for (one, some), (two, others) in combinations(kinds.items(), 2):
        if mixed and one[0] == two[0]:
            continue  # one that fails says more beside one that does not
        for a in some:
            for b in others:
                if len(found) < _PAIRS or not found:
                    found.append(_part(*sorted((a, b), key=lambda it: not it.held)))
    return min(found, key=lambda it: it.size, default=None)


def _part(a: Ran, b: Ran) -> _Parting:
    if a.transcript is None or b.transcript is None:
        return _Parting((a, b), (), (0, 0))
    pairs = [*compare(a.transcript, b.transcript).differing]
    if not pairs and _outcome(a) != _outcome(b):
        pairs = [Pair("the run", "different", (_end(a.transcript), _end(b.transcript)))]
    places = {pair.path: _place(pair, a.course, b.course) for pair in pairs}
    # Where the worse run first did what the other did not: all before that is alike.
    pairs.sort(key=lambda pair: places[pair.path][::-1])
    ends = places[pairs[0].path] if pairs else (len(a.course.moments), len(b.course.moments))
    return _Parting((a, b), tuple(pairs), ends)


def _end(transcript: Transcript) -> Fact | None:
    end = transcript.finished
    return Fact("end", f"{end.status}: {end.error or end.output}") if end else None


def _place(pair: Pair, a: Course, b: Course) -> tuple[int, int]:
    """Where in either run the two of a pair part."""
    if pair.status == "different":
        one, two = pair.first
        return (
            a.position(pair.path, one.id if one else ""),
            b.position(pair.path, two.id if two else ""),
        )
    return a.begin(pair.path), b.begin(pair.path)


def _beside(runs: Sequence[Ran], ends: Sequence[int]) -> Iterator[str]:
    """Both orders up to where the runs part, beside each other; what is equal is left out."""
    heads = [ran.course.moments[: end + 1] for ran, end in zip(runs, ends, strict=True)]
    whole = [
        ran.course.until(end, other)
        for ran, end, other in zip(runs, ends, reversed(heads), strict=True)
    ]
    agents = {
        call.agent for ran in runs if ran.transcript for call in ran.transcript.calls.values()
    }
    tools = [[it for it in side if it.tool and it.what not in agents] for side in whole]
    if tools[0] != tools[1]:
        whole = tools  # what agents share, they share by their tools
    short = _short({it.call for side in whole for it in side})
    parted = {
        (it.call, it.place)
        for ran, end in zip(runs, ends, strict=True)
        for it in ran.course.moments[end : end + 1]
    }
    left, right = ([_step(it, what, short, parted) for it, what in steps(side)] for side in whole)
    rows = [*zip_longest(left, right, fillvalue="")]
    same = next((at for at, (one, two) in enumerate(rows) if one[2:] != two[2:]), len(rows))
    begin = max(same - 1, 0)
    shown = rows[begin:]
    if len(shown) > _ROWS:
        cut = len(shown) - _ROWS + 1
        shown[_ROWS // 2 : _ROWS // 2 + cut] = [(f"  … {cut} more", f"  … {cut} more")]
    yield _row(*(f"  seed {ran.seed}" for ran in runs))
    if begin:
        yield _row("  …", "  …")
    for one, two in shown:
        yield _row(one, two)


def _step(moment: Moment, what: str, short: Mapping[str, str], parted: Container[object]) -> str:
    mark = "≠" if (moment.call, moment.place) in parted else " "
    return f"{mark} {short[moment.call]}: {what}"


def _short(calls: set[str]) -> dict[str, str]:
    """The last part of each call path, where that is enough to tell them apart."""
    tails = [path.rpartition("/")[2] for path in calls]
    if len(set(tails)) < len(tails):
        return {path: path for path in calls}
    return {path: path.rpartition("/")[2] for path in calls}


def _row(one: str, two: str) -> str:
    left, right = (_cut(clean(it).replace("\n", " "), _WIDTH) for it in (one, two))
    return f"{left:<{_WIDTH}}  {right}".rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _chance(parting: _Parting, again: Sequence[Ran]) -> Verdict:
    """Played again, at least one of them was another: it is no question of order."""
    seed = next(
        was.seed
        for was, now in zip(parting.runs, again, strict=True)
        if _outcome(was) != _outcome(now)
    )
    told = (
        f"order: the outcome is not the same each time: seed {seed}, played twice, had two; "
        "that is no order's doing: a clock, chance, or something that outlives a run decides it"
    )
    first = [f"first difference: {_line(it)}" for it in parting.pairs[:1]]
    worse = parting.runs[1].verdict
    reasons = (*worse.reasons, "\n".join([told, *first]))
    return Verdict(worse.code or CHECK_FAILED, reasons, worse.diffs)

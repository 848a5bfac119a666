"""One file's cases are shared among the workers: each is played once, whoever dies."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from suites import report

from orchestra.cli import main
from orchestra.errors import CHECK_FAILED, INVALID, OK, RUN_FAILED
from orchestra.regression import CaseResult, process, worker, workers
from orchestra.regression.told import Begun, Known, Over, Planned, Played, Told
from orchestra.regression.worker import Coming, Desk, Hands, Job, Share, Shared, Taken

if sys.platform == "win32":
    pytest.skip("of signals", allow_module_level=True)

COUNT = 24
GARBAGE = f"10000 {sys.platform != 'darwin'}"  # a copy looks seldom, and never at what was imported
TOOLS = '''
import gc, os, signal
from pathlib import Path

def notes(at: str) -> str:
    """Who plays what."""
    with open("played", "a") as played:
        played.write(f"{os.getpid()} {at}\\n")
    mark = Path("mark")
    if at == os.environ.get("DIES") and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{gc.get_threshold()[0]} {gc.get_freeze_count() > 50_000}"
'''
SCENARIO = """\
version: 1
agents: {{a: {{tools: [t]}}}}
tools: {{t: {{python: 'sharing_tools:notes'}}}}
inputs: [{inputs}]
script:
  a:
  - {{match: nobody, text: never}}
{replies}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(process, "_START", -1e9)  # however little there is to do
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "sharing_tools.py").write_text(TOOLS)
    names = [f"n{at:02}" for at in range(COUNT)]
    replies = [f"  - {{match: {it}, tool_calls: [{{t: {{at: {it}}}}}]}}" for it in names]
    text = SCENARIO.format(
        inputs=", ".join(names),
        replies="\n".join([*replies, f"  - {{match: '{GARBAGE}', text: seldom}}"]),
    )
    (tmp_path / "many.yaml").write_text(text)
    return tmp_path


def played(project: Path) -> tuple[Counter[str], set[str]]:
    lines = [line.split() for line in (project / "played").read_text().splitlines()]
    return Counter(at for _, at in lines), {pid for pid, _ in lines}


def test_who_has_nothing_to_do_takes_half_of_the_rest(project: Path) -> None:
    assert main(["test", "many.yaml", "-n", "2", "--json", "r.json"]) == CHECK_FAILED
    cases, pids = played(project)
    assert cases == Counter(f"n{at:02}" for at in range(COUNT))
    assert len(pids) == 2
    told = report("r.json")
    assert len(told) == COUNT + 1
    assert {it["exit_code"] for name, it in told.items() if name != "many"} == {OK}
    # What none of them has used. And a tool was told how its worker looks for garbage.
    assert told["many"]["reasons"] == ["script key 'a': reply 1 of 26 was never used"]


@pytest.mark.parametrize("who", ["n00", "n01", f"n{COUNT - 1:02}"])
def test_who_dies_meanwhile_costs_its_case(
    who: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES", who)
    assert main(["test", "many.yaml", "-n", "3", "--json", "r.json"]) == CHECK_FAILED
    cases, _ = played(project)
    assert cases == Counter([who, *(f"n{at:02}" for at in range(COUNT))])
    told = report("r.json")
    assert len(told) == COUNT + 1
    assert {name: it["notes"] for name, it in told.items() if it["notes"]} == {
        f"many[{int(who[1:])}]": ["its worker died in the first try; it was tried once more"]
    }


MEETING = '''
import os, time
from pathlib import Path

def meet(count: int) -> str:
    """Come, and wait until as many are there."""
    Path(f"here-{os.getpid()}").touch()
    late = time.monotonic() + 30
    while len([*Path().glob("here-*")]) < count and time.monotonic() < late:
        time.sleep(0.01)
    return f"{len([*Path().glob('here-*')])} met"
'''


@pytest.mark.parametrize("count", [2, 3])
def test_slow_cases_begin_together_however_few_they_are(project: Path, count: int) -> None:
    """Each waits for the others, as for a network."""
    (project / "meeting_tools.py").write_text(MEETING)
    (project / "few.yaml").write_text(
        "version: 1\nagents: {a: {tools: [t]}}\ntools: {t: {python: 'meeting_tools:meet'}}\n"
        f"inputs: [{', '.join(f'go {at}' for at in range(count))}]\n"
        f"script: {{a: [{{tool_calls: [{{t: {{count: {count}}}}}]}}, {{text: end}}]}}\n"
        f"expect: [tool_result: {{tool: t, contains: {count} met}}]\n"
    )
    assert main(["test", "few.yaml", "-n", "3", "--real-time"]) == OK


@pytest.mark.parametrize(
    ("free", "cases", "shares"),
    [(3, 4, [1, 1, 1]), (7, 3, [1, 1]), (1, 5, [2]), (2, 1, []), (0, 5, [])],
)
def test_slow_cases_are_dealt_out_before_the_first_begins(
    free: int, cases: int, shares: list[int]
) -> None:
    any_: Any = None
    sent: list[Any] = []
    link = SimpleNamespace(send=sent.append)
    worker = process.Process(any_, cast("Any", link), Path(), ready=True)
    pool = workers.Workers(any_, 1 + free, print, slow=True)
    pool._paths, pool._alive = {0: Path("a.yaml")}, [worker]
    worker.part, worker.given = process.Part(0, Known()), time.monotonic()
    names = tuple(f"n{at}" for at in range(cases))
    assert [*pool._told(worker, Planned(Path("a.yaml"), names=names, chosen=names))]
    (share,) = sent  # it waits for this one, also where it has nothing in it
    pool._shared(worker, share.names)
    parts = [[it for it in names if it not in part.known.names] for part in pool._todo]
    assert [*map(len, parts)] == shares
    assert sorted([*worker.left, *(it for part in parts for it in part)]) == [*names]


def test_a_worker_that_asks_begins_when_it_has_heard_what_is_left_to_others() -> None:
    told: list[Any] = []
    gone_: list[frozenset[str]] = []

    def play(path: Path, known: Known, gone: Any) -> Iterator[Told]:
        yield Planned(path, names=("a", "b"), chosen=("a", "b"))
        gone_.append(frozenset(gone))
        yield Over()

    here, there = Pipe()
    with here, there:
        here.send(Share(frozenset("b")))
        hands = Hands(play, print, lambda: None)
        tell = lambda *news: told.append(news)  # noqa: E731 - short
        worker._play(Job(Path("x.yaml"), asks=True), Desk(there, ""), hands, tell, None)
    assert gone_ == [frozenset("b")]
    assert told[2:] == [(Shared(frozenset("b")),), (Over(),)]


def test_a_case_is_told_with_the_beginning_of_the_next_and_the_last_at_once() -> None:
    """Half the messages; and what closing a team does is the fault of no case."""
    told: list[list[str]] = []

    def play(path: Path, known: Known, gone: Any) -> Iterator[Told]:
        yield Planned(path, names=("a", "b", "c"), chosen=("a", "b", "c"), done=("a",))
        for name in "bc":
            yield Begun(name)
            yield Played(CaseResult(name, path, OK))
        assert told[-1] == ["Played"]
        yield Over()

    here, there = Pipe()
    with here, there:
        tell = lambda *news: told.append([type(it).__name__ for it in news])  # noqa: E731 - short
        hands = Hands(play, print, lambda: None)
        worker._play(Job(Path("x.yaml")), Desk(there, ""), hands, tell, None)
    assert told == [["Taken"], ["Planned"], ["Begun"], ["Played", "Begun"], ["Played"], ["Over"]]


def test_as_many_workers_as_cases_are_worth(project: Path) -> None:
    from argparse import Namespace

    from orchestra.verbs.testing import workers as count

    args = Namespace(workers=None, timeout=None, watch=False, mode=None)
    few = project / "few.yaml"
    few.write_text("version: 1\nagents: {a: {}}\ninput: go\n")
    assert count(args, [few]) == 0
    many = project / "inputs.yaml"
    many.write_text("inputs:\n" + "  - {input: go}\n" * 500)
    assert count(args, [many]) >= 1
    args.mode = "live"  # what takes time is the network
    assert [count(args, [few] * at) for at in (1, 2, 5, 20)] == [0, 2, 5, 8]
    args.workers = 3
    assert count(args, [few] * 20) == 3


ALONE = '''
import os, signal
try:
    os.close(os.open("first", os.O_CREAT | os.O_EXCL))
except FileExistsError:
    os.kill(os.getpid(), signal.SIGKILL)

def notes(at: str) -> str:
    """Whoever comes second is dead."""
    return "GARBAGE"
'''.replace("GARBAGE", GARBAGE)


def test_who_cannot_even_begin_its_share_loses_no_case(project: Path) -> None:
    (project / "sharing_tools.py").write_text(ALONE)
    assert main(["test", "many.yaml", "-n", "2", "--json", "r.json"]) == RUN_FAILED
    told = report("r.json")
    assert {f"many[{at}]" for at in range(COUNT)} <= {*told}
    codes = Counter(it["exit_code"] for it in told.values())
    assert codes[OK] >= COUNT // 2
    assert codes[RUN_FAILED] >= 1


@pytest.mark.parametrize("clock", [[], ["--real-time"]])
def test_a_team_that_cannot_be_built_is_told_once(project: Path, clock: list[str]) -> None:
    """However its cases would have been shared."""
    (project / "broken_tools.py").write_text("def notes(at: str) -> str:\n    return at +\n")
    text = (project / "many.yaml").read_text()
    (project / "many.yaml").write_text(text.replace("sharing_tools", "broken_tools"))
    assert main(["test", "many.yaml", "-n", "3", "--json", "r.json", *clock]) == INVALID
    (told,) = report("r.json").values()
    assert "broken_tools" in told["reasons"][0]


def test_what_breaks_beforehand_breaks_when_it_is_played() -> None:
    told: list[Any] = []

    def prepare(path: Path) -> None:
        raise KeyError(path)

    here, there = Pipe()
    with here, there:
        for it in (Coming(Path("x.yaml")), Job(Path("x.yaml")), None):
            here.send(it)
        hands = Hands(lambda *_: (), prepare, lambda: None)
        assert [*worker._jobs(there, told.append, hands)] == [Job(Path("x.yaml"))]
    assert told == [Taken()]


def test_who_loads_beforehand_is_not_idle() -> None:
    any_: Any = None
    sent: list[Any] = []
    pool = workers.Workers(any_, 2, print)
    pool._paths = {0: Path("a.yaml"), 1: Path("b.yaml")}
    pool._alive = [
        process.Process(any_, cast("Any", SimpleNamespace(send=it)), Path(), ready=True)
        for it in (print, sent.append)
    ]
    pool._alive[0].part = process.Part(0, Known())
    pool._give()
    pool._todo.append(process.Part(1, Known()))
    pool._give()
    assert sent == [Coming(Path("a.yaml"))]
    assert not [*pool._new(pool._alive[1], Taken())]
    pool._give()
    assert sent[1:] == [Job(Path("b.yaml"))]


@pytest.mark.parametrize(
    ("seconds", "played", "left", "known", "shared"),
    [
        (1.0, 100, 900, False, 450),  # 10 ms each
        (0.0, 0, 1000, False, 500),  # none played yet: 4 ms are a guess
        (1.0, 100, 100, False, 0),  # a second of work is not worth it
        (1.0, 100, 100, True, 50),  # but to one who has loaded the file
        (1.0, 100, 8, True, 0),
        (10.0, 5, 40, False, 20),  # slow ones
    ],
)
def test_half_is_shared_if_it_is_worth_that(
    seconds: float,
    played: int,
    left: int,
    known: bool,
    shared: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    names = [f"n{at}" for at in range(left)]
    any_: Any = None
    worker = process.Process(any_, any_, Path(), name="n0", left=names, played=played)
    worker.plan = Planned(Path())
    worker.planned = 100.0 - seconds
    worker.given = worker.planned - (0.2 if left > 100 else 0.3)
    shares = worker.to_share(known=known)
    assert len(shares) == shared
    assert shares == names[left - len(shares) :]


def test_who_has_nothing_to_do_loads_what_it_may_get_a_share_of() -> None:
    any_: Any = None
    sent: list[list[Any]] = [[], [], []]
    busy, idle, coming = (SimpleNamespace(send=it.append) for it in sent)
    pool = workers.Workers(any_, 3, print)
    pool._paths = {0: Path("a.yaml"), 1: Path("b.yaml")}
    pool._alive = [
        process.Process(any_, cast("Any", link), Path(), ready=link is not coming)
        for link in (busy, idle, coming)
    ]
    pool._alive[0].part = process.Part(1, Known())
    for _ in range(3):
        pool._give()
    assert sent == [[], [Coming(Path("b.yaml"))], []]


@pytest.mark.parametrize(
    ("files", "count", "begun"), [(1, 1, 1), (1, 2, 2), (1, 8, 2), (3, 8, 4), (9, 4, 4)]
)
def test_one_more_is_begun_than_there_are_files(files: int, count: int, begun: int) -> None:
    """It is there as soon as there is something to share; nobody needs more than that."""
    any_: Any = None
    started: list[str] = []

    def start(trace: str) -> Any:
        started.append(trace)
        return any_, any_

    pool = workers.Workers(start, count, print)
    pool._todo.extend(process.Part(at, Known()) for at in range(files))
    for _ in range(3):  # they are coming, and it does not ask for more
        pool._give()
    assert len(started) == begun

"""The virtual clock, on which waiting is exact and costs nothing, and orders from seeds."""

from __future__ import annotations

import asyncio
import os
import re
import selectors
import signal
import socket
import sys
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from model_server import orchestra, quirky, says
from runs import check_promises, collect, finished, of, play, scenario, timeless
from virtual import FRAGILE, run_virtually

from orchestra import events, load
from orchestra.cli import main
from orchestra.errors import MISSING, OK, RUN_FAILED
from orchestra.events import Event
from orchestra.runtime import clock, run
from orchestra.runtime.clock import VirtualLoop
from orchestra.runtime.schedule import Schedule

HOUR = 3600.0
SOON = 30.0  # seconds; a bound for what is broken, never waited for otherwise


# --- time -----------------------------------------------------------------------------------


def test_waiting_is_exact_and_costs_nothing() -> None:
    """Were it to cost anything, it would be hours."""
    seen = run_virtually(
        play("""
            agents: {a: {tools: [t], limits: {seconds: 80000}}}
            tools: {t: {returns: [{value: ok, delay: 50000}]}}
            input: go
            script:
              a:
                - {text: one two three, first_token: 10, rate: 0.1, tool_calls: [t]}
                - {text: end, fault: {error: server, attempts: [1, 2]}}
            run: {retry: {backoff: 1000}, timeout: 86400}
        """)
    )
    check_promises(seen)
    assert [e.t for e in of(events.TextDelta, seen)][:3] == [10, 20, 30]
    assert [e.duration for e in of(events.ToolFinished, seen)] == [50_000]
    waits = [e.retry_in or 0.0 for e in of(events.ModelAborted, seen)]
    assert len(waits) == 2
    assert of(events.ModelStarted, seen)[-1].t == pytest.approx(50_060 + sum(waits), abs=1e-5)
    assert finished(seen).duration == finished(seen).t


def test_a_loop_that_is_at_work_does_not_look_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cost a call of the system for every round, a twentieth of a case."""
    looked = 0
    select = selectors.DefaultSelector.select

    def counted(self: Any, timeout: float | None = None) -> Any:
        nonlocal looked
        looked += 1
        return select(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", counted)

    async def work() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await asyncio.sleep(HOUR)

    clock.run(work(), virtual=True)
    assert looked <= 6


@pytest.mark.skipif(sys.platform == "win32", reason="of signals")
def test_a_signal_is_seen_by_a_loop_that_never_rests() -> None:
    async def work() -> None:
        loop, come = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, come.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert come.is_set()

    clock.run(work(), virtual=True)


def test_a_rate_is_exact_on_a_virtual_clock_and_of_30_ticks_a_second_on_a_real_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A round of the loop for each piece of each agent cost as much as the piece."""
    said = play("agents: {a: {}}\ninput: go\nscript: {a: [{text: one two three, rate: 300}]}")
    seen = run_virtually(said)
    assert [e.t for e in of(events.TextDelta, seen)] == pytest.approx(
        [0, 1 / 300, 2 / 300], abs=2e-6
    )

    monkeypatch.setattr(clock, "reader", lambda: lambda: 7.0)
    pace = clock.Pace(0.0, 90.0)
    waits = [pace.wait() for _ in range(6)]
    assert waits == pytest.approx([0, *[1 / 30] * 3, *[2 / 30] * 2], abs=1e-9)
    assert clock.Pace(-1.0, 0.0).wait() == -1.0  # what is late waits for no tick


def test_a_timeout_comes_at_its_time() -> None:
    async def work() -> list[object]:
        loop, seen = asyncio.get_running_loop(), list[object]()
        for seconds in (4, 6):
            began = loop.time()
            try:
                async with asyncio.timeout(5):
                    await asyncio.sleep(seconds)
                seen.append("done")
            except TimeoutError:
                seen.append("late")
            seen.append(loop.time() - began)
        return seen

    assert run_virtually(work()) == ["done", 4, "late", 5]


# --- threads --------------------------------------------------------------------------------


def test_a_thread_that_works_is_waited_for() -> None:
    """It needs the loop in between: the loop must serve it, and not leap meanwhile."""

    async def work() -> tuple[list[str], float]:
        loop, order = asyncio.get_running_loop(), list[str]()
        asked, answered = asyncio.Event(), threading.Event()

        def in_thread() -> bool:
            loop.call_soon_threadsafe(asked.set)
            return answered.wait(SOON)

        async def answer() -> None:
            await asked.wait()
            answered.set()

        async def other() -> None:
            await asyncio.sleep(1)
            order.append("timer")

        others = asyncio.gather(answer(), other())
        async with asyncio.timeout(0.5):
            assert await asyncio.to_thread(in_thread)
        order.append("thread")
        took = loop.time()
        await others
        return order, took

    assert run_virtually(work()) == (["thread", "timer"], 0.0)


def test_results_come_in_the_order_in_which_the_work_was_given() -> None:
    async def work() -> list[str]:
        loop, order, second = asyncio.get_running_loop(), list[str](), threading.Event()

        def wait() -> None:
            assert second.wait(SOON)
            for _ in range(20):  # turns of the loop, in which it could tell of the other
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(SOON)

        async def first() -> None:
            await asyncio.to_thread(wait)
            order.append("first")

        async def other() -> None:
            await asyncio.to_thread(second.set)
            order.append("second")

        await asyncio.gather(first(), other())
        return order

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(alone=0.0)) as runner:
        assert runner.run(work()) == ["first", "second"]


def test_works_begin_one_after_another() -> None:
    """Two tools that share something must not depend on which thread is the faster."""

    async def work() -> list[str]:
        seen, asked = [], asyncio.Event()
        loop, free = asyncio.get_running_loop(), threading.Event()

        def first() -> None:
            loop.call_soon_threadsafe(asked.set)
            assert free.wait(SOON)
            seen.append("first")

        async def later() -> None:
            await asked.wait()
            for _ in range(20):  # turns of the loop, in which the second could begin
                await asyncio.sleep(0)
            free.set()

        await asyncio.gather(
            asyncio.to_thread(first), asyncio.to_thread(seen.append, "second"), later()
        )
        return seen

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(SOON, alone=SOON)) as runner:
        assert runner.run(work()) == ["first", "second"]


def test_one_that_is_called_off_is_not_waited_for() -> None:
    async def work() -> int:
        free = threading.Event()
        tasks = [asyncio.create_task(asyncio.to_thread(free.wait, SOON))]
        tasks += [asyncio.create_task(asyncio.to_thread(free.is_set)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        free.set()
        return sum(await asyncio.gather(*tasks[:1], *tasks[2:]))

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(SOON, alone=SOON)) as runner:
        assert runner.run(work()) == 3


def test_a_failure_in_a_thread_is_told() -> None:
    async def work() -> None:
        await asyncio.to_thread(int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        run_virtually(work())


def test_a_thread_that_nobody_waits_for_holds_nothing_up() -> None:
    begun, over = threading.Event(), threading.Event()
    ended: list[bool] = []

    def hang() -> None:
        begun.set()
        ended.append(over.wait(SOON))

    async def work() -> float:
        hanging = asyncio.ensure_future(asyncio.to_thread(hang))
        await asyncio.sleep(0)
        assert begun.wait(SOON)
        hanging.cancel()
        await asyncio.sleep(HOUR)
        over.set()
        return asyncio.get_running_loop().time()

    assert run_virtually(work()) == HOUR
    assert ended == [True]


def test_what_is_left_in_the_loop_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            seen.append("generator")

    async def left(name: str) -> None:
        try:
            await asyncio.sleep(HOUR)
        finally:
            seen.append(name)
            if name == "bad":
                raise ZeroDivisionError

    kept: list[object] = []

    async def work() -> str:
        kept.append(generator := numbers())
        await anext(generator)
        kept.extend(asyncio.ensure_future(left(name)) for name in ("good", "bad"))
        await asyncio.sleep(1)
        return "done"

    assert run_virtually(work()) == "done"
    assert sorted(seen) == ["bad", "generator", "good"]
    assert "ZeroDivisionError" in caplog.text


def test_patience_with_a_thread_ends() -> None:
    """It waits for what only a timer can bring: time has to go on."""

    async def work() -> bool:
        free = threading.Event()
        asyncio.get_running_loop().call_later(0.001, free.set)
        return await asyncio.to_thread(free.wait, SOON)

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(patience=0.0)) as runner:
        assert runner.run(work())


def test_a_thread_of_somebody_else_keeps_the_clock_from_leaping() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(HOUR):
            for _ in range(20):
                asked, done = asyncio.Event(), asyncio.Event()
                go = threading.Event()

                def ask(asked: asyncio.Event, go: threading.Event, done: asyncio.Event) -> None:
                    loop.call_soon_threadsafe(asked.set)
                    go.wait(SOON)
                    loop.call_soon_threadsafe(done.set)

                thread = threading.Thread(target=ask, args=(asked, go, done))
                thread.start()
                await asked.wait()
                go.set()
                await done.wait()
                thread.join()
        return loop.time()

    assert run_virtually(work()) < HOUR


# --- sockets --------------------------------------------------------------------------------


def test_a_server_on_a_socket_has_the_time_that_it_needs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                for _ in range(20):
                    connection.sendall(connection.recv(100))

        thread = threading.Thread(target=serve)
        thread.start()

        async def work() -> list[bytes]:
            reader, writer = await asyncio.open_connection(*server.getsockname())
            async with asyncio.timeout(HOUR):
                said = []
                for number in range(20):
                    writer.write(b"%d\n" % number)
                    said.append(await reader.readline())
            writer.close()
            await writer.wait_closed()
            return said

        assert run_virtually(work()) == [b"%d\n" % number for number in range(20)]
        thread.join()


def test_a_real_model_answers_on_a_virtual_clock() -> None:
    with quirky() as server:
        server.plays(says("Hello."))
        model = f'{{model: "openai:tiny", base_url: "{server.url}", api_key: none-needed}}'
        seen = run_virtually(
            play(f"models: {{default: {model}}}\nagents: {{a: {{}}}}\ninput: go\n")
        )
    assert finished(seen).output == "Hello."


# --- seeds ----------------------------------------------------------------------------------

TEAM = """
main: lead
agents: {lead: {subagents: [w], tools: [t]}, w: {}}
tools: {t: {parameters: {x: string}, returns: [{value: ok}]}}
input: go
script:
  lead:
    - tool_calls: [{w: {query: "1"}}, {w: {query: "2"}}, {w: {query: "3"}}]
    - tool_calls: [{t: {x: a}}, {t: {x: b}}, {t: {x: c}}]
    - text: end
  w#1: [{text: one two three}]
  w#2: [{text: four five six}]
  w#3: [{text: seven eight nine}]
"""


def seeded(text: str, seed: int | None) -> list[Event]:
    seen = run_virtually(collect(run(scenario(text), seed=seed)))
    check_promises(seen)
    return seen


def order(seen: list[Event]) -> tuple[str | None, ...]:
    """Who said something, in order."""
    return tuple(e.call for e in of(events.TextDelta, seen))


def each(seen: list[Event]) -> dict[object, list[Event]]:
    """What each call, and each call of a tool, has told, whatever came between."""
    told = defaultdict(list)
    for event in seen:
        told[event.call, getattr(event, "tool_call_id", None)].append(timeless(event))
    return dict(told)


def test_each_seed_gives_an_order_and_gives_it_again() -> None:
    plain = seeded(TEAM, None)
    runs = {seed: seeded(TEAM, seed) for seed in range(24)}
    assert len({order(seen) for seen in runs.values()}) > 16
    ends = [[e.tool_call_id for e in of(events.ToolFinished, seen)][3:] for seen in runs.values()]
    assert len(set(map(tuple, ends))) == 6  # every order of three tools
    for seed, seen in runs.items():
        assert each(seen) == each(plain)
        again = seeded(TEAM, seed)
        assert list(map(timeless, again)) == list(map(timeless, seen))
        assert [e.t for e in again] == [e.t for e in seen]


def test_without_a_seed_nothing_waits() -> None:
    assert {e.t for e in seeded(TEAM, None)} == {0.0}


def test_a_seed_is_the_same_in_another_process(tmp_path: Path) -> None:
    """The waits of the scenario itself cost nothing there either."""
    path = tmp_path / "team.yaml"
    path.write_text("version: 1\n" + TEAM.replace("value: ok", "value: ok, delay: 3000"))
    args = ("run", str(path), "--seed", "7", "--display", "jsonl", "--no-keep")
    told = []
    for hash_seed in ("1", "2"):
        done = orchestra(*args, env={"PYTHONHASHSEED": hash_seed})
        assert (done.returncode, done.stderr) == (OK, "")
        told.append([events.loads(line) for line in done.stdout.splitlines()[1:]])
    here = run_virtually(collect(run(load(path), seed=7)))
    timed = [[(e.t, timeless(e)) for e in seen] for seen in (*told, here)]
    assert timed[0] == timed[1] == timed[2]
    assert finished(here).t > 3000


def test_the_delays_of_a_seed_are_short() -> None:
    delays = [Schedule(3).delay(f"a/w#{n}", turn, "x") for n in range(50) for turn in range(20)]
    assert 0 < min(delays) < 1e-6
    assert 1e-4 < max(delays) < 1e-3
    assert Schedule().delay("a", 0) == 0.0


TICKETS = """
class Account:
    def __init__(self):
        self.left, self.log = 100, []

    def read(self) -> str:
        "What is left."
        return str(self.left)

    def take(self, who: str) -> str:
        "Take 60, if there are."
        if self.left < 60:
            return "refused"
        self.left -= 60
        self.log.append(who)
        return "taken"

    async def takers(self) -> str:
        "Who has taken."
        return ",".join(self.log)
"""
RACE = """
main: bank
agents: {bank: {subagents: [clerk, audit], tools: [account]}, clerk: {tools: [account]}, audit: {tools: [account]}}
tools: {account: {python: "seeded_tools:Account"}}
input: go
script:
  bank:
    - tool_calls: [{clerk: {query: "1"}}, {clerk: {query: "2"}}, {audit: {query: "3"}}]
    - tool_calls: [takers]
    - text: end
  clerk#1: [{text: look, tool_calls: [{take: {who: A}}]}, {text: done}]
  clerk#2: [{text: look, tool_calls: [{take: {who: B}}]}, {text: done}]
  audit: [{text: look, tool_calls: [read]}, {text: done}]
"""


def test_a_race_for_what_is_shared_goes_as_the_seed_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeded_tools.py").write_text(TICKETS)
    path = tmp_path / "race.yaml"
    path.write_text("version: 1\n" + RACE)

    def outcome(seed: int) -> tuple[str, ...]:
        seen = run_virtually(collect(run(load(path), seed=seed)))
        assert finished(seen).status == "completed", finished(seen).error
        found = of(events.ToolFinished, seen)
        return tuple(e.result for e in found if e.name in ("read", "takers"))

    outcomes = {seed: outcome(seed) for seed in range(24)}
    assert set(outcomes.values()) == {("100", "A"), ("100", "B"), ("40", "A"), ("40", "B")}
    assert all(outcome(seed) == outcomes[seed] for seed in range(8))


# --- the command line -----------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        (tmp_path / "case.yaml").write_text("version: 1\n" + text)
        return "case.yaml"

    return write


def test_a_case_that_needs_one_order_fails_and_says_under_which_seed(
    file: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(FRAGILE)
    assert main(["test", path]) == OK
    assert main(["test", path, "--seeds", "16"]) == MISSING
    said = capsys.readouterr().out
    (seed,) = re.findall(r"- to repeat it: --seed (\d+)\n", said)
    assert "1 passed, 0 failed" in said
    assert "0 passed, 1 failed" in said
    for lower in range(1, int(seed)):
        assert main(["test", path, "--seed", str(lower)]) == OK
    capsys.readouterr()
    assert main(["test", path, "--seed", seed]) == MISSING
    assert f"--seed {seed}\n" in capsys.readouterr().out


def test_a_case_that_stands_any_order_passes(file: Callable[[str], str]) -> None:
    assert main(["test", file(TEAM), "--seeds", "8"]) == OK


def test_what_waits_for_ever_ends_with_the_time_of_its_agent(
    file: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    stall = "agents: {a: {}}\ninput: go\nscript: {a: [{text: one two, fault: {error: stall, after: 1}}]}\n"
    assert main(["test", file(stall)]) == RUN_FAILED
    assert "a: took more than 3600 s (limits.seconds)" in capsys.readouterr().out
    assert main(["test", file(stall + "run: {model_timeout: 900, retry: {attempts: 2}}\n")]) == OK


def test_the_clock_that_a_test_has(
    file: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clock_tools.py").write_text(
        "import asyncio\n\nasync def clock() -> str:\n"
        "    'Which clock.'\n    return type(asyncio.get_running_loop()).__name__\n"
    )
    path = file("""
agents: {a: {tools: [t]}}
tools: {t: {python: "clock_tools:clock"}}
input: go
script: {a: [{tool_calls: [t]}, {match: VirtualLoop, text: end}]}
""")
    assert main(["test", path]) == OK
    assert main(["test", path, "--real-time"]) == MISSING
    assert "'Loop'" in capsys.readouterr().out


def test_seconds_are_those_of_the_person_who_waits(
    file: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    slow = "agents: {a: {}}\ninput: go\nscript: {a: [{text: one two, first_token: 3000}]}\n"
    assert main(["test", file(slow)]) == OK
    (seconds,) = re.findall(r"^PASS .* ([\d.]+)s$", capsys.readouterr().out, re.MULTILINE)
    assert float(seconds) < 3000


@pytest.mark.parametrize("other", [["--seeds", "2"], ["--real-time"]])
def test_a_seed_has_a_virtual_clock_and_is_one(
    other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["test", "case.yaml", "--seed", "1", *other])
    assert "not allowed with" in capsys.readouterr().err

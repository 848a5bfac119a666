"""A run that broke off goes on from its events, wherever it was cut."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import forks
import pytest
from runs import SCENARIOS, check_promises, collect, finished, of, play, scenario
from virtual import virtually

from orchestra import Scenario, UsageError, events
from orchestra.events import Event
from orchestra.runtime import Run, Team, build, run
from orchestra.runtime.past import Past
from orchestra.scenario import load

TWICE = re.compile(r"~\d+")
DELTAS = (events.TextDelta, events.ReasoningDelta, events.ToolCallDelta)
DONE = ("completed", "handed_off")
# One of each pattern, and long ones; cut at so many places that no test takes long.
SHIPPED = ("newsroom", "helpdesk", "launch", "museum-label", "study-guide", "expense-claim")


async def resume(loaded: Scenario | Team, cut: list[Event]) -> list[Event]:
    """The whole run: what was told before it was cut, and what was told after."""
    team = build(loaded) if isinstance(loaded, Scenario) else loaded
    return cut + await collect(Run(team, past=Past.of(cut)))


def outcome(seen: list[Event]) -> dict[str, object]:
    """What is the same however often a run was cut."""
    last = finished(seen)
    said = [
        (e.call, e.text, [c.args for c in e.tool_calls]) for e in of(events.ModelFinished, seen)
    ]
    ends = [e for e in of(events.AgentFinished, seen) if e.status in DONE]
    return {
        "end": (last.status, last.output),
        "said": sorted(said, key=str),
        "ends": sorted((e.call, e.status, e.output, str(e.structured)) for e in ends),
        # The id of a message that was begun twice, and of its calls, tells so.
        "tools": sorted(
            (TWICE.sub("", e.tool_call_id), e.result) for e in of(events.ToolFinished, seen)
        ),
        "warned": sorted(e.message for e in of(events.Warned, seen) if e.script_key is None),
    }


def places(seen: list[Event], most: int = 25) -> list[int]:
    """Where to cut: after what began or ended, and in the midst of it, once for each text."""
    from_here = 1 + next(at for at, e in enumerate(seen) if isinstance(e, events.TurnStarted))
    told: set[str] = set()
    found = []
    for at in range(from_here, len(seen)):
        last = seen[at - 1]
        if not isinstance(last, DELTAS) or f"{last.type} {last.message_id}" not in told:
            found.append(at)
        if isinstance(last, DELTAS):
            told.add(f"{last.type} {last.message_id}")
    step = max(1, len(found) // most)
    return [*found[::step], len(seen) - 1]


def check(whole: list[Event], pieces: list[Event]) -> None:
    check_promises(pieces)
    assert outcome(pieces) == outcome(whole)
    ids = [e.message_id for e in of(events.ModelFinished, pieces)]
    assert len(ids) == len(set(ids))
    assert finished(pieces).usage == finished(whole).usage


def figures(seen: list[Event]) -> dict[str, tuple[int, int]]:
    return {name: (it.calls, it.tool_calls) for name, it in finished(seen).totals.items()}


@pytest.mark.parametrize("name", SHIPPED)
@virtually
async def test_a_run_cut_anywhere_ends_as_if_whole(name: str) -> None:
    loaded = load(SCENARIOS / f"{name}.yaml")
    whole, team = await collect(run(loaded)), build(loaded)
    for at in places(whole):
        pieces = await resume(team, whole[:at])
        check(whole, pieces)
        assert figures(pieces) == figures(whole)


NESTED = """
main: line
agents:
  line: {sequence: [plan, round, both, pick, ask]}
  plan: {subagents: [help], tools: [t], middleware: [todo_list]}
  help: {tools: [t]}
  round: {loop: [writer, critic], until: {contains: fine}, max_rounds: 3}
  writer: {}
  critic: {}
  both: {parallel: [writer, help, desk], join: writer}
  desk: {handoffs: [help]}
  pick: {route: {writer: All, critic: None}}
  ask: {response_format: {type: object, properties: {n: {type: integer}}, required: [n]}}
tools: {t: {parameters: {x: integer}, returns: [{value: one, times: 1}, {value: more}]}}
input: go
script:
  plan:
    - tool_calls: [{write_todos: {todos: [{content: a, status: pending}]}}, {t: {x: 1}}]
    - tool_calls: [{help: {query: a}}, {help: {query: b}}]
    - text: planned
  help: [{text: hm, tool_calls: [{t: {x: 2}}]}, {text: helped well}]
  writer: [text: some words, text: other words]
  critic#1: [text: worse]
  critic#2: [text: fine]
  desk: [tool_calls: [transfer_to_help]]
  pick: [text: writer]
  ask: [{structured: {n: wrong}}, {structured: {n: 3}}]
"""


async def test_patterns_in_patterns_cut_at_every_third_event() -> None:
    loaded = scenario(NESTED)
    whole, team = await collect(run(loaded)), build(loaded)
    assert finished(whole).status == "completed", finished(whole).error
    for at in places(whole, len(whole) // 3):
        check(whole, await resume(team, whole[:at]))


async def test_a_run_may_be_cut_again_and_again() -> None:
    loaded = scenario(NESTED)
    whole = await collect(run(loaded))
    pieces = whole[: len(whole) // 5]
    for _ in range(6):
        more = await resume(loaded, pieces)
        pieces = more[: len(pieces) + max(3, (len(more) - len(pieces)) // 4)]
    check(whole, await resume(loaded, pieces))


@virtually
async def test_a_cancelled_run_goes_on() -> None:
    """Cancelled in good order, everything has its end: what was not done begins again."""
    loaded = load(SCENARIOS / "newsroom.yaml")
    whole = await collect(run(loaded))
    for wait in range(10, 300, 29):
        begun, cut = run(loaded), []
        async for event in begun:
            cut.append(event)
            if len(cut) == wait:
                begun.cancel()
        check_promises(cut)
        assert finished(cut).status == "cancelled"
        check(whole, await resume(loaded, cut))


FLAKY = """
main: lead
agents: {lead: {subagents: [w]}, w: {tools: [t]}}
tools: {t: {returns: [{value: ok}]}}
input: go
script:
  lead: [{tool_calls: [{w: {query: x}}]}, {text: end}]
  w: [{tool_calls: [t]}, {text: one two three, fault: {error: server, after: 1, attempts: [1, 2]}}]
run: {retry: {attempts: 2, backoff: 0}}
"""


async def test_a_failed_run_goes_on_where_it_failed() -> None:
    loaded = scenario(FLAKY)
    failed = await collect(run(loaded))
    assert finished(failed).status == "failed"
    both = await resume(loaded, failed)
    check_promises(both)
    assert (finished(both).status, finished(both).output) == ("completed", "end")
    assert len(of(events.ToolStarted, both)) - len(of(events.ToolStarted, failed)) == 1  # w again
    ids = [e.message_id for e in of(events.ModelStarted, both) if e.agent == "w"]
    assert ids == ["lead/w#1:1", "lead/w#1:2", "lead/w#1:2~2", "lead/w#1:2~3"]


ASKING = """
main: lead
agents:
  lead: {subagents: [ed]}
  ed: {tools: [t], approve: [t]}
tools: {t: {parameters: {x: string}, returns: [{value: ok}]}}
input: go
script:
  lead: [{tool_calls: [{ed: {query: x}}, {ed: {query: y}}]}, {text: end}]
  ed: [{tool_calls: [{t: {x: a}}]}, {text: done}]
"""


async def test_an_interrupted_run_goes_on_with_the_answer() -> None:
    one = scenario(ASKING + "decisions: [{agent: ed, tool: t, decide: approve}]")
    both = scenario(ASKING + "decisions: [{agent: ed, tool: t, decide: approve, times: 2}]")
    cut = await collect(run(one))
    assert finished(cut).status == "interrupted"
    seen = await resume(both, cut)
    check_promises(seen)
    assert (finished(seen).status, finished(seen).output) == ("completed", "end")
    asked = [e.interrupt_id for e in of(events.Interrupted, seen)]
    assert len(asked) == len(set(asked)) == 2  # each question once
    assert [e.interrupt_id for e in of(events.Resumed, seen) if e.call] == asked
    whole = await collect(run(both))
    for at in places(whole, len(whole)):
        check(whole, await resume(both, whole[:at]))


async def test_decisions_that_were_taken_stay_taken() -> None:
    one = "decisions: [{agent: ed, tool: t, decide: approve}"
    cut = await play(ASKING + one + "]")
    both = scenario(ASKING + one + ", {agent: ed, tool: t, decide: reject}]")
    seen = await resume(both, cut)
    assert [e.decision["decide"] for e in of(events.Resumed, seen) if e.call] == [
        "approve",
        "reject",
    ]


TALK = """
agents: {a: {}}
turns: [one, two, three]
script: {a: [text: first words, text: second words, text: third words]}
"""


async def test_a_conversation_goes_on_in_its_turn() -> None:
    loaded = scenario(TALK)
    whole = await collect(run(loaded))
    for at in places(whole, len(whole)):
        pieces = await resume(loaded, whole[:at])
        check(whole, pieces)
        assert [e.turn for e in of(events.TurnStarted, pieces)] == [1, 2, 3]


async def test_the_history_is_the_same() -> None:
    """What a model gets to read after a resume is what it would have read without one."""
    text = """
agents: {a: {tools: [t], model: echo}}
turns: [one, two]
tools: {t: {returns: [{value: ok}]}}
"""
    loaded = scenario(text)
    whole = await play(text)
    cut = next(at for at, e in enumerate(whole) if isinstance(e, events.TurnFinished)) + 3
    usage = [
        [e.usage for e in of(events.ModelFinished, it)]
        for it in (whole, await resume(loaded, whole[:cut]))
    ]
    assert usage[0] == usage[1]  # the scripted models count what they read


async def test_what_cannot_go_on_says_so() -> None:
    whole = await play(TALK)
    with pytest.raises(UsageError, match="the run is completed; there is nothing to resume"):
        Past.of(whole)
    with pytest.raises(UsageError, match="broke off before it began; start it anew"):
        Past.of(whole[:1])


@pytest.mark.parametrize("at", ["model_finished", "tool_started"])
async def test_half_a_tool_call_is_not_run_after_a_resume_either(at: str, tmp_path: Path) -> None:
    loaded = scenario("""
agents: {a: {tools: [t]}}
tools: {t: {returns: [{value: ran}]}}
input: go
script: {a: [{tool_calls: [t], fault: {error: malformed}}, {text: end}]}
""")
    whole = await collect(run(loaded))
    cut = next(number for number, e in enumerate(whole) if e.type == at) + 1
    pieces = await resume(loaded, whole[:cut])
    assert of(events.ToolFinished, pieces) == []
    assert finished(pieces).output == "end"


SLOW = """
version: 1
main: lead
agents: {lead: {subagents: [w]}, w: {tools: [t]}}
tools: {t: {returns: [{value: ok}]}}
input: go
script:
  lead: [{text: off, tool_calls: [{w: {query: x}}, {w: {query: y}}]}, {text: all done}]
  w: [{tool_calls: [t]}, {text: one two three four five six, rate: RATE}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ORCHESTRA_HOME")
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def orchestra(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return forks.run(
        [sys.executable, "-m", "orchestra", *args],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def kept(project: Path) -> list[Event]:
    (file,) = (project / ".orchestra" / "runs").glob("*.jsonl")
    return list(events.read(file.read_text("utf-8").splitlines())[1])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_killed_run_is_resumed_in_its_own_file(project: Path, number: signal.Signals) -> None:
    file = project / "slow.yaml"
    file.write_text(SLOW.replace("RATE", "0.001"))
    command = [sys.executable, "-m", "orchestra", "run", str(file), "--display", "jsonl"]
    with forks.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"tool_finished"' in line:
                break
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(60) in (-number, 128 + number)
    cut = kept(project)
    file.write_text(SLOW.replace("RATE", "0"))
    done = orchestra(project, "run", "--resume", "last")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("all done")
    assert "has changed since" in done.stderr
    both = kept(project)
    assert both[: len(cut)] == cut
    check_promises(both)
    assert [e.status for e in of(events.RunFinished, both)][-1] == "completed"
    again = orchestra(project, "run", "--resume", "last")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.endswith("the run is completed; there is nothing to resume\n")
    assert kept(project) == both


def test_what_cannot_be_resumed_is_told_in_a_line(project: Path) -> None:
    for args, told in (
        (("run", "--resume", "last"), "no runs are kept in"),
        (("run",), "name the FILE of a scenario, or a run to --resume"),
        (("run", "--resume", "last", "--input", "x"), "leave --input out"),
    ):
        done = orchestra(project, *args)
        assert done.returncode == 2
        assert told in done.stderr
        assert done.stderr.count("\n") == 1


def test_one_of_a_batch_is_resumed_as_its_own_case(project: Path) -> None:
    file = project / "batch.yaml"
    text = "version: 1\nagents: {a: {}}\ninputs: [one, two]\nscript: {a: [match: {contains: one}, text: 1]}\n"
    file.write_text(
        text.replace("[match: {contains: one}, text: 1]", "[{match: {contains: one}, text: first}]")
    )
    assert orchestra(project, "run", str(file)).returncode == 3
    file.write_text(text.replace("[match: {contains: one}, text: 1]", "[text: mended]"))
    failed = [
        it for it in (project / ".orchestra" / "runs").iterdir() if '"failed"' in it.read_text()
    ]
    done = orchestra(project, "run", "--resume", str(failed[0]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("mended")

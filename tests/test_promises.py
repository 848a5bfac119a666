"""Random teams, scripts and faults: whatever happens, the events keep their promises."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from runs import by_call, check_promises, collect, finished, of
from virtual import run_virtually

from orchestra import ScenarioError, events
from orchestra.events import Event
from orchestra.runtime import Run, build, run
from orchestra.runtime.past import Past
from orchestra.scenario import Scenario, loads

TOOLS = {
    "quick": {
        "parameters": {"x": "string"},
        "returns": [{"value": "ok", "times": 2}, {"value": "no"}],
    },
    "slow": {"returns": [{"value": "late", "delay": 3}]},
    "bad": {"returns": [{"error": "broken"}]},
}
WORDS = st.sampled_from(["one ", "two ", "drei ", "四", "🌙", "🏳️‍🌈 ", "é", "\n", "fine "])
FAULTS = ("connection", "rate_limit", "timeout", "server", "stall", "malformed", "unfinished")


@st.composite
def replies(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    reply: dict[str, Any] = {"text": "".join(draw(st.lists(WORDS, max_size=6)))}
    if names and draw(st.booleans()):
        asked = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        reply["tool_calls"] = [{name: arguments(name)} for name in asked]
    if draw(st.integers(0, 4)) == 0:
        reply["fault"] = {
            "error": draw(st.sampled_from(FAULTS)),
            "after": draw(st.integers(0, 4)),
            "attempts": draw(st.sampled_from([[1], [1, 2], [2], [1, 2, 3, 4, 5, 6]])),
        }
    if draw(st.integers(0, 9)) == 0:
        reply["finish_reason"] = draw(st.sampled_from(["length", "content_filter", "odd"]))
    if draw(st.booleans()):
        reply["rate"] = draw(st.sampled_from([0.5, 2, 10]))
    return reply


def arguments(name: str) -> dict[str, str]:
    if name == "quick":
        return {"x": "y"}
    own = name in TOOLS or name.startswith("transfer_to_")
    return {} if own else {"query": "ask " + name}


@st.composite
def members(draw: st.DrawFn, later: list[str]) -> tuple[dict[str, Any], list[str]]:
    """An agent or a composite, and what it may call."""
    kind = draw(st.sampled_from(["agent", "agent", "agent", "sequence", "parallel", "loop", "map"]))
    some = st.lists(st.sampled_from(later), min_size=1, max_size=3) if later else st.just([])
    if kind == "agent" or not later:
        subagents = draw(st.lists(st.sampled_from(later), unique=True)) if later else []
        handoffs = draw(st.lists(st.sampled_from(later), max_size=1)) if later else []
        tools = draw(st.lists(st.sampled_from([*TOOLS]), unique=True))
        names = [*tools, *subagents, *(f"transfer_to_{it}" for it in handoffs)]
        approve = draw(st.lists(st.sampled_from(names), unique=True, max_size=1)) if names else []
        limits = draw(st.sampled_from([{}, {"model_calls": 2}, {"seconds": 5}, {"tool_calls": 1}]))
        spec = {"tools": tools, "subagents": subagents, "handoffs": handoffs}
        return {**spec, "approve": approve, "limits": limits}, names
    steps = draw(some)
    if kind == "loop":
        return {"loop": steps, "max_rounds": 2, "until": {"contains": "fine"}}, []
    if kind == "map":
        return {"map": steps[0]}, []
    return {kind: steps}, []


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    names = [f"a{number}" for number in range(draw(st.integers(1, 5)))]
    agents, script = {}, {}
    for at, name in enumerate(names):
        agents[name], callable_ = draw(members(names[at + 1 :]))
        if "tools" in agents[name]:
            script[name] = draw(st.lists(replies(callable_), min_size=1, max_size=4))
    document = {
        "version": 1,
        "main": "a0",
        "tools": TOOLS,
        "agents": agents,
        "turns": ["go", "go on"][: draw(st.integers(1, 2))],
        "script": script,
        "run": {
            "timeout": draw(st.sampled_from([4.0, 500.0])),
            "model_timeout": draw(st.sampled_from([3.0, 60.0])),
            "first_token_timeout": draw(st.sampled_from([1.0, 30.0])),
            "retry": {"attempts": draw(st.integers(1, 3)), "backoff": 0.5},
            "on_timeout": draw(st.sampled_from(["fail", "invoke"])),
            "on_broken_stream": draw(st.sampled_from(["fail", "invoke", "keep"])),
        },
    }
    decides = draw(st.sampled_from([None, "approve", "reject"]))
    asking = [(name, it["approve"][0]) for name, it in agents.items() if it.get("approve")]
    if decides and asking:
        document["decisions"] = [
            {"agent": name, "tool": tool, "decide": decides, "times": "all"}
            for name, tool in asking
        ]
    text = yaml.safe_dump(document, allow_unicode=True)
    note(text)
    try:
        return loads(text, path="random.yaml")
    except ScenarioError:
        assume(False)
        raise


def check(seen: list[Event]) -> None:
    check_promises(seen)
    last = finished(seen)
    assert (last.error is None) == (last.status in ("completed", "cancelled"))
    assert last.error is None or "Traceback" not in last.error


def check_no_void_call(seen: list[Event]) -> None:
    """No tool is run that a message which was aborted asked for."""
    void = {e.message_id for e in of(events.ModelAborted, seen)}
    ids = {e.tool_call_id for e in of(events.ToolCallDelta, seen) if e.message_id in void}
    assert not ids & {e.tool_call_id for e in of(events.ToolStarted, seen)}


RANDOM = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@RANDOM
@given(scenarios(), st.none() | st.integers(0, 99))
def test_every_run_keeps_its_promises_and_is_the_same_again(
    scenario: Scenario, seed: int | None
) -> None:
    team = build(scenario)
    seen = run_virtually(collect(Run(team, seed=seed)))
    check(seen)
    check_no_void_call(seen)
    again = run_virtually(collect(Run(team, seed=seed)))
    assert by_call(again) == by_call(seen)


@RANDOM
@given(scenarios(), st.floats(0, 1))
def test_cancelled_anywhere_it_keeps_them(scenario: Scenario, where: float) -> None:
    team = build(scenario)
    whole = run_virtually(collect(Run(team)))

    async def cancelled() -> list[Event]:
        begun, seen = Run(team), []
        async for event in begun:
            seen.append(event)
            if len(seen) == int(where * len(whole)):
                begun.cancel()
        return seen

    check(run_virtually(cancelled()))


@RANDOM
@given(scenarios(), st.floats(0, 1))
def test_cut_anywhere_it_goes_on_and_keeps_them(scenario: Scenario, where: float) -> None:
    team = build(scenario)
    whole = run_virtually(collect(Run(team)))
    cut = whole[: int(where * len(whole))]
    assume(of(events.TurnStarted, cut) and cut[-1].type != "run_finished")
    rest = run_virtually(collect(Run(team, past=Past.of(cut))))
    check_promises(cut + rest)
    check_no_void_call(cut + rest)


async def test_runs_side_by_side_do_not_touch_each_other() -> None:
    """64 runs of 8 teams in one loop: each is as it is alone."""
    texts = [
        f"""
version: 1
main: lead
agents: {{lead: {{subagents: [w]}}, w: {{tools: [t]}}}}
tools: {{t: {{returns: [{{value: first {n}, times: 1}}, {{value: then {n}}}]}}}}
input: go {n}
script:
  lead: [{{tool_calls: [{{w: {{query: x{n}}}}}, {{w: {{query: y{n}}}}}]}}, {{text: end {n}}}]
  w: [{{tool_calls: [t, t]}}, {{text: "{n} {n} {n}", fault: {{error: server, after: {n % 3}}}}}]
run: {{retry: {{backoff: 0}}}}
"""
        for n in range(8)
    ]
    teams = [build(loads(text, path="t.yaml")) for text in texts]
    alone = [by_call(await collect(Run(team))) for team in teams]
    together = await asyncio.gather(*(collect(Run(teams[n % 8])) for n in range(64)))
    for n, seen in enumerate(together):
        check_promises(seen)
        assert by_call(seen) == alone[n % 8]


LEDGER = """
class Ledger:
    def __init__(self, start: int) -> None:
        self.lines = [start]

    def book(self, amount: int) -> str:
        "Books an amount."
        self.lines.append(self.lines[-1] * 3 % 1000 + amount)
        return str(self.lines[-1])
"""


async def test_hundreds_of_turns_leave_the_state_that_direct_calls_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "ledgers.py").write_text(LEDGER)
    monkeypatch.chdir(tmp_path)
    amounts = range(1, 201)
    document = {
        "version": 1,
        "agents": {"a": {"tools": ["ledger"]}},
        "tools": {"ledger": {"python": "ledgers:Ledger", "args": {"start": 7}}},
        "turns": [f"book {amount}" for amount in amounts],
        "script": {
            "a": [
                reply
                for amount in amounts
                for reply in ({"tool_calls": [{"book": {"amount": amount}}]}, {"text": "booked"})
            ]
        },
    }
    seen = await collect(run(loads(yaml.safe_dump(document), path=tmp_path / "s.yaml")))
    check_promises(seen)
    direct: dict[str, Any] = {}
    exec(LEDGER, direct)
    ledger = direct["Ledger"](7)
    expected = [ledger.book(amount) for amount in amounts]
    assert [e.result for e in of(events.ToolFinished, seen)] == expected
    assert len(of(events.TurnFinished, seen)) == 200

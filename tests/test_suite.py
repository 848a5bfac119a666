"""`orchestra test`: the checks, their reasons, and the exit codes."""

from pathlib import Path

import pytest
from runs import play, scenario

from orchestra.errors import CHECK_FAILED, INVALID, MISSING, OK, RUN_FAILED
from orchestra.events import RunFinished, RunStarted
from orchestra.regression import (
    CaseResult,
    Count,
    How,
    Transcript,
    Verdict,
    run_suite,
    verdict,
    worst,
)
from orchestra.runtime import Batch, Run, run
from orchestra.scenario import Case, Scenario, load
from orchestra.scenario.team import scripted


class Plain:
    """Plays each case with a team of its own."""

    def __init__(self, scenario: Scenario, models: dict[str, str] | None = None) -> None:
        self.scenario, self._models = scenario, models

    def play(self, case: Case, seed: int | None) -> Run | Batch:
        return run(self.scenario, case, models=self._models, seed=seed)

    def keep(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


TEAM = """
agents: {a: {subagents: [w], tools: [t]}, w: {tools: [t]}}
tools: {t: {parameters: {x: number}, returns: [{value: ok}]}}
input: go
script:
  a:
    - tool_calls: [{w: {query: one}}, {t: {x: 1}}]
    - tool_calls: [{t: {x: 2}}, {w: {query: two}}]
    - {text: all done}
  w#1: [{text: first answer}]
  w#2: [{tool_calls: [{t: {x: 3}}]}, {text: second answer}]
"""


async def judged(expect: str, text: str = TEAM) -> tuple[int, list[str]]:
    loaded = scenario(text + f"expect: [{expect}]\n")
    found = verdict(loaded.cases[0], Transcript.of(await play(loaded)))
    return found.code, [*found.reasons]


HOLDS = [
    "{status: completed}",
    "{output: done}",
    "{output: {contains: all}}",
    "{output: {equals: all done}}",
    "{agent: w, output: answer}",
    "{agent: 'a/w#2', output: second}",
    "{agent: w, status: completed}",
    "{calls: {w: 2, a: 0}}",
    "{calls: {w: 1..3}}",
    "{calls: {w: 2..}}",
    "{calls: {w: ..2}}",
    "{tool_calls: [w, t, t, w]}",
    "{tool_calls: [t, w, w, t]}",  # calls of one turn have no order
    "{tool_calls: {match: unordered, steps: [t, t, w, w]}}",
    "{tool_calls: {match: unordered, steps: [{t: {x: 2}}, t, {w: {query: two}}, w]}}",
    "{tool_calls: {match: unordered, steps: [t, {t: {x: 1}}, w, w]}}",  # needs the best pairing
    "{tool_calls: {match: superset, steps: [w]}}",
    "{tool_calls: {match: superset, steps: []}}",
    "{tool_calls: {match: subset, steps: [w, w, w, t, t, t]}}",
    "{tool_calls: {args: subset, steps: [{w: {}}, t, {t: {x: 2}}, w]}}",
    "{tool_calls: {args: ignore, steps: [{w: {query: other}}, t, t, w]}}",
    "{tool_calls: [{w: {query: one}}, {t: {x: 1.0}}, t, w]}",
    "{agent: 'w#2', tool_calls: [t]}",
    "{agent: 'a/w#1', tool_calls: []}",
]


@pytest.mark.parametrize("expect", HOLDS)
async def test_what_holds(expect: str) -> None:
    assert await judged(expect) == (OK, [])


FAILS = [
    ("{status: failed}", "status: the run: expected status 'failed', seen 'completed'"),
    ("{output: nothing}", "output: expected to contain 'nothing', seen 'all done'"),
    ("{output: {equals: done}}", "output: expected 'done', seen 'all done'"),
    (
        "{agent: w, output: first}",
        "output: a/w#2: expected to contain 'first', seen 'second answer'",
    ),
    (
        "{agent: 'a/w#7', output: x}",
        "output: agent 'a/w#7' was never called; its calls were a/w#1, a/w#2",
    ),
    ("{calls: {w: 3}}", "calls: w: expected 3 calls, seen 2 (a/w#1, a/w#2)"),
    (
        "{calls: {a: 1..2}}",
        "calls: a: expected 1..2 calls, seen 0; a main agent's own call is not counted",
    ),
    (
        "{tool_calls: [w, t, w, w]}",
        'tool_calls: a: expected (strict) [w, t, w, w]; at steps 3 to 4 seen t{"x": 2}, w{"query": "two"}',
    ),
    (
        "{tool_calls: [w, t, t, w, t]}",
        "tool_calls: a: expected (strict) [w, t, t, w, t]; never seen [t]",
    ),
    (
        "{tool_calls: [w]}",
        'tool_calls: a: expected (strict) [w]; at steps 1 to 2 seen w{"query": "one"}, t{"x": 1}',
    ),
    (
        "{tool_calls: {match: unordered, steps: [t, t, w]}}",
        'tool_calls: a: expected (unordered) [t, t, w], not expected w{"query": "two"}',
    ),
    (
        "{tool_calls: {match: unordered, steps: [t, {t: {x: 9}}, w, w]}}",
        'tool_calls: a: expected (unordered) [t, t{"x": 9}, w, w], missing t{"x": 9}; not expected t{"x": 2}',
    ),
    (
        "{tool_calls: {match: superset, steps: [{t: {x: true}}]}}",
        'tool_calls: a: expected (superset) [t{"x": true}], missing t{"x": true}',
    ),
    (
        "{tool_calls: {match: subset, steps: [t, t]}}",
        'tool_calls: a: expected (subset) [t, t], not expected w{"query": "one"}, w{"query": "two"}',
    ),
    (
        "{tool_calls: {match: unordered, args: exact, steps: [t, t, w, {w: {}}]}}",
        'tool_calls: a: expected (unordered) [t, t, w, w{}], missing w{}; not expected w{"query": "two"}',
    ),
    ("{agent: w, tool_calls: [t]}", "tool_calls: a/w#1: expected (strict) [t]; never seen [t]"),
]


@pytest.mark.parametrize(("expect", "reason"), FAILS, ids=[e for e, _ in FAILS])
async def test_what_fails_says_expected_seen_and_where(expect: str, reason: str) -> None:
    code, reasons = await judged(expect)
    assert (code, [it.partition("\n")[0] for it in reasons]) == (CHECK_FAILED, [reason])


async def test_a_thousand_steps_alike() -> None:
    asked = ", ".join(["t"] * 1000)
    text = (
        "agents: {a: {tools: [t]}}\ntools: {t: {returns: [{value: ok}]}}\ninput: go\n"
        f"script: {{a: [{{tool_calls: [{asked}]}}, {{text: end}}]}}\n"
    )
    expect = f"{{tool_calls: {{match: unordered, steps: [{asked}]}}}}"
    assert await judged(expect, text) == (OK, [])


async def test_replies_never_used_fail() -> None:
    code, reasons = await judged("{status: completed}", TEAM + "  w: [{text: spare}]\n")
    assert (code, reasons) == (CHECK_FAILED, ["script key 'w': reply 1 of 1 was never used"])


async def test_a_failure_that_is_expected_passes() -> None:
    crash = "agents: {a: {tools: [t]}}\ntools: {t: {python: 'x:y'}}\ninput: go\n"
    loaded = scenario(crash + "expect: [{status: failed}]\n")
    failed = RunFinished(status="failed", error="boom", error_type="RuntimeError")
    assert verdict(
        loaded.cases[0], Transcript.of([RunStarted(scenario="s", main="a"), failed])
    ) == Verdict(OK)
    plain = scenario(crash)
    assert verdict(plain.cases[0], Transcript.of([failed])) == Verdict(
        RUN_FAILED, ("the run failed: boom",)
    )
    wanted = scenario(crash + "expect: [{status: completed}]\n")
    reasons = verdict(wanted.cases[0], Transcript.of([failed])).reasons
    assert reasons == (
        "the run failed: boom",  # and not once more behind the status
        "status: the run: expected status 'completed', seen 'failed'",
    )
    missing = RunFinished(status="failed", error="no reply", error_type="MissingReply")
    assert verdict(loaded.cases[0], Transcript.of([missing])).code == MISSING
    assert verdict(loaded.cases[0], Transcript.of([])).code == RUN_FAILED
    hopeful = scenario(crash + "expect: [{status: completed}]\n")
    assert verdict(hopeful.cases[0], Transcript.of([failed])).code == RUN_FAILED


FILES = {
    "good.yaml": (OK, "agents: {a: {}}\ninput: go\nscript: {a: [{text: hi}]}\n"),
    "wrong.yaml": (
        CHECK_FAILED,
        "agents: {a: {}}\ninput: go\nscript: {a: [{text: hi}]}\nexpect: [{output: bye}]\n",
    ),
    "short.yaml": (MISSING, "agents: {a: {}}\ninput: go\n"),
    "broken.yaml": (INVALID, "agents: {a: {colour: red}}\ninput: go\n"),
    "live.yaml": (MISSING, "agents: {a: {model: 'openai:gpt-5'}}\ninput: go\n"),
    "crash.yaml": (
        RUN_FAILED,
        "agents: {a: {tools: [t]}}\ntools: {t: {python: 'crash_tools:crash'}}\ninput: go\n"
        "script: {a: [{tool_calls: [t]}, {text: end}]}\nexpect: [{output: end}]\n",
    ),
    "mute.yaml": (INVALID, "agents: {a: {}}\nscript: {a: [{text: hi}]}\n"),
    "parrot.yaml": (
        OK,
        "agents: {a: {model: echo}}\ninput: go\nscript: {a: [{text: unused}]}\n"
        "expect: [{output: go}]\n",
    ),
}


def test_a_suite_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "crash_tools.py").write_text('def crash() -> str:\n    """Crash."""\n    1 / 0\n')
    for name, (_, text) in FILES.items():
        (tmp_path / name).write_text("version: 1\n" + text)
    how = How(load, lambda it: Plain(it, models=scripted(it)))
    results = list(run_suite([tmp_path / name for name in FILES], how))
    assert {r.path.name: r.code for r in results} == {n: code for n, (code, _) in FILES.items()}
    assert all(bool(r.reasons) == (r.code != OK) for r in results)
    first = {r.path.name: next(iter(r.lines())).split()[0] for r in results}
    assert first["good.yaml"] == "PASS"
    assert first["wrong.yaml"] == "FAIL"
    assert first["short.yaml"] == first["crash.yaml"] == "ERROR"
    assert worst(r.code for r in results) == INVALID


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], OK),
        ([0, 1, 0], 1),
        ([1, 3], 3),
        ([3, 4, 1], 4),
        ([4, 2, 3], 2),
        ([124], 124),
        ([4, 124], 124),
        ([124, 2], 2),
    ],
)
def test_of_several_exit_codes(codes: list[int], code: int) -> None:
    assert worst(codes) == code


def test_a_case_is_run_under_each_seed_until_it_fails(tmp_path: Path) -> None:
    text = "version: 1\n" + FILES["good.yaml"][1] + "expect: [{output: hi}]\n"
    (tmp_path / "good.yaml").write_text(text)
    seen: list[int | None] = []

    class Seeded(Plain):
        def play(self, case: Case, seed: int | None) -> Run | Batch:
            seen.append(seed)
            return run(self.scenario, case, models={"a": "echo"} if seed == 2 else None)

    def results(*seeds: int | None) -> list[tuple[int, tuple[str, ...]]]:
        seen.clear()
        found = run_suite([tmp_path / "good.yaml"], How(load, Seeded, seeds))
        return [(it.code, it.reasons) for it in found]

    assert results(None, 1) == [(OK, ())]
    assert seen == [None, 1]
    ((code, reasons),) = results(None, 1, 2, 3)
    assert seen == [None, 1, 2]
    assert (code, reasons[-1]) == (CHECK_FAILED, "to repeat it: --seed 2")


def test_what_one_case_or_seed_has_used_is_used(tmp_path: Path) -> None:
    """Replies that no run has used are told once, of the file."""
    path = tmp_path / "two.yaml"
    path.write_text(
        "version: 1\nagents: {a: {}}\ninputs: [x, y]\n"
        "script: {a: [{match: x, text: one}, {match: y, text: two}, {match: z, text: three}]}\n"
    )
    found = list(run_suite([path], How(load, Plain, (None, 1))))
    assert [it.code for it in found] == [OK, OK, CHECK_FAILED]
    assert found[-1].reasons == ("script key 'a': reply 3 of 3 was never used",)


def test_slow_cases_are_named_the_slowest_first() -> None:
    count = Count()
    count.add(CaseResult("slow", Path("a.yaml"), OK, seconds=9.0))
    assert count.slowest == ""  # its own line has the time
    for at in range(8):
        count.add(CaseResult(f"case {at}", Path("a.yaml"), OK, seconds=at / 2))
    assert count.slowest == "slow: slow 9.0s, case 7 3.5s, case 6 3.0s, case 5 2.5s, case 4 2.0s"
    assert (count.cases, count.passed, count.failed) == (9, 9, 0)

"""A case in several orders of what runs side by side: whether its outcome depends on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from runs import ROOT, collect, run, scenario
from test_clock import TEAM
from virtual import FRAGILE, run_virtually

from orchestra.cli import main
from orchestra.errors import CHECK_FAILED, MISSING, OK
from orchestra.trajectory import Course, Transcript, outcome

RACE, CURE = (str(ROOT / "scenarios" / name) for name in ("sold-out.yaml", "queue-up.yaml"))

Test = Callable[..., tuple[int, str]]


@pytest.fixture
def test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Test:
    """Runs ``orchestra test`` of a text, or of files, and gives its exit code and what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))

    def play(what: str, *args: str) -> tuple[int, str]:
        if "\n" in what:
            (tmp_path / "case.yaml").write_text("version: 1\n" + what)
            what = "case.yaml"
        code = main(["test", what, *args, "-n", "0", "--trust"])
        return code, capsys.readouterr().out

    return play


def folded(text: str) -> str:
    return " ".join(text.split())


# --- the race and its cure, as they ship -------------------------------------------------------


def test_the_race_is_found_and_only_in_several_orders(test: Test) -> None:
    assert test(RACE)[0] == OK
    code, told = test(RACE, "--interleave", "8")
    assert code == CHECK_FAILED
    assert re.search(r"8 schedules, [2-8] of them different, have 2 outcomes\n", told)
    assert (
        "first difference: box-office/clerk#2: message 1, result 1: "
        "“sell succeeded: A3 for Ms Osei” ≠ “sell succeeded: A1 for Ms Osei”"
    ) in told
    one, two = re.findall(r"to repeat it: --interleave (\d+),(\d+)\n", told)[0]
    assert f"seed {one} seed {two} " in folded(told)
    assert "clerk#1: sell ≠ clerk#2: sell ≠ clerk#2: sell clerk#1: sell side by side" in folded(
        told
    )
    assert told.endswith("0 passed, 1 failed\n")


def test_the_race_is_found_again_by_its_seeds(test: Test) -> None:
    _, told = test(RACE, "--interleave", "8")
    seeds = re.findall(r"to repeat it: --interleave (\d+,\d+)\n", told)[0]
    code, again = test(RACE, "--interleave", seeds)
    assert code == CHECK_FAILED
    assert "2 schedules, 2 of them different, have 2 outcomes\n" in again

    def shown(text: str) -> str:
        return text[text.index("first difference") : text.index("side by side")]

    assert shown(again) == shown(told)


def test_both_runs_are_kept_to_be_looked_at(test: Test, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = test(RACE, "--interleave", "8")
    kept = re.findall(r"side by side: orchestra tui (\S+) (\S+)\n", told)[0]
    assert main(["compare", *kept]) == CHECK_FAILED
    assert "box-office/clerk#2: message 1, result 1: " in capsys.readouterr().out


def test_the_cure_has_several_orders_and_one_outcome(test: Test) -> None:
    assert test(CURE)[0] == OK
    code, told = test(CURE, "--interleave", "8")
    assert code == OK
    assert re.search(r"! 8 schedules, [2-8] of them different\n", told)


def test_a_report_has_both_sides(test: Test, tmp_path: Path) -> None:
    test(RACE, "--interleave", "8", "--json", "suite.json")
    (case,) = json.loads((tmp_path / "suite.json").read_text())["cases"]
    by_call = {it["where"]: it for it in case["diffs"]}
    assert set(by_call) == {"box-office", "box-office/clerk#1", "box-office/clerk#2"}
    found = by_call["box-office/clerk#1"]
    assert re.fullmatch(r"seed \d+ \| seed \d+", found["check"])
    assert any("A1, A2 for Mr Lund" in line for line in found["expected"])
    assert any("A2, A3 for Mr Lund" in line for line in found["seen"])


# --- what differs, and what does not -------------------------------------------------------------


def test_seeds_give_other_orders_and_one_outcome() -> None:
    """Of eight schedules, most are orders of their own: who is faster makes no outcome."""
    courses, outcomes = set(), set()
    for seed in range(1, 9):
        seen = run_virtually(collect(run(scenario(TEAM), seed=seed)))
        course = Course()
        for event in seen:
            course.feed(event)
        courses.add(course.key)
        outcomes.add(outcome(Transcript.of(seen)))
    assert len(courses) >= 6
    assert len(outcomes) == 1


def test_what_has_one_order_is_played_twice(test: Test) -> None:
    code, told = test("agents: {a: {}}\ninput: go\nscript: {a: [text: hi]}\n", "--interleave", "99")
    assert code == OK
    assert "! nothing runs side by side: one order, played 2 times\n" in told


def test_delays_of_the_script_outweigh_those_of_seeds(test: Test) -> None:
    slow = TEAM.replace("text: one two", "first_token: 1, text: one two")
    slow = slow.replace("text: four five", "first_token: 2, text: four five")
    slow = re.sub(r"    - tool_calls: \[\{t: .*\n", "", slow)
    code, told = test(slow, "--interleave", "6")
    assert code == OK
    assert "! 6 schedules, all of them alike\n" in told


# Only the first one gets a ticket, and it must be the first in the list.
def test_what_fails_in_some_orders_is_shown_beside_one_in_which_it_does_not(test: Test) -> None:
    code, told = test(FRAGILE, "--interleave", "8")
    assert code == MISSING
    assert "the run failed: lead/w#" in told
    assert "order: the outcome depends on what comes first: 8 schedules" in told
    assert "“ticket succeeded: none left” ≠ “ticket succeeded: gold”" in told
    good, bad = re.findall(r"to repeat it: --interleave (\d+),(\d+)\n", told)[0]
    assert test(FRAGILE, "--seed", good)[0] == OK
    assert test(FRAGILE, "--seed", bad)[0] == MISSING


def test_what_fails_in_every_order_is_no_question_of_order(test: Test) -> None:
    code, told = test(TEAM + "expect: [{output: start}]\n", "--interleave", "4")
    assert code == CHECK_FAILED
    assert "order" not in told
    assert "to repeat it: --seed 1\n" in told


def test_a_call_that_only_one_order_has(test: Test) -> None:
    """Who gets the ticket asks somebody else, and nobody else is asked."""
    text = FRAGILE.replace("w: {tools: [ticket]}", "w: {tools: [ticket], subagents: [v]}, v: {}")
    text = re.sub(r"  w#1.*\n  w#2.*\n", "", text) + (
        "  w:\n    - {match: '1', tool_calls: [ticket]}\n    - {match: '2', tool_calls: [ticket]}\n"
        "    - {match: gold, tool_calls: [v: {query: x}]}\n    - {match: none, text: pity}\n"
        "    - {match: yes, text: fine}\n  v: [text: 'yes']\n"
    )
    code, told = test(text, "--interleave", "8")
    assert code == CHECK_FAILED
    assert "first difference: lead/w#" in told
    assert re.search(r"2 outcomes\n", told)


CHANCE = """
import itertools

_count = itertools.count()

def number() -> str:
    "Another number each time, whichever run it is."
    return str(next(_count))
"""


def test_chance_is_not_taken_for_an_order(test: Test, tmp_path: Path) -> None:
    (tmp_path / "chance_tools.py").write_text(CHANCE)
    text = (
        "agents: {a: {tools: [number]}}\ntools: {number: {python: 'chance_tools:number'}}\n"
        "input: go\nscript: {a: [{tool_calls: [number]}, {text: end}]}\n"
    )
    code, told = test(text, "--interleave", "8")
    assert code == CHECK_FAILED
    assert "the outcome is not the same each time: seed 1, played twice, had two" in told
    assert "first difference: a: message 1, result 1: “number succeeded: 0” ≠" in told
    assert "side by side" not in told


def test_the_smallest_of_several_differences_is_told(test: Test) -> None:
    """Three take numbers. Of all pairs of orders, one is told in which two have changed places."""
    text = """
main: lead
agents: {lead: {subagents: [w]}, w: {tools: [ticket]}}
tools: {ticket: {returns: [{value: "1", times: 1}, {value: "2", times: 1}, {value: "3"}]}}
input: go
script:
  lead: [{tool_calls: [w: {query: a}, w: {query: b}, w: {query: c}]}, {text: end}]
  w: [{tool_calls: [ticket]}, {text: thanks}]
"""
    code, told = test(text, "--interleave", "24")
    assert code == CHECK_FAILED
    assert re.search(r"24 schedules, \d+ of them different, have 6 outcomes\n", told)
    assert "1 other: lead/w#" in told


# --- how it is called -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["0", "1", "x", "3,3", "2,", "-4", ""])
def test_fewer_than_two_schedules_are_a_wrong_call(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["test", "case.yaml", f"--interleave={number}"])
    assert ended.value.code == 2
    assert "argument --interleave: " in capsys.readouterr().err


@pytest.mark.parametrize("other", [["--seed", "2"], ["--real-time"], ["--seeds", "2"]])
def test_schedules_have_a_virtual_clock_and_seeds_of_their_own(
    other: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["test", "case.yaml", "--interleave", "2", *other])
    assert "not allowed with" in capsys.readouterr().err


def test_nothing_is_written_as_golden_of_what_depends_on_an_order(
    test: Test, tmp_path: Path
) -> None:
    text = FRAGILE.replace("match: gold, ", "").replace("match: none left, ", "")
    text += "expect: [golden: true]\n"
    assert test(text, "--interleave", "8", "--update")[0] == CHECK_FAILED
    assert not (tmp_path / "case.golden.yaml").exists()
    assert test(text, "--update")[0] == OK
    assert (tmp_path / "case.golden.yaml").exists()

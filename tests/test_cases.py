"""Input: conversations and batches, with names and checks of their own; replies by ``match``."""

from pathlib import Path

import pytest
from runs import check_promises, collect, finished, of, play, scenario
from virtual import run_virtually

from orchestra import ScenarioError, UsageError, events
from orchestra.cli import main
from orchestra.events import Event
from orchestra.runtime import Batch, Run, build, run
from orchestra.store import Keeper, open_run

MOODS = """
agents: {a: {subagents: [b]}, b: {}}
main: a
inputs:
  - I am happy
  - {input: I am sad, name: sad, expect: [{output: cheer up}]}
  - {input: I am odd, expect: [{calls: {b: 1}}]}
script:
  a:
    - {match: {matches: "happy|fine"}, text: good}
    - {match: odd, tool_calls: [{b: {query: what is odd}}]}
    - {match: odd is, text: I see}
    - text: cheer up
  b: [{text: odd is rare}]
expect: [{status: completed}]
"""


def runs(among: list[Event]) -> list[list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in among:
        found.setdefault(event.run, []).append(event)
    return list(found.values())


async def test_a_batch_is_one_run_each_in_order() -> None:
    batch = run(scenario(MOODS))
    assert isinstance(batch, Batch)
    seen = await collect(batch)
    each = runs(seen)
    assert [it for one in each for it in one] == seen  # run by run, never mingled
    for one in each:
        check_promises(one)
    assert [one[0].case for one in each] == ["test[0]", "test[sad]", "test[2]"]
    assert [finished(one).output for one in each] == ["good", "cheer up", "I see"]
    assert of(events.Warned, seen) == []


async def test_the_cases_of_a_batch_work_side_by_side() -> None:
    """Two waits of 50 ms take less than their sum: measured in the runs' own time."""
    text = "agents: {a: {}}\ninputs: [x, y, z]\nscript: {a: [{text: b, first_token: 0.2}]}\n"
    each = runs(await collect(run(scenario(text))))
    starts = {one[0].run: index for index, one in enumerate(each)}
    assert len(starts) == 3
    slow = scenario(text + "run: {max_concurrency: 1}\n")
    assert len(runs(await collect(run(slow)))) == 3


def test_all_of_a_batch_is_kept_as_it_happens(tmp_path: Path) -> None:
    """The second run is over, and told, long before the first is: neither waits for the other."""
    text = """
        agents: {a: {}}
        inputs: [x, y]
        script: {a: [{match: x, text: long, first_token: 60}, {match: y, text: short}]}
    """
    kept: list[list[Event]] = []

    async def look_in_between() -> None:
        batch = run(scenario(text))
        followed = Keeper(tmp_path / "runs", events.Header(), pytest.fail).follow(batch)
        async for event in followed:
            if isinstance(event, events.TextDelta) and not kept:
                assert event.t == 60
                kept.extend(list(open_run(it)[1]) for it in (tmp_path / "runs").iterdir())

    run_virtually(look_in_between())
    ends = {of(events.RunStarted, found)[0].input: found[-1] for found in kept}
    assert isinstance(ends["x"], events.TextDelta)
    assert isinstance(ends["y"], events.RunFinished)


async def test_a_batch_can_be_cancelled() -> None:
    text = "agents: {a: {}}\ninputs: [x, y]\nscript: {a: [{text: b, first_token: 50}]}\n"
    batch, seen = run(scenario(text)), []
    async for event in batch:
        seen.append(event)
        if isinstance(event, events.ModelStarted):
            batch.cancel()
    assert [finished(one).status for one in runs(seen)] == ["cancelled", "cancelled"]
    for one in runs(seen):
        check_promises(one)


async def test_one_case_and_other_words() -> None:
    loaded = scenario(MOODS)
    seen = await collect(run(loaded, loaded.cases[1]))
    assert (seen[0].case, finished(seen).output) == ("test[sad]", "cheer up")
    seen = await collect(run(loaded, "fine"))
    assert (seen[0].case, finished(seen).output) == (None, "good")
    team = build(loaded)
    with pytest.raises(UsageError, match="has 3 cases"):
        Run(team)
    await team.aclose()


async def test_match_takes_the_first_unused_reply_that_fits() -> None:
    seen = await play("""
        agents: {a: {tools: [t]}}
        tools: {t: {parameters: {n: integer}, returns: [{when: {n: 1}, value: one}, {value: two}]}}
        turns: [go, go, go]
        script:
          a:
            - {text: at last}
            - {match: {equals: go}, tool_calls: [{t: {n: 2}}]}
            - {match: two, text: saw two}
            - {match: {json_path: {path: $.x}}, text: never}
    """)
    outputs = [e.output for e in of(events.TurnFinished, seen)]
    assert outputs == ["at last", "saw two", ""]
    told = "a: no unused reply of script key 'a' fits the last message 'go'"
    assert finished(seen).error == told


CHAT = """
version: 1
agents: {a: {tools: [t]}}
tools: {t: {returns: [{value: ok}]}}
turns:
  - hello
  - {input: look, name: looking, expect: [{tool_calls: [t]}, {output: looked}]}
  - {input: bye, expect: [{tool_calls: []}, {output: WRONG}]}
script:
  a: [{text: hi}, {tool_calls: [t]}, {text: looked}, {text: bye}]
expect:
  - output: bye
  - tool_calls: [t]
"""


def test_each_turn_has_checks_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text(CHAT.replace("WRONG", "bye"))
    assert main(["test", str(path)]) == 0
    path.write_text(CHAT.replace("WRONG", "later"))
    assert main(["test", str(path)]) == 1
    out, _ = capsys.readouterr()
    assert "- turn 3: output: expected to contain 'later', seen 'bye'" in out
    path.write_text(CHAT.replace("output: looked", "output: {equals: x}"))
    main(["test", str(path)])
    assert "- turn 2 (looking): output: expected 'x', seen 'looked'" in capsys.readouterr().out


def test_a_batch_in_the_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "moods.yaml"
    path.write_text("version: 1\n" + MOODS)
    assert main(["test", str(path)]) == 0
    out, _ = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()[:3]] == [
        ["PASS", "moods[0]"],
        ["PASS", "moods[sad]"],
        ["PASS", "moods[2]"],
    ]
    # A case fails alone; a reply that no case has used fails the file.
    path.write_text("version: 1\n" + MOODS.replace("cheer up}]}", "cheese}]}"))
    assert main(["test", str(path)]) == 1
    out, _ = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines() if "moods" in line] == [
        "PASS",
        "FAIL",
        "PASS",
    ]
    path.write_text("version: 1\n" + MOODS.replace("  b: [", "  b: [{match: zzz, text: spare}, "))
    assert main(["test", str(path)]) == 1
    out, _ = capsys.readouterr()
    assert "script key 'b': reply 1 of 2 was never used" in out
    assert "3 passed, 1 failed" in out


def test_the_exit_code_of_a_batch_is_the_gravest(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(
        "version: 1\nagents: {a: {}}\ninputs: [one, two]\nscript: {a: [{match: two, text: x}]}\n"
    )
    assert main(["run", str(path)]) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("inputs: [{input: a, name: x}, {input: b, name: x}]", "'x' is the name of two cases"),
        ("inputs: [a]\nturns: [b]", "'inputs' is given too"),
        ("inputs: []", "needs at least one item"),
        ("turns: [{inptu: a}]", "did you mean 'input'"),
        ("turns: [{input: a, expect: [{agent: zz, status: completed}]}]", "unknown agent 'zz'"),
        ("turns: [[a]]", "expected text or a mapping, found a list"),
    ],
)
def test_wrong_input_is_told(text: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        scenario(f"agents: {{a: {{}}}}\n{text}\n")


async def test_asked_for_further_turns() -> None:
    said = iter(["second", "third", None])

    async def ask() -> str | None:
        return next(said)

    text = "agents: {a: {model: echo}}\ninput: first\ninteractive: true\n"
    seen = await collect(run(scenario(text), ask=ask))
    check_promises(seen)
    assert [e.input for e in of(events.TurnStarted, seen)] == ["first", "second", "third"]
    # Nothing given at all: it asks from the start.
    said = iter(["only", None])
    seen = await collect(run(scenario("agents: {a: {model: echo}}\n"), ask=ask))
    assert finished(seen).output == "only"


async def test_cancelled_while_it_asks() -> None:
    import asyncio

    never = asyncio.Event()

    async def ask() -> str | None:
        begun.cancel()
        await never.wait()
        return "never"

    begun = run(scenario("agents: {a: {model: echo}}\ninput: x\n"), ask=ask)
    seen = await collect(begun)
    check_promises(seen)
    assert finished(seen).status == "cancelled"

"""The check ``tool_calls``: what its modes mean, held against agentevals, and how it fails."""

from __future__ import annotations

from typing import Literal

import pytest
from runs import play, scenario
from virtual import run_virtually

from orchestra.events import AgentStarted, ModelFinished, RunFinished, RunStarted, ToolCall
from orchestra.regression import Transcript
from orchestra.regression.checks import judge
from orchestra.trajectory.transcript import ToolResult

Turns = list[list[dict[str, dict[str, object]]]]

CITY: dict[str, object] = {"city": "Oslo"}
WEATHER = {"weather": CITY}
NEWS: dict[str, dict[str, object]] = {"news": {"city": "Oslo", "days": 2}}
EMPTY: dict[str, dict[str, object]] = {"news": {}}


def ran(turns: Turns, **others: Turns) -> Transcript:
    """A run in which the agent ``a``, and others, asked for these tool calls, turn by turn."""
    transcript = Transcript()
    started = RunStarted(scenario="x", main="a")
    transcript.feed(started)
    for path, all_turns in {"a": turns, **others}.items():
        parent = None if path == "a" else "a"
        transcript.feed(AgentStarted(agent=path, call=path, parent=parent))
        for number, turn in enumerate(all_turns):
            asked = tuple(
                ToolCall(id=f"{path}.{number}.{nth}", name=name, args=args)
                for nth, call in enumerate(turn)
                for name, args in call.items()
            )
            id_ = f"{path}:{number}"
            transcript.feed(ModelFinished(agent=path, call=path, message_id=id_, tool_calls=asked))
    transcript.feed(RunFinished(status="completed", output=""))
    return transcript


def reason(
    steps: str, turns: Turns, match: str = "strict", args: str = "exact", **other: Turns
) -> str:
    """Why the check fails; empty if it holds."""
    check = f"{{match: {match}, args: {args}, steps: {steps}}}"
    agents = ", ".join(f"{name}: {{}}" for name in ("a", *other))
    loaded = scenario(
        f"agents: {{{agents}}}\nmain: a\ninput: go\nexpect: [{{tool_calls: {check}}}]\n"
    )
    return judge(loaded.cases[0].expect[0], ran(turns, **other)).reason


# What agentevals gives for the calls of a run against those of a reference, in its four modes:
# strict, unordered, subset (the run has no others), superset (the run has at least these).
AGENTEVALS: list[tuple[str, str, Turns, str]] = [
    ("the same", "[weather: {city: Oslo}]", [[WEATHER]], "yes yes yes yes"),
    ("the same, two", "[weather: {city: Oslo}, news]", [[WEATHER], [NEWS]], "yes yes yes yes"),
    ("another order", "[news, weather]", [[WEATHER], [NEWS]], "no yes yes yes"),
    ("another order in one turn", "[news, weather]", [[WEATHER, NEWS]], "yes yes yes yes"),
    ("one more than expected", "[weather]", [[WEATHER], [NEWS]], "no no no yes"),
    ("one more in the same turn", "[weather]", [[WEATHER, NEWS]], "no no no yes"),
    ("one less than expected", "[weather, news]", [[WEATHER]], "no no yes no"),
    ("none at all", "[weather]", [], "no no yes no"),
    ("none expected", "[]", [[WEATHER]], "no no no yes"),
    ("none, and none expected", "[]", [], "yes yes yes yes"),
    ("another tool", "[news]", [[WEATHER]], "no no no no"),
    ("another argument", "[weather: {city: Rome}]", [[WEATHER]], "no no no no"),
    ("twice, expected once", "[weather]", [[WEATHER], [WEATHER]], "no no no yes"),
    ("once, expected twice", "[weather, weather]", [[WEATHER]], "no no yes no"),
    ("a set of arguments apart", "[news: {city: Oslo}]", [[NEWS]], "no no no no"),
    ("no arguments, none expected", "[news: {}]", [[EMPTY]], "yes yes yes yes"),
    ("none, some expected", "[news: {city: Oslo}]", [[EMPTY]], "no no no no"),
    (
        "turns cut another way",
        "[weather, news, weather]",
        [[WEATHER, NEWS], [WEATHER]],
        "yes yes yes yes",
    ),
]
MODES = ("strict", "unordered", "subset", "superset")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", AGENTEVALS, ids=[name for name, *_ in AGENTEVALS])
def test_the_modes_mean_what_they_mean_in_agentevals(
    case: tuple[str, str, Turns, str], mode: str
) -> None:
    _, steps, turns, verdicts = case
    holds = dict(zip(MODES, verdicts.split(), strict=True))[mode] == "yes"
    assert (reason(steps, turns, mode) == "") == holds


# Its own test-suite, case by case, told of a harbour: an override for a tool is a matcher in a step.
# Two things it has we have not: an order of messages (a list of steps has none), and the mode for
# arguments that it calls subset, a call with no other arguments than those of the reference.
BREST, CORK = {"tide": {"port": "Brest"}}, {"tide": {"port": "Cork"}}
UPGRADE: Turns = [
    [{"booking": {}}],
    [{"ships": {"from": "Brest", "after": "noon"}}],
    [{"rules": {"query": "cabin upgrades"}}, {"rules": {"query": "first class"}}],
]
NESTED: Turns = [
    [{"booking": {"id": "7"}}],
    [
        {"rules": {"query": it, "time": {"start": "noon", "end": "two"}}}
        for it in ("cabin", "first class")
    ],
]
SAME_START = "rules: {query: {$any: true}, time: {start: noon, end: {$any: true}}}"
SUITE: list[tuple[str, str, Turns, str]] = [
    ("match", "[tide: {port: Brest}]", [[BREST]], "yes yes yes yes"),
    (
        "different tool message order",
        "[tide: {port: Cork}, tide: {port: Brest}]",
        [[BREST, CORK]],
        "yes yes yes yes",
    ),
    (
        "different message count",
        "[tide: {port: Cork}, tide: {port: Brest}]",
        [[BREST], [CORK]],
        "no yes yes yes",
    ),
    (
        "subset tool call",
        "[tide: {port: Cork}, tide: {port: Brest}]",
        [[BREST]],
        "no no yes no",
    ),
    ("different called tools", "[gauge: {port: Port of Brest}]", [[BREST]], "no no no no"),
    ("extra tool calls and override", "[tide]", [[BREST, CORK]], "no no no yes"),
    ("subset tool calls and override", "[tide, tide]", [[BREST]], "no no yes no"),
    ("a function as override", "[tide: {port: {$matches: Brest}}]", [[BREST]], "yes yes yes yes"),
    (
        "overrides, without them",
        "[booking: {}, rules: {query: an upgrade to first class}, rules: {query: x}]",
        UPGRADE,
        "no no no no",
    ),
    (
        "overrides",
        "[booking: {}, rules: {query: {$contains: upgrade}}, rules: {query: {$any: true}}]",
        UPGRADE,
        "no no no yes",
    ),
    (
        "nested field overrides, without them",
        "[booking: {id: '7'}, rules: {query: x, time: {start: noon, end: y}}, rules: {query: z}]",
        NESTED,
        "no no no no",
    ),
    (
        "nested field overrides",
        f"[booking: {{id: '7'}}, {SAME_START}, {SAME_START}]",
        NESTED,
        "yes yes yes yes",
    ),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", SUITE, ids=[name for name, *_ in SUITE])
def test_the_cases_of_the_test_suite_of_agentevals(
    case: tuple[str, str, Turns, str], mode: str
) -> None:
    _, steps, turns, verdicts = case
    holds = dict(zip(MODES, verdicts.split(), strict=True))[mode] == "yes"
    assert (reason(steps, turns, mode) == "") == holds


# Its modes for arguments: exact, ignore, and what it calls superset (the call has at least those of
# the reference) is what we call subset: those that the step names. There we part from it: as it
# looks for the calls of a run in the reference, for unordered and subset, it turns that round too.
ARGS = [
    ("[news: {city: Oslo, days: 2}]", "yes yes yes"),
    ("[news: {city: Oslo}]", "no yes yes"),
    ("[news: {}]", "no yes yes"),
    ("[news: {city: Rome}]", "no no yes"),
    ("[news: {city: Oslo, days: 2, more: 1}]", "no no yes"),
    ("[weather: {city: Oslo}]", "no no no"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("steps", "verdicts"), ARGS)
def test_arguments_mean_what_they_mean_in_agentevals(steps: str, verdicts: str, mode: str) -> None:
    for args, holds in zip(("exact", "subset", "ignore"), verdicts.split(), strict=True):
        assert (reason(steps, [[NEWS]], mode, args) == "") == (holds == "yes"), args


def test_a_pairing_is_found_where_taking_the_first_would_miss_it() -> None:
    """agentevals takes the first that fits, and would find no call for the second step."""
    steps = "[news, news: {}]"
    for mode in ("unordered", "superset", "subset"):
        assert reason(steps, [[EMPTY], [NEWS]], mode) == ""


# --- how it fails ------------------------------------------------------------------------------


def told(*args: str | Turns, **others: Turns) -> list[str]:
    return reason(*args, **others).split("\n")[1:]  # type: ignore[arg-type]


def test_arguments_that_differ_are_named_one_by_one() -> None:
    deep: Turns = [[{"find": {"where": {"city": "Oslo", "near": [1, 2]}, "limit": 3}}]]
    steps = "[find: {where: {city: Rome, near: [1, 3]}, sort: {$any: true}}]"
    assert told(steps, deep) == [
        '- find{"where": {"city": "Rome", "near": [1, 3]}, "sort": {"$any": true}}',
        '+ find{"where": {"city": "Oslo", "near": [1, 2]}, "limit": 3}  (turn 1)',
        '?   where.city: expected "Rome", seen "Oslo"',
        "?   where.near[1]: expected 3, seen 2",
        '?   sort: expected {"$any": true}, not seen',
        "?   limit: not expected, seen 3",
    ]


def test_only_arguments_that_count_are_named() -> None:
    assert told("[news: {city: Rome}]", [[NEWS]], "strict", "subset")[2:] == [
        '?   city: expected "Rome", seen "Oslo"'
    ]


def test_what_is_missing_and_what_is_too_much_without_an_order() -> None:
    assert told(
        "[news: {city: Rome}, weather, post]", [[NEWS], [WEATHER], [EMPTY]], "unordered"
    ) == [
        '- news{"city": "Rome"}',
        '+ news{"city": "Oslo", "days": 2}  (turn 1)',
        '?   city: expected "Rome", seen "Oslo"',
        "?   days: not expected, seen 2",
        '  weather{"city": "Oslo"}',
        "+ news{}  (turn 3)",
        "- post",
    ]


def test_what_is_equal_is_cut_in_the_middle_and_at_its_ends() -> None:
    turns: Turns = [[{"t": {"n": number}}] for number in range(60)]
    steps = [f"t: {{n: {number}}}" for number in range(60)]
    steps[10], steps[40] = "t: {n: 99}", "u"
    assert told(f"[{', '.join(steps)}]", turns) == [
        "  … 8 more that fit",
        '  t{"n": 8}',
        '  t{"n": 9}',
        '- t{"n": 99}',
        '+ t{"n": 10}  (turn 11)',
        "?   n: expected 99, seen 10",
        '  t{"n": 11}',
        '  t{"n": 12}',
        "  … 25 more that fit",
        '  t{"n": 38}',
        '  t{"n": 39}',
        "- u",
        '+ t{"n": 40}  (turn 41)',
        '  t{"n": 41}',
        '  t{"n": 42}',
        "  … 17 more that fit",
    ]


def test_long_arguments_are_not_told_twice() -> None:
    """The line above the diff is short: a terminal would wrap it to half a screen."""
    steps = ", ".join(f"t: {{text: {'x' * 70}{number}}}" for number in range(6))
    first = reason(f"[{steps}]", []).split("\n")[0]
    assert len(first) < 600
    assert first.count(" … and 4 more") == 2


@pytest.mark.parametrize("mode", [*MODES, "in_order"])
def test_a_failure_fits_on_a_screen(mode: str) -> None:
    turns: Turns = [[{"t": {"n": number}}] for number in range(300)]
    steps = ", ".join(f"u: {{n: {number}}}" for number in range(300))
    lines = reason(f"[{steps}]", turns, mode).split("\n")
    assert len(lines) <= 22
    assert all(len(line) < 1500 for line in lines)


def test_calls_of_one_turn_stand_where_their_steps_do() -> None:
    turns: Turns = [[{"a": {}}, {"x": {}}, {"c": {}}], [{"d": {}}]]
    lines = ["  c{}", "- b", "+ x{}  (turn 1)", "  a{}", "  d{}"]
    assert told("[c, b, a, d]", turns) == lines


def test_one_call_too_many_is_one_difference_though_all_later_steps_are_due_elsewhere() -> None:
    first: Turns = [[{"t": {"n": 1}}, {"t": {"n": 99}}]]
    rest: Turns = [[{"t": {"n": 4}}, {"t": {"n": 2}}, {"t": {"n": 3}}], [{"t": {"n": 5}}]]
    steps = ", ".join(f"t: {{n: {number}}}" for number in (1, 2, 3, 4, 5))
    assert told(f"[{steps}]", first + rest) == [
        '  t{"n": 1}',
        '+ t{"n": 99}  (turn 1)',
        '  t{"n": 2}',
        '  t{"n": 3}',
        "  … 2 more that fit",
    ]


def test_who_did_it_instead_is_named() -> None:
    other: Turns = [[WEATHER], [NEWS]]
    lines = told("[weather: {city: Oslo}, news]", [[NEWS]], b=other, c=[[NEWS]])
    assert lines[-1] == "b did exactly this"
    assert told("[weather]", [[NEWS]], "superset", b=other)[-1] == "b did what fits this"


def test_who_came_nearer_is_named() -> None:
    steps = "[weather, news, post, file]"
    other: Turns = [[WEATHER], [NEWS], [{"post": {}}], [{"shelve": {}}]]
    assert (
        told(steps, [[{"sleep": {}}]], b=other)[-1] == "b comes nearer to this, with 1 difference"
    )
    assert "b" not in told(steps, [[{"sleep": {}}]], b=[[{"dream": {}}]])[-1]


def test_another_call_that_fails_as_well_is_named() -> None:
    loaded = scenario(
        "agents: {a: {}, b: {}}\nmain: a\ninput: go\nexpect: [{agent: b, tool_calls: [news]}]\n"
    )
    transcript = ran([], **{"a/b#1": [[WEATHER]], "a/b#2": [[NEWS]], "a/b#3": []})
    for path, call in transcript.calls.items():
        call.agent = path.rpartition("/")[2].partition("#")[0]
    found = judge(loaded.cases[0].expect[0], transcript).reason.split("\n")
    assert found[0].startswith("a/b#1: expected (strict) [news]; at step 1 seen weather")
    assert found[-2:] == ["nor do a/b#3 fit", "a/b#2 did exactly this"]


# --- other checks: what they say where they fail ---------------------------------------------------

TEXT = "Come in, Petrel.\nThere are 3 m at seven.\nBerth 3 is yours.\nFair winds!"


def about(check: str, output: str = TEXT) -> list[str]:
    """The lines below the reason why a check on an output fails."""
    loaded = scenario(f"agents: {{a: {{}}}}\ninput: go\nexpect: [{{output: {check}}}]\n")
    transcript = Transcript()
    transcript.feed(RunFinished(status="completed", output=output))
    return judge(loaded.cases[0].expect[0], transcript).reason.split("\n")[1:]


OUTPUTS = [
    ("{contains: berth 4 is yours}", ["nearest in line 3: 'Berth 3 is yours.'"]),
    ("{contains: BERTH 3}", ["with other capitals it is there: 'Berth 3'"]),
    ("{contains: seven. Berth 3}", ["with other white space it is there"]),
    ("{contains: the quick brown fox}", []),
    ("{matches: ^Berth$}", []),
    (
        '{equals: "Come in, Petrel.\\nThere are 4 m at seven.\\nBerth 3 is yours.\\nFair winds!"}',
        [
            "  Come in, Petrel.",
            "- There are 4 m at seven.",
            "+ There are 3 m at seven.",
            "  Berth 3 is yours.",
        ],
    ),
    (
        '{equals: "Come in, Petrel. There are 3 m at seven. Berth 3 is yours. Fair winds!"}',
        [
            "only white space differs, from character 17: "
            "“Come in, Petrel. There are 3 m at seven. Berth 3 is yours. F…” ≠ "
            "“Come in, Petrel.\\nThere are 3 m at seven.\\nBerth 3 is yours.\\nF…”"
        ],
    ),
]


@pytest.mark.parametrize(("check", "lines"), OUTPUTS)
def test_where_a_text_is_another(check: str, lines: list[str]) -> None:
    assert about(check) == lines


def test_where_a_line_is_another() -> None:
    long = "It is a long way from here to the harbour"
    assert about(f"{{equals: {long} master}}", long + " mistress") == [
        "they part at character 44: expected “…to the harbour master”, "
        "seen “…to the harbour mistress”"
    ]
    assert about(f"{{equals: {long}}}", long + "!") == [
        "they part at character 42: expected its end after “…e to the harbour”, "
        "seen “…e to the harbour!”"
    ]


def test_a_text_that_is_hostile_is_made_harmless() -> None:
    told = "\n".join(about("{contains: BERTH}", "go to berth\x1b[2J \u202e3" * 50))
    assert "\x1b" not in told
    told += "\n".join(about('{equals: "a\\nb"}', "a\nb\x1b[2J"))
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_whose_words_the_output_is() -> None:
    """A sequence says nothing itself: who is to be looked at is its last step."""
    text = "agents: {a: {sequence: [b, c]}, b: {}, c: {}}\ninput: go\nscript: {b: [{text: x}], c: [{text: y}]}\n"
    loaded = scenario(text + "expect: [{output: z}]\n")
    transcript = Transcript.of(run_virtually(play(loaded)))
    told = judge(loaded.cases[0].expect[0], transcript).reason
    assert told == "expected to contain 'z', seen 'y'\nthese are the words of a/c#1"


def test_the_results_of_a_tool_that_was_called_more_than_once() -> None:
    transcript = ran([])
    for number in range(6):
        status: Literal["succeeded", "failed"] = "failed" if number == 2 else "succeeded"
        transcript.calls["a"].results.append(
            ToolResult(str(number), "t", status, f"it is {number}")
        )
    loaded = scenario(
        "agents: {a: {tools: [t]}}\ntools: {t: {returns: [{value: x}]}}\ninput: go\n"
        "expect: [{tool_result: {tool: t, status: succeeded, contains: it is 9}}]\n"
    )
    assert judge(loaded.cases[0].expect[0], transcript).reason.split("\n") == [
        "the run: expected that t succeeded with 'it is 9'; 6 results, none of them so:",
        "a failed: 'it is 2'",
        "a succeeded: 'it is 3'",
        "a succeeded: 'it is 4'",
        "a succeeded: 'it is 5'",
        "… and 2 more",
    ]


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ("[a, b, c, a]", "it stayed with c, and did not go on to a"),
        ("[a, b]", "it did not stay with b, but went on to c"),
        ("[a, c]", "after a it went to b, not to c"),
        ("[b, c]", "it began with a, not with b"),
    ],
)
def test_where_a_conversation_went_another_way(expected: str, line: str) -> None:
    loaded = scenario(
        "agents: {a: {handoffs: [b]}, b: {handoffs: [c]}, c: {handoffs: [a]}}\nmain: a\n"
        f"input: go\nexpect: [{{handoffs: {expected}}}]\n"
    )
    transcript = Transcript(("a",), handoffs={"a": ["a", "b", "c"]})
    assert judge(loaded.cases[0].expect[0], transcript).reason.split("\n")[1:] == [line]


def test_who_was_called_instead() -> None:
    loaded = scenario(
        "agents: {a: {subagents: [b, c]}, b: {}, c: {}}\nmain: a\ninput: go\n"
        "expect: [{calls: {b: 2, a: 1}}]\n"
    )
    transcript = ran([], c=[])
    transcript.calls["c"].path = "a/c#1"
    assert judge(loaded.cases[0].expect[0], transcript).reason.split("\n") == [
        "b: expected 2 calls, seen 0; a: expected 1 calls, seen 0; "
        "a main agent's own call is not counted",
        "others: c 1",
    ]

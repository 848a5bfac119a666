"""What an agent, and a run, may use."""

from itertools import pairwise

import pytest
from runs import check_promises, finished, of, play
from virtual import run_virtually

from orchestra import events


def limited(limits: str, rest: str = "") -> str:
    return f"""
        main: a
        agents: {{a: {{tools: [t], subagents: [b], limits: {{{limits}}}}}, b: {{}}}}
        tools: {{t: {{returns: [{{value: ok}}]}}}}
        input: go
        script:
          a: [{{tool_calls: [t, t]}}, {{tool_calls: [t, {{b: {{query: x}}}}]}}, {{text: end}}]
          b: [{{text: said, usage: {{input_tokens: 10, output_tokens: 90}}}}]
        {rest}
    """


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ("model_calls: 3, tool_calls: 4", None),
        ("model_calls: 2", "a: used more than 2 model calls (limits.model_calls)"),
        ("tool_calls: 3", "a: used more than 3 tool calls (limits.tool_calls)"),
        ("tokens: 9", "a: used more than 9 tokens (limits.tokens)"),
    ],
)
async def test_of_an_agent(limits: str, error: str | None) -> None:
    seen = await play(limited(limits))
    check_promises(seen)
    assert finished(seen).error == error
    assert finished(seen).error_type == (None if error is None else "LimitExceeded")


async def test_of_a_run() -> None:
    seen = await play(limited("", "run: {limits: {tokens: 90}}"))
    check_promises(seen)
    assert finished(seen).error == "the run used more than 90 tokens (run.limits.tokens)"


async def test_they_are_of_one_go() -> None:
    """Every turn of a conversation, and every delegation, begins anew."""
    seen = await play("""
        main: a
        agents: {a: {subagents: [b], limits: {model_calls: 2}}, b: {limits: {model_calls: 1}}}
        turns: [one, two]
        script:
          a:
            - tool_calls: [{b: {query: x}}, {b: {query: y}}]
            - text: one
            - tool_calls: [{b: {query: z}}]
            - text: two
          b: [{text: said}]
    """)
    assert finished(seen).status == "completed"


def test_seconds() -> None:
    text = """
        main: a
        agents: {a: {subagents: [b]}, b: {limits: {seconds: 60}}}
        input: go
        script:
          a: [{tool_calls: [{b: {query: x}}]}, {text: end}]
          b: [{text: slow words come late, rate: 0.02}]
    """
    seen = run_virtually(play(text))
    check_promises(seen)
    assert finished(seen).error == "a/b#1: took more than 60 s (limits.seconds)"
    assert 60 <= finished(seen).duration < 62


async def test_a_recursion_ends() -> None:
    seen = await play("""
        agents: {a: {subagents: [a]}}
        main: a
        input: go
        run: {limits: {model_calls: 30}}
        script: {a: [{tool_calls: [{a: {query: "1"}}, {a: {query: "2"}}]}, {text: end}]}
    """)
    check_promises(seen)
    assert finished(seen).error_type == "LimitExceeded"


async def test_max_concurrency_is_of_model_calls() -> None:
    """Delegation holds no place: three levels deep with one place still comes to an end."""
    seen = await play("""
        main: a
        agents: {a: {subagents: [b]}, b: {subagents: [c]}, c: {}}
        input: go
        run: {max_concurrency: 1}
        script:
          a: [{tool_calls: [{b: {query: "1"}}, {b: {query: "2"}}]}, {text: end}]
          b: [{tool_calls: [{c: {query: "1"}}, {c: {query: "2"}}]}, {text: "a b c d e f"}]
          c: [{text: "one two three four five"}]
    """)
    check_promises(seen)
    assert finished(seen).status == "completed"
    # One place: the words of two model calls never mingle.
    spoken = [e.message_id for e in of(events.TextDelta, seen)]
    changes = sum(a != b for a, b in pairwise(spoken))
    assert changes == len(set(spoken)) - 1
    # Who waits for the place has not begun: no time to the first token runs, and viewers show it.
    kinds = [type(it) for it in seen if isinstance(it, events.ModelStarted | events.ModelFinished)]
    assert kinds == [events.ModelStarted, events.ModelFinished] * 10

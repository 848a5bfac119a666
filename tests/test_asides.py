"""LangChain's middleware in a run: what it does, what it says, and what is told of it."""

import pytest
from runs import check_promises, finished, of, play, texts

from orchestra import events
from orchestra.events import Event


def results(among: list[Event]) -> list[tuple[str, str]]:
    ends = [e for e in among if isinstance(e, events.ToolFinished | events.ToolFailed)]
    return [(e.name, e.result if isinstance(e, events.ToolFinished) else e.error) for e in ends]


async def test_a_summariser_speaks_by_its_own_key() -> None:
    seen = await play("""
        main: lead
        agents:
          lead: {subagents: [w]}
          w: {tools: [t], middleware: [{summarization: {trigger: [messages, 3], keep: [messages, 2]}}]}
        tools: {t: {returns: [{value: ok}]}}
        input: go
        script:
          lead: [{tool_calls: [{w: {query: "1"}}, {w: {query: "2"}}]}, {text: end}]
          w: [{tool_calls: [t]}, {text: done}]
          w#1.summarization: [{text: of the first}]
          lead/w#2.summarization: [{text: of the second}]
    """)
    check_promises(seen)
    assert finished(seen).status == "completed"
    assert of(events.Warned, seen) == []  # every reply was used
    said: dict[str, str] = {}
    for event in of(events.Internal, seen):
        said[event.call] = said.get(event.call, "") + event.text
    assert said == {"lead/w#1": "of the first", "lead/w#2": "of the second"}
    assert texts(seen)["lead/w#1"] == "done"


async def test_a_tool_selector_and_an_emulator() -> None:
    seen = await play("""
        agents:
          a:
            tools: [t, u]
            middleware: [{llm_tool_selector: {max_tools: 1}}, {llm_tool_emulator: {tools: [u]}}]
        tools: {t: {returns: [{value: real}]}, u: {returns: [{value: real}]}}
        input: x
        script:
          a: [{tool_calls: [u, t]}, {text: ok}]
          a.llm_tool_selector: [{structured: {tools: [t]}}, {structured: {tools: [u]}}]
          a.llm_tool_emulator: [{text: made up}]
    """)
    check_promises(seen)
    # Also a call that middleware answered is told, once.
    assert sorted(results(seen)) == [("t", "real"), ("u", "made up")]
    assert len(of(events.ToolStarted, seen)) == 2


async def test_a_blocked_tool_call_is_told() -> None:
    seen = await play("""
        agents: {a: {tools: [t], middleware: [{tool_call_limit: {tool_name: t, run_limit: 1}}]}}
        tools: {t: {returns: [{value: real}]}}
        input: x
        script: {a: [{tool_calls: [t, t]}, {text: ok}]}
    """)
    check_promises(seen)
    assert sorted(results(seen))[1] == ("t", "real")
    assert "limit exceeded" in min(results(seen))[1]


async def test_todos() -> None:
    seen = await play("""
        agents: {a: {middleware: [todo_list]}}
        input: x
        script:
          a:
            - tool_calls: [{write_todos: {todos: [{content: think, status: pending}]}}]
            - text: ok
    """)
    check_promises(seen)
    ((name, result),) = results(seen)
    assert name == "write_todos"
    assert "think" in result


@pytest.mark.parametrize("middleware", ["{model_retry: {max_retries: 9}}", "tool_retry"])
async def test_what_a_script_lacks_is_not_tried_again(middleware: str) -> None:
    """With LangChain's own default it would be, after a second, and after two, and so on."""
    seen = await play(f"""
        main: a
        agents: {{a: {{subagents: [b], middleware: [{middleware}]}}, b: {{}}}}
        input: x
        script: {{a: [{{tool_calls: [{{b: {{query: x}}}}]}}]}}
    """)
    check_promises(seen)
    assert finished(seen).error_type == "MissingReply"
    assert len(of(events.ModelAborted, seen)) == 1


async def test_a_fallback_speaks_as_the_agent() -> None:
    seen = await play("""
        agents: {a: {middleware: [{model_fallback: {first_model: "openai:gpt-5-mini"}}]}}
        input: x
        script: {a: [{text: said}]}
    """)
    assert finished(seen).output == "said"


async def test_fractions_of_a_scripted_model() -> None:
    seen = await play("""
        agents: {a: {middleware: [{summarization: {trigger: [fraction, 0.9]}}]}}
        input: x
        script: {a: [{text: said}]}
    """)
    assert finished(seen).output == "said"


async def test_asides_of_parallel_tools_take_turns() -> None:
    seen = await play(
        """
        agents: {a: {tools: [t, u], middleware: [{llm_tool_emulator: {tools: [t, u]}}]}}
        tools: {t: {returns: [{value: x}]}, u: {returns: [{value: x}]}}
        input: x
        script:
          a: [{tool_calls: [t, u]}, {text: ok}]
          a.llm_tool_emulator: [{text: the first of them}, {text: the second of them}]
    """,
        rate=500,
    )
    check_promises(seen)
    assert sorted(result for _, result in results(seen)) == [
        "the first of them",
        "the second of them",
    ]
    assert of(events.Warned, seen) == []

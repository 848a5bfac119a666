"""LangChain's middleware in a scenario: its arguments are checked, and it is built."""

import inspect
import json
import subprocess
import sys
from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain.agents.middleware import AgentMiddleware, ClearToolUsesEdit
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from runs import ROOT, scenario

from orchestra import Scenario
from orchestra.errors import MissingReply, OrchestraError, ScenarioError, UsageError
from orchestra.runtime.middleware import make_middleware, middleware_problems
from orchestra.runtime.scripted import ScriptedModel
from orchestra.scenario import expressions
from orchestra.scenario.middleware import ASIDES, BRINGS, MIDDLEWARE, REFUSED, snake_case


def one(layers: str, rest: str = "") -> Scenario:
    """A scenario with one agent that has this middleware."""
    return scenario(f"agents:\n  boss:\n    middleware: {layers}\n{rest}")


def wrong(layers: str, rest: str = "") -> list[str]:
    """The problems, without the lines that they show."""
    return [
        f"{it.key}: {it.message}" + (f"; {it.hint}" if it.hint else "")
        for it in middleware_problems(one(layers, rest))
    ]


class Asked(list[tuple[str | None, str]]):
    """Makes models, and remembers for what."""

    def __call__(self, ref: str | None, aside: str) -> BaseChatModel:
        self.append((ref, aside))
        return FakeListChatModel(responses=[f"{ref}"], profile={"max_input_tokens": 100})


def made(layers: str, rest: str = "", model: Any = None) -> list[Any]:
    loaded = one(layers, rest)
    assert middleware_problems(loaded) == []
    return make_middleware(loaded, "boss", Asked() if model is None else model)


TOOLS = """
tools:
  weather: {parameters: {city: string}, returns: [{value: fine}]}
  publish: {parameters: {}, returns: [{value: done}]}
"""


# The table, against what is installed

MINIMAL = {
    "context_editing": "{}",
    "human_in_the_loop": "{interrupt_on: {}}",
    "llm_tool_emulator": "{}",
    "llm_tool_selector": "{}",
    "model_call_limit": "{run_limit: 1}",
    "model_fallback": "{first_model: scripted}",
    "model_retry": "{}",
    "pii": "{pii_type: email}",
    "provider_tool_search": "{}",
    "summarization": "{}",
    "todo_list": "{}",
    "tool_call_limit": "{run_limit: 1}",
    "tool_retry": "{}",
}


@pytest.mark.parametrize("name", MIDDLEWARE)
def test_every_entry_of_the_table_can_be_made(name: str) -> None:
    (layer,) = made(f"[{{{name}: {MINIMAL[name]}}}]")
    assert type(layer) is getattr(middleware, MIDDLEWARE[name])
    assert [it.name for it in getattr(layer, "tools", ())] == (
        [BRINGS[name]] if name in BRINGS else []
    )


def test_an_upgrade_of_langchain_tells_of_new_middleware() -> None:
    there = {
        name
        for name, kind in inspect.getmembers(middleware, inspect.isclass)
        if (name.endswith("Middleware") or name == "LLMToolEmulator")
        and kind is not AgentMiddleware
    }
    refused = {name for name in there if snake_case(name) in REFUSED}
    assert there == {*MIDDLEWARE.values(), *refused}
    assert len(refused) == len(REFUSED)


@pytest.mark.parametrize("name", MIDDLEWARE)
def test_every_argument_that_a_file_can_give_is_understood(name: str) -> None:
    """An annotation that cannot be read would be told as one that takes a function."""
    functions = {"token_counter", "retry_on"}
    kind = getattr(middleware, MIDDLEWARE[name])
    for argument in inspect.signature(kind).parameters:
        if argument == "deprecated_kwargs":
            continue
        told = wrong(f"[{{{name}: {{{argument}: {{nobody: would give this}}}}}}]")
        at = f"agents.boss.middleware[0].{name}.{argument}"
        mine = [it for it in told if it.startswith(at)]
        assert mine, argument
        assert any("takes functions" in it for it in mine) == (argument in functions), told


# What is wrong


def test_nothing_is_wrong_without_middleware() -> None:
    loaded = scenario("agents: {boss: {}, desk: {sequence: [boss]}}\nmain: desk")
    assert middleware_problems(loaded) == []
    assert make_middleware(loaded, "boss", Asked()) == []
    assert make_middleware(loaded, "desk", Asked()) == []


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (
            "{model_retry: {max_retrys: 3}}",
            ".model_retry: unknown argument 'max_retrys'; did you mean 'max_retries'?",
        ),
        (
            "{model_call_limit: {zzz: 3, run_limit: 1}}",
            ".model_call_limit: unknown argument 'zzz'; "
            "known arguments: thread_limit, run_limit, exit_behavior",
        ),
        (
            "{model_retry: {max_retries: many}}",
            ".model_retry.max_retries: expected a whole number, found the text 'many'",
        ),
        (
            "{model_retry: {max_retries: '3'}}",
            ".model_retry.max_retries: expected a whole number, found the text '3'; remove the quotes",
        ),
        (
            "{model_retry: {max_retries: true}}",
            ".model_retry.max_retries: expected a whole number, found true",
        ),
        (
            "{model_retry: {max_retries: 2.5}}",
            ".model_retry.max_retries: expected a whole number, found the number 2.5",
        ),
        (
            "{model_retry: {max_retries: -1}}",
            ".model_retry.max_retries: must be at least 0 and finite, found -1",
        ),
        (
            "{model_retry: {jitter: 1}}",
            ".model_retry.jitter: expected true or false, found the number 1",
        ),
        (
            "{model_retry: {initial_delay: [1]}}",
            ".model_retry.initial_delay: expected a number, found a list",
        ),
        (
            "{model_retry: {on_failure: raise}}",
            ".model_retry.on_failure: expected 'error' or 'continue', found the text 'raise'",
        ),
        (
            "{model_retry: {on_failure: contine}}",
            ".model_retry.on_failure: expected 'error' or 'continue', found the text 'contine'; "
            "did you mean 'continue'?",
        ),
        (
            "{tool_call_limit: {run_limit: 1, exit_behavior: 3}}",
            ".tool_call_limit.exit_behavior: expected 'continue' or 'error' or 'end', "
            "found the number 3",
        ),
        (
            "{model_retry: {retry_on: ValueError}}",
            ".model_retry.retry_on: takes functions or classes, which a file cannot give",
        ),
        (
            "{context_editing: {token_counter: len}}",
            ".context_editing.token_counter: takes functions or classes, which a file cannot give",
        ),
        (
            "{pii: {strategy: hash}}",
            ".pii: missing argument 'pii_type'",
        ),
        (
            "{pii: {pi_type: email}}",
            ".pii: unknown argument 'pi_type'; did you mean 'pii_type'?",
        ),
        (
            "{model_fallback: {additional_models: [scripted]}}",
            ".model_fallback: missing argument 'first_model'",
        ),
        (
            "{model_fallback: {first_model: gpt, additional_models: [echo, 3]}}",
            ".model_fallback.first_model: unknown model 'gpt'; "
            "a model is 'provider:name', or one of 'scripted', 'echo'\n"
            ".model_fallback.additional_models[1]: expected text, found the number 3; "
            "put it in quotes",
        ),
        (
            "{model_fallback: {first_model: null}}",
            ".model_fallback.first_model: expected text, found nothing; "
            "leave the key out, or write ''",
        ),
        (
            "{model_fallback: {first_model: echo, additional_models: echo}}",
            ".model_fallback.additional_models: expected a list, found the text 'echo'; "
            "write [echo]",
        ),
        (
            "{summarization: {model: scriptd}}",
            ".summarization.model: unknown model 'scriptd'; did you mean 'scripted'?",
        ),
        (
            "{summarization: {trigger: [message, 4]}}",
            ".summarization.trigger: expected [fraction, a number] or [tokens, a whole number] or "
            "[messages, a whole number] or a mapping or a list, found a list",
        ),
        (
            "{summarization: {trigger: [messages, many]}}",
            ".summarization.trigger[1]: expected a whole number, found the text 'many'",
        ),
        (
            "{summarization: {trigger: {mesages: 4}}}",
            ".summarization.trigger: unknown argument 'mesages'; did you mean 'messages'?",
        ),
        (
            "{summarization: {trigger: [[messages, 4], {tokens: x}]}}",
            ".summarization.trigger[1].tokens: expected a whole number, found the text 'x'",
        ),
        (
            "{summarization: {keep: [messages, 4, 5]}}",
            ".summarization.keep: expected [fraction, a number] or [tokens, a whole number] or "
            "[messages, a whole number], found a list",
        ),
        (
            "{summarization: {messages_to_keep: 4}}",
            ".summarization: unknown argument 'messages_to_keep'; known arguments: "
            "model, trigger, keep, summary_prompt, trim_tokens_to_summarize, summarizer",
        ),
        (
            "{context_editing: {edits: [{clear_tool_uses: {keep: x, kep: 1}}]}}",
            ".context_editing.edits[0].clear_tool_uses.keep: "
            "expected a whole number, found the text 'x'\n"
            ".context_editing.edits[0].clear_tool_uses: "
            "unknown argument 'kep'; did you mean 'keep'?",
        ),
        (
            "{context_editing: {edits: [{clear: {}}, clear_tool_uses]}}",
            ".context_editing.edits[0]: expected one edit; "
            "write {clear_tool_uses: {trigger: 1000, keep: 3}}\n"
            ".context_editing.edits[1]: expected a mapping, found the text 'clear_tool_uses'",
        ),
        (
            "{human_in_the_loop: {interrupt_on: {boss: {allowed_decisions: [approve, no]}}}}",
            ".human_in_the_loop.interrupt_on.boss.allowed_decisions[1]: "
            "expected 'approve' or 'edit' or 'reject' or 'respond', found the text 'no'",
        ),
        (
            "{human_in_the_loop: {interrupt_on: {boss: {when: x}}}}",
            ".human_in_the_loop.interrupt_on.boss.when: "
            "takes functions or classes, which a file cannot give\n"
            ".human_in_the_loop.interrupt_on.boss: missing argument 'allowed_decisions'",
        ),
        (
            "human_in_the_loop",
            ": missing argument 'interrupt_on'",
        ),
    ],
)
def test_a_wrong_argument(layer: str, told: str) -> None:
    at = "agents.boss.middleware[0]"
    found = [it for it in wrong(f"[{layer}]") if "is no tool" not in it]
    assert "\n".join(found) == "\n".join(at + line for line in told.split("\n"))


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ("tool_call_limit", ": At least one limit must be specified (thread_limit or run_limit)"),
        (
            "{tool_call_limit: {run_limit: 5, thread_limit: 2}}",
            ".tool_call_limit.run_limit: run_limit (5) cannot exceed thread_limit (2). "
            "The run limit should be less than or equal to the thread limit.",
        ),
        (
            "{pii: {pii_type: shoes}}",
            ".pii: Unknown PII type: shoes. Must be one of ['email', 'credit_card', 'ip', "
            "'mac_address', 'url'] or provide a custom detector.",
        ),
        (
            "{pii: {pii_type: shoes, detector: 'sho(es'}}",
            ".pii.detector: is no regular expression: missing ) at position 6",
        ),
        (
            "{summarization: {trigger: {}}}",
            ".summarization.trigger: trigger clause must specify at least one of 'tokens', "
            "'messages', 'fraction'",
        ),
    ],
)
def test_what_only_the_constructor_refuses(layer: str, told: str) -> None:
    assert wrong(f"[{layer}]") == [f"agents.boss.middleware[0]{told}"]


def test_all_problems_are_told_at_once_at_their_places() -> None:
    loaded = scenario("""
    agents:
      boss:
        middleware:
          - todo_list
          - ModelRetryMiddleware:
              max_retries: many
              jiter: false
          - pii
        subagents: [helper]
      helper:
        middleware: [{model_call_limit: {run_limit: few}}]
    """)
    found = middleware_problems(loaded)
    assert [(it.line, it.column, it.key) for it in found] == [
        (8, 24, "agents.boss.middleware[1].ModelRetryMiddleware.max_retries"),
        (9, 11, "agents.boss.middleware[1].ModelRetryMiddleware"),
        (10, 9, "agents.boss.middleware[2]"),
        (13, 49, "agents.helper.middleware[0].model_call_limit.run_limit"),
    ]
    with pytest.raises(ScenarioError) as caught:
        make_middleware(loaded, "boss", Asked())
    assert list(caught.value.problems) == found[:3]


def test_two_of_one_name() -> None:
    layers = "[todo_list, {model_retry: {max_retries: 1}}, {ModelRetryMiddleware: {}}]"
    (told,) = wrong(layers)
    assert told.startswith(
        "agents.boss.middleware[2].ModelRetryMiddleware: 'ModelRetryMiddleware' is there twice; "
    )
    assert not wrong("[{pii: {pii_type: email}}, {pii: {pii_type: ip}}]")
    assert len(wrong("[{pii: {pii_type: ip}}, {pii: {pii_type: ip}}]")) == 1
    limits = "{{tool_call_limit: {{run_limit: 1}}}}, {{tool_call_limit: {{tool_name: {}, run_limit: 1}}}}"
    rest = "    tools: [weather]" + TOOLS
    assert not wrong(f"[{limits.format('weather')}]", rest)


def test_a_scenario_of_python_objects_has_no_places() -> None:
    loaded = one("[{model_retry: {max_retries: 3}}]")
    spec = loaded.agents["boss"]
    layer = spec.middleware[0].model_copy(update={"name": "nonsense"})
    agents = {"boss": spec.model_copy(update={"middleware": (layer,)})}
    (problem,) = middleware_problems(loaded.model_copy(update={"agents": agents}))
    assert problem.message == "unknown middleware 'nonsense'"


# Names of tools


@pytest.mark.parametrize(
    ("layer", "name", "hint"),
    [
        (
            "{tool_call_limit: {run_limit: 1, tool_name: wether}}",
            "wether",
            "did you mean 'weather'?",
        ),
        ("{tool_retry: {tools: [weather, publsh]}}", "publsh", "did you mean 'publish'?"),
        (
            "{llm_tool_selector: {always_include: [helper, hlper]}}",
            "hlper",
            "did you mean 'helper'?",
        ),
        (
            "{llm_tool_selector: {on_parsing_failure: [xx]}}",
            "xx",
            "its tools are 'weather', 'publish', 'helper', 'transfer_to_other'",
        ),
        (
            "{provider_tool_search: {searchable_tools: [weathr]}}",
            "weathr",
            "did you mean 'weather'?",
        ),
        ("{llm_tool_emulator: {tools: [weathr]}}", "weathr", "did you mean 'weather'?"),
        (
            "{human_in_the_loop: {interrupt_on: {transfer_to_othr: true}}}",
            "transfer_to_othr",
            "did you mean 'transfer_to_other'?",
        ),
        (
            "{context_editing: {edits: [{clear_tool_uses: {exclude_tools: [weathr]}}]}}",
            "weathr",
            "did you mean 'weather'?",
        ),
    ],
)
def test_tools_that_the_agent_does_not_have(layer: str, name: str, hint: str) -> None:
    rest = "    tools: [weather, publish]\n    subagents: [helper]\n    handoffs: [other]"
    rest += f"\n  helper: {{}}\n  other: {{}}\n{TOOLS}"
    (told,) = wrong(f"[{layer}]", rest)
    assert told.endswith(f": '{name}' is no tool of this agent; {hint}")
    python = rest + "  more: {python: 'tools_of:mine'}\n"
    assert not wrong(f"[{layer}]", python.replace("[weather,", "[weather, more,"))


def test_a_tool_that_there_would_be_twice() -> None:
    (told,) = wrong("[TodoList]", "    subagents: [write_todos]\n  write_todos: {}")
    assert told == (
        "agents.boss.middleware[0]: 'write_todos', which it brings, is also a tool of this agent; "
        "rename one: a model knows both by name"
    )


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        ("(" * 5000, "is a regular expression of more than 1000 characters"),
        ("a{99999999999}", "is a regular expression with too large repeats"),
        ("*", "is no regular expression: "),
    ],
)
def test_a_hostile_detector(detector: str, expected: str) -> None:
    (told,) = wrong(f"[{{pii: {{pii_type: code, detector: '{detector}'}}}}]")
    assert told.startswith(f"agents.boss.middleware[0].pii.detector: {expected}")


def test_the_tool_of_a_middleware_is_a_tool_of_the_agent() -> None:
    limit = "{tool_call_limit: {run_limit: 1, tool_name: write_todos}}"
    assert not wrong(f"[todo_list, {limit}]")
    (told,) = wrong(f"[{limit}]")
    assert told.endswith("'write_todos' is no tool of this agent; it has no tools")
    assert not wrong("[{llm_tool_selector: {on_parsing_failure: all}}]")


# What is made


def test_the_order_is_that_of_the_file() -> None:
    layers = "[todo_list, {model-retry: {max_retries: 3}}, LLMToolEmulator]"
    kinds = [type(it).__name__ for it in made(layers)]
    assert kinds == ["TodoListMiddleware", "ModelRetryMiddleware", "LLMToolEmulator"]


def test_retries_end_in_an_error_unless_asked_otherwise() -> None:
    assert made("[model_retry]")[0].on_failure == "error"
    assert made("[{model_retry: {on_failure: continue}}]")[0].on_failure == "continue"
    (layer,) = made("[{model_retry: {initial_delay: 0, max_retries: 5, jitter: false}}]")
    assert (layer.initial_delay, layer.max_retries, layer.jitter) == (0, 5, False)


def test_lists_stand_for_tuples() -> None:
    (layer,) = made("[{summarization: {trigger: [messages, 4], keep: [messages, 2]}}]")
    assert (layer.trigger, layer.keep) == (("messages", 4), ("messages", 2))
    mixed = "[[fraction, 0.5], {tokens: 40, messages: 3}]"
    (layer,) = made(f"[{{summarization: {{trigger: {mixed}}}}}]")
    assert layer.trigger == [("fraction", 0.5), {"tokens": 40, "messages": 3}]
    (layer,) = made("[{summarization: {trigger: {messages: 3}, trim_tokens_to_summarize: null}}]")
    assert (layer.trigger, layer.trim_tokens_to_summarize) == ({"messages": 3}, None)


def test_edits() -> None:
    (layer,) = made("[{context_editing: {edits: [{clear_tool_uses: {trigger: 9, keep: 0}}]}}]")
    assert layer.edits == [ClearToolUsesEdit(trigger=9, keep=0)]


def test_questions() -> None:
    asks = "{weather: true, publish: {allowed_decisions: [approve], description: Really?}}"
    rest = "    tools: [weather, publish]" + TOOLS
    (layer,) = made(f"[{{human_in_the_loop: {{interrupt_on: {asks}}}}}]", rest)
    assert layer.interrupt_on["publish"] == {
        "allowed_decisions": ["approve"],
        "description": "Really?",
    }
    assert layer.interrupt_on["weather"]["allowed_decisions"][0] == "approve"


@pytest.mark.parametrize("name", ASIDES)
def test_the_model_of_an_aside(name: str) -> None:
    asked = Asked()
    (layer,) = made(f"[{name}]", model=asked)
    assert asked == [(None, name)]
    assert layer.model.responses == ["None"]
    asked = Asked()
    made(f"[{{{name}: {{model: small}}}}]", "models: {small: 'openai:gpt-5-mini'}", asked)
    assert asked == [("small", name)]


def test_fallbacks_speak_as_the_agent() -> None:
    asked = Asked()
    given = "{first_model: echo, additional_models: ['openai:gpt-5-mini', '${MODEL}']}"
    (layer,) = made(f"[{{model_fallback: {given}}}]", model=asked)
    assert asked == [("echo", ""), ("openai:gpt-5-mini", ""), ("${MODEL}", "")]
    assert [it.responses for it in layer.models] == [["echo"], ["openai:gpt-5-mini"], ["${MODEL}"]]


def test_a_summarizer_is_a_model_too() -> None:
    asked = Asked()
    made("[{summarization: {summarizer: echo}}]", model=asked)
    assert asked == [("echo", "summarization"), (None, "summarization")]


def test_a_real_model_may_lack_what_a_middleware_needs() -> None:
    loaded = one("[{summarization: {trigger: [fraction, 0.5]}}]")
    assert middleware_problems(loaded) == []
    with pytest.raises(ScenarioError, match="Model profile information is required") as caught:
        make_middleware(loaded, "boss", lambda ref, aside: FakeListChatModel(responses=[]))
    assert caught.value.problems[0].key == "agents.boss.middleware[0].summarization"


def test_a_model_that_cannot_be_made_is_told_as_it_is() -> None:
    def model(ref: str | None, aside: str) -> BaseChatModel:
        raise UsageError("no key")

    with pytest.raises(UsageError, match="no key"):
        make_middleware(one("[summarization]"), "boss", model)


def test_a_scripted_model_needs_no_tool_search() -> None:
    search = "[{provider_tool_search: {searchable_tools: [weather]}}, todo_list]"
    rest = "    tools: [weather]" + TOOLS
    assert len(made(search, rest)) == 2
    (layer,) = made(search, rest, lambda ref, aside: ScriptedModel())
    assert type(layer).__name__ == "TodoListMiddleware"


# In an agent of LangChain


class Flaky(FakeListChatModel):
    """Fails as often as it is told, then answers."""

    failures: int = 0
    calls: int = 0

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError(f"failure {self.calls}")
        return super()._generate(*args, **kwargs)


def test_a_model_is_asked_again_and_then_it_is_an_error() -> None:
    layers = made("[{model_retry: {max_retries: 2, initial_delay: 0}}]")
    model = Flaky(responses=["well"], failures=2)
    end = create_agent(model, middleware=layers).invoke({"messages": "hi"})
    assert (end["messages"][-1].text, model.calls) == ("well", 3)
    model = Flaky(responses=["well"], failures=3)
    with pytest.raises(ConnectionError, match="failure 3"):
        create_agent(model, middleware=layers).invoke({"messages": "hi"})


def test_what_orchestra_raises_is_not_tried_again() -> None:
    """The next attempt would miss the same reply, and a model could do nothing about it either."""
    tries: list[int] = []

    @tool
    def count() -> str:
        """Count."""
        tries.append(1)
        raise MissingReply("no reply left")

    layers = made("[model_retry, tool_retry]")
    model = Calling(responses=[], times=1, seen={})
    with pytest.raises(MissingReply):
        create_agent(model, [count], middleware=layers).invoke({"messages": "go"})
    assert len(tries) == 1
    assert [layer.retry_on(MissingReply()) for layer in layers] == [False, False]
    assert [layer.retry_on(ValueError()) for layer in layers] == [True, True]


class Calling(FakeListChatModel):
    """Calls a tool as often as it is told, then answers; remembers its tools and what it read."""

    tool: str = "count"
    times: int = 0
    seen: dict[str, Any]

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        self.seen["tools"] = [it.name for it in tools]
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        self.seen["messages"] = messages
        turn = sum(message.type == "ai" for message in messages)
        calls = [{"name": self.tool, "args": {}, "id": f"c{turn}"}] if turn < self.times else []
        message = AIMessage(content="" if calls else "done", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


def test_tool_calls_are_limited() -> None:
    runs: list[int] = []

    @tool
    def count() -> str:
        """Count."""
        runs.append(1)
        return "one"

    (layer,) = make_middleware(one("[{tool_call_limit: {run_limit: 2}}]"), "boss", Asked())
    agent = create_agent(Calling(responses=[], times=3, seen={}), [count], middleware=[layer])
    end = agent.invoke({"messages": "go"})
    assert len(runs) == 2
    assert [m.status for m in end["messages"] if m.type == "tool"] == ["success"] * 2 + ["error"]
    layers = made("[{tool_call_limit: {run_limit: 2, exit_behavior: error}}]")
    with pytest.raises(Exception, match="limit exceeded"):
        create_agent(Calling(responses=[], times=3, seen={}), [count], middleware=layers).invoke(
            {"messages": "go"}
        )


def test_todos_are_a_tool() -> None:
    model = Calling(responses=[], seen={})
    create_agent(model, middleware=made("[todo_list]")).invoke({"messages": "plan"})
    assert model.seen["tools"] == ["write_todos"]


def test_addresses_are_redacted() -> None:
    model = Calling(responses=[], seen={})
    layers = made(
        "[{pii: {pii_type: email}}, {pii: {pii_type: code, detector: 'X\\d+', strategy: mask}}]"
    )
    create_agent(model, middleware=layers).invoke({"messages": "ann@example.com has X12345678"})
    (message,) = (it for it in model.seen["messages"] if isinstance(it, HumanMessage))
    assert message.text.startswith("[REDACTED_EMAIL] has ***")
    assert "X1234" not in message.text


@pytest.mark.parametrize("strategy", ["redact", "mask", "hash"])
def test_a_detector_finds_what_langchain_finds(strategy: str) -> None:
    detector = {"pii_type": "code", "detector": r"X\d+|\b", "strategy": strategy}
    (layer,) = made(f"[{{pii: {json.dumps(detector)}}}]")
    theirs = middleware.PIIMiddleware(**detector)
    for text in ("X1 and X22345", "none", "", "X3", "é X4."):
        asked = {"messages": [HumanMessage(text)]}
        assert layer.before_model(asked, None) == theirs.before_model(asked, None)


@pytest.mark.parametrize(
    ("detector", "text", "told"),
    [("(a|aa)+$", "a" * 60 + "b", "takes more than 0.05 s"), ("", "a" * 50, "more than 40 times")],
)
def test_what_a_detector_cannot_look_through_is_not_let_through(
    monkeypatch: pytest.MonkeyPatch, detector: str, text: str, told: str
) -> None:
    monkeypatch.setattr(expressions, "PATIENCE", 0.05)
    monkeypatch.setattr("orchestra.runtime.middleware.MOST_FOUND", 40)
    layers = made(f"[model_retry, {{pii: {{pii_type: code, detector: '{detector}'}}}}]")
    model = Calling(responses=[], seen={})
    agent = create_agent(model, middleware=layers)
    with pytest.raises(OrchestraError, match=f"middleware pii, code: .* {told}"):
        agent.invoke({"messages": text})
    assert not model.seen


def test_fallbacks_take_over() -> None:
    layers = made("[{model_fallback: {first_model: echo}}]")
    model = Flaky(responses=["never"], failures=9)
    end = create_agent(model, middleware=layers).invoke({"messages": "hi"})
    assert end["messages"][-1].text == "echo"


def test_old_messages_are_summarized() -> None:
    layers = made("[{summarization: {trigger: [messages, 3], keep: [messages, 1]}}]")
    model = Calling(responses=[], seen={})
    talk = [("user", "one"), ("assistant", "two"), ("user", "three")]
    create_agent(model, middleware=layers).invoke({"messages": talk})
    assert [m.text for m in model.seen["messages"]][-1] == "three"
    assert "None" in model.seen["messages"][0].text  # what the fake model of the aside says


# Its price


def test_langchain_is_imported_only_for_middleware() -> None:
    """The package ``runtime`` imports all of itself: here the module alone is looked at."""
    code = r"""
    import sys, types
    package = types.ModuleType("orchestra.runtime")
    package.__path__ = ["orchestra/runtime"]
    sys.modules["orchestra.runtime"] = package
    from orchestra.runtime.middleware import middleware_problems
    from orchestra.scenario import loads
    head = "version: 1\nagents: {boss: {middleware: ["
    assert not middleware_problems(loads("version: 1\nagents: {boss: {}}"))
    assert "langchain" not in sys.modules and "langchain_core" not in sys.modules
    assert not middleware_problems(loads(head + "todo_list]}}"))
    assert "langchain" in sys.modules
    """
    program = inspect.cleandoc(code)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)

"""Which of LangChain's middleware a scenario may name.

An explicit table: what runs commands or reads files is not in it. The classes themselves, and
the check of their arguments, are in ``runtime/middleware``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import Problem
from .agents import TRANSFER, AgentSpec
from .excerpt import quoted, suggestion
from .references import keys
from .source import Where
from .tools import CannedTool

if TYPE_CHECKING:
    from .model import Scenario

MIDDLEWARE = {
    "context_editing": "ContextEditingMiddleware",
    "human_in_the_loop": "HumanInTheLoopMiddleware",
    "llm_tool_emulator": "LLMToolEmulator",
    "llm_tool_selector": "LLMToolSelectorMiddleware",
    "model_call_limit": "ModelCallLimitMiddleware",
    "model_fallback": "ModelFallbackMiddleware",
    "model_retry": "ModelRetryMiddleware",
    "pii": "PIIMiddleware",
    "provider_tool_search": "ProviderToolSearchMiddleware",
    "summarization": "SummarizationMiddleware",
    "todo_list": "TodoListMiddleware",
    "tool_call_limit": "ToolCallLimitMiddleware",
    "tool_retry": "ToolRetryMiddleware",
}
"""Snake_case name → class of ``langchain.agents.middleware``."""

REFUSED = {
    "shell_tool": "it runs commands",
    "filesystem_file_search": "it reads files",
    "tool_error": "it takes a function; a tool's own errors reach the model as they are",
}
"""LangChain's other middleware, and why a file cannot name it."""

ASIDES = ("summarization", "llm_tool_selector", "llm_tool_emulator")
"""Middleware with a model of its own; its calls have paths such as ``editor.summarization``."""

BRINGS = {"todo_list": "write_todos"}
"""Middleware that gives its agent a tool."""

_NAMING = {
    "always_include",
    "exclude_tools",
    "interrupt_on",
    "on_parsing_failure",
    "searchable_tools",
    "tool_name",
    "tools",
}
"""Arguments with names of tools: a text, a list of them, or the keys of a mapping."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """``ModelRetryMiddleware``, ``ModelRetry`` and ``model-retry`` as ``model_retry``."""
    snake = _WORD.sub("_", name).replace("-", "_").replace(" ", "_").casefold()
    return snake.removesuffix("_middleware")


_SHORT = {
    "approval": "human_in_the_loop",
    "hitl": "human_in_the_loop",
    "emulator": "llm_tool_emulator",
    "fallback": "model_fallback",
    "retry": "model_retry",
    "summarizer": "summarization",
    "summarize": "summarization",
    "todo": "todo_list",
    "todos": "todo_list",
    "tool_emulator": "llm_tool_emulator",
    "tool_selector": "llm_tool_selector",
}


def middleware_named(name: str) -> str | None:
    """The name in :data:`MIDDLEWARE` that ``name`` means: it, its class, or a usual short form."""
    snake = snake_case(name[:100])
    snake = _SHORT.get(snake, snake)
    return snake if snake in MIDDLEWARE else None


def place_of(scenario: Scenario, agent: str, at: int, name: str) -> Where:
    """Where the arguments of an agent's middleware stand, with its name as the file spells it."""
    where: Where = ("agents", agent, "middleware", at)
    spelled = keys(scenario.source.find(where)[1])
    return (*where, spelled[0] if len(spelled) == 1 else name)


def tool_problems(scenario: Scenario, agent: str, spec: AgentSpec) -> Iterator[Problem]:
    """Tools in the arguments of middleware that the agent lacks, and a tool that it has twice.

    The tools of Python code are known only once it is loaded: an agent with some is passed over.
    """
    if not all(isinstance(scenario.tools.get(tool), CannedTool) for tool in spec.tools):
        return
    own = [*spec.tools, *spec.subagents, *(TRANSFER + other for other in spec.handoffs)]
    brought = [BRINGS.get(middleware_named(it.name) or "") for it in spec.middleware]
    for at, tool in enumerate(brought):
        if tool in own:
            where = place_of(scenario, agent, at, spec.middleware[at].name)
            message = f"{quoted(str(tool))}, which it brings, is also a tool of this agent"
            yield scenario.source.missing(where, message, "rename one: a model knows both by name")
    own += filter(None, brought)
    known = f"its tools are {', '.join(map(quoted, own[:8]))}" if own else "it has no tools"
    for at, given in enumerate(spec.middleware):
        place = place_of(scenario, agent, at, given.name)
        for where, name, is_key in _tools(given.args, place):
            if name not in own:
                message = f"{quoted(name)} is no tool of this agent"
                hint = suggestion(name, own) or known
                yield scenario.source.problem(where, message, hint, at_key=is_key)


def _tools(value: Any, where: Where) -> Iterator[tuple[Where, str, bool]]:
    """The names of tools in arguments: where each stands, it, and whether it is a key."""
    parts = value.items() if isinstance(value, dict) else ()
    for part, below in enumerate(value) if isinstance(value, list) else parts:
        here = (*where, part)
        if part not in _NAMING:
            yield from _tools(below, here)
        elif part == "tool_name" and isinstance(below, str):
            yield here, below, False
        elif isinstance(below, list):
            yield from (((*here, at), it, False) for at, it in enumerate(below) if type(it) is str)
        elif isinstance(below, dict):
            yield from (((*here, name), name, True) for name in below)

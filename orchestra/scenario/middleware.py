"""Which of LangChain's middleware a scenario may name.

An explicit table: what runs commands or reads files is not in it. The classes themselves, and
the check of their arguments, are in ``runtime/middleware``.
"""

from __future__ import annotations

import re

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

"""Tokens on the short way from a model to LangGraph's stream.

For each token ``ahandle_event`` of langchain-core asks every handler whether it is inline, whether
it ignores models and whether it is a coroutine function, and gathers those that are not inline. The
answers are the same for all tokens of a message, and to ask costs more than what is asked for: a
quarter of the time between a model and the stream.
"""

from __future__ import annotations

import logging
from inspect import iscoroutinefunction
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, BaseCallbackHandler
from langchain_core.messages import BaseMessage

_log = logging.getLogger(__name__)


class Direct:
    """To stand before the class of a chat model."""

    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Any:
        # No public method stands here. If this one should go, tokens take the long way again.
        if run_manager is not None:
            shorten(run_manager)
        return await super()._agenerate_with_cache(  # type: ignore[misc] # of the model
            messages, stop=stop, run_manager=run_manager, **kwargs
        )


def shorten(manager: AsyncCallbackManagerForLLMRun) -> None:
    """Tell the handlers of tokens at once, if all of them can be told so."""
    handlers = [it for it in manager.handlers if not it.ignore_llm]
    if not all(it.run_inline and not iscoroutinefunction(it.on_llm_new_token) for it in handlers):
        return
    heard = [(it, it.on_llm_new_token) for it in handlers]
    of: dict[str, Any] = {
        "run_id": manager.run_id,
        "parent_run_id": manager.parent_run_id,
        "tags": manager.tags,
    }

    async def on_llm_new_token(token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        for handler, told in heard:
            try:
                told(token, chunk=chunk, **of, **kwargs)
            except Exception as error:
                _broken(handler, error)
                if handler.raise_error:
                    raise

    manager.on_llm_new_token = on_llm_new_token  # type: ignore[method-assign] # of this one


def _broken(handler: BaseCallbackHandler, error: Exception) -> None:
    """As langchain-core has it: a handler that fails ends no model call."""
    _log.warning("Error in %s.on_llm_new_token callback: %r", type(handler).__name__, error)

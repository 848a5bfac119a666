"""What a user's own tool lends to all that it runs: the place where it is, and nobody's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.runnables import RunnableConfig

from .state import AGENT, Writer

TOOL = "orchestra_tool"  # in config["metadata"], below a user's tool: id and name of its call
TURN = "orchestra_turn"  # in config["metadata"], of a guest's model call: which one it is


class _Lent(dict[str, Any]):
    """Metadata that tell a tool the name of its agent, when it asks, and hand it on to nobody."""

    def __init__(self, owner: str, metadata: Mapping[str, Any]) -> None:
        super().__init__(metadata)
        self._owner = owner

    def __missing__(self, key: str) -> Any:
        if key == AGENT:
            return self._owner
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self._owner if key == AGENT else super().get(key, default)

    def copy(self) -> _Lent:
        return _Lent(self._owner, self)


@dataclass(frozen=True, slots=True)
class Lost:
    """A model call of a guest's has failed, or was called off."""

    turn: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Anew:
    """A tool that has asked a person begins anew, and so do the guests that it had."""

    call: str
    tool_call_id: str


class _Turns(BaseCallbackHandler):
    """Tells the model calls of guests apart: one place may have several at once.

    LangGraph hands their metadata on with what they say, and says nothing of those that fail.
    """

    run_inline = True

    def __init__(self, write: Writer) -> None:
        self._write = write

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain's signature
        messages: Any,  # noqa: ARG002 - LangChain's
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if metadata is not None:
            metadata[TURN] = str(run_id)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._write(Lost(str(run_id), error))


def lend(config: RunnableConfig, tool_call_id: str, name: str, write: Writer) -> None:
    """Make a tool's config one to pass on: it says whose tool it is, and lends nobody its name.

    ``write`` is told of model calls that are :class:`Lost`. To be done once for a tool call.
    """
    metadata = {**config.get("metadata", {}), TOOL: (tool_call_id, name)}
    owner = metadata.pop(AGENT, "")
    config["metadata"] = _Lent(owner, metadata)
    if isinstance(manager := config.get("callbacks"), BaseCallbackManager):
        manager = config["callbacks"] = manager.copy()
        manager.remove_metadata([AGENT])
        manager.add_handler(_Turns(write))

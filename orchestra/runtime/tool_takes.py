"""What tools give, recorded; and given again where a scenario has its tools replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from ..cassette import ToolTake
from . import clock
from .faults import RecordedFault, failed_of
from .state import Place
from .values import plain

Result = ToolMessage | Command[Any]


async def on_tape(
    place: Place, call: ToolCall, run: Callable[[], Awaitable[Result]], *, asks: bool
) -> Result:
    """The result of a tool call: off the tape, else the tool's own, which is recorded.

    ``asks``: it has asked a person something. Who asks nobody now may have done so then.
    """
    tape, secrets = place.state.tape, place.state.secrets
    who: dict[str, Any] = {"call": place.call, "id": call["id"] or "", "tool": call["name"]}
    args = secrets.clean(plain(call["args"]))
    if not asks and (take := tape.tool(place.call, who["id"], call["name"], args)) is not None:
        return await _replayed(take, call)
    began, said = clock.now(), dict[str, Any]()
    try:
        result = await run()
        said = _told(result)
        return result
    except (GraphBubbleUp, asyncio.CancelledError):
        raise
    except Exception as error:
        said = {"failed": failed_of(error)}
        raise
    finally:
        if said:
            said |= {"runs": asks or said.get("runs", False), "args": args}
            seconds = round(clock.now() - began, 6)
            tape.keep_tool(ToolTake(**who, **secrets.clean(said), seconds=seconds))


def _told(result: Result) -> dict[str, Any]:
    if not isinstance(result, ToolMessage):  # it changes the agent's state
        return {"runs": True}
    return {"result": plain(result.content), "error": result.status == "error"}


async def _replayed(take: ToolTake, call: ToolCall) -> ToolMessage:
    await clock.sleep(take.seconds)
    if take.failed is not None:
        raise RecordedFault.of(take.failed)
    status = "error" if take.error else "success"
    return ToolMessage(take.result or "", tool_call_id=call["id"], name=call["name"], status=status)

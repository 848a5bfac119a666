"""The part of the board that keeps the tool calls of a block."""

from __future__ import annotations

from typing import Any, assert_never

from ..events import (
    Interrupted,
    ModelAborted,
    ModelFinished,
    ToolCallDelta,
    ToolFailed,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from ..text import one_line
from .blocks import Block, Phase
from .items import KEPT, State, Tool, arguments, tame

ToolEvent = ToolStarted | ToolProgress | ToolFinished | ToolFailed


def fragment(block: Block, event: ToolCallDelta) -> bool:
    """A piece of a call as the model writes it; true if that began a new line."""
    key = (event.message_id, event.index)
    tool = block.fragments.get(key)
    # Only the first fragment carries an id: another id at the same index is another call.
    new = tool is None or bool(event.tool_call_id and event.tool_call_id != tool.id)
    if tool is None or new:
        tool = _add(block, event.tool_call_id or "", event.name or "")
        block.fragments[key] = tool
    elif event.name and not tool.name:
        tool.name = one_line(event.name, 60)
    tool.stream(event.args)
    return new


def asked(block: Block, event: ModelFinished) -> int:
    """The calls of a finished message, their arguments whole; how many lines are new."""
    written = [tool for (of, _), tool in block.fragments.items() if of == event.message_id]
    for key in [key for key in block.fragments if key[0] == event.message_id]:
        del block.fragments[key]
    added = 0
    for number, call in enumerate(event.tool_calls):
        tool = block.tools.get(call.id)
        if tool is None and number < len(written) and not written[number].id:
            tool = block.tools[call.id] = written[number]
            tool.id, tool.name = call.id, one_line(call.name, 60)
        if tool is None:
            tool = _add(block, call.id, call.name)
            added += 1
        tool.whole(call.args)
    return added


def reduce(block: Block, event: ToolStarted | ToolProgress | ToolFinished | ToolFailed) -> bool:
    """Take in what happened to a tool call; whether that made a line."""
    made = _reduce(block, event)
    if not isinstance(event, ToolProgress):
        busy = any(tool.state is State.RUN for tool in block.tools.values())
        block.turn_to(Phase.TOOL if busy else Phase.REST, event.t)
    return made


def _reduce(block: Block, event: ToolEvent) -> bool:
    """What a tool did; true if that began a new line."""
    tool = _find(block, event)
    if tool is None and isinstance(event, ToolProgress):
        return False
    # A tool that is tried again starts again under its id: that is another line.
    new = tool is None or (tool.final and isinstance(event, ToolStarted))
    if tool is None or new:
        name = "" if isinstance(event, ToolProgress) else event.name
        tool = _add(block, event.tool_call_id or "", name)
    match event:
        case ToolStarted():
            tool.whole(event.args)
            tool.state, tool.result = State.RUN, ""
        case ToolProgress():
            tool.result = one_line(_text(event.data), 200)
        case ToolFinished():
            _finish(tool, State.DONE, event.result, event.duration)
        case ToolFailed():
            _finish(tool, State.FAILED, event.error, event.duration)
        case _:
            assert_never(event)
    tool.version += 1
    return new


def _finish(tool: Tool, state: State, result: str, seconds: float) -> None:
    tool.state, tool.seconds, tool.streaming, tool.final = state, seconds, False, True
    tool.result = tame(result[: KEPT * 2]).strip()[:KEPT]


def _find(block: Block, event: ToolEvent) -> Tool | None:
    if event.tool_call_id is None:
        running = block.running_tools()
        return running[-1] if running else None
    return block.tools.get(event.tool_call_id)


def _add(block: Block, id_: str, name: str) -> Tool:
    tool = Tool(id_, one_line(name, 60), at=block.now)
    block.items.append(tool)
    if id_:
        block.tools[id_] = tool
    return tool


def number(above: Block, block: Block) -> bool:
    """Let the line with which a call was made say which one it is, as thirty may ask alike. Who has
    called somebody is at work itself.
    """
    above.begin()
    tool = above.tools.get(block.tool_call_id or "")
    if tool is None or tool.name != block.agent:
        return False
    tool.name += block.ordinal
    tool.version += 1
    return True


def aborted(event: ModelAborted) -> str:
    """Why a message is void, and what follows."""
    retry = ""
    if event.retry_in is not None:
        retry = f", again in {event.retry_in:.1f} s" if event.retry_in else ", again at once"
    error = f": {one_line(event.error, 300)}" if event.error else ""
    return event.reason.replace("_", " ") + retry + error


def question(request: dict[str, Any]) -> str:
    """``delete(path: "x")`` for an interrupt's request; before it what the tool itself asks."""
    tool = one_line(str(request.get("tool") or request.get("name") or ""), 60)
    args = request.get("arguments", request.get("args"))
    if not tool:
        return arguments(request)
    call = f"{tool}({arguments(args) if isinstance(args, dict) else ''})"
    own = request.get("question")
    return call if own is None else f"{one_line(_text(own), KEPT)} · {call}"


def asks(event: Interrupted) -> str:
    """A question and who asks it, in one line."""
    return f"{one_line(event.call or '', 60)} asks: {question(event.request)}"


_DECIDED = {"approve": "approved", "edit": "edited", "reject": "rejected", "respond": "answered"}


def answer(decision: dict[str, Any], asked: Interrupted | None) -> str:
    """``rejected delete: too late`` for a decision on what was ``asked``."""
    kind = str(decision.get("decide"))
    if kind not in _DECIDED:
        return f"answered: {arguments(decision)}"
    tool = one_line(str(asked.request.get("tool") or ""), 60) if asked else ""
    said = arguments(decision["args"]) if "args" in decision else decision.get("message", "")
    told = f"{_DECIDED[kind]} {tool}".strip()
    return f"{told}: {one_line(str(said), KEPT)}" if said else told


def _text(data: Any) -> str:
    return data if isinstance(data, str) else arguments({"": data})[2:]

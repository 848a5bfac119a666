"""What the run of a case did and used, call by call and agent by agent, as plain data."""

from __future__ import annotations

from collections.abc import Iterable

from ..trajectory import Call, Transcript
from .golden import golden_of
from .results import AgentFigures, CallFigures, RunFigures, Used


def figures_of(transcript: Transcript) -> RunFigures:
    """Of a run that may have ended in any way."""
    finished, golden = transcript.finished, golden_of(transcript)
    calls: dict[str, CallFigures] = {}
    by_agent: dict[str, list[Call]] = {}
    for path, trajectory in golden["calls"].items():
        call = transcript.calls[path]
        by_agent.setdefault(call.agent, []).append(call)
        firsts = [it.first_token for it in call.messages if it.first_token is not None]
        calls[path] = {
            "agent": call.agent,
            "trajectory": trajectory,
            "output": call.output,
            **_used([call]),
            "seconds": call.seconds,
            "first_token": max(firsts, default=None),
        }
    return {
        "status": golden["status"],
        "output": golden["output"],
        "duration": finished.duration if finished else 0.0,
        "agents": {agent: _agent(found) for agent, found in by_agent.items()},
        "calls": calls,
    }


def _agent(calls: list[Call]) -> AgentFigures:
    return {
        "calls": len(calls),
        "model_calls": sum(len(call.messages) for call in calls),
        "tool_calls": sum(len(call.tool_calls) for call in calls),
        **_used(calls),
        "seconds": sum(call.seconds or 0.0 for call in calls),
    }


def _used(calls: Iterable[Call]) -> Used:
    """Tokens as far as they are reported; a cost only if all of it is known."""
    messages = [message for call in calls for message in call.messages]
    usages = [it.usage for it in messages if it.usage is not None]
    costs = [it.cost for it in messages]
    known = [it for it in costs if it is not None]
    return {
        "input_tokens": sum(it.input_tokens for it in usages),
        "output_tokens": sum(it.output_tokens for it in usages),
        "cost": sum(known) if known and len(known) == len(costs) else None,
    }

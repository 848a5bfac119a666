"""Asking a person before a tool runs, and on behalf of a tool that asks by itself.

The call waits where it stands, whatever runs beside it goes on, and nothing runs twice. LangGraph
would end the run at the question and start it again from the top with the answer: every node
above the question, and a tool's code before it, would be run once more. A question that nobody
answers does end the run, in LangGraph's way: as an interrupt, once all the others are done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.types import Command, Interrupt

from .. import events
from ..cassette import Tape
from ..errors import MissingDecision, OrchestraError
from ..scenario import Decision, Scenario, ScriptKey
from .state import Place, Writer
from .values import plain

ALL = ("approve", "edit", "reject", "respond")
OWN = ("respond",)  # a tool's own question has an answer, and nothing else
YES_OR_NO = ("approve", "reject")  # a transfer: it takes nothing, and answers nothing

Decide = Callable[[events.Interrupted], Awaitable[Decision | None]]
"""Answers a question; None leaves it open, and ends the run as interrupted."""

_SCRATCHPAD = "__pregel_scratchpad"  # where LangGraph's interrupt() looks for its answers


async def ask(
    place: Place,
    write: Writer,
    call: Mapping[str, Any],
    allowed: Sequence[str],
    question: Any = None,
) -> Decision:
    """What a person decides of a tool call. GraphInterrupt if nobody does."""
    request: dict[str, Any] = {"tool": call["name"], "args": plain(call["args"])}
    request["decisions"] = list(allowed)
    if question is not None:
        request["question"] = plain(question)
    asked = events.Interrupted(
        agent=events.agent_of(place.call),
        call=place.call,
        interrupt_id=place.state.question_id(place.call, call["id"] or ""),
        request=request,
    )
    past = place.state.past
    if (given := past.decisions.get(asked.interrupt_id)) is not None:
        return Decision(agent=place.call, tool=call["name"], **given)
    if asked.interrupt_id not in past.asked:
        write(asked)
    decide = place.state.decide
    with place.state.control.time_stands_still(place.call):
        decision = await decide(asked) if decide is not None else None
    if decision is None:
        raise GraphInterrupt([Interrupt(value=request, id=asked.interrupt_id)])
    if decision.decide not in allowed:
        told = f"{place.call}: {call['name']!r} cannot be answered with {decision.decide!r}"
        raise OrchestraError(f"{told}, only with {', '.join(map(repr, allowed))}")
    said = decision.model_dump(include={"decide", "args", "message"}, exclude_none=True)
    secrets = place.state.secrets
    place.state.tape.decided(place.call, asked.interrupt_id, call["name"], secrets.clean(said))
    write(
        events.Resumed(
            agent=asked.agent, call=place.call, interrupt_id=asked.interrupt_id, decision=said
        )
    )
    return decision


def answered(call: Mapping[str, Any], decision: Decision) -> ToolMessage | None:
    """What the model is told in the tool's place; None if the tool is to run."""
    about = {"tool_call_id": call["id"], "name": call["name"]}
    if decision.decide == "reject":
        why = f": {decision.message}" if decision.message else ""
        return ToolMessage(f"rejected by a person, and not run{why}", status="error", **about)
    if decision.decide == "respond":
        return ToolMessage(decision.message or "", **about)
    return None


def noted(
    result: ToolMessage | Command[Any], decision: Decision | None
) -> ToolMessage | Command[Any]:
    """The result, with a word on arguments that a person has changed: the history has the old."""
    if decision is None or decision.decide != "edit" or not isinstance(result, ToolMessage):
        return result
    if isinstance(result.content, str):
        args = ", ".join(f"{key}={value!r}" for key, value in (decision.args or {}).items())
        note = f"(A person changed the arguments before this ran: {args or 'none'}.)"
        return result.model_copy(update={"content": f"{result.content}\n\n{note}"})
    return result


def questions_of(error: BaseException) -> list[Any]:
    """What a tool's own ``interrupt()`` asks; empty for every other error."""
    asked = error.args[0] if isinstance(error, GraphInterrupt) and error.args else ()
    return [each.value for each in asked if isinstance(each, Interrupt)]


def give(config: RunnableConfig, answers: Sequence[str]) -> None:
    """Let the tool be run again: its ``interrupt()`` calls return these answers, in order.

    Those of a graph that it runs have a scratchpad of their own, and ask this one for an answer.
    """
    number = count().__next__

    def below(consume: bool = False) -> str | None:  # noqa: ARG001 - LangGraph's
        at = number()
        return answers[at] if at < len(answers) else None

    own = config["configurable"]
    own[_SCRATCHPAD] = dataclasses.replace(
        own[_SCRATCHPAD],
        resume=[*answers],
        interrupt_counter=number,
        get_null_resume=below,
    )


class Decider:
    """Who answers: a person if there is one, else the scenario's ``decisions``, in order.

    ``strict``: a missing decision is an error, as a missing reply is. Where there is a ``tape``,
    the file comes first, so that a replay decides as the recording did; then the person, or what
    they said then.
    """

    def __init__(
        self,
        scenario: Scenario,
        person: Decide | None = None,
        *,
        strict: bool = False,
        tape: Tape | None = None,
    ) -> None:
        self._decisions = scenario.decisions
        self._left = [it.times if isinstance(it.times, int) else -1 for it in self._decisions]
        self._used = [False] * len(self._left)
        self._person = person
        self._strict = strict
        self._tape = tape

    async def __call__(self, question: events.Interrupted) -> Decision | None:
        if self._person is not None and self._tape is None:
            return await self._person(question)
        decision = self.take(question) or self._recorded(question)
        if decision is None and self._person is not None:
            return await self._person(question)
        if decision is None and self._strict:
            tool = question.request["tool"]
            raise MissingDecision(f"{question.call}: no decision is left for {tool!r}")
        return decision

    def _recorded(self, question: events.Interrupted) -> Decision | None:
        said = self._tape.decision(question.interrupt_id) if self._tape else None
        tool = question.request["tool"]
        return Decision(agent=question.call or "", tool=tool, **said) if said else None

    def take(self, question: events.Interrupted) -> Decision | None:
        """The file's next decision on a question."""
        for at, decision in enumerate(self._decisions):
            key = ScriptKey.parse(decision.agent)
            fits = decision.tool == question.request["tool"] and key.fits(question.call or "")
            if fits and self._left[at]:
                self._left[at] -= 1
                self._used[at] = True
                return decision
        return None

    @property
    def unused(self) -> list[int]:
        """The decisions, from 1, that were never taken, or not as often as they say."""
        if self._person is not None and self._tape is None:
            return []
        given = enumerate(zip(self._left, self._used, strict=True), 1)
        return [at for at, (left, used) in given if left > 0 or not used]

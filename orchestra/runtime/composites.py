"""Sequence, parallel, map, loop and route: agents that call other agents as their steps.

Each is a graph of one node, whose body awaits the steps: so it nests to any depth, may be the
main agent, a subagent or a step, and its steps have call paths like every other call. In a body,
paths are allotted before anything is awaited, in the order of the file.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from langgraph.graph import END, START, MessagesState, StateGraph

from .. import events
from ..errors import OrchestraError
from ..scenario import (
    Composite,
    LoopSpec,
    MapSpec,
    ParallelSpec,
    RouteSpec,
    SequenceSpec,
    StepSpec,
)
from ..scenario.agents import step
from ..scenario.composites import fill_template
from ..scenario.matcher import read_json
from ..scenario.paths import select
from ..text import one_line
from .delegate import Caller, Crew, call_agent, task_of
from .state import CALL, RunState, Writer, metadata_for, state_of

T = TypeVar("T")
LONGEST = 10_000_000  # characters of a filled template: with {{previous}} twice, it doubles


@dataclass(slots=True)
class Stage:
    """One call of a composite: what it was asked, and how it calls its steps."""

    crew: Crew
    name: str
    call: str
    messages: Sequence[BaseMessage]
    state: RunState
    write: Writer
    said: dict[str, str] = field(default_factory=dict)  # for templates: input, previous, steps.x

    def begin(
        self, given: str | StepSpec, text: str | None = None, **said: str
    ) -> Callable[[], Awaitable[str]]:
        """A step, ready to be awaited; its call path is allotted now.

        It gets its own template filled in, else ``text``, else all that the composite got.
        """
        spec = step(given)
        path = self.state.next_path(self.call, spec.agent)
        if spec.input:
            text = fill_template(spec.input, {**self.said, **said})
            if len(text) > LONGEST:
                raise OrchestraError(f"{path}: its input is longer than {LONGEST:,} characters")
        messages = self.messages if text is None else [HumanMessage(text)]
        caller = Caller(self.state, self.write, self.call)

        async def run() -> str:
            answer = await call_agent(self.crew, spec.agent, path, messages, caller)
            self.said["previous"] = self.said[f"steps.{spec.agent}"] = answer.text
            return answer.text

        return run

    async def blocks(
        self, steps: Sequence[Callable[[], Awaitable[str]]], names: Sequence[str]
    ) -> str:
        """The answers of steps side by side, each below its name."""
        answers = await side_by_side([run() for run in steps])
        for name, answer in zip(names, answers, strict=True):
            self.said[f"steps.{name}"] = answer  # in listed order, whoever was last
        return blocks(zip(names, answers, strict=True))

    async def joined(self, join: str | StepSpec | None, text: str) -> str:
        self.said["previous"] = text
        return await self.begin(join, text)() if join else text

    def warn(self, message: str) -> None:
        told = f"{self.call}: {message}"
        self.write(events.Warned(agent=self.name, call=self.call, message=told))


def blocks(answers: Any) -> str:
    """Answers as one text: each headed by ``## `` and who gave it."""
    return "\n\n".join(f"## {name}\n{text}" for name, text in answers)


async def side_by_side(steps: Sequence[Awaitable[T]]) -> list[T]:
    """The results in order. An error ends the others; a question waits for theirs.

    Interrupts are raised as one: a plain ``gather`` would cut the siblings off at the first.
    """
    tasks = [asyncio.ensure_future(it) for it in steps]
    waiting: set[asyncio.Future[T]] = set(tasks)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
            errors = [task.exception() for task in tasks if task in done and not task.cancelled()]
            for error in errors:
                if error is not None and not isinstance(error, GraphBubbleUp):
                    raise error
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    asked = [it for task in tasks if isinstance(it := task.exception(), GraphInterrupt)]
    if asked:
        raise GraphInterrupt([question for each in asked for question in each.args[0]])
    return [task.result() for task in tasks]


async def _sequence(spec: SequenceSpec, stage: Stage) -> str:
    text = None
    for given in spec.sequence:
        text = await stage.begin(given, text)()
    return text or ""


async def _parallel(spec: ParallelSpec, stage: Stage) -> str:
    steps = [stage.begin(given) for given in spec.parallel]
    text = await stage.blocks(steps, [step(given).agent for given in spec.parallel])
    return await stage.joined(spec.join, text)


async def _map(spec: MapSpec, stage: Stage) -> str:
    items = _items(stage, spec.over)
    if not items:
        stage.warn(f"found no items{f' at {spec.over}' if spec.over else ''}")
    steps = [stage.begin(spec.map, item, input=item) for item in items]
    text = await stage.blocks(steps, [step(spec.map).agent] * len(items))
    return await stage.joined(spec.join, text)


def _items(stage: Stage, over: str) -> list[str]:
    """One text for each item: those that a JSONPath finds, a list's, or the lines."""
    task = stage.said["input"]
    try:
        document = read_json(task)
    except ValueError:
        if over:
            what = one_line(stage.state.redact(task), 100)
            raise OrchestraError(f"{stage.call}: 'over' needs JSON, but got {what!r}") from None
        return [line for line in map(str.strip, task.splitlines()) if line]
    try:
        found = select(over, document) if over else [document]
    except ValueError as error:
        raise OrchestraError(f"{stage.call}: {error}") from None
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    elif not over:
        return [line for line in map(str.strip, task.splitlines()) if line]
    return [it if isinstance(it, str) else json.dumps(it, ensure_ascii=False) for it in found]


async def _loop(spec: LoopSpec, stage: Stage) -> str:
    first, last = step(spec.loop[0]).agent, step(spec.loop[-1]).agent
    own = verdict = ""
    for number in range(spec.max_rounds):
        text: str | None = None
        if number:
            said = {first: own, last: verdict} if len(spec.loop) > 1 else {first: own}
            text = f"{stage.said['input']}\n\n{blocks(said.items())}"
        for at, given in enumerate(spec.loop):
            verdict = text = await stage.begin(given, text)()
            own = own if at else text
        if spec.until is not None and spec.until.fits(verdict):
            return own
    if spec.until is not None:
        rounds = f"{spec.max_rounds} round{'s'[: spec.max_rounds != 1]}"
        stage.warn(f"gave up after {rounds}: {spec.until.reason(verdict)}")
    return own


def _route(picker: Any) -> Callable[[RouteSpec, Stage], Awaitable[str]]:
    async def route(spec: RouteSpec, stage: Stage) -> str:
        task = stage.said["input"]
        to = next((rule.to for rule in spec.rules if rule.when.fits(task)), None)
        if to is None and picker is not None:
            state = {"messages": [*stage.messages]}
            result = await picker.ainvoke(state, metadata_for(stage.name, stage.call))
            said = result["messages"][-1].text
            to = _picked(said, [*spec.choices])
            shown = repr(one_line(stage.state.redact(said), 100))
            if to is None and spec.default:
                stage.warn(f"no agent is called {shown}; {spec.default} answers")
            elif to is None:
                names = ", ".join(spec.choices)
                raise OrchestraError(f"{stage.call}: no agent is called {shown} (of {names})")
        if (to := to or spec.default) is None:
            raise OrchestraError(f"{stage.call}: no rule fits, and there is no 'default'")
        return await stage.begin(to)()

    return route


def _picked(said: str, names: Sequence[str]) -> str | None:
    """The name that an answer gives: by itself, or as the only one in a sentence."""
    word = said.strip().strip("`'\"*_.:!")
    if word in names:
        return word
    folded = {name.casefold(): name for name in names}
    if word.casefold() in folded:
        return folded[word.casefold()]
    words = set(re.findall(r"[\w-]+", said.casefold()))
    found = [name for key, name in folded.items() if key in words]
    return found[0] if len(found) == 1 else None


def choice_prompt(spec: RouteSpec) -> str:
    """What the model that routes is told."""
    names = "\n".join(f"- {name}: {about}" for name, about in spec.choices.items())
    return (
        f"You decide who answers the user. Reply with one of these names and nothing else:\n{names}"
    )


_BODIES: dict[type, Any] = {
    SequenceSpec: _sequence,
    ParallelSpec: _parallel,
    MapSpec: _map,
    LoopSpec: _loop,
}


def composite(crew: Crew, name: str, spec: Composite, picker: Any = None) -> Any:
    """The graph of a composite; ``picker`` is the graph of a route's own model, if it has one."""
    body: Callable[[Any, Stage], Awaitable[str]] = _BODIES.get(type(spec)) or _route(picker)

    async def run(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        messages = state["messages"]
        stage = Stage(
            crew=crew,
            name=name,
            call=config["metadata"][CALL],
            messages=messages,
            state=state_of(config),
            write=get_stream_writer(),
            said={"input": task_of(messages)},
        )
        return {"messages": [AIMessage(await body(spec, stage), name=name)]}

    graph = StateGraph(MessagesState)
    graph.add_node("steps", run)
    graph.add_edge(START, "steps")
    graph.add_edge("steps", END)
    return graph.compile(name=name)

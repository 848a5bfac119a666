"""Runs for the viewer's tests: events as the runtime would emit them, and a source that plays them.

``newsroom()`` is an editor with two parallel researchers, then a writer who asks a checker.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import quiet
from textual.geometry import Size
from textual.pilot import Pilot

from orchestra.events import (
    AgentFinished,
    AgentStarted,
    Event,
    Member,
    ModelAborted,
    ModelFinished,
    ModelStarted,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolFailed,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
    agent_of,
)
from orchestra.tui.app import Viewer
from orchestra.tui.deck import Deck
from orchestra.tui.feed import Feed
from orchestra.tui.pane import Pane

quiet.install()

SLOWEST = 4  # ticks: the wall is painted at every fourth

NEWSROOM = (
    Member(name="editor", title="Editor", tools=("researcher", "writer")),
    Member(name="researcher", title="Researcher", parents=("editor",), tools=("web_search",)),
    Member(name="writer", title="Writer", parents=("editor",), tools=("checker",)),
    Member(name="checker", title="Fact-checker", parents=("writer",)),
)


@dataclass
class Tape:
    """Collects events; each token takes ``pace`` seconds of the run's time."""

    pace: float = 0.02
    events: list[Event] = field(default_factory=list)
    now: float = 0.0
    messages: int = 0

    def add(self, event: Event, call: str | None = None, wait: float = 0.0) -> None:
        self.now += wait
        agent = agent_of(call) if call else None
        stamp: dict[str, Any] = {"run": "r", "seq": len(self.events), "t": round(self.now, 4)}
        self.events.append(replace(event, **stamp, agent=agent, call=call))

    def begin(self, team: Sequence[Member] = NEWSROOM, scenario: str = "newsroom") -> None:
        main = team[0].name
        self.add(RunStarted(scenario=scenario, main=main, team=tuple(team), input="go"))
        self.add(TurnStarted(turn=1, input="go"))

    def call(self, path: str, task: str = "", parent: str | None = None) -> None:
        self.add(AgentStarted(parent=parent, tool_call_id=f"to:{path}", task=task), path)

    def say(
        self, path: str, text: str = "", reasoning: str = "", calls: Sequence[ToolCall] = ()
    ) -> Iterable[None]:
        """One model message, token by token; yields after each, so that several can take turns."""
        self.messages += 1
        message = f"m{self.messages}"
        self.add(ModelStarted(message_id=message, model="scripted"), path)
        begun = self.now
        yield
        for token in tokens(reasoning):
            self.add(ReasoningDelta(message_id=message, text=token), path, self.pace)
            yield
        for token in tokens(text):
            self.add(TextDelta(message_id=message, text=token), path, self.pace)
            yield
        for index, call in enumerate(calls):
            first = True
            for piece in tokens(_json(call.args)):
                self.add(
                    ToolCallDelta(
                        message_id=message,
                        index=index,
                        tool_call_id=call.id if first else None,
                        name=call.name if first else None,
                        args=piece,
                    ),
                    path,
                    self.pace,
                )
                first = False
                yield
        self.add(
            ModelFinished(
                message_id=message,
                text=text,
                reasoning=reasoning,
                tool_calls=tuple(calls),
                usage=Usage(input_tokens=120, output_tokens=len(tokens(text + reasoning)) + 10),
                first_token=self.pace,
                duration=self.now - begun,
            ),
            path,
        )

    def tool(self, path: str, call: ToolCall, result: str, seconds: float = 0.3) -> None:
        self.add(ToolStarted(tool_call_id=call.id, name=call.name, args=call.args), path)
        self.add(
            ToolFinished(tool_call_id=call.id, name=call.name, result=result, duration=seconds),
            path,
            seconds,
        )

    def fail(self, path: str, call: ToolCall, error: str) -> None:
        self.add(ToolStarted(tool_call_id=call.id, name=call.name, args=call.args), path)
        self.add(ToolFailed(tool_call_id=call.id, name=call.name, error=error, duration=0.1), path)

    def done(self, path: str, output: str = "") -> None:
        self.add(AgentFinished(status="completed", output=output), path)

    def end(self, output: str = "") -> None:
        self.add(TurnFinished(turn=1, output=output))
        self.add(RunFinished(status="completed", output=output, duration=self.now))


def tokens(text: str) -> list[str]:
    """Words with the space before them, as models cut them."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        for number, word in enumerate(line.split(" ")):
            found.append(word if number == 0 else " " + word)
    return [token for token in found if token]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def play(*messages: Iterable[None]) -> None:
    """Let several messages stream at once, one token each in turn."""
    running = [iter(message) for message in messages]
    while running:
        running = [one for one in running if next(one, True) is None]


MOON = (
    "The Moon is 384,400 km away on average. Its orbit is an ellipse, so the distance "
    "varies between 363,300 km at perigee and 405,500 km at apogee.\n\n"
    "- Light takes 1.28 seconds.\n- Apollo 11 took 76 hours.\n"
)
MARS = (
    "Mars comes as near as 54.6 million km and goes as far as 401 million km. 火星 is red "
    "because of iron oxide 🔴, and a signal needs between 3 and 22 minutes.\n"
)


def newsroom() -> Tape:
    """The whole run. ``until(tape, …)`` cuts it where a test wants to look."""
    tape = Tape()
    tape.begin()
    tape.call("editor", "A short piece on how far away things are")
    moon = ToolCall(id="c1", name="researcher", args={"task": "moon"})
    mars = ToolCall(id="c2", name="researcher", args={"task": "mars"})
    play(
        tape.say(
            "editor",
            "I will ask for two notes first.\n",
            "Two distances are wanted. They are independent, so both can be researched at once.",
            (moon, mars),
        )
    )
    for call in (moon, mars):
        tape.add(ToolStarted(tool_call_id=call.id, name=call.name, args=call.args), "editor")
    _research(tape)
    for call, text in ((moon, MOON), (mars, MARS)):
        tape.add(
            ToolFinished(tool_call_id=call.id, name=call.name, result=text, duration=4.2), "editor"
        )
    _write(tape)
    play(tape.say("editor", "Here it is: the Moon is near, Mars is far.\n"))
    tape.done("editor", "Here it is.")
    tape.end("Here it is.")
    return tape


def _research(tape: Tape) -> None:
    one, two = "editor/researcher#1", "editor/researcher#2"
    tape.call(one, "moon", "editor")
    tape.call(two, "mars", "editor")
    first = ToolCall(id="s1", name="web_search", args={"query": "distance to the moon", "top": 3})
    second = ToolCall(id="s2", name="web_search", args={"query": "distance to mars"})
    play(tape.say(one, calls=(first,)), tape.say(two, "Let me look.\n", calls=(second,)))
    tape.tool(one, first, "Lunar distance: 384,400 km (NASA)")
    tape.fail(two, second, "HTTP 503: the search service is down\ntry again later")
    play(tape.say(one, MOON, "Perigee and apogee matter."), tape.say(two, MARS))
    tape.done(one, MOON)
    tape.done(two, MARS)


def _write(tape: Tape) -> None:
    writer, checker = "editor/writer#1", "editor/writer#1/checker#1"
    order = ToolCall(id="c3", name="writer", args={"task": "write it up"})
    play(tape.say("editor", "Now the text.\n", calls=(order,)))
    tape.add(ToolStarted(tool_call_id="c3", name="writer", args=order.args), "editor")
    tape.call(writer, "write it up", "editor")
    tape.messages += 1
    void = f"m{tape.messages}"
    tape.add(ModelStarted(message_id=void, model="scripted"), writer)
    tape.add(TextDelta(message_id=void, text="Once upon a"), writer, 0.2)
    tape.add(
        ModelAborted(message_id=void, reason="retry", error="429 too many", retry_in=0.5), writer
    )
    ask = ToolCall(id="k1", name="checker", args={"claim": "1.28 s"})
    play(tape.say(writer, "How far is far? " + MOON + MARS, calls=(ask,)))
    tape.add(ToolStarted(tool_call_id="k1", name="checker", args=ask.args), writer)
    tape.call(checker, "is it 1.28 s?", writer)
    play(tape.say(checker, "384,400 km ÷ 299,792 km/s = 1.28 s. Correct ✔\n"))
    tape.done(checker)
    tape.add(
        ToolFinished(tool_call_id="k1", name="checker", result="Correct", duration=0.4), writer
    )
    tape.done(writer)
    tape.add(ToolFinished(tool_call_id="c3", name="writer", result="done", duration=3.0), "editor")


def until(tape: Tape, wanted: Callable[[Event], bool]) -> list[Event]:
    """The events up to and including the first that is wanted."""
    for number, event in enumerate(tape.events):
        if wanted(event):
            return tape.events[: number + 1]
    raise AssertionError("no such event")


@dataclass
class FakeRun:
    """Plays events at once. ``hold``: afterwards it stays open until it is cancelled."""

    events: Sequence[Event]
    hold: bool = False
    error: Exception | None = None
    before: Callable[[Event], Awaitable[None]] | None = None
    cancelled: bool = False
    played: threading.Event = field(default_factory=threading.Event)
    called: int = 0
    asked: list[str] = field(default_factory=list)

    def __call__(self) -> FakeRun:
        self.called += 1
        self._end = asyncio.Event()
        return self

    def cancel(self, call: str | None = None) -> None:
        if call is not None:
            self.asked.append(f"cancel {call}")
            return
        self.cancelled = True
        self._end.set()

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self.events:
            if self.cancelled:
                break
            if self.before is not None:
                await self.before(event)
            yield event
        self.played.set()
        if self.error is not None:
            raise self.error
        if self.hold:
            await self._end.wait()
        if self.cancelled:
            t = self.events[-1].t if self.events else 0.0
            yield RunFinished(status="cancelled", t=t, duration=t)


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Stage:
    """A viewer on a terminal that is not there, with its run and a clock that stands still."""

    def __init__(self, app: Viewer, pilot: Pilot[None], run: FakeRun, clock: Clock) -> None:
        self.app, self.pilot, self.run, self.clock = app, pilot, run, clock

    @property
    def deck(self) -> Deck:
        return self.app.split.deck

    def pane(self, name: str) -> Pane:
        return self.deck.panes[name]

    def text(self, name: str) -> list[str]:
        """The rows of a pane as they are painted."""
        pane = self.pane(name)
        return [strip.text for strip in pane.render_lines(pane.size.region)]

    @property
    def screen(self) -> list[str]:
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips(Size(width, height))
        return [strip.text for strip in lines]

    async def settle(self) -> None:
        await settle(self.app, self.pilot, self.run)

    async def press(self, *keys: str) -> None:
        await self.pilot.pause()  # nobody presses keys for what is not drawn yet
        await self.pilot.press(*keys)
        await self.settle()


async def settle(app: Viewer, pilot: Pilot[None], run: FakeRun) -> None:
    """Until every event is on screen. No sleeps: it waits for the run, then ticks by hand."""
    await pilot.pause()
    await heard(app)
    if not run.hold or run.cancelled:
        await asyncio.to_thread(app.feed.join, 10)
    elif not run.played.is_set():
        await asyncio.to_thread(run.played.wait, 10)
    while app.feed.events:
        app.tick()
    await steady(app, pilot)


async def heard(app: Viewer) -> None:
    """Until the run's thread has done what it was told to so far: to cancel, or to pause."""
    said, feed = threading.Event(), app.feed
    if isinstance(feed, Feed):
        with feed._lock:
            if feed._loop is None:
                return
            feed._loop.call_soon_threadsafe(said.set)
        await asyncio.to_thread(said.wait, 10)


async def steady(app: Viewer, pilot: Pilot[None]) -> None:
    """Until a round changes nothing any more."""
    seen: list[str] = []
    while len(seen) < 2 or seen[-2] != seen[-1]:
        for _ in range(SLOWEST):
            app.tick()
        app.split.refresh_figures(app.now)
        await pilot.pause()
        strips = app.screen._compositor.render_strips(app.size)
        seen.append("\n".join(strip.text for strip in strips))


@asynccontextmanager
async def staged(
    events: Sequence[Event],
    size: tuple[int, int] = (120, 40),
    team: Sequence[Member] = NEWSROOM,
    **run: Any,
) -> AsyncIterator[Stage]:
    fake = FakeRun(events, **run)
    clock = Clock()
    app = Viewer("How far is far?", team, fake, clock=clock)
    try:
        async with app.run_test(size=size) as pilot:
            stage = Stage(app, pilot, fake, clock)
            await stage.settle()
            yield stage
    finally:
        assert app.feed.stop(10)


def midway() -> list[Event]:
    """The newsroom while both researchers write."""
    return until(
        newsroom(),
        lambda event: (
            isinstance(event, TextDelta)
            and event.call == "editor/researcher#1"
            and "76" in event.text
        ),
    )

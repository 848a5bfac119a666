"""A newsroom's events, made by hand, for the tests of the console: no model, no graph, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from orchestra.events import (
    AgentFinished,
    AgentStarted,
    Event,
    Header,
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
    Warned,
    agent_of,
)
from orchestra.totals import Totals

HEADER = Header(scenario="newsroom", digest="d", orchestra="0")

TEAM = (
    Member(name="editor", title="Editor-in-chief", tools=("weather",)),
    Member(name="researcher", title="Researcher", parents=("editor",)),
    Member(name="writer", parents=("editor",)),
    Member(name="checker", title="校对", parents=("writer",)),
)

EDITOR_1 = "I'll have both facts checked."
RESEARCHER_1 = "Tides follow the moon, twice a day."
RESEARCHER_2 = "月球距离地球 384,400 公里。\nThat is far."
VOID = "The sea is a "
CHECKER = "APPROVED: 潮汐没有错。"
WRITER = "The moon pulls; the sea answers."
EDITOR_2 = "Published: the moon pulls."

# What a model may say to a terminal: each token is harmless, together they are not.
HOSTILE = (
    "a\x1b", "]0;owned\x07", "b\x1b[", "2J", "\x1b]52;c;aGk=\x1b\\", "\x9b31m", "c\x90q\x9c",
    "[/] [bold]x[/bold] [@click=app.quit]y[/] :smile:",
    "d\u202eevil\u2066", "e\ud83d", "f\x7f\x00\x08g", "h\r\ni\r", "end",
)  # fmt: skip


def tokens(text: str) -> list[str]:
    """Cut in the middle of words, so that anything that interleaves is seen."""
    return [text[i : i + 3] for i in range(0, len(text), 3)]


@dataclass
class Newsroom:
    """Builds events; each method appends some and the run goes on."""

    run: str = "r1"
    case: str | None = None
    events: list[Event] = field(default_factory=list)

    def add(self, event: Event, call: str | None = None) -> None:
        agent = None if call is None else agent_of(call)
        seq = len(self.events)
        stamped = replace(event, run=self.run, seq=seq, t=seq / 100, agent=agent, call=call)
        self.events.append(stamped)

    def start(self, text: str = "Write a note on tides.") -> None:
        self.add(
            RunStarted(scenario="newsroom", case=self.case, main="editor", team=TEAM, input=text)
        )
        self.turn(1, text)

    def turn(self, number: int, text: str) -> None:
        self.add(TurnStarted(turn=number, input=text))

    def agent(self, call: str, tool_call_id: str | None = None) -> None:
        parent = call.rpartition("/")[0] or None
        self.add(AgentStarted(parent=parent, tool_call_id=tool_call_id, task="task"), call)

    def message(
        self,
        call: str,
        text: str,
        calls: tuple[ToolCall, ...] = (),
        reasoning: str = "",
        n: int = 1,
    ) -> list[tuple[Event, str]]:
        """A whole model call, to be added at once or woven with others."""
        mid = f"{call}-{n}"
        found: list[Event] = [ModelStarted(message_id=mid, model="scripted", node="model")]
        found += [ReasoningDelta(message_id=mid, text=token) for token in tokens(reasoning)]
        found += [TextDelta(message_id=mid, text=token) for token in tokens(text)]
        for index, made in enumerate(calls):
            found.append(
                ToolCallDelta(message_id=mid, index=index, tool_call_id=made.id, name=made.name)
            )
            found += [
                ToolCallDelta(message_id=mid, index=index, args=args)
                for args in tokens(str(made.args))
            ]
        found.append(
            ModelFinished(
                message_id=mid,
                text=text,
                reasoning=reasoning,
                tool_calls=calls,
                usage=Usage(input_tokens=1200, output_tokens=len(text)),
                first_token=0.21,
                duration=1.21,
            )
        )
        return [(event, call) for event in found]

    def say(self, *messages: list[tuple[Event, str]]) -> None:
        """Messages woven token by token."""
        for row in zip_longest(*messages):
            for item in row:
                if item:
                    self.add(*item)

    def tool(self, call: str, made: ToolCall) -> None:
        self.add(ToolStarted(tool_call_id=made.id, name=made.name, args=made.args), call)

    def tool_end(self, call: str, made: ToolCall, result: str) -> None:
        self.add(
            ToolFinished(tool_call_id=made.id, name=made.name, result=result, duration=1.5), call
        )

    def done(self, call: str, output: str) -> None:
        self.add(AgentFinished(status="completed", output=output), call)

    def finish(self, status: Any = "completed", output: str = "", error: str | None = None) -> None:
        totals = Totals()
        for event in self.events:
            totals.feed(event)
        self.add(TurnFinished(turn=1, output=output))
        self.add(
            RunFinished(
                status=status,
                output=output,
                usage=totals.usage,
                totals=totals.agents,
                duration=3.214,
                error=error,
            )
        )


def call(name: str, n: int, **args: Any) -> ToolCall:
    return ToolCall(id=f"c-{name}-{n}", name=name, args=args)


def newsroom(run: str = "r1", case: str | None = None) -> list[Event]:
    """The whole story: delegation twice over, a failing tool, an aborted model call."""
    room = Newsroom(run, case)
    first, second = call("researcher", 1, query="tides"), call("researcher", 2, query="月球")
    weather = call("weather", 1, city="Atlantis")
    write, check = call("writer", 1, query="tides and moon"), call("checker", 1, query="draft")
    one, two = "editor/researcher#1", "editor/researcher#2"
    writer, checker = "editor/writer#1", "editor/writer#1/checker#1"
    room.start()
    room.agent("editor")
    room.say(room.message("editor", EDITOR_1, (first, second, weather)))
    for made in (first, second, weather):
        room.tool("editor", made)
    room.agent(one, first.id)
    room.agent(two, second.id)
    room.add(
        ToolFailed(
            tool_call_id=weather.id, name="weather", error="no such city: Atlantis", duration=0.2
        ),
        "editor",
    )
    room.say(
        room.message(one, RESEARCHER_1),
        room.message(two, RESEARCHER_2, reasoning="Which moon?\nOurs."),
    )
    room.done(one, RESEARCHER_1)
    room.tool_end("editor", first, RESEARCHER_1)
    room.done(two, RESEARCHER_2)
    room.tool_end("editor", second, RESEARCHER_2)
    room.say(room.message("editor", "", (write,), n=2))
    room.tool("editor", write)
    room.agent(writer, write.id)
    room.say(room.message(writer, VOID)[:-1])
    room.add(
        ModelAborted(
            message_id=f"{writer}-1", reason="retry", error="connection reset", retry_in=1.0
        ),
        writer,
    )
    room.say(room.message(writer, WRITER, (check,), n=2))
    room.tool(writer, check)
    room.agent(checker, check.id)
    room.say(room.message(checker, CHECKER))
    room.done(checker, CHECKER)
    room.tool_end(writer, check, CHECKER)
    room.say(room.message(writer, "Final.", n=3))
    room.done(writer, "Final.")
    room.tool_end("editor", write, "Final.")
    room.add(Warned(message="the script has a reply that was never used"))
    room.say(room.message("editor", EDITOR_2, n=3))
    room.done("editor", EDITOR_2)
    room.finish(output=EDITOR_2)
    return room.events


def hostile() -> list[Event]:
    """Everything that a stranger may name, say or return is hostile."""
    room = Newsroom()
    evil = "".join(HOSTILE)
    made = ToolCall(id="c1", name="t\x1b[2J", args={"k\x1b]52;c;aGk=\x07": evil})
    room.start(evil)
    room.agent("editor")
    mid = "m1"
    room.add(ModelStarted(message_id=mid, model="m", node="model"), "editor")
    for token in HOSTILE:
        room.add(ReasoningDelta(message_id=mid, text=token), "editor")
    for token in HOSTILE:
        room.add(TextDelta(message_id=mid, text=token), "editor")
    room.add(ToolCallDelta(message_id=mid, index=0, name=made.name, args=evil), "editor")
    room.add(ModelFinished(message_id=mid, text=evil, tool_calls=(made,)), "editor")
    room.tool("editor", made)
    room.tool_end("editor", made, evil)
    room.add(ToolFailed(tool_call_id="c2", name="t\x1b", error=evil), "editor")
    room.add(Warned(message=evil))
    room.finish("failed", output=f"{evil} output", error=evil)
    return room.events

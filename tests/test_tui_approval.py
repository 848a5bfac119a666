"""A person answers in the viewer where a tool waits for them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from runs import scenario
from terminal import Spawn
from test_tui_hostile import EVIL, OBEYED
from textual.pilot import Pilot
from textual.widgets import Static
from tui_events import NEWSROOM, Clock, FakeRun, Tape

from orchestra.events import Event, Interrupted, Resumed, RunFinished
from orchestra.runtime import run
from orchestra.scenario import Decision
from orchestra.scenario.team import members
from orchestra.tui.app import Viewer
from orchestra.tui.board import Board
from orchestra.tui.help import Help
from orchestra.tui.items import State
from orchestra.tui.pane import Pane
from orchestra.tui.prompt import Pending, Questions
from orchestra.tui.transcript import Transcript

ALL = ["approve", "edit", "reject", "respond"]
PATIENCE = 30  # seconds, before a hanging test is given up


def question(tool: str = "t", call: str = "editor", id_: str = "i", **more: Any) -> Interrupted:
    request = {"tool": tool, "args": {"x": 1}, "decisions": ALL, **more}
    agent = call.rpartition("/")[2].partition("#")[0]
    return Interrupted(agent=agent, call=call, interrupt_id=id_, request=request)


# How an answer gets from the viewer's thread to the run's.


class Elsewhere:
    """Asks in a thread and a loop of its own, as a run does."""

    def __init__(self, questions: Questions, *asked: Interrupted | None) -> None:
        self.answers: list[object] = []
        self._begun = threading.Event()
        self._questions = questions
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask(asked)))
        self._thread.start()
        assert self._begun.wait(PATIENCE)

    async def _ask(self, asked: tuple[Interrupted | None, ...]) -> None:
        ask, decide = self._questions.ask, self._questions.decide
        self._tasks = [asyncio.ensure_future(decide(it) if it else ask()) for it in asked]
        await asyncio.sleep(0)  # now all of them wait
        self._begun.set()
        self.answers = await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        for task in self._tasks:
            task.get_loop().call_soon_threadsafe(task.cancel)

    def join(self) -> list[object]:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.answers


def asked(*them: Interrupted) -> dict[str, Interrupted]:
    return {it.interrupt_id: it for it in them}


def test_several_are_asked_one_by_one_in_their_order() -> None:
    questions, (one, two) = Questions(), (question(id_="1"), question(id_="2"))
    elsewhere = Elsewhere(questions, one, None, two)
    decision = Decision(agent="editor", tool="t", decide="approve")
    seen: list[Pending] = []
    for answer in (decision, "a turn", None):
        pending = questions.first(asked(one, two), None)
        assert pending is not None
        assert questions.first(asked(one, two), pending) is pending
        seen.append(pending)
        questions.answer(pending, answer)
        questions.answer(pending, "too late: it is answered")
    assert [it.question for it in seen] == [one, None, two]
    assert elsewhere.join() == [decision, "a turn", None]
    assert questions.first(asked(one, two), None) is None
    questions.answer(seen[0], "too late: its loop is closed")


def test_a_question_is_asked_once_it_is_on_the_screen_and_stays_until_it_is_answered() -> None:
    questions, (one, two) = Questions(), (question(id_="1"), question(id_="2"))
    elsewhere = Elsewhere(questions, one, two)
    assert questions.first({}, None) is None
    second = questions.first(asked(two), None)
    assert second is not None
    assert second.question is two
    assert questions.first(asked(one, two), second) is second
    elsewhere.cancel()
    assert all(isinstance(it, asyncio.CancelledError) for it in elsewhere.join())
    assert questions.first(asked(one, two), second) is None


def test_of_two_runs_that_ask_under_one_id_the_one_on_the_screen_comes_first() -> None:
    questions = Questions()
    hidden, shown = question(args={"x": 2}), question()
    elsewhere = Elsewhere(questions, hidden, shown)
    first = questions.first(asked(question()), None)
    assert first is not None
    assert first.question is shown
    elsewhere.cancel()
    elsewhere.join()


# What the board makes of it.


def waiting() -> Tape:
    """Two researchers, one of whom asks twice."""
    tape = Tape()
    tape.begin()
    tape.call("editor", "go")
    for number, task in ((1, "moon"), (2, "mars")):
        tape.call(f"editor/researcher#{number}", task, "editor")
    for number in (1, 2):
        asks = question("web_search", "editor/researcher#2", f"{number}", args={"q": number})
        tape.add(asks, "editor/researcher#2")
    return tape


def board(events: list[Event]) -> Board:
    made = Board(NEWSROOM)
    for event in events:
        made.feed(event)
    return made


def rows(made: Board, agent: str) -> list[str]:
    transcript = Transcript(made.agents[agent])
    transcript.sync(60)
    return [transcript.text(line).rstrip() for line in range(transcript.height)]


def test_a_call_waits_until_its_last_question_is_answered() -> None:
    tape, call = waiting(), "editor/researcher#2"
    made = board(tape.events)
    assert list(made.questions) == ["1", "2"]
    tape.add(Resumed(interrupt_id="2", decision={"decide": "reject", "message": "no\nmore"}), call)
    made = board(tape.events)
    assert [block.state for block in made.agents["researcher"].blocks] == [State.RUN, State.ASK]
    tape.add(Resumed(interrupt_id="1", decision={"decide": "edit", "args": {"q": 3}}), call)
    made = board(tape.events)
    assert made.agents["researcher"].state is State.RUN
    assert not made.questions
    assert rows(made, "researcher")[-4:] == [
        "! asks: web_search(q: 1)",
        "! asks: web_search(q: 2)",
        "· rejected web_search: no more",
        "· edited web_search: q: 3",
    ]


def test_what_a_tool_itself_asks_stands_before_its_call() -> None:
    made = board([question(question={"which": "size"}), question(question="how?", id_="j")])
    assert rows(made, "editor")[-2:] == [
        '! asks: {"which": "size"} · t(x: 1)',
        "! asks: how? · t(x: 1)",
    ]


def test_only_an_interrupted_run_leaves_questions_open() -> None:
    tape = waiting()
    tape.add(RunFinished(status="interrupted", error="waits for a decision"))
    made = board(tape.events)
    assert made.agents["researcher"].state is State.ASK
    assert list(made.questions) == ["1", "2"]
    made = board([*tape.events[:-1], RunFinished(status="cancelled")])
    assert made.agents["researcher"].state is State.STOPPED
    assert not made.questions
    tape.begin()  # the next of a batch
    assert not board(tape.events).questions


# The viewer, with a run that does nothing by itself.


@dataclass
class Asking(FakeRun):
    """Plays events, and asks what they ask."""

    questions: Questions = field(default_factory=Questions)
    decided: list[Decision | None] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def _decide(self, event: Interrupted) -> None:
        self.decided.append(await self.questions.decide(event))

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in super().__aiter__():
            yield event
            if isinstance(event, Interrupted):
                self._tasks.append(asyncio.create_task(self._decide(event)))
                await asyncio.sleep(0)  # now it waits
        for task in self._tasks:
            task.cancel()


class Watch:
    def __init__(self, app: Viewer, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def screen(self) -> str:
        lines = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join(strip.text for strip in lines)

    async def until(self, wanted: str | Callable[[], bool]) -> None:
        """Until something holds, or this text is on the screen."""
        async with asyncio.timeout(PATIENCE):
            while not (wanted in self.screen if isinstance(wanted, str) else wanted()):
                self.app.tick()
                self.app.split.refresh_figures(self.app.now)
                await self.pilot.pause()

    async def type(self, text: str, *keys: str) -> None:
        await self.pilot.press(*text, *keys)


@asynccontextmanager
async def watching(source: Any, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Watch]:
    """A viewer on a run that asks, or on a scenario."""
    questions, team = Questions(), NEWSROOM
    if isinstance(source, Asking):
        questions, begin = source.questions, source
    else:
        made = scenario(source)
        team = members(made, {})

        def begin() -> Any:
            return run(made, decide=questions.decide)

    app = Viewer("desk", team, begin, questions=questions, clock=Clock())
    try:
        async with app.run_test(size=size) as pilot:
            yield Watch(app, pilot)
    finally:
        assert app.feed.stop(10)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_who_asks_comes_into_view(size: tuple[int, int]) -> None:
    async with watching(Asking(waiting().events, hold=True), size) as watch:
        await watch.until("⏸ ask (2)")  # in the header
        await watch.until("⏸ editor/researcher#2 asks: web_search(q: 1)")
        assert "[a]pprove, [e]dit {arguments}, [r]eject why, [s]ay the answer" in watch.screen
        split = watch.app.split
        assert split.deck.panes["researcher"].display
        assert "! asks: web_search(q: 1)" in watch.screen
        assert " ⏸ Researcher" in watch.screen.replace("├", "").replace("│", "")
        assert watch.app.focused is split.prompt
        await watch.pilot.press("escape")
        assert isinstance(watch.app.focused, Pane)
        assert watch.app.focused.agent.name == "researcher"


async def test_a_question_among_many_calls_is_scrolled_to() -> None:
    tape = Tape()
    tape.begin()
    paths = [f"editor/researcher#{number}" for number in range(1, 13)]
    for path in paths:
        tape.call(path, "x", "editor")
    tape.add(question("deep", paths[-1]), paths[-1])
    async with watching(Asking(tape.events, hold=True), (80, 24)) as watch:
        await watch.until("! asks: deep")


async def test_whoever_reads_elsewhere_is_left_there_until_they_reply() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking, (80, 24)) as watch:
        await watch.until("asks: web_search(q: 1)")
        await watch.pilot.press("escape", "1")
        deck, prompt = watch.app.split.deck, watch.app.split.prompt
        assert [pane.agent.name for pane in deck.shown()] == ["editor"]
        asking.questions.answer(prompt.pending, None)  # it is no longer asked
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        assert [pane.agent.name for pane in deck.shown()] == ["editor"]
        assert isinstance(watch.app.focused, Pane)
        await watch.pilot.press("i")
        assert [pane.agent.name for pane in deck.shown()] == ["researcher"]
        assert watch.app.focused is prompt


async def test_what_is_typed_never_answers_another_question() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 1)")
        prompt = watch.app.split.prompt
        await watch.type("approve")
        asking.questions.answer(prompt.pending, None)  # as if it were gone
        await watch.pilot.press("enter")
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        assert prompt.value == ""
        await watch.pilot.press("enter")
        assert prompt.pending is not None
        assert not prompt.pending.answered
    assert asking.decided == [None]


async def test_approving_from_the_panes_takes_two_keys() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        await watch.until("asks: web_search(q: 1)")
        prompt = watch.app.split.prompt
        await watch.pilot.press("escape", "a")
        assert prompt.pending is not None
        assert not prompt.pending.answered
        assert prompt.value == "approve"
        await watch.pilot.press("enter")
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        await watch.type("edit {", "escape", "a")
        assert prompt.value == "edit {"
    assert [it.decide for it in asking.decided if it] == ["approve"]


async def test_what_cannot_be_approved_is_not() -> None:
    tape = Tape()
    tape.begin()
    tape.add(question(decisions=["respond"], question="[b]which?[/]\x1b[2J"), "editor")
    asking = Asking(tape.events, hold=True)
    async with watching(asking) as watch:
        await watch.until("⏸ editor asks: [b]which?[/]␛[2J · t(x: 1)")
        assert "▁ your answer ▁" in watch.screen
        await watch.pilot.press("escape", "a")
        assert isinstance(watch.app.focused, Pane)
        await watch.type("ired", "enter")
    assert [it.message for it in asking.decided if it] == ["red"]


async def test_hostile_questions_are_shown_and_inert() -> None:
    tape = Tape()
    tape.begin()
    tape.add(question(EVIL, args={EVIL: EVIL}, question=EVIL), "editor")
    async with watching(Asking(tape.events, hold=True)) as watch:
        await watch.until("▔ ⏸ editor asks: ␛]0;owned")
        for strip in watch.app.screen._compositor.render_strips(watch.app.size):
            assert not OBEYED.search(strip.text)
            assert not any(part.style and part.style.meta.get("@click") for part in strip)


async def test_a_question_under_the_help_waits() -> None:
    gate = threading.Event()

    async def pause(_: Event) -> None:
        await asyncio.to_thread(gate.wait, PATIENCE)

    asking = Asking(waiting().events, hold=True, before=pause)
    async with watching(asking) as watch:
        await watch.pilot.press("question_mark")
        shown = "\n".join(str(it.render()) for it in watch.app.screen.query(Static))
        assert "To the bar, with 'approve' typed" in shown
        assert "Leave the question open" in shown
        gate.set()
        await watch.until(lambda: watch.app.split.prompt.pending is not None)
        assert isinstance(watch.app.screen, Help)
        await watch.type("a", "enter", "escape")
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 1)")
        assert watch.app.split.prompt.value == ""
    assert asking.decided == []


# The viewer, with real runs.

DESK = """
main: lead
agents:
  lead: {subagents: [ed]}
  ed: {tools: [publish], approve: [publish]}
tools:
  publish: {parameters: {text: string}, returns: [{value: out}]}
input: go
script:
  lead: [{tool_calls: [{ed: {query: x}}]}, {text: the end}]
  ed: [{tool_calls: [{publish: {text: one}}, {publish: {text: two}}]}, {text: done}]
decisions: [{agent: ed, tool: publish, decide: approve, times: all}]
"""
ONE, TWO = ('▔ ⏸ lead/ed#1 asks: publish(text: "' + which for which in ("one", "two"))


async def test_the_person_goes_before_the_file_and_a_wrong_answer_stays() -> None:
    async with watching(DESK) as watch:
        await watch.until(ONE)
        await watch.type("maybe", "enter")
        await watch.until("▁ type [a]pprove, [e]dit {arguments}, [r]eject why, [s]ay")
        assert watch.app.split.prompt.value == "maybe"
        await watch.pilot.press("ctrl+u", "enter")  # says nothing
        await watch.type("r not so", "enter")
        await watch.until("· rejected publish: not so")
        await watch.until(TWO)
        assert "▁ [a]pprove" in watch.screen
        await watch.type('e {"text": "better"}', "enter")
        await watch.until("the end")
        assert not watch.app.split.prompt.display
        assert '✔ publish(text: "better")' in watch.screen
        assert "✔ done" in watch.screen
        result = watch.app.result()
        assert result is not None
        assert result.status == "completed"


async def test_what_is_left_open_is_told_when_the_run_is_interrupted() -> None:
    async with watching(DESK) as watch:
        await watch.until(ONE)
        assert "^d leave open" in watch.screen
        await watch.pilot.press("ctrl+d")
        await watch.until(TWO)
        await watch.type("a", "enter")
        await watch.until("⏸ interrupted desk")
        foot = watch.screen.split("\n")[-3:]
        assert foot[0].rstrip() == " ⏸ waits for a decision on publish"
        assert foot[1].rstrip() == '  lead/ed#1 asks: publish(text: "one")'
        assert not watch.app.split.prompt.display
        result = watch.app.result()
        assert result is not None
        assert result.status == "interrupted"


async def test_the_runs_of_a_batch_ask_when_they_are_shown() -> None:
    batch = DESK.replace("input: go", "inputs: [go, stop]").replace(", {publish: {text: two}}", "")
    async with watching(batch) as watch:
        before: Pending | None = None
        prompt = watch.app.split.prompt
        for _ in range(2):
            await watch.until(lambda old=before: prompt.pending not in (None, old))
            before = prompt.pending
            await watch.until(ONE)
            await watch.type("a", "enter")
        await watch.until(lambda: len(watch.app.board.ends) == 2)
        assert [end.status for end in watch.app.board.ends] == ["completed"] * 2


async def test_a_cancelled_run_asks_no_more() -> None:
    async with watching(DESK) as watch:
        await watch.until(ONE)
        await watch.type("a", "ctrl+c")
        await watch.until("■ stopped")
        assert not watch.app.split.prompt.display
        assert isinstance(watch.app.focused, Pane)


# The command.


def file_of(tmp_path: Path) -> str:
    path = tmp_path / "desk.yaml"
    path.write_text("version: 1\n" + DESK)
    return str(path)


def test_the_command_asks(spawn: Spawn, tmp_path: Path) -> None:
    terminal = spawn(["-m", "orchestra", "tui", file_of(tmp_path)])
    for asks, answer in ((b'"one"', b"a\r"), (b'"two"', b"r no\r")):
        terminal.read_until("⏸ lead/ed#1 asks: publish(text: ".encode() + asks)
        terminal.read_until(b"panes")  # the bar has the focus
        terminal.seen = b""
        os.write(terminal.fd, answer)
    terminal.read_until(b"the end")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 0
    assert b"Traceback" not in terminal.seen


def test_an_interrupted_run_is_exit_code_5(spawn: Spawn, tmp_path: Path) -> None:
    terminal = spawn(["-m", "orchestra", "tui", file_of(tmp_path)])
    for asks in (b'"one"', b'"two"'):
        terminal.read_until("⏸ lead/ed#1 asks: publish(text: ".encode() + asks)
        terminal.seen = b""
        os.write(terminal.fd, b"\x04")
    terminal.read_until(b"interrupted")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 5


def test_an_interrupted_run_goes_on_in_the_viewer(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    terminal = spawn(["-m", "orchestra", "tui", file_of(tmp_path)])
    for asks in (b'"one"', b'"two"'):
        terminal.read_until("⏸ lead/ed#1 asks: publish(text: ".encode() + asks)
        terminal.seen = b""
        os.write(terminal.fd, b"\x04")
    terminal.read_until(b"interrupted")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 5
    again = spawn(["-m", "orchestra", "tui", "--resume", "last"])
    for asks in (b'"one"', b'"two"'):
        again.read_until("⏸ lead/ed#1 asks: publish(text: ".encode() + asks)
        again.read_until(b"panes")
        again.seen = b""
        os.write(again.fd, b"a\r")
    again.read_until(b"the end")
    os.write(again.fd, b"q")
    assert again.drain() == 0
    assert b"Traceback" not in again.seen

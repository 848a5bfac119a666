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
from terminal import Spawn, Terminal
from test_tui_hostile import EVIL, OBEYED
from textual import events
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
from orchestra.tui.prompt import GRACE
from orchestra.tui.questions import Pending, Questions
from orchestra.tui.requests import whole
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


def test_several_are_asked_in_their_order_and_each_is_answered_once() -> None:
    questions, (one, two) = Questions(), (question(id_="1"), question(id_="2"))
    elsewhere = Elsewhere(questions, one, None, two)
    decision = Decision(agent="editor", tool="t", decide="approve")
    seen = questions.waiting(asked(one, two))
    assert [it.question for it in seen] == [one, None, two]
    questions.answer(seen[2], None)
    assert questions.waiting(asked(one, two)) == seen[:2]
    questions.answer(seen[0], decision)
    questions.answer(seen[0], "too late: it is answered")
    assert questions.waiting(asked(one, two)) == [seen[1]]
    questions.answer(seen[1], "a turn")
    assert elsewhere.join() == [decision, "a turn", None]
    assert questions.waiting(asked(one, two)) == []
    questions.answer(seen[0], "too late: its loop is closed")


def test_a_question_is_asked_once_it_is_on_the_screen() -> None:
    questions, (one, two) = Questions(), (question(id_="1"), question(id_="2"))
    elsewhere = Elsewhere(questions, one, two)
    assert questions.waiting({}) == []
    assert [it.question for it in questions.waiting(asked(two))] == [two]
    assert [it.question for it in questions.waiting(asked(one, two))] == [one, two]
    elsewhere.cancel()
    assert all(isinstance(it, asyncio.CancelledError) for it in elsewhere.join())
    assert questions.waiting(asked(one, two)) == []


def test_of_two_runs_that_ask_under_one_id_the_one_on_the_screen_comes_first() -> None:
    questions = Questions()
    hidden, shown = question(args={"x": 2}), question()
    elsewhere = Elsewhere(questions, hidden, shown)
    first = questions.waiting(asked(question()))[0]
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
    assert [block.state for block in made.agents["researcher"].blocks] == [State.WAIT, State.ASK]
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

    async def answer(self, asks: str, text: str = "", *keys: str) -> None:
        """Go to the bar once it has asked this for a while, and type."""
        await self.until(asks)
        await self.linger()
        if self.app.focused is not self.app.split.prompt:
            await self.pilot.press("i")
        await self.type(text, *keys)

    async def linger(self) -> None:
        """Long enough that a key can be meant for what is asked."""
        assert isinstance(self.app.clock, Clock)
        self.app.clock.now += GRACE
        self.app.tick()
        await self.pilot.pause()


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
async def test_a_question_takes_the_keys_from_nobody(size: tuple[int, int]) -> None:
    async with watching(Asking(waiting().events, hold=True), size) as watch:
        split = watch.app.split
        await watch.until("⏸ ask (2)")  # in the header
        await watch.until("⏸ 1 of 2 · editor/researcher#2 asks: web_search(q: 1)")
        assert isinstance(watch.app.focused, Pane)
        assert split.footer._keys[0][1:] == ("i", "answer")
        assert "An agent asks: i answers, a types 'approve', e edits" in watch.screen
        assert " ⏸ Researcher" in watch.screen.replace("├", "").replace("│", "")
        await watch.answer("⏸ 1 of 2")
        assert "[a]pprove, [e]dit, [r]eject why, [s]ay the answer · tab: another" in watch.screen
        assert split.deck.panes["researcher"].display
        assert "! asks: web_search(q: 1)" in watch.screen
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
        await watch.answer("asks: deep")
        await watch.until("! asks: deep")


async def test_keys_that_were_for_others_answer_nothing() -> None:
    """Who types when a question comes up has not read it: no key counts for a moment."""
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        prompt = watch.app.split.prompt
        await watch.until("asks: web_search(q: 1)")
        await watch.type("ia", "enter", "ctrl+d")
        assert watch.app.focused is prompt
        assert prompt.value == ""
        watch.app.post_message(events.Paste("approve\n"))
        await watch.pilot.press("enter")
        assert prompt.value == ""
        await watch.type("", "escape", "a", "enter")  # the way back is open
        assert prompt.value == ""
        assert not prompt.pending.answered
        await watch.linger()
        await watch.type("a", "enter")
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        await watch.type("a", "enter")  # the bar has the keys, but that question is new
        assert prompt.value == ""
        assert not prompt.pending.answered
        await watch.until(lambda: len(asking.decided) == 1)
        await watch.linger()
        await watch.type("a", "enter")
        await watch.until(lambda: len(asking.decided) == 2)


def at_once(app: Viewer, *keys: str) -> None:
    """As when a slow line, or a fast hand, brings several keys in one go."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_keys_typed_in_one_go_keep_their_order() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        split = watch.app.split
        await watch.answer("⏸ 1 of 2", "")
        at_once(watch.app, "x", "backspace", *"r one", "tab", *"ignored")
        await watch.until("⏸ 2 of 2")
        await watch.pilot.pause()
        assert split.prompt.value == ""  # the second question has only just come
        await watch.linger()
        at_once(watch.app, *"ab", "backspace", "backspace", "e", "enter")
        await watch.until("arguments of web_search")
        at_once(watch.app, "f7", *'{"q": 8', "backspace", *"9}", "ctrl+s")
        await watch.until(lambda: len(asking.decided) == 1)
        await watch.until(lambda: split.prompt.value == "r one")
    assert asking.decided[0] is not None
    assert asking.decided[0].args == {"q": 9}


async def test_who_reads_elsewhere_is_left_there_until_they_reply() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking, (80, 24)) as watch:
        await watch.answer("asks: web_search(q: 1)", "", "escape", "1")
        deck, prompt = watch.app.split.deck, watch.app.split.prompt
        assert [pane.agent.name for pane in deck.shown()] == ["editor"]
        asking.questions.answer(prompt.pending, None)  # it is no longer asked
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        assert [pane.agent.name for pane in deck.shown()] == ["editor"]
        assert isinstance(watch.app.focused, Pane)
        await watch.pilot.press("i")
        assert [pane.agent.name for pane in deck.shown()] == ["researcher"]
        assert watch.app.focused is prompt


async def test_what_is_typed_stays_with_its_question() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        prompt = watch.app.split.prompt
        await watch.answer("⏸ 1 of 2", "r one")
        await watch.pilot.press("tab")
        await watch.until("⏸ 2 of 2 · editor/researcher#2 asks: web_search(q: 2)")
        assert prompt.value == ""
        await watch.linger()
        await watch.type("r two", "shift+tab")
        assert prompt.value == "r one"
        asking.questions.answer(prompt.pending, None)  # as if it were gone
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        await watch.pilot.press("enter", "!")  # they were for the other one
        assert prompt.value == "r two"
        assert not prompt.pending.answered
        await watch.until(lambda: len(asking.decided) == 1)
        await watch.linger()
        await watch.pilot.press("enter")
        await watch.until(lambda: len(asking.decided) == 2)
    assert asking.decided[0] is None
    assert asking.decided[1] is not None
    assert asking.decided[1].message == "two"


async def test_who_asks_in_the_pane_where_one_is_is_answered_first() -> None:
    tape = waiting()
    tape.add(question("t", id_="3"), "editor")
    async with watching(Asking(tape.events, hold=True)) as watch:
        await watch.until("⏸ 1 of 3 · editor/researcher#2 asks: web_search(q: 1)")
        await watch.linger()
        await watch.type("1i")
        await watch.until("⏸ 3 of 3 · editor asks: t(x: 1)")
        await watch.type("", "escape", "2", "a")
        await watch.until("⏸ 1 of 3 · editor/researcher#2 asks: web_search(q: 1)")
        assert watch.app.split.prompt.value == "approve"


async def test_approving_from_the_panes_takes_two_keys() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        await watch.answer("asks: web_search(q: 1)", "", "escape", "a")
        prompt = watch.app.split.prompt
        assert prompt.pending is not None
        assert not prompt.pending.answered
        assert prompt.value == "approve"
        await watch.pilot.press("enter")
        await watch.answer(
            "▔ ⏸ editor/researcher#2 asks: web_search(q: 2)", "edit {", "escape", "a"
        )
        assert prompt.value == "edit {"
    assert [it.decide for it in asking.decided if it] == ["approve"]


async def test_what_cannot_be_approved_is_not() -> None:
    tape = Tape()
    tape.begin()
    tape.add(question(decisions=["respond"], question="[b]which?[/]\x1b[2J"), "editor")
    asking = Asking(tape.events, hold=True)
    async with watching(asking) as watch:
        await watch.until("⏸ editor asks: [b]which?[/]␛[2J · t(x: 1)")
        await watch.linger()
        assert "▁ your answer ▁" in watch.screen
        await watch.type("ae")
        assert isinstance(watch.app.focused, Pane)
        assert not watch.app.split.editor.display
        await watch.type("ired", "enter")
    assert [it.message for it in asking.decided if it] == ["red"]


# Arguments are shown, and can be edited before they are approved.


async def test_the_pane_that_asks_shows_all_the_arguments() -> None:
    args = {"path": "notes.txt", "text": "one\ntwo", "deep": {"list": [1, 2]}, "last": "x" * 40}
    tape = Tape()
    tape.begin()
    tape.add(question("write", args=args, question="is it well?"), "editor")
    async with watching(Asking(tape.events, hold=True), (200, 50)) as watch:
        await watch.until('  "last": "' + "x" * 40 + '"')
        for line in ("! asks: is it well?", "write", '"text": "one\\ntwo",', '"list": ['):
            assert line in watch.screen


def test_so_many_arguments_are_cut() -> None:
    lines = whole({"tool": "t", "args": {"list": [*range(100)], "x": "y" * 9_000}}).split("\n")
    assert len(lines) == 31
    assert lines[-1] == "… 76 more lines"
    assert whole({"tool": "t", "args": {"x": "y" * 9_000}}).split("\n")[-1] == "… 1 more line"
    assert all(len(line) < 5_000 for line in lines)


@pytest.mark.parametrize("keys", ["e", "ie\n", "iedit\n"])
async def test_arguments_are_edited_before_the_tool_runs(keys: str) -> None:
    async with watching(DESK) as watch:
        await watch.until(ONE)
        await watch.linger()
        await watch.pilot.press(*("enter" if key == "\n" else key for key in keys))
        editor = watch.app.split.editor
        await watch.until("⏸ lead/ed#1: arguments of publish")
        assert watch.app.focused is editor
        assert editor.text == '{\n  "text": "one"\n}'
        assert " ^s run it with these  ^p palette  ^c cancel  esc back  tab next " in watch.screen
        editor.load_text('{"text": "better",\n}')
        await watch.pilot.press("ctrl+s")
        await watch.until("▁ this is no JSON: ")
        assert "(line 2, column 1)" in watch.screen or "(line 1, column 18)" in watch.screen
        editor.load_text('{"text": "better"}')
        await watch.pilot.press("ctrl+s")
        await watch.until('✔ publish(text: "better")')
        await watch.answer(TWO, "a", "enter")
        await watch.until("the end")
        assert not editor.display


async def test_leaving_the_editor_loses_nothing_and_runs_nothing() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        await watch.answer("⏸ 1 of 2", "", "escape", "e")
        editor, prompt = watch.app.split.editor, watch.app.split.prompt
        await watch.type("zz", "escape")
        assert watch.app.focused is prompt
        assert prompt.display
        assert not editor.display
        await watch.pilot.press("tab", "shift+tab", "escape", "e")
        assert editor.text == 'zz{\n  "q": 1\n}'
        assert asking.decided == []
        asking.questions.answer(prompt.pending, None)  # it is no longer asked: nor edited
        await watch.until("▔ ⏸ editor/researcher#2 asks: web_search(q: 2)")
        assert not editor.display
        assert watch.app.focused is prompt


async def test_arguments_that_are_as_they_were_are_approved() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        await watch.answer("⏸ 1 of 2", "", "escape", "e", "ctrl+s")
        await watch.until(lambda: len(asking.decided) == 1)
    assert asking.decided[0] is not None
    assert asking.decided[0].decide == "approve"


async def test_hostile_questions_are_shown_and_inert() -> None:
    tape = Tape()
    tape.begin()
    tape.add(question(EVIL, args={EVIL: EVIL}, question=EVIL), "editor")
    async with watching(Asking(tape.events, hold=True)) as watch:
        await watch.until("▔ ⏸ editor asks: ␛]0;owned")
        await watch.linger()
        await watch.pilot.press("e")  # into the editor as well
        await watch.until("arguments of ␛]0;owned")
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
        await watch.linger()
        await watch.type("a", "enter", "escape", "i", "a")
        await watch.until("⏸ 1 of 2 · editor/researcher#2 asks: web_search(q: 1)")
        assert watch.app.split.prompt.value == ""  # it was covered until now
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
ONE, TWO = (f' lead/ed#1 asks: publish(text: "{which}"' for which in ("one", "two"))


async def test_the_person_goes_before_the_file_and_a_wrong_answer_stays() -> None:
    async with watching(DESK) as watch:
        await watch.answer(ONE, "maybe", "enter")
        await watch.until("▁ type [a]pprove, [e]dit {arguments}, [r]eject why, [s]ay")
        assert watch.app.split.prompt.value == "maybe"
        await watch.pilot.press("ctrl+u", "enter")  # says nothing
        await watch.type("r not so", "enter")
        await watch.until("· rejected publish: not so")
        await watch.answer(TWO)
        assert "▁ [a]pprove" in watch.screen
        await watch.type('e {"text": "better"}', "enter")
        await watch.until(lambda: watch.app.result() is not None)
        await watch.until("✔ done")
        await watch.until("the end")
        assert not watch.app.split.prompt.display
        assert '✔ publish(text: "better")' in watch.screen
        result = watch.app.result()
        assert result is not None
        assert result.status == "completed"


async def test_what_is_left_open_is_told_when_the_run_is_interrupted() -> None:
    async with watching(DESK) as watch:
        await watch.answer(ONE)
        assert "^d leave open" in watch.screen
        await watch.pilot.press("ctrl+d")
        await watch.answer(TWO, "a", "enter")
        await watch.until("⏸ interrupted desk")
        await watch.until(" ⏸ waits for a decision on publish")
        foot = watch.screen.split("\n")[-3:]
        assert foot[0].rstrip() == " ⏸ waits for a decision on publish"
        assert foot[1].rstrip() == '  lead/ed#1 asks: publish(text: "one")'
        assert not watch.app.split.prompt.display
        await watch.until(lambda: watch.app.result() is not None)
        result = watch.app.result()
        assert result is not None
        assert result.status == "interrupted"


async def test_the_runs_of_a_batch_ask_when_they_are_shown() -> None:
    batch = DESK.replace("input: go", "inputs: [go, stop]").replace(", {publish: {text: two}}", "")
    async with watching(batch) as watch:
        before: Pending | None = None
        prompt, ends = watch.app.split.prompt, watch.app.board.ends
        for number in range(2):
            await watch.until(lambda ended=number: len(ends) == ended)
            await watch.until(lambda old=before: prompt.pending not in (None, old))
            before = prompt.pending
            await watch.answer(ONE, "a", "enter")
        await watch.until(lambda: len(ends) == 2)
        assert [end.status for end in ends] == ["completed"] * 2


async def test_a_cancelled_run_asks_no_more() -> None:
    async with watching(DESK) as watch:
        await watch.answer(ONE, "a", "ctrl+c")
        await watch.until("■ stopped")
        assert not watch.app.split.prompt.display
        assert isinstance(watch.app.focused, Pane)


# The command.


def file_of(tmp_path: Path) -> str:
    path = tmp_path / "desk.yaml"
    path.write_text("version: 1\n" + DESK)
    return str(path)


def answer(terminal: Terminal, asks: bytes, answer: bytes) -> None:
    """Answer once the bar takes keys; the first time one has to go there."""
    asks = b'lead/ed#1 asks: publish(text: "' + asks
    terminal.read_until(asks)
    terminal.seen = terminal.seen.rpartition(asks)[2]
    if asks.endswith(b"one"):
        os.write(terminal.fd, b"i")
        terminal.read_until(b"panes")
    terminal.read_until(b"[a]pprove")
    terminal.seen = b""
    os.write(terminal.fd, answer)


def test_the_command_asks(spawn: Spawn, tmp_path: Path) -> None:
    terminal = spawn(["-m", "orchestra", "tui", file_of(tmp_path)])
    answer(terminal, b"one", b"a\r")
    answer(terminal, b"two", b"r no\r")
    terminal.read_until(b"the end")
    assert terminal.leave() == 0
    assert b"Traceback" not in terminal.seen


def test_an_interrupted_run_is_exit_code_5(spawn: Spawn, tmp_path: Path) -> None:
    terminal = spawn(["-m", "orchestra", "tui", file_of(tmp_path)])
    for which in (b"one", b"two"):
        answer(terminal, which, b"\x04")
    terminal.read_until(b"interrupted")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 5


def test_an_interrupted_run_goes_on_in_the_viewer(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    terminal = spawn(["-m", "orchestra", "tui", file_of(tmp_path)])
    for which in (b"one", b"two"):
        answer(terminal, which, b"\x04")
    terminal.read_until(b"interrupted")
    os.write(terminal.fd, b"q")
    assert terminal.drain() == 5
    again = spawn(["-m", "orchestra", "tui", "--resume", "last"])
    for which in (b"one", b"two"):
        answer(again, which, b"a\r")
    again.read_until(b"the end")
    assert again.leave() == 0
    assert b"Traceback" not in again.seen


async def click_on(watch: Watch, word: str) -> None:
    """Where a word is on the screen, for who has but a mouse."""
    lines = watch.screen.split("\n")
    y = next(y for y, line in enumerate(lines) if word in line)
    await watch.pilot.click(offset=(lines[y].index(word) + 1, y))


async def test_the_mouse_can_choose() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        prompt = watch.app.split.prompt
        await watch.until("asks: web_search(q: 1)")
        await click_on(watch, "▔ ⏸")  # it has only just come: there is nothing to choose yet
        await watch.linger()
        await watch.until("[s]ay the answer")
        await click_on(watch, "[r]eject")
        assert (prompt.value, watch.app.focused) == ("reject ", prompt)
        await click_on(watch, "[s]ay")
        assert prompt.value == "say "
        await click_on(watch, "tab: another")
        await watch.until("2 of 2")
        await watch.linger()
        await click_on(watch, "[e]dit")
        assert watch.app.split.editor.display
        await click_on(watch, "esc back")
        await click_on(watch, "[a]pprove")
        assert not asking.decided  # a slip approves nothing
        await click_on(watch, "⏎ send")
        await watch.until(lambda: len(asking.decided) == 1)
        assert asking.decided[0].decide == "approve"


async def test_a_paste_keeps_its_lines_and_its_tabs() -> None:
    asking = Asking(waiting().events, hold=True)
    async with watching(asking) as watch:
        prompt = watch.app.split.prompt
        await watch.answer("asks: web_search(q: 1)", "reject")
        watch.app.post_message(events.Paste("\nThree things:\r\tone\rtwo \x1b[31m\n"))
        await watch.until("reject↵Three things:↵⇥one↵two ␛[31m")
        await watch.type("!", "ctrl+j", "!", "enter")
        await watch.until(lambda: len(asking.decided) == 1)
        assert asking.decided[0].message == "Three things:\n\tone\ntwo ␛[31m!\n!"
        assert prompt.value == ""

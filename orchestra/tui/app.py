"""The viewer: one tick moves events from the run's thread onto the screen."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingsMap, BindingType
from textual.screen import Screen

from ..errors import OrchestraError
from ..events import Event, Member, RunFinished, RunStarted
from ..text import one_line
from . import tools
from .bars import SAID
from .board import Board
from .feed import Feed, Source
from .help import Help
from .items import State
from .outline import Outline
from .pane import Pane
from .playing import Playing
from .prompt import Prompt, Questions
from .replay import Replay
from .screen import Split

FRAME = 1 / 30  # seconds between ticks
BUDGET = 0.008  # seconds of a tick that may go into events; the rest wait for the next one
_STRIDE = 64  # events between two looks at the clock
_FIGURES = 6  # ticks between two updates of the figures: faster is not legible
_NO_END = "the file ends here, and the run does not: it was killed, or still goes on"
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

Clock = Callable[[], float]
Recording = Callable[[], Sequence[Event]]
"""Reads what the run has left behind; may take seconds. Empty: nothing was kept."""


class Viewer(Playing):
    """Shows one run. It starts the run after its first frame, and stays open when it is over.

    Attributes:
        feed: the run's thread, or what replays it.
        signal: the number of the signal that ended the viewer, if one did.
    """

    TITLE = "orchestra"
    CSS = "Screen { layout: vertical; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "cancel", "Cancel", id="app.cancel", priority=True, key_display="^c"),
        Binding("p", "pause", "Pause", id="run.pause"),
        Binding("x", "call_off", "Call off", id="run.call-off", show=False),
        Binding("ctrl+r", "again", "Replay", id="run.again", key_display="^r"),
    ]

    def __init__(
        self,
        title: str,
        team: Sequence[Member],
        source: Source | Replay,
        *,
        questions: Questions | None = None,
        recording: Recording | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__()
        self.title = one_line(title, 80)
        self.board = Board(team)
        self.feed = source if isinstance(source, Replay) else Feed(source)
        self._recording = recording
        self.split = Split(title, self.board, questions or Questions())
        self.signal: int | None = None
        self._clock = clock
        self._zero: float | None = None  # what the clock said when the run's own time was 0
        self._ticks = 0
        self._cancelling = False
        self._told = False
        self._returning = False
        self._lived: RunFinished | None = None  # the end of the run that is now replayed
        self._aimed: tuple[str, float] | None = None  # who x was pressed for, and until when

    def get_default_screen(self) -> Screen[None]:
        return self.split

    def on_load(self) -> None:
        # Before the terminal changes. Textual restores it for none of these.
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._signalled, number)

    def on_mount(self) -> None:
        self.set_interval(FRAME, self.tick)
        self.set_interval(1.0, self._watch_terminal)
        self.call_after_refresh(self.feed.start)

    def _watch_terminal(self) -> None:
        """A terminal may go away without a signal (``nohup``, no controlling terminal): then
        nobody is left who could quit, and Textual would read its end of file for ever.
        """
        if self.is_headless or sys.__stdin__ is None or not hasattr(select, "poll"):
            return
        poll = select.poll()
        poll.register(sys.__stdin__, select.POLLHUP)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            self._signalled(signal.SIGHUP)

    def _signalled(self, number: int) -> None:
        self.signal = number
        self.exit()

    @property
    def now(self) -> float | None:
        """Seconds since the run began; None before that. Stands still once the run is over."""
        if isinstance(self.feed, Replay):
            return self.board.time + self.feed.since
        if self.board.finished is not None:
            return self.board.time
        return None if self._zero is None else max(self._clock() - self._zero, self.board.time)

    def tick(self) -> None:
        """Take events off the deque for a while, then show what they changed."""
        if isinstance(self.feed, Replay):
            self.feed.pull()
        self._drain()
        self._ticks += 1
        if self._returning and self.feed.events:
            return  # nobody wants to see all that was before once more
        self._returning = False
        if self._congested():
            return
        self.split.offer_prompt()
        touched, self.board.touched = self.board.touched, set()
        self.split.refresh_from_board(touched, self.now or 0.0)
        if self._ticks % _FIGURES == 0 and not self._told:
            self.split.refresh_figures(self.now)
        self.show_player()
        if self.feed.over and not self.feed.events and not self._told:
            self._told = True
            self._over()

    def _drain(self) -> None:
        events, feed = self.feed.events, self.board.feed
        until = time.perf_counter() + BUDGET
        while events:
            for _ in range(min(_STRIDE, len(events))):
                event = events.popleft()
                if isinstance(event, RunStarted):
                    self._zero = self._clock() - event.t
                feed(event)
            if time.perf_counter() >= until:
                return

    def _congested(self) -> bool:
        """Whether the terminal is behind: painting more would only make the keys wait."""
        writer = getattr(self._driver, "_writer_thread", None)
        queue = getattr(writer, "_queue", None)  # no public way to ask; None on other systems
        return queue is not None and queue.qsize() > 1

    def _over(self) -> None:
        """The run's thread is done: say so, and what went wrong."""
        finished, error = self.board.finished, self.feed.error
        replayed = isinstance(self.feed, Replay)
        if error is not None:
            self.board.end(State.FAILED)
            kind = "" if isinstance(error, OrchestraError) else f"{type(error).__name__}: "
            self.split.trouble.show(f"{kind}{error}")
        elif finished is None:
            self.board.end(State.STOPPED)
            if replayed:
                self.split.trouble.show(_NO_END, State.STOPPED)
        elif finished.error:
            asks = State.ASK if finished.status == "interrupted" else State.FAILED
            lines = [finished.error, *map(tools.asks, self.board.questions.values())]
            self.split.trouble.show("\n".join(lines), asks)
        self.split.refresh_from_board(set(self.board.agents), self.now or 0.0)
        self.split.refresh_figures(self.now)
        self.refresh_bindings()

    def action_help(self) -> None:
        """What the keys do here and now."""
        groups: list[tuple[str, App[None] | Split | None, BindingsMap | None]] = [
            ("Anywhere", self.split, self.split._bindings),
            ("In a pane", None, Pane._merged_bindings),
            ("In the tree", None, Outline._merged_bindings),
        ]
        if self.replay is None:  # in a replay nothing is asked
            groups += [("In the bar, where something is asked", None, Prompt._merged_bindings)]
        groups += [("The run", self, self._bindings)]
        self.push_screen(
            Help(
                (title, [it for _, it in found or () if _offered(owner, it)])
                for title, owner, found in groups
            )
        )

    def restart(self, *, returning: bool = True) -> None:
        """All that is shown begins anew. ``returning``: what was seen before is not shown again."""
        self.board.restart()
        self.split.restart()
        self._told, self._returning, self._zero = False, returning, None

    def action_again(self) -> None:
        """Replay the run that is over."""
        self.split.footer.say("reading what the run has left …")
        self.run_worker(self._again(), exclusive=True)

    async def _again(self) -> None:
        if self._recording is None:
            return
        try:
            recorded = await asyncio.to_thread(self._recording)
        except OrchestraError as error:
            self.split.footer.say(str(error))
            return
        if not recorded:
            self.split.footer.say("this run was not kept: there is nothing to replay")
            return
        self.split.footer.say("")
        self._lived = self.result()
        self.feed = Replay(recorded, clock=self._clock)
        self.feed.start()
        self.restart(returning=False)
        self.refresh_bindings()

    def action_cancel(self) -> None:
        if isinstance(self.feed, Replay):
            self.action_leave()
            return
        if self._cancelling:
            self.action_leave()
            return
        self._cancelling = True
        if not self.feed.over:
            self.split.header.cancelling = True
            self.split.refresh_figures(self.now)
            self.feed.cancel()

    def action_pause(self) -> None:
        """Let nothing new begin; what is under way goes on, and is shown. Or stop the replay."""
        if self.replay is not None:
            self.action_play()
        if isinstance(self.feed, Feed) and not self.feed.over:
            self.split.header.held = held = not self.split.header.held
            self.split.refresh_figures(self.now)
            self.feed.hold(held=held)

    def action_call_off(self) -> None:
        """End what the agent in focus does; a slip ends nothing, as it takes the key twice."""
        agent = self.board.agents.get(self.split.deck.current)
        calls = [it.call for it in agent.blocks if it.live] if agent else []
        aimed, self._aimed = self._aimed, None
        if agent is None or not calls or self.feed.over or isinstance(self.feed, Replay):
            self.split.footer.say(f"{agent.title if agent else 'nobody'} is not at work")
        elif [*self.board.mains] == calls:
            self.split.footer.say("that is the whole run: ctrl+c cancels it")
        elif aimed is None or aimed[0] != agent.name or self._clock() > aimed[1]:
            self._aimed = agent.name, self._clock() + SAID
            which = f" ({len(calls)} calls)" if len(calls) > 1 else ""
            self.split.footer.say(f"x again calls off {agent.title}{which}")
        else:
            for call in calls:
                self.feed.call_off(call)

    def action_leave(self) -> None:
        self.exit()

    async def action_quit(self) -> None:
        self.action_leave()

    def result(self) -> RunFinished | None:
        """The end of the run, whether or not it was still shown; of several, the first bad one."""
        if self._lived is not None:
            return self._lived
        bad = (end for end in self.board.ends if end.status != "completed")
        return next(bad, None) or self.feed.last() or self.board.finished

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A live run is held and called off, a recorded one is played."""
        if action == "again":
            return self._recording is not None and self.feed.over
        if action == "call_off":
            return self.replay is None
        return super().check_action(action, parameters)


def _offered(owner: App[None] | Split | None, binding: Binding) -> bool:
    """Whether a key would do something now, as far as its owner tells."""
    action = binding.action.partition("(")[0].rpartition(".")[2]
    waits = action in ("reply", "approve", "again")  # for what may come
    return owner is None or waits or bool(owner.check_action(action, ()))

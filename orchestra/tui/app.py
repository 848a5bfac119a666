"""The viewer: one tick moves events from the run's thread onto the screen."""

from __future__ import annotations

import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from ..errors import OrchestraError
from ..events import Member, RunFinished, RunStarted
from ..text import one_line
from . import tools
from .attention import Attention
from .bars import SAID
from .board import Board
from .comfort import CONTRAST_CSS, Comfort
from .console import Console, Stray
from .editor import Editor
from .feed import Feed, Source
from .help import Group, Help
from .items import State
from .joined import joined
from .keymap import Keymap
from .outline import Outline
from .palette import Deed
from .pane import Pane
from .playing import Clock, Playing, Recording
from .prompt import Prompt
from .questions import Questions
from .reader import Reader
from .replay import Replay
from .screen import Split
from .situation import situation
from .timeline import Timeline

FRAME = 1 / 30  # seconds between ticks
BUDGET = 0.008  # seconds of a tick that may go into events; the rest wait for the next one
_STRIDE = 256  # events between two looks at the clock: of 64 agents that stream, a frame's
_FIGURES = 6  # ticks between two updates of the figures: faster is not legible
_NO_END = "the file ends here, and the run does not: it was killed, or still goes on"


class Viewer(Playing):
    """Shows one run. It starts the run after its first frame, and stays open when it is over.

    Attributes:
        feed: the run's thread, or what replays it.
    """

    TITLE = "orchestra"
    CSS = "Screen { layout: vertical; }\n" + CONTRAST_CSS

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "cancel", "Cancel", id="app.cancel", priority=True, key_display="^c"),
        Binding("ctrl+c", "leave_over", "Quit", id="app.leave", priority=True, show=False),
        Binding("p", "pause", "Pause", id="run.pause"),
        Binding("x", "call_off", "Call off", id="run.call-off", show=False),
    ]

    def __init__(
        self,
        title: str,
        team: Sequence[Member],
        source: Source | Replay | Reader,
        *,
        questions: Questions | None = None,
        recording: Recording | None = None,
        clock: Clock = time.monotonic,
        comfort: Comfort | None = None,
    ) -> None:
        super().__init__()
        self.comfort = comfort or Comfort()
        self.comfort.dress(self)
        self.title = one_line(title, 80)
        self.board = Board(team)
        self.feed = source if isinstance(source, Replay | Reader) else Feed(source)
        self.recording = recording
        self.split = Split(title, self.board, questions or Questions(), clock)
        self.split.prompt.cursor_blink = self.split.editor.cursor_blink = not self.comfort.still
        self.keymap = Keymap(self.comfort.keys)
        self.stray = Stray()
        bell = self.bell if self.comfort.bell else None
        self.attention = Attention(title, bell=bell, title=self.comfort.title)
        self._console: Console | None = None
        self._stack = ExitStack()
        self.clock = clock
        self.zero: float | None = None  # what the clock said when the run's own time was 0
        self._ticks = 0
        self._changed = False
        self._cancelling = False
        self.told = False
        self._aimed: tuple[str, float] | None = None  # who x was pressed for, and until when

    def get_default_screen(self) -> Screen[None]:
        return self.split

    def on_descendant_focus(self, message: DescendantFocus) -> None:
        if self.keymap:
            self.set_keymap(self.keymap.fit(typing=isinstance(message.widget, Input | TextArea)))

    def on_mount(self) -> None:
        self._stack.enter_context(self.stray.caught())
        self.set_interval(FRAME, self.tick)
        self.set_interval(1.0, self._watch_terminal)
        self.call_after_refresh(self.feed.start)

    def on_unmount(self) -> None:
        self._stack.close()

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

    @property
    def now(self) -> float | None:
        """Seconds since the run began; None before that. Stands still once the run is over."""
        if isinstance(self.feed, Replay):
            return self.board.time + self.feed.since
        if self.board.finished is not None:
            return self.board.time
        return None if self.zero is None else max(self.clock() - self.zero, self.board.time)

    def tick(self) -> None:
        """Take events off the deque for a while, then show what they changed."""
        if isinstance(self.feed, Replay):
            self.feed.pull()
        elif isinstance(self.feed, Reader):
            self.keep_reading(self.feed)
        self._drain()
        self._ticks += 1
        if self.returning and self.feed.events:
            return  # nobody wants to see all that was before once more
        self.returning = False
        if self._congested():
            return
        self._ask()
        self._show_stray()
        self._call_for_attention()
        touched, self.board.touched = self.board.touched, set()
        self.split.refresh_from_board(touched, self.now or 0.0)
        # In the still mode the figures change with what the agents do, and not by themselves.
        self._changed = self._changed or bool(touched)
        moving = self._changed if self.comfort.still else True
        if self._ticks % _FIGURES == 0 and not self.told and moving:
            self._changed = False
            self.split.refresh_figures(self.now)
        self.show_player()
        if self.feed.over and not self.feed.events and not self.told:
            self.told = True
            self._over()

    def _ask(self) -> None:
        split = self.split
        split.offer_prompt()
        if split.prompt.pending is not None:
            keys = self.keymap.fit(typing=False)
            split.prompt.invite("" if split.answering else situation(split, keys, over=False))

    def _call_for_attention(self) -> None:
        board, driver = self.board, self._driver
        over = self.feed.over and not self.feed.events
        word = str(State.ASK if board.questions and not over else board.state)
        write = None if driver is None or self.is_headless else driver.write
        self.attention.look(word, frozenset(board.questions), over=over, write=write)

    def _show_stray(self) -> None:
        """The footer names the console from the first line on; an open one shows what is new."""
        if self._console is not None and self._console.is_running:
            self._console.update()
        if self.stray.count and not self.split.printed:
            self.split.printed = True
            self.split.refresh_bindings()

    def action_console(self) -> None:
        self._console = Console(self.stray)
        self.push_screen(self._console)

    def _drain(self) -> None:
        events = self.feed.events
        until = time.perf_counter() + BUDGET
        while events and time.perf_counter() < until:
            some = [events.popleft() for _ in range(min(_STRIDE, len(events)))]
            for event in joined(some):
                if isinstance(event, RunStarted):
                    self.zero = self.clock() - event.t
                self.board.feed(event)

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
        groups: list[Group] = [
            ("In a pane", Pane._merged_bindings, None),
            ("In the tree", Outline._merged_bindings, None),
            ("In the timeline", Timeline._merged_bindings, None),
            ("In the bar, where something is asked", Prompt._merged_bindings, None),
            ("In the editor of arguments", Editor._merged_bindings, None),
        ]
        # What can be done where the user is comes first.
        here: tuple[type[Widget], ...] = (Pane, Outline, Timeline, Prompt)
        at = next((n for n, kind in enumerate(here) if isinstance(self.split.focused, kind)), 0)
        if self.replay is not None:
            del groups[-2:]  # nothing is asked in one
        groups.insert(0, groups.pop(at))
        groups.insert(1, ("Anywhere", self.split._bindings, self.split))
        groups.append(("The run", self._bindings, self))
        keys = self.keymap.fit(typing=False)
        playing = self.replay.playing if self.replay else None
        now = situation(self.split, keys, over=self.feed.over, playing=playing)
        if isinstance(self.feed, Reader):
            now = "The file is being read; it is played when all of it is there."
        self.push_screen(Help(groups, keys, now))

    def action_cancel(self) -> None:
        if self._cancelling:
            self.action_leave()
            return
        if not isinstance(self.feed, Feed):
            return
        self._cancelling = True
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
        if agent is None or not calls or self.feed.over or not isinstance(self.feed, Feed):
            self.split.footer.say(f"{agent.title if agent else 'nobody'} is not at work")
        elif [*self.board.mains] == calls:
            self.split.footer.say("that is the whole run: ctrl+c cancels it")
        elif aimed is None or aimed[0] != agent.name or self.clock() > aimed[1]:
            self._aimed = agent.name, self.clock() + SAID
            which = f" ({len(calls)} calls)" if len(calls) > 1 else ""
            self.split.footer.say(f"x again calls off {agent.title}{which}")
        else:
            for call in calls:
                self.feed.call_off(call)

    def action_leave(self) -> None:
        self.exit()

    def action_leave_over(self) -> None:
        """By ctrl+c, where there is nothing to cancel."""
        self.action_leave()

    async def action_quit(self) -> None:
        self.action_leave()

    def deeds(self) -> Iterator[Deed]:
        """For the palette: each agent, hidden or not."""
        for agent in self.board.agents.values():
            yield f"Go to {agent.title}", "", partial(self.split.show_agent, agent)

    def result(self) -> RunFinished | None:
        """The end of the run, whether or not it was still shown; of several, the first bad one."""
        if self.lived is not None:
            return self.lived
        bad = (end for end in self.board.ends if end.status != "completed")
        return next(bad, None) or self.feed.last() or self.board.finished

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A live run is held and called off, a recorded one is played."""
        if action in ("call_off", "pause", "cancel"):
            live = not self.feed.over and not isinstance(self.feed, Reader)
            return live if self.replay is None else action == "pause"
        if action == "leave_over":
            return self.feed.over or not isinstance(self.feed, Feed)
        return super().check_action(action, parameters)

"""Agents and their calls as a pane shows them: plain state, bounded in size."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum

from ..growing import Growing
from .figures import Meter
from .items import Item, Note, Prose, State, Tone, Tool, next_serial, tame

MAX_LINES = 5_000  # of one agent; the event file on disk is the whole truth
MAX_CHARACTERS = 500_000
MAX_PHASES = 1_000  # of one call
_SLACK = 1.1  # trim in strokes, not line by line
_NEAR = 4  # items among which a message's newest is looked for: two may stream at once


class Phase(StrEnum):
    """What a call does: at a model, at a tool, asking, or waiting for others."""

    MODEL = "model"
    TOOL = "tool"
    ASK = "ask"
    REST = "rest"


@dataclass(slots=True)
class Block:
    """One call of an agent, or one turn of it.

    Attributes:
        ordinal: ``#2`` of ``editor/writer#2``; empty for the main agent.
        caller: the last part of the parent's path, such as ``writer#2``.
        parent, tool_call_id: the call that made this one, and the tool call with which.
        head: what the header row says.
        gone: items no longer kept; ``items[0]`` is the item of that number.
        hidden: texts of middleware's model calls, which are not shown.
        version: grows with every change.
        now: the time of the newest event, which what is added takes for its own.
    """

    call: str
    agent: str
    ordinal: str
    caller: str
    head: str
    started: float
    ended: float | None = None
    parent: str | None = None
    tool_call_id: str | None = None
    state: State = State.RUN
    items: list[Item] = field(default_factory=list)
    gone: int = 0
    hidden: int = 0
    version: int = 0
    tools: dict[str, Tool] = field(default_factory=dict)
    fragments: dict[tuple[str, int], Tool] = field(default_factory=dict)
    serial: int = field(default_factory=next_serial)
    phases: list[tuple[float, Phase]] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.now = self.started

    def turn_to(self, phase: Phase, now: float) -> None:
        """From ``now`` on the call does this. It has waited until it is first at a model, for a
        place: `max_concurrency` have one at once.
        """
        if phase is not Phase.REST:
            self.begin()
        if not self.phases or self.phases[-1][1] is not phase:
            self.phases.append((now, phase))
        if len(self.phases) > MAX_PHASES:
            del self.phases[1 : MAX_PHASES // 2]  # long ago it did one thing or another

    def begin(self) -> None:
        if self.state is State.WAIT:
            self.state = State.RUN

    def phase_at(self, now: float) -> Phase:
        index = bisect_right(self.phases, now, key=lambda it: it[0])
        return self.phases[index - 1][1] if index else Phase.REST

    @property
    def live(self) -> bool:
        return self.ended is None

    def says(self, error: str) -> bool:
        """Whether an error stands in the block already: it passes through every caller."""
        text = tame(error).strip()
        return any(
            text in (item.text if isinstance(item, Note) else item.result)
            for item in self.items[-_NEAR:]
            if isinstance(item, Note | Tool)
        )

    def prose(self, message: str, *, reasoning: bool, structured: bool = False) -> Prose:
        """The text that grows: the newest of this message if it is of this kind, else a new one."""
        for item in reversed(self.items[-_NEAR:]):
            if isinstance(item, Prose) and item.message == message:
                if item.reasoning is reasoning and not item.final:
                    return item
                break
        self.begin()
        new = Prose(message, reasoning, at=self.now)
        if structured and not reasoning:
            new.growing = Growing()
        self.items.append(new)
        return new

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        self.items.append(Note(text, tone, at=self.now))
        self.version += 1

    def of_message(self, message: str) -> list[Prose | Tool]:
        """The texts of a message, and the tools it asked for in fragments."""
        texts = [i for i in self.items if isinstance(i, Prose) and i.message == message]
        return [*texts, *(tool for (of, _), tool in self.fragments.items() if of == message)]

    def tool(self, id_: str) -> Tool | None:
        """The tool call with this id, if it is kept."""
        calls = (it for it in self.items if isinstance(it, Tool) and it.id == id_)
        return next(calls, None)

    def running_tools(self) -> list[Tool]:
        return [tool for tool in self.tools.values() if tool.state is State.RUN]


@dataclass(slots=True)
class Agent:
    """One agent: its blocks in the order in which they began, and its figures.

    Attributes:
        silent: a composite that says nothing itself.
        about: what it is there for, as its callers read it.
        structured: its answers are JSON.
        shape: grows when something but text or figures changed: a call, a state, a tool.
    """

    name: str
    title: str
    index: int
    parents: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()  # the parents, by their titles
    silent: bool = False
    about: str = ""
    structured: bool = False
    blocks: list[Block] = field(default_factory=list)
    gone: int = 0
    meter: Meter = field(default_factory=Meter)
    shape: int = 0
    lines: int = 0
    characters: int = 0
    unsettled: dict[int, tuple[Block, Prose]] = field(default_factory=dict)

    @property
    def state(self) -> State:
        found: State | None = None
        for block in self.blocks:  # each frame, of each agent: a set of them would hash in Python
            if block.ended is None:
                state = block.state
                if state is State.ASK:
                    return state
                if found is None or state is State.RUN:
                    found = state
        if found is not None:
            return found
        return self.blocks[-1].state if self.blocks else State.WAIT

    @property
    def tool(self) -> str:
        """The running tool, the newest if there are several; ``+1`` for one more."""
        names = [tool.name for block in self.blocks if block.live for tool in block.running_tools()]
        if not names:
            return ""
        return names[-1] + (f" +{len(names) - 1}" if len(names) > 1 else "")

    def settle(self) -> None:
        """Make the tokens that came into lines, and forget the oldest lines beyond the bound."""
        for block, prose in self.unsettled.values():
            lines, characters = prose.absorb()
            self.lines += lines
            self.characters += characters
            block.version += 1
        self.unsettled.clear()
        if self.lines > MAX_LINES * _SLACK or self.characters > MAX_CHARACTERS * _SLACK:
            self._trim()

    def _trim(self) -> None:
        while self._over() and any(self._trim_block(block) for block in self.blocks):
            while self.blocks and not self.blocks[0].items and not self.blocks[0].live:
                del self.blocks[0]
                self.gone += 1

    def _over(self) -> bool:
        return self.lines > MAX_LINES or self.characters > MAX_CHARACTERS

    def _trim_block(self, block: Block) -> bool:
        """Drop what is oldest in ``block`` until the bound is met; whether anything went."""
        if not block.items:
            return False
        block.version += 1
        item = block.items[0]
        if isinstance(item, Prose) and len(item.lines) > 1:
            self._trim_prose(item)
            return True
        if not item.final and len(block.items) == 1:
            return False
        del block.items[0]
        block.gone += 1
        self.lines -= 1
        self.characters -= len(item.lines[0]) if isinstance(item, Prose) else 0
        return True

    def _trim_prose(self, prose: Prose) -> None:
        spare = max(self.lines - MAX_LINES, 0)
        excess = self.characters - MAX_CHARACTERS
        count = 0
        while count < len(prose.lines) - 1 and (count < spare or excess > 0):
            excess -= len(prose.lines[count])
            count += 1
        self.characters -= prose.drop(count)
        self.lines -= count

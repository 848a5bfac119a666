"""The state of the whole viewer, reduced from the events of a run. No widgets, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from ..events import (
    AgentFinished,
    AgentStarted,
    Event,
    Internal,
    Interrupted,
    Member,
    ModelAborted,
    ModelFinished,
    ModelStarted,
    ReasoningDelta,
    Resumed,
    RunFinished,
    RunStarted,
    StateUpdated,
    TextDelta,
    ToolCallDelta,
    ToolFailed,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
    Warned,
    agent_of,
)
from ..text import one_line
from ..totals import Totals
from . import requests, tools
from .blocks import Agent, Block, Phase
from .items import ENDS, KEPT, Prose, State, Tone, Tool, tame

_TASK = 400  # characters kept of a task: its block's header is one row


class Board:
    """Feed it every event; read ``agents`` and the run's own state.

    Attributes:
        touched: agents with something new, by name; whoever shows them clears it.
        shape: grows when the tree must be drawn anew: an agent, a call, a state.
        case: which of several cases runs; empty if there is only one.
        questions: what is asked of a person and not answered, by id, in the order it was asked.
        finished: the last event of the run, once it came.
        ends: the last events of all runs: a batch has several.
        time: ``t`` of the newest event.
    """

    def __init__(self, team: Sequence[Member] = ()) -> None:
        self._team = team
        self.restart()

    def restart(self) -> None:
        """Forget everything: the events come again from the first."""
        self.agents: dict[str, Agent] = {}
        self.mains: tuple[str, ...] = ()
        self.case = ""
        self.ends: list[RunFinished] = []
        self.turn = 0
        self.time = 0.0
        self.state = State.WAIT
        self.finished: RunFinished | None = None
        self.touched: set[str] = set()
        self.shape = -1  # one that no run has had
        self.questions: dict[str, Interrupted] = {}
        self._blocks: dict[str, Block] = {}
        self._totals = Totals()
        self._held: list[tuple[str, Tone]] = []  # notes of the run, until there is a block
        self._join(self._team)

    @property
    def usage(self) -> Usage:
        return self._totals.usage

    @property
    def estimated(self) -> int:
        """Tokens that were not reported yet, or never will be."""
        reported = self._totals.usage.output_tokens
        return max(sum(a.meter.tokens for a in self.agents.values()) - reported, 0)

    @property
    def _main(self) -> str:
        return self.mains[0] if self.mains else ""

    def feed(self, event: Event) -> None:
        self.time = event.t
        match event:
            case TextDelta() | ReasoningDelta():
                self._text(event)
            case ToolCallDelta():
                self._fragment(event)
            case ModelStarted() | ModelFinished() | ModelAborted():
                self._model(event)
            case ToolStarted() | ToolProgress() | ToolFinished() | ToolFailed():
                agent, block = self._where(event)
                if tools.reduce(block, event):
                    agent.lines += 1
                self._changed(agent, block)
            case AgentStarted() | AgentFinished() | Interrupted() | Resumed():
                self._agent(event)
            case RunStarted() | TurnStarted() | Warned() | RunFinished():
                self._whole(event)
            case Internal():
                self._where(event)[1].hidden += 1
            case StateUpdated() | TurnFinished():
                pass
            case _:
                assert_never(event)
        self._count(event)

    def _count(self, event: Event) -> None:
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            return  # nothing is counted by chunks, and they are nearly all there is
        self._totals.feed(event)
        if event.agent in self.agents and event.agent in self._totals.agents:
            self.agents[event.agent].meter.totals = self._totals.agents[event.agent]

    def _join(self, team: Sequence[Member]) -> None:
        for member in team:
            known = self.agents.get(member.name)
            title = one_line(member.title or member.name, 80)
            if known is None:
                index = len(self.agents)
                known = self.agents[member.name] = Agent(member.name, title, index)
            else:
                known.title = title
                known.shape += 1
            known.parents = member.parents
            known.silent = member.kind != "agent" and not member.model
            known.structured = member.structured
            known.about = tame(member.description).strip()[:KEPT]
        for member in team:
            above = (self.agents.get(it) for it in member.parents)
            self.agents[member.name].callers = tuple(it.title for it in above if it)
        self.shape += 1

    def _where(self, event: Event) -> tuple[Agent, Block]:
        """The agent and block of an event; made up if nobody announced them."""
        call = event.call or event.agent or self._main or "?"
        block = self._blocks.get(call)
        if block is None:
            block = self._begin(call, event.agent or agent_of(call), "", None)
        block.now = event.t
        return self.agents[block.agent], block

    def _begin(self, call: str, name: str, task: str, parent: str | None) -> Block:
        if name not in self.agents:
            above = (agent_of(parent),) if parent else ()
            self._join([Member(name=name, parents=above)])
        agent = self.agents[name]
        segment = call.rpartition("/")[2]
        before, handed, after = segment.rpartition(">")
        _, hash_, number = after.partition("#")
        caller = before if handed else (parent or call.rpartition("/")[0]).rpartition("/")[2]
        again = call in self._blocks
        ordinal = hash_ + number
        which = self.case or (f"turn {self.turn}" if again else "")
        head = " · ".join(filter(None, (ordinal, which, one_line(task, _TASK))))
        state = State.RUN if agent.silent else State.WAIT  # until it is at a model
        block = Block(call, name, ordinal, caller, head, started=self.time, state=state)
        if again and self._blocks[call].live:
            self._end(self._blocks[call], State.DONE)
        self._blocks[call] = block
        agent.blocks.append(block)
        agent.meter.opened(self.time)
        for text, tone in self._held:
            block.note(text, tone)
        self._held.clear()
        self._reshaped(agent, block)
        return block

    def block(self, call: str) -> Block | None:
        """The block of a call: of its last turn, if it has had several."""
        return self._blocks.get(call)

    def below(self, call: str) -> list[Block]:
        """The calls that a call has made, in the order in which they began."""
        return [it for it in self._blocks.values() if it.parent == call]

    def _end(self, block: Block, state: State) -> None:
        """A call is over: nothing in its block changes any more."""
        agent = self.agents[block.agent]
        agent.settle()
        if block.live:
            block.ended = self.time
            agent.meter.closed(self.time)
        block.state = state
        if state is not State.ASK:
            for asked in self._asked_by(block):
                del self.questions[asked.interrupt_id]
        for item in block.items:
            if isinstance(item, Tool) and item.state is State.RUN:
                item.state = State.STOPPED
                item.version += 1
            item.final = True
        block.tools.clear()
        block.fragments.clear()
        self._reshaped(agent, block)

    def _asked_by(self, block: Block) -> list[Interrupted]:
        return [asked for asked in self.questions.values() if asked.call == block.call]

    def _changed(self, agent: Agent, block: Block) -> None:
        block.version += 1
        agent.shape += 1
        self.touched.add(agent.name)

    def _reshaped(self, agent: Agent, block: Block) -> None:
        self._changed(agent, block)
        self.shape += 1

    def _note(self, agent: Agent, block: Block, text: str, tone: Tone) -> None:
        block.note(tame(text).strip()[:KEPT], tone)
        agent.lines += 1
        self._changed(agent, block)

    def _text(self, event: TextDelta | ReasoningDelta) -> None:
        agent, block = self._where(event)
        before = len(block.items)
        reasoning = isinstance(event, ReasoningDelta)
        prose = block.prose(event.message_id, reasoning=reasoning, structured=agent.structured)
        agent.lines += len(block.items) - before
        agent.unsettled[prose.serial] = (block, prose)
        agent.meter.streamed(event.message_id, event.text, event.t)
        self.touched.add(agent.name)
        if prose.add(event.text):
            agent.settle()

    def _fragment(self, event: ToolCallDelta) -> None:
        agent, block = self._where(event)
        agent.meter.streamed(event.message_id, event.args, event.t)
        if tools.fragment(block, event):
            agent.lines += 1
            agent.shape += 1
        block.version += 1
        self.touched.add(agent.name)

    def _model(self, event: ModelStarted | ModelFinished | ModelAborted) -> None:
        agent, block = self._where(event)
        agent.settle()
        waited = block.state is State.WAIT
        block.turn_to(Phase.MODEL if isinstance(event, ModelStarted) else Phase.REST, event.t)
        if isinstance(event, ModelStarted):
            self._changed(agent, block)
            self.shape += waited
            return
        for item in block.of_message(event.message_id):
            item.void = item.void or isinstance(event, ModelAborted)
            item.final = isinstance(item, Prose) or item.void
            item.version += 1
        if isinstance(event, ModelAborted):
            agent.meter.lost(event.message_id)
            tone = Tone.INFO if event.reason == "cancelled" else Tone.WARNING
            self._note(agent, block, tools.aborted(event), tone)
            return
        agent.meter.landed(event.message_id, reported=event.usage is not None)
        agent.lines += tools.asked(block, event)
        if event.truncated:
            cut = f"cut off ({event.finish_reason})" if event.finish_reason else "cut off"
            self._note(agent, block, cut, Tone.WARNING)
        self._changed(agent, block)

    def _agent(self, event: AgentStarted | AgentFinished | Interrupted | Resumed) -> None:
        match event:
            case AgentStarted():
                call = event.call or event.agent or "?"
                block = self._begin(call, event.agent or agent_of(call), event.task, event.parent)
                block.parent, block.tool_call_id = event.parent, event.tool_call_id
                if (above := self._blocks.get(event.parent or "")) and tools.number(above, block):
                    self._changed(self.agents[above.agent], above)
            case AgentFinished():
                agent, block = self._where(event)
                if event.error and not block.says(event.error):
                    self._note(agent, block, event.error, Tone.ERROR)
                if event.to:
                    self._note(agent, block, f"handed over to {event.to}", Tone.INFO)
                self._end(block, ENDS[event.status])
            case Interrupted():
                agent, block = self._where(event)
                self.questions[event.interrupt_id] = event
                block.state = State.ASK
                block.turn_to(Phase.ASK, event.t)
                block.note(f"asks: {requests.whole(event.request)}", Tone.WARNING)
                agent.lines += 1
                self._reshaped(agent, block)
            case Resumed(call=None):
                self.state = State.RUN  # the run itself goes on
            case Resumed():
                agent, block = self._where(event)
                asked = self.questions.pop(event.interrupt_id, None)
                block.state = State.ASK if self._asked_by(block) else State.RUN
                if block.state is State.RUN:
                    block.turn_to(Phase.REST, event.t)
                self._note(agent, block, tools.answer(event.decision, asked), Tone.INFO)
                self._reshaped(agent, block)
            case _:
                assert_never(event)

    def _whole(self, event: RunStarted | TurnStarted | Warned | RunFinished) -> None:
        match event:
            case RunStarted():
                main = event.main
                self.mains = (main,) if isinstance(main, str) else main
                self.state = State.RUN
                self.case = one_line((event.case or "").removeprefix(event.scenario), 80)
                self.finished = None  # of the case before
                self.questions.clear()
                self._join(event.team)
            case TurnStarted():
                self.turn, self.state = event.turn, State.RUN
                self.shape += 1
            case Warned():
                self._announce(event, event.message, Tone.WARNING)
            case RunFinished():
                self.finished, self.state = event, ENDS[event.status]
                self.ends.append(event)
                for block in [block for block in self._blocks.values() if block.live]:
                    waits = block.state is State.ASK and event.status == "interrupted"
                    self._end(block, State.ASK if waits else State.STOPPED)
                self.shape += 1
            case _:
                assert_never(event)

    def _announce(self, event: Event, text: str, tone: Tone) -> None:
        """A note in the block it concerns: its call's, the main agent's, or the first to come."""
        block = self._blocks.get(event.call or self._main)
        if block is None:
            self._held.append((tame(text).strip()[:KEPT], tone))
        else:
            self._note(self.agents[block.agent], block, text, tone)
            self.shape += 1  # it may be the first that a composite has to show

    def end(self, state: State) -> None:
        """The run ended without saying so: an error before, or outside, its events."""
        self.state = state
        self.shape += 1
        for block in [block for block in self._blocks.values() if block.live]:
            self._end(block, State.STOPPED)

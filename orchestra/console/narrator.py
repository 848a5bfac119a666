"""From events to what there is to say: who speaks, which words, which lines.

Both displays for people tell a run in the same words; they differ in when and how they show them.
So the one ``match`` over the events is here, and a display is a subclass that fills in the verbs.
All text that leaves here has passed ``text.clean``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, assert_never

from ..events import (
    AgentFinished,
    AgentStarted,
    Event,
    Internal,
    Interrupted,
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
    Warned,
)
from ..growing import Growing
from ..text import clean, one_line
from .summary import duration
from .words import (
    LONGEST,
    Block,
    Kind,
    Line,
    Speaker,
    answer,
    call_line,
    folded,
    question,
    reason,
)


@dataclass(slots=True)
class _Run:
    """What the narrator remembers of a run."""

    case: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    structured: set[str] = field(default_factory=set)  # agents whose answers are JSON
    blocks: dict[str, Block] = field(default_factory=dict)  # by message id
    asides: dict[tuple[str, str], Block] = field(default_factory=dict)  # by call and source
    announced: dict[str, dict[str, Any]] = field(default_factory=dict)  # arguments, by tool call id
    children: dict[str, str] = field(default_factory=dict)  # call path, by tool call id
    tools: dict[str, str] = field(default_factory=dict)  # name, by tool call id
    spoken: dict[str, str] = field(default_factory=dict)  # last words, by call path
    last: str = ""  # the last words of all
    errors: set[str] = field(default_factory=set)  # shown already
    root: bool = False  # the main agent is among what is shown


class Narrator(ABC):
    """Feed it events of one run or of several; it calls the verbs below."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    # What a display fills in.

    @abstractmethod
    def note(self, line: Line) -> None:
        """A line of the run itself: its name, what the user says, a warning."""

    @abstractmethod
    def line(self, speaker: Speaker, line: Line) -> None:
        """A line under the heading of a call."""

    @abstractmethod
    def opened(self, block: Block) -> None:
        """A model was asked; nothing came yet."""

    @abstractmethod
    def said(self, block: Block, kind: Kind, text: str) -> None:
        """More words of an open block. Called for every token."""

    @abstractmethod
    def calling(self, block: Block, index: int, name: str, args: str) -> None:
        """A fragment of a tool call that the model is still writing."""

    @abstractmethod
    def shut(self, block: Block, lines: Iterable[Line] = ()) -> None:
        """A block is complete, or void; ``lines`` follow it."""

    @abstractmethod
    def tool_began(self, speaker: Speaker, tool_call_id: str, line: Line) -> None:
        """A tool runs: ``line`` has been shown already."""

    @abstractmethod
    def tool_ended(self, run: str, tool_call_id: str) -> None:
        """It runs no more, or an agent speaks in its place."""

    @abstractmethod
    def asked(self, interrupt_id: str) -> None:
        """A person is being asked; the terminal is theirs until ``answered``."""

    @abstractmethod
    def answered(self, interrupt_id: str) -> None: ...

    @abstractmethod
    def ended(self, finished: RunFinished, case: str) -> None:
        """The run is over: figures and verdict."""

    # What they have in common.

    def feed(self, event: Event) -> None:  # noqa: C901 - one case for each event
        run = self._runs.get(event.run) or self._runs.setdefault(event.run, _Run())
        if run.asides and not isinstance(event, Internal):
            self._hush(run, event.call)
        match event:
            case TextDelta():
                self._say(self._block(run, event), "text", event.text)
            case ReasoningDelta():
                self._say(self._block(run, event), "reasoning", event.text)
            case ToolCallDelta(name=name, args=args):
                block = self._block(run, event)
                self.calling(block, event.index, clean(name or ""), clean(args))
            case ModelStarted():
                self._block(run, event)
            case ModelFinished():
                self._model_finished(run, event)
            case ModelAborted():
                self._model_aborted(run, event)
            case ToolStarted():
                self._tool_started(run, event)
            case ToolProgress():
                name = run.tools.get(event.tool_call_id or "", "")
                self._line(run, event, Line("progress", name, folded(event.data)))
            case ToolFinished() | ToolFailed():
                self._tool_ended(run, event)
            case Internal():
                self._internal(run, event)
            case AgentStarted():
                self._agent_started(run, event)
            case AgentFinished():
                self._agent_finished(run, event)
            case Interrupted():
                self._line(run, event, question(event.request))
                self.asked(event.interrupt_id)
            case Resumed(call=None):
                self._line(run, event, Line("answer", "the run goes on"))
            case Resumed():
                self.answered(event.interrupt_id)
                self._line(run, event, Line("answer", folded(event.decision)))
            case StateUpdated():
                keys = one_line(", ".join(event.keys), LONGEST)
                self._line(run, event, Line("state", f"state {one_line(event.node)}", keys))
            case RunStarted():
                self._run_started(run, event)
            case TurnStarted():
                for text in clean(event.input).rstrip("\n").split("\n"):
                    self.note(Line("user", text))
            case TurnFinished():
                self._answer(event.run, run, event.output)
            case Warned():
                self.note(Line("warning", one_line(event.message)))
            case RunFinished():
                self._run_finished(run, event)
            case _:
                assert_never(event)

    def close(self) -> None:
        """Shut what the stream left open: it broke off."""
        for run in self._runs.values():
            self._shut_all(run)
        self._runs.clear()

    def _shut_all(self, run: _Run) -> None:
        self._hush(run, None)
        for block in run.blocks.values():
            block.void = True
            self.shut(block, [Line("failure", "unfinished")] if block.spoken else [])
        run.blocks.clear()

    def _speaker(self, run: _Run, event: Event) -> Speaker:
        agent = clean(event.agent or "")
        call = clean(event.call or "") or agent or "run"
        title = clean(run.titles.get(agent, ""))
        return Speaker(event.run, call, agent, title, self._case(run))

    def _case(self, run: _Run) -> str:
        """Which case it is, where runs mingle; else it stands above all that it says."""
        return run.case if len(self._runs) > 1 else ""

    def _line(self, run: _Run, event: Event, line: Line) -> None:
        self.line(self._speaker(run, event), line)

    def _block(
        self,
        run: _Run,
        event: ModelStarted | TextDelta | ReasoningDelta | ToolCallDelta | ModelFinished,
    ) -> Block:
        block = run.blocks.get(event.message_id)
        if block is None:
            growing = Growing() if event.agent in run.structured else None
            block = run.blocks[event.message_id] = Block(self._speaker(run, event), growing)
            self.opened(block)
        return block

    def _say(self, block: Block, kind: Kind, text: str) -> None:
        if block.growing and kind == "text":
            text = block.growing.feed(text)
        text = clean(text)
        if not block.spoken:
            text = text.lstrip("\n")
            if not text.strip():
                return  # some models begin with an empty line or two, and then call a tool
            block.spoken = True
        self.said(block, kind, text)

    def _model_finished(self, run: _Run, event: ModelFinished) -> None:
        block = self._block(run, event)
        if not block.spoken:  # promised to have come as a delta; a filter may have seen to that
            self._say(block, "reasoning", event.reasoning)
            self._say(block, "text", event.text)
        lines = [call_line(call.name, call.args) for call in event.tool_calls]
        run.announced.update((call.id, call.args) for call in event.tool_calls)
        if event.truncated:
            why = f" ({one_line(event.finish_reason)})" if event.finish_reason else ""
            lines.append(Line("warning", f"cut off by the model{why}"))
        if event.text.strip():
            run.spoken[event.call or ""] = run.last = answer(
                event.text, structured=event.agent in run.structured
            )
        del run.blocks[event.message_id]
        self.shut(block, lines)

    def _model_aborted(self, run: _Run, event: ModelAborted) -> None:
        block = run.blocks.pop(event.message_id, None) or Block(self._speaker(run, event))
        block.void = True
        self.shut(block, [Line("failure", reason(event) + self._fresh_error(run, event.error))])

    def _internal(self, run: _Run, event: Internal) -> None:
        key = (event.call or "", event.source)
        block = run.asides.get(key)
        if block is None:
            block = run.asides[key] = Block(self._speaker(run, event))
            self.opened(block)
            self._say(block, "internal", f"{one_line(event.source)}: ")
        self._say(block, "internal", event.text)

    def _hush(self, run: _Run, call: str | None) -> None:
        """End the asides of a call (None: of all): there is no event for their end."""
        for key in [key for key in run.asides if call is None or key[0] == call]:
            self.shut(run.asides.pop(key))

    def _tool_started(self, run: _Run, event: ToolStarted) -> None:
        speaker, line = self._speaker(run, event), call_line(event.name, event.args)
        run.tools[event.tool_call_id] = line.text
        if run.announced.get(event.tool_call_id) != event.args:  # edited by a person, or filtered
            self.line(speaker, line)
        self.tool_began(speaker, event.tool_call_id, line)

    def _tool_ended(self, run: _Run, event: ToolFinished | ToolFailed) -> None:
        self.tool_ended(event.run, event.tool_call_id)
        run.announced.pop(event.tool_call_id, None)
        run.tools.pop(event.tool_call_id, None)
        child = run.children.pop(event.tool_call_id, None)
        name = one_line(event.name if child is None else child.rpartition("/")[2])
        tail = f"({duration(event.duration)})"
        if isinstance(event, ToolFailed):
            error = self._fresh_error(run, event.error)
            if child is None or event.error == "cancelled":  # it has not come up from below
                error = one_line(event.error, LONGEST)
            line = Line("failure", name, error.lstrip(": "), tail)
        elif child is not None and run.spoken.get(child) == event.result.strip():
            line = Line("result", name, "", tail)  # its words have just been read
        else:
            line = Line("result", name, one_line(event.result, LONGEST), tail)
        self._line(run, event, line)

    def _agent_started(self, run: _Run, event: AgentStarted) -> None:
        if event.parent is None:
            run.root = True
        if event.tool_call_id is not None and event.call is not None:
            run.children[event.tool_call_id] = event.call
            self.tool_ended(event.run, event.tool_call_id)

    def _agent_finished(self, run: _Run, event: AgentFinished) -> None:
        if event.status == "handed_off":
            self._line(run, event, Line("handoff", one_line(event.to or "")))
        elif event.status == "failed":
            error = self._fresh_error(run, event.error)
            self._line(run, event, Line("failure", f"failed{error}"))

    def _fresh_error(self, run: _Run, error: str | None) -> str:
        """``: error``, unless it was shown: one failure travels up through many events."""
        text = one_line(error or "")
        if not text or any(text in shown for shown in run.errors):
            return ""
        run.errors.add(text)
        return f": {text}"

    def _run_started(self, run: _Run, event: RunStarted) -> None:
        run.case = one_line(event.case or "")
        run.titles = {member.name: one_line(member.title) for member in event.team}
        run.structured = {member.name for member in event.team if member.structured}
        name = run.case or one_line(event.scenario)
        if name:
            self.note(Line("title", name))

    def _answer(self, run_id: str, run: _Run, output: str) -> None:
        """The output, where it is not what was said last: joined, or structured, for example."""
        if not run.root or not output.strip() or output.strip() == run.last:
            return
        run.last = output.strip()
        block = Block(Speaker(run_id, "output", "", case=self._case(run)))
        self.opened(block)
        self._say(block, "text", output)
        self.shut(block)

    def _run_finished(self, run: _Run, event: RunFinished) -> None:
        self._shut_all(run)
        self._answer(event.run, run, event.output)
        self.ended(event, run.case)
        del self._runs[event.run]

"""Where the run asks the person: what is asked comes up without taking the keys from who types."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from .editor import Editor
from .pane import Pane
from .prompt import Prompt
from .questions import Pending, Questions
from .reading import Reading


class Asking(Reading):
    """A screen with the bar to answer in, and the editor of arguments."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "reply", "Answer", id="prompt.reply"),
        Binding("a", "approve", "Approve", id="prompt.approve", show=False),
        Binding("e", "edit", "Edit", id="prompt.edit", show=False),
    ]

    def __init__(self, questions: Questions, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.prompt = Prompt(questions, clock)
        self.editor = Editor(questions)

    @property
    def answering(self) -> bool:
        """Whether what is typed goes to who asks."""
        return self.focused in (self.prompt, self.editor)

    def offer_prompt(self) -> None:
        """The bar asks what the run waits for, one thing at a time, and goes when there is none.

        A question takes the keys from nobody, but from the bar where the last answer was typed; the
        next turn takes them from the panes, for the run waits for nothing else.
        """
        prompt = self.prompt
        queue = prompt.questions.waiting(self.board.questions)
        if prompt.pending not in queue:
            first = queue[0] if queue else None
            if first is not prompt.pending:
                self._ask(first)
        prompt.keep_up(queue, covered=not self.is_active)

    def _ask(self, pending: Pending | None) -> None:
        turn = pending is not None and pending.question is None
        focus = self.answering or (
            turn and (self.focused is None or isinstance(self.focused, Pane))
        )
        if focus and pending is None:
            self._focus_current()
        self._turn_to(pending)
        if focus and pending is not None:
            self.action_reply()
        self.refresh_bindings()

    def _asks_here(self, pending: Pending) -> bool:
        """Whether the user is in the pane that asks."""
        pane, question = self.focused, pending.question
        return question is not None and isinstance(pane, Pane) and pane.agent.name == question.agent

    def action_reply(self) -> None:
        """To the bar; whoever asks there comes into view. It is who asks here, if one does."""
        prompt = self.prompt
        if not self.answering and not (prompt.pending and self._asks_here(prompt.pending)):
            own = next((it for it in prompt.queue if self._asks_here(it)), None)
            if own is not None:
                self._turn_to(own, wanted=True)
        question = prompt.question
        agent = self.board.agents.get(question.agent or "") if question else None
        if agent:
            self.bring(agent)
        self.set_focus(self.editor if self.editor.display else prompt)

    def _turn_to(self, pending: Pending | None, *, wanted: bool = False) -> None:
        self.editor.close()
        self.prompt.show(pending, wanted=wanted)
        self.prompt.display = pending is not None

    def on_prompt_turned(self) -> None:
        self.action_reply()

    def action_approve(self) -> None:
        """The word is typed for the person, who has to press enter: a slip approves nothing."""
        self.action_reply()
        prompt = self.prompt
        if self.focused is prompt and prompt.approves and not prompt.value and not prompt.deaf:
            prompt.insert_text_at_cursor("approve")

    def action_edit(self) -> None:
        """To the editor, with the arguments in it."""
        self.action_reply()
        pending = self.prompt.pending
        if pending and not self.editor.pending and self.prompt.edits and not self.prompt.deaf:
            self.editor.open(pending)
            self.prompt.display = False
            self.set_focus(self.editor)

    def on_prompt_edit_wanted(self) -> None:
        self.action_edit()

    def action_leave_editor(self) -> None:
        """Back to the bar; what is edited stays for the next time."""
        self.editor.close()
        self.prompt.display = True
        self.set_focus(self.prompt)

    def action_leave_prompt(self) -> None:
        self._focus_current()

    def _focus_current(self) -> None:
        if self.deck.current in self.board.agents:
            self.show_agent(self.board.agents[self.deck.current])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nobody can reply where nothing is asked."""
        del parameters
        if action == "approve":
            return self.prompt.approves
        if action == "edit":
            return self.prompt.edits
        return self.prompt.pending is not None and not self.answering if action == "reply" else True

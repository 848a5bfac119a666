"""One stream of text as it may be said: whole characters, and no secrets.

Providers cut surrogate pairs in two, and a secret may be cut anywhere. So what could be the
beginning of either waits for the next piece.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from langchain_core.messages import AIMessage

from .. import events
from ..text import whole_characters
from .secrets import Filler


@dataclass(slots=True)
class Voice:
    """The text, the reasoning or the arguments of one message; ``said`` is what was let out."""

    secrets: Filler
    said: list[str] = field(default_factory=list)
    held: str = ""

    def hear(self, text: str) -> str:
        """What can be said by now."""
        if self.held or self.secrets.secrets or not text.isascii():
            text = self._sayable(self.held + text)
        if text:
            self.said.append(text)
        return text

    def rest(self) -> str:
        """What was held back, when nothing follows."""
        text, self.held = whole_characters(self.held), ""
        if text:
            self.said.append(text)
        return text

    @property
    def text(self) -> str:
        return "".join(self.said)

    def _sayable(self, text: str) -> str:
        half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = whole_characters(text[:-1] if half else text)
        if not self.secrets.secrets:
            self.held = half
            return text
        text, held = self.secrets.stream(text)
        # Half a character is no part of a secret's beginning: what stands before it is not either.
        if half:
            text, held = text + held, ""
        self.held = held + half
        return text


@dataclass(slots=True)
class Speech:
    """A model call whose message is still being said."""

    started: events.ModelStarted
    text: Voice
    reasoning: Voice
    calls: dict[int, Voice] = field(default_factory=dict)  # the arguments, by index
    answers: set[int] = field(default_factory=set)  # indexes of tool calls that are the answer
    first: float | None = None  # seconds of the run at which its first token came
    streamed: bool = False


def words_of(message: AIMessage) -> tuple[str, str]:
    """Reasoning and text of a message or chunk; providers put them in different places."""
    content = message.content
    if isinstance(content, str):
        reasoning = message.additional_kwargs.get("reasoning_content")
        return reasoning if isinstance(reasoning, str) else "", content
    blocks = message.content_blocks
    reasoning = "".join(b.get("reasoning", "") for b in blocks if b["type"] == "reasoning")
    return reasoning, "".join(b["text"] for b in blocks if b["type"] == "text")

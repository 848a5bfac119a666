"""Looking for words in what the agents have said, and taking it out of the viewer as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .blocks import Agent, Block
from .items import Item, Note, Prose, Tool


@dataclass(frozen=True, slots=True)
class Match:
    """Where a word stands: a line of an item of a call, and the column in that line."""

    agent: Agent
    block: Block
    item: Item
    line: int
    column: int

    @property
    def identity(self) -> tuple[int, int, int]:
        """What stays the same while text grows."""
        return self.item.serial, self.line, self.column


def pattern_of(words: str) -> re.Pattern[str] | None:
    """What to look for; None if nothing. Case counts only if there is a capital letter."""
    if not words:
        return None
    return re.compile(re.escape(words), 0 if words != words.lower() else re.IGNORECASE)


def find(agents: Iterable[Agent], pattern: re.Pattern[str]) -> list[Match]:
    """Every match, pane by pane, from the oldest to the newest line."""
    return [
        Match(agent, block, item, number, found.start())
        for agent in agents
        for block in agent.blocks
        for item in block.items
        for number, line in _lines(item)
        for found in pattern.finditer(line)
    ]


def _lines(item: Item) -> Iterator[tuple[int, str]]:
    """The lines of an item as its rows show them, with their numbers."""
    match item:
        case Prose():
            yield from enumerate(item.lines, item.dropped)
        case Tool():
            yield 0, f"{item.name}({item.args})" + (f" → {item.result}" if item.result else "")
        case Note():
            yield 0, item.text


def text_of(agent: Agent) -> str:
    """All that is kept of an agent, as plain text."""
    agent.settle()
    return "\n".join(part for block in agent.blocks for part in _block_text(block)) + "\n"


def _block_text(block: Block) -> Iterator[str]:
    yield f"## {block.head or block.call} [{block.state}]"
    for item in block.items:
        mark = "> " if isinstance(item, Prose) and item.reasoning else ""
        mark = "[void] " if isinstance(item, Prose) and item.void else mark
        lines = item.whole(tabs=True) if isinstance(item, Prose) else [it for _, it in _lines(item)]
        yield "\n".join(f"{mark}{line}" for line in lines)
    yield ""


def last_message(agent: Agent) -> tuple[str, str]:
    """What the agent said last, in whole, and which call said it; empty if it has said nothing."""
    agent.settle()
    for block in reversed(agent.blocks):
        said = [
            it
            for it in block.items
            if isinstance(it, Prose) and not it.reasoning and not it.void and any(it.lines)
        ]
        if said:
            whole = (it for it in said if it.message == said[-1].message)
            return "\n".join("\n".join(it.whole(tabs=True)) for it in whole).strip("\n"), block.call
    return "", ""

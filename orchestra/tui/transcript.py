"""The lines of one agent at one width: what its pane scrolls through.

Nothing here draws. A line is known by a key that changes with what it shows, and by a place that
stays with its text when other text grows, is dropped or is wrapped anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, assert_never

from .blocks import Agent, Block
from .dressed import Allowance, DressedView
from .items import LONG_LINE, Item, Note, Prose, State, Tool
from .layout import shares
from .rows import Spans
from .views import HeadView, ItemView, ProseView, View

Key = tuple[int, ...]

MIN_SHARE = 4  # rows of a pane that one of several parallel calls needs


class Place(NamedTuple):
    """Where in an agent's text a line stands, whatever the width."""

    block: int
    item: int
    mark: tuple[int, int]


def view_of(item: Item) -> View:
    match item:
        case Prose(reasoning=False, growing=None):
            return DressedView(item)
        case Prose():
            return ProseView(item)
        case Tool() | Note():
            return ItemView(item)
        case _:
            assert_never(item)


class BlockLines:
    """The lines of one block: a gap, its header, its items."""

    def __init__(self, block: Block, *, first: bool) -> None:
        self.block = block
        self.head = HeadView(block, first=first)
        self.views: list[View] = [self.head]
        self.ends: list[int] = []
        self._gone = 0
        self._version = -1
        self._settled = 0
        self._shape: tuple[int, bool, str, bool] = (0, True, "", True)

    @property
    def height(self) -> int:
        return self.ends[-1] if self.ends else 0

    def sync(self, width: int, *, reasoning: bool, markdown: str = "", wrap: bool = True) -> None:
        block = self.block
        shape = (width, reasoning, markdown, wrap)
        if self._version == block.version and self._shape == shape:
            return
        if self._shape != shape:
            self._shape = shape
            self._settled = 0
        if drop := block.gone - self._gone:
            del self.views[1 : 1 + drop]
            self._gone = block.gone
            self._settled = 0
        self.views += [view_of(item) for item in block.items[len(self.views) - 1 :]]
        self.views[0].sync(width, reasoning=reasoning)
        for view in self.views[max(self._settled, 1) :]:
            room = width if wrap or isinstance(view, ItemView) else LONG_LINE + 1
            view.sync(room, reasoning=reasoning, markdown=markdown)
        while self._settled < len(self.views) - 1 and block.items[self._settled].final:
            self._settled += 1
        # The oldest text may shrink at its front although it is final.
        if len(self.views) > 1 and isinstance(block.items[0], Prose):
            room = width if wrap or isinstance(self.views[1], ItemView) else LONG_LINE + 1
            self.views[1].sync(room, reasoning=reasoning, markdown=markdown)
        self.ends = list(accumulate(view.height for view in self.views))
        self._version = block.version

    def renew(self) -> None:
        self._settled, self._version = 0, -1

    def dress(self, first: int, last: int, allowance: Allowance) -> bool:
        """Render the Markdown that lines ``first`` to ``last`` show; whether any was."""
        changed = False
        start = bisect_right(self.ends, first)
        for index in range(start, min(bisect_right(self.ends, last) + 1, len(self.views))):
            view = self.views[index]
            if isinstance(view, DressedView) and view.waits:
                above = self.ends[index - 1] if index else 0
                changed |= view.dress(first - above, last - above, allowance)
        if changed:
            self.ends = list(accumulate(view.height for view in self.views))
        return changed

    def find(self, line: int) -> tuple[View, int]:
        index = bisect_right(self.ends, line)
        return self.views[index], line - (self.ends[index - 1] if index else 0)

    def line_of(self, item: int, mark: tuple[int, int]) -> int | None:
        for index, view in enumerate(self.views):
            if view.serial == item:
                row = view.row_of(mark)
                return min(row, max(view.height - 1, 0)) + (self.ends[index - 1] if index else 0)
        return None


class Transcript:
    """All lines of an agent. Call :meth:`sync` before anything else."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.blocks: list[BlockLines] = []
        self.starts: list[int] = []
        self.height = 0
        self._gone = 0

    def sync(
        self, width: int, *, reasoning: bool = True, markdown: str = "", wrap: bool = True
    ) -> int:
        """Take in what is new; how many lines were added at this width (less those dropped).

        Without ``wrap`` a line of text is one row, however long; what is rendered has no such rows.
        """
        markdown = markdown if wrap else ""
        agent = self.agent
        agent.settle()
        if drop := agent.gone - self._gone:
            del self.blocks[:drop]
            self._gone = agent.gone
        for block in agent.blocks[len(self.blocks) :]:
            self.blocks.append(BlockLines(block, first=not self.blocks))
        before = self.height
        self._set_alone()
        for lines in self.blocks:
            lines.sync(width, reasoning=reasoning, markdown=markdown, wrap=wrap)
        self._measure()
        return self.height - before

    def _set_alone(self) -> None:
        """The header of a first call is another once there is a second one."""
        alone = len(self.blocks) == 1
        if self.blocks and self.blocks[0].head.alone is not alone:
            self.blocks[0].head.alone = alone
            self.blocks[0].renew()

    def renew(self, block: Block) -> None:
        """Look at all of a block once more: something in it that was final has changed."""
        for lines in self.blocks:
            if lines.block is block:
                lines.renew()

    def _measure(self) -> None:
        self.starts.clear()
        self.height = 0
        for lines in self.blocks:
            self.starts.append(self.height)
            self.height += lines.height

    def dress(self, shown: Sequence[int], allowance: Allowance) -> bool:
        """Render the Markdown of these lines, in ascending order; whether any was, and moved."""
        changed = False
        for index, lines in enumerate(self.blocks if shown else ()):
            start = self.starts[index]
            at = bisect_left(shown, start)
            after = bisect_left(shown, start + lines.height)
            if at < after:
                changed |= lines.dress(shown[at] - start, shown[after - 1] - start, allowance)
        if changed:
            self._measure()
        return changed

    def key(self, line: int) -> Key:
        view, row = self._find(line)
        return view.key(row)

    def spans(self, line: int) -> Spans:
        view, row = self._find(line)
        return view.spans(row)

    def text(self, line: int) -> str:
        return "".join(span.text for span in self.spans(line))

    def glue(self, line: int) -> str:
        """What stands between the row before and this one: the end of a line, or what was there
        where one was wrapped: blanks, or nothing.
        """
        view, row = self._find(line)
        return view.glue(row) if isinstance(view, ProseView | DressedView) else "\n"

    def tabs(self, line: int) -> list[tuple[int, int]]:
        """Where in a row blanks stand for a tab, and how many; counted from where its text begins,
        behind what only says what kind of text it is.
        """
        view, row = self._find(line)
        return view.tabs(row) if isinstance(view, ProseView | DressedView) else []

    def opening(self, line: int) -> float | None:
        """When the item began whose first row this is; None of every other row."""
        view, row = self._find(line)
        if row or isinstance(view, HeadView):
            return None
        return next((it.at for it in self.block_at(line).items if it.serial == view.serial), None)

    def place(self, line: int) -> Place:
        index = bisect_right(self.starts, line) - 1
        view, row = self.blocks[index].find(line - self.starts[index])
        return Place(self.blocks[index].block.serial, view.serial, view.mark(row))

    def line_of(self, place: Place) -> int:
        """Where the text of a place is now; 0 if it is no longer kept."""
        for start, lines in zip(self.starts, self.blocks, strict=True):
            if lines.block.serial == place.block:
                found = lines.line_of(place.item, place.mark)
                return start + (found or 0)
        return 0

    def block_at(self, line: int) -> Block:
        """The call that a line is of."""
        return self.blocks[bisect_right(self.starts, line) - 1].block

    def at(self, line: int) -> tuple[Block, Item | None]:
        """The call and the item that a line is of; no item where it is a header."""
        block = self.block_at(line)
        view, _ = self._find(line)
        return block, next((it for it in block.items if it.serial == view.serial), None)

    def start_of(self, block: Block) -> int | None:
        """The line at which a block begins."""
        for start, lines in zip(self.starts, self.blocks, strict=True):
            if lines.block is block:
                return start
        return None

    def tail(self, room: int) -> list[int]:
        """The lines a pane of ``room`` rows shows while it follows.

        While calls run in parallel each keeps a share of the pane, its header and its newest lines;
        who waits for an answer comes first. Else what is newest is simply what is last.
        """
        live = [i for i, lines in enumerate(self.blocks) if lines.block.live]
        last = len(self.blocks) - 1
        if self.height <= room or not live or live[0] == last or room < 2 * MIN_SHARE:
            return list(range(max(self.height - room, 0), self.height))
        taking = list(range(live[0], last + 1))
        if len(taking) > room // MIN_SHARE:
            first = sorted(live, key=lambda i: self.blocks[i].block.state is not State.ASK)
            taking = (first + [i for i in taking if i not in live])[: room // MIN_SHARE]
            taking.sort()
        found: list[int] = []
        for index, share in zip(
            taking, shares([self.blocks[i].height for i in taking], room), strict=True
        ):
            lines, start = self.blocks[index], self.starts[index]
            top = min(lines.views[0].height, share)
            found += range(start, start + top)
            found += range(start + lines.height - (share - top), start + lines.height)
        before = min(room - len(found), self.starts[taking[0]])
        return [*range(self.starts[taking[0]] - before, self.starts[taking[0]]), *found]

    def _find(self, line: int) -> tuple[View, int]:
        index = bisect_right(self.starts, line) - 1
        return self.blocks[index].find(line - self.starts[index])

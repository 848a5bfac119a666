"""The header line, the footer line, and the panel that says what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.timer import Timer
from textual.widgets import Input, TextArea

from ..text import one_line
from .board import Board
from .canvas import Canvas
from .figures import count, duration
from .items import State, tame
from .keymap import is_text
from .rows import Span, Spans, spread, wrapped
from .wrap import fit

# What a footer has room for, however narrow it is.
_FIRST = {
    "prompt.reply": 0,
    "prompt.send": 0,
    "editor.send": 0,
    "app.help": 1,
    "app.quit": 1,
    "run.again": 1,
}
_COUNTS, _MANY = 100, 9  # columns and agents, from which on the header counts those by state
_PALETTE = "command_palette"  # Textual's own binding, which has no id; a mouse begins there
SAID = 4.0  # seconds that the footer says something else than the keys


class Header(Canvas):
    """What runs, how it stands, how long already, and how many tokens it took."""

    DEFAULT_CSS = "Header { dock: top; height: 1; }"

    def __init__(self, title: str, board: Board) -> None:
        super().__init__()
        self.title = one_line(title, 200)
        self.board = board
        self.elapsed: float | None = None
        self.cancelling = False
        self.held = False
        self._spans: Spans = ()

    def update(self) -> None:
        board, width = self.board, self.size.width
        state, word = self._state()
        usage = board.usage
        right: list[Span] = []
        if self.elapsed is not None:
            right.append(Span(f"{duration(self.elapsed):>7} ", "figure"))
        if width >= 50 and (usage.output_tokens or board.estimated):
            mark = "~" if board.estimated else ""
            total = count(usage.output_tokens + board.estimated)
            tokens = f"{count(usage.input_tokens)} in  {mark}{total} out"
            right.insert(0, Span(f"{tokens:>22}  ", "figure"))
        if width >= _COUNTS and len(board.agents) > _MANY:
            right = [*self._counts(), *right]
        left = [Span(f" {state.glyph} {word + ' ':<9}", state)]
        room = width - sum(cell_len(span.text) for span in (*left, *right))
        left.append(Span(fit(self.title, room), "name"))
        which = board.case or (f"turn {board.turn}" if board.turn > 1 else "")
        if which and width >= 70:
            left.append(Span(f"  {which}", "figure"))
        self._spans = spread(left, right, width)
        self.repaint()

    def _counts(self) -> Iterator[Span]:
        """How many agents stand how: more of them than anybody counts in the tree."""
        counts = Counter(agent.state for agent in self.board.agents.values())
        for state in State:
            if counts[state]:
                yield Span(f"{counts[state]:>4} {state}", state)
        yield Span("  ", "figure")

    def _state(self) -> tuple[State, str]:
        """How the run stands, and the word for it."""
        board = self.board
        if board.finished is not None:
            ends = board.finished.status == "interrupted"
            return board.state, "interrupted" if ends else str(board.state)
        if self.cancelling:
            return board.state, "stopping"
        if self.held:
            return State.ASK, "paused"
        if board.questions:
            count = len(board.questions)
            return State.ASK, f"ask ({count})" if count > 1 else "ask"
        return board.state, str(board.state)

    def keys(self) -> Sequence[Hashable]:
        return [self._spans]

    def draw(self, row: int) -> tuple[Spans, str]:  # noqa: ARG002 - of Canvas
        return self._spans, "bar-row"

    def on_resize(self) -> None:
        self.update()


class Footer(Canvas):
    """The keys that matter now. A click on one presses it."""

    DEFAULT_CSS = "Footer { dock: bottom; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[tuple[str, str, str]] = []  # key, how it is shown, what it does
        self._said = ""
        self._until: Timer | None = None

    def say(self, text: str) -> None:
        """Say this in place of the keys, for a moment."""
        if self._until is not None:
            self._until.stop()
        self._said = one_line(text, 300)
        self._until = self.set_timer(SAID, self._fall_silent) if text else None
        self.repaint()

    def _fall_silent(self) -> None:
        self.say("")

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.update())

    def update(self) -> None:
        found: dict[str, tuple[str, str, str]] = {}
        typing = isinstance(self.screen.focused, Input | TextArea)
        bindings = [(it.binding, it.enabled) for it in self.screen.active_bindings.values()]
        for binding, enabled in sorted(bindings, key=lambda it: _rank(it[0])):
            if typing and is_text(binding.key):
                continue  # it is text there
            if binding.id == "view.console" and not getattr(self.screen, "printed", False):
                continue  # there is nothing to read yet; the key works all the same
            shows = binding.show or binding.action == _PALETTE
            if shows and enabled and binding.action not in found:
                shown = self.app.get_key_display(binding)
                found[binding.action] = (binding.key, shown, binding.description.lower())
        self._keys = list(found.values())
        self.repaint()

    def on_resize(self) -> None:
        self.update()

    def keys(self) -> Sequence[Hashable]:
        return [(tuple(self._keys), self._said, self.size.width)]

    def draw(self, row: int) -> tuple[Spans, str]:  # noqa: ARG002 - of Canvas
        if self._said:
            return (Span(f" {self._said}", "chip"), Span(" ", "chip")), "bar-row"
        spans: list[Span] = []
        for shown, what, _, _ in self._places():
            spans += [Span(f" {shown}", "key"), Span(f" {what} ", "figure")]
        return tuple(spans), "bar-row"

    def _places(self) -> Iterator[tuple[str, str, range, str]]:
        """The keys that there is room for: how each is shown, what it does, where, and which."""
        at = 0
        for key, shown, what in self._keys:
            after = at + cell_len(shown) + cell_len(what) + 3
            if after > self.size.width:
                return
            yield shown, what, range(at, after), key
            at = after

    def on_click(self, event: events.Click) -> None:
        # Looked up now: what is painted may be of an earlier draw, kept by what it shows.
        for _, _, cells, key in () if self._said else self._places():
            if event.x in cells:
                self.app.simulate_key(key)


def _rank(binding: Binding) -> int:
    return 1 if binding.action == _PALETTE else _FIRST.get(binding.id or "", 2)


class Trouble(Canvas):
    """Why the run did not end well, in whole sentences, above the footer. Hidden until then."""

    DEFAULT_CSS = "Trouble { dock: bottom; height: 1; margin-bottom: 1; display: none; }"

    def __init__(self) -> None:
        super().__init__()
        self.message = ""
        self.state = State.FAILED
        self._rows: list[Spans] = []

    def show(self, message: str, state: State = State.FAILED) -> None:
        self.message, self.state = tame(message).strip(), state
        self.display = True
        self._lay_out(self.app.size.width, self.app.size.height)

    def fit_to(self, width: int, height: int) -> None:
        if self.display:
            self._lay_out(width, height)

    def _lay_out(self, width: int, height: int) -> None:
        look = str(self.state)
        rows = wrapped(f" {self.state.glyph} ", self.message, max(width - 3, 4), look)
        room = max(height // 3, 1)
        if len(rows) > room:
            rows = [*rows[: room - 1], (Span("   …", look),)]
        self._rows = rows
        self.styles.height = len(rows)
        self.forget()

    def keys(self) -> Sequence[Hashable]:
        return list(enumerate(self._rows))

    def draw(self, row: int) -> tuple[Spans, str]:
        return self._rows[row], "bar-row"

"""Tokens, tokens per second and seconds of one agent, while it streams and afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..events import AgentTotals


def estimate(text: str) -> float:
    """About how many tokens ``text`` is: a guess until the provider reports its usage."""
    if text.isascii():
        return len(text) / 4
    return len(text.encode("utf-8", "replace")) / 3


@dataclass(slots=True)
class Flight:
    """A model message on its way. ``first`` is the time of its first token."""

    first: float | None = None
    tokens: float = 0.0


@dataclass(slots=True)
class Meter:
    """What the title row of an agent says in figures.

    Attributes:
        totals: the reported figures.
        unreported: estimated tokens of finished messages whose usage was never reported.
        busy: seconds in which at least one call was open, without the stretch since ``since``.
    """

    totals: AgentTotals = field(default_factory=AgentTotals)
    flights: dict[str, Flight] = field(default_factory=dict)
    unreported: float = 0.0
    busy: float = 0.0
    since: float | None = None
    open_calls: int = 0

    def opened(self, now: float) -> None:
        self.open_calls += 1
        if self.open_calls == 1:
            self.since = now

    def closed(self, now: float) -> None:
        self.open_calls = max(self.open_calls - 1, 0)
        if not self.open_calls and self.since is not None:
            self.busy += now - self.since
            self.since = None

    def streamed(self, message: str, text: str, now: float) -> None:
        flight = self.flights.get(message)
        if flight is None:
            flight = self.flights[message] = Flight()
        if flight.first is None:
            flight.first = now
        flight.tokens += estimate(text)

    def lost(self, message: str) -> None:
        """A message was aborted: its tokens count for nothing."""
        self.flights.pop(message, None)

    def landed(self, message: str, *, reported: bool) -> None:
        flight = self.flights.pop(message, None)
        if flight is not None and not reported:
            self.unreported += flight.tokens

    @property
    def estimated(self) -> bool:
        return bool(self.unreported or self.flights)

    @property
    def tokens(self) -> int:
        """Output tokens so far."""
        flying = sum(flight.tokens for flight in self.flights.values())
        return self.totals.usage.output_tokens + round(self.unreported + flying)

    def seconds(self, now: float) -> float:
        return self.busy + (max(now - self.since, 0.0) if self.since is not None else 0.0)

    def rate(self, now: float) -> tuple[float, bool] | None:
        """Tokens per second and whether that is an estimate; None where nothing is known."""
        live = [f for f in self.flights.values() if f.first is not None]
        if live:
            rates = [
                f.tokens / (now - f.first)
                for f in live
                if f.first is not None and now - f.first >= 0.25
            ]
            return (sum(rates), True) if rates else None
        known = self.totals.tokens_per_second
        return None if known is None else (known, False)


def count(number: float) -> str:
    """``950``, ``1.2k``, ``34k``, ``1.2M``: at most five columns."""
    if number < 1_000:
        return str(int(number))
    if number < 9_950:
        return f"{number / 1_000:.1f}k"
    if number < 999_500:
        return f"{number / 1_000:.0f}k"
    return f"{number / 1_000_000:.1f}M"


def duration(seconds: float) -> str:
    """``4.2s``, ``38s``, ``3:07``, ``1:02:09``."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

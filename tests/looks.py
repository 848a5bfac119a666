"""What the pictures show beside the scenes of the tests."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from test_tui_approval import question
from tui_events import Tape, play

from orchestra.events import Event, Member

LETTERS = (
    "Most write about **the ferry**: it leaves before the school bus comes.\n\n- 12 want it at 8:10\n"
    "- 3 want a second one\n\nThe rest is praise for the new benches.",
    "Two letters thank us for the map. One asks where the old lighthouse stood, and adds a sketch.\n",
    "All forty are about the market: earlier, longer, and *not in the rain*.\n",
    "A class of nine-year-olds writes that the harbour should have a slide. They enclose a plan.\n",
    "Complaints about the bins again; the street by the mill is named in eleven of forty.\n",
)
DESK = (
    Member(name="desk", title="Letters desk"),
    *(Member(name=f"reader-{n}", title=f"Reader {n}", parents=("desk",)) for n in range(1, 24)),
)


def fleet() -> list[Event]:
    """Many at once: some have ended, one has failed a tool, one asks, the rest speak."""
    tape = Tape()
    tape.begin(DESK)
    tape.call("desk", "Read every letter that came this week, and say what people want")
    calls = [f"desk/{member.name}#1" for member in DESK[1:]]
    for number, call in enumerate(calls):
        tape.call(call, f"Letters {number * 40 + 1} to {number * 40 + 40}", "desk")
    said = [tape.say(call, LETTERS[n % len(LETTERS)] * 2) for n, call in enumerate(calls)]
    play(*(islice(it, 200 if n % 4 == 1 else 22 + n % 9) for n, it in enumerate(said)))
    for call in calls[1::4]:
        tape.done(call, "done")
    args = {"to": "Mr Lund", "text": "Thank you for the map; we shall look for the lighthouse."}
    asks = question("post_reply", calls[7], args=args)
    tape.add(replace(asks), calls[7])
    return tape.events

"""What models have said, kept beside a scenario: the file, and how it is played again.

A cassette is recorded at the level of the chat model, one line for each call of one. Knows neither
langchain nor how a run is made: requests and replies are plain JSON here.
"""

from .file import Cassette, Part
from .lines import Decided, Heard, Take, ToolTake, Voice
from .recording import Recording
from .replay import Replay
from .tape import Asked, Played, Tape, Taping

__all__ = [
    "Asked",
    "Cassette",
    "Decided",
    "Heard",
    "Part",
    "Played",
    "Recording",
    "Replay",
    "Take",
    "Tape",
    "Taping",
    "ToolTake",
    "Voice",
]

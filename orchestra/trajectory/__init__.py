"""What a run did, call by call, and in what two runs differ. Made from events alone."""

from .compare import Comparison, Pair, compare, outcome
from .course import Course
from .transcript import Call, ToolResult, Transcript

__all__ = ["Call", "Comparison", "Course", "Pair", "ToolResult", "Transcript", "compare", "outcome"]

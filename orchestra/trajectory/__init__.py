"""What a run did, call by call, and in what two runs differ. Made from events alone."""

from .compare import Comparison, Pair, compare
from .transcript import Call, ToolResult, Transcript

__all__ = ["Call", "Comparison", "Pair", "ToolResult", "Transcript", "compare"]

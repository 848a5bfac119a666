"""Regression runs: the scenario file is the test. Knows neither langchain nor textual."""

from ..trajectory import Transcript
from .checks.python import PythonCheck
from .choice import Choice
from .gathering import gather, run_suite
from .golden import GoldenFile
from .goldens import Goldens
from .results import CaseResult, Count, worst
from .suite import How, Stage, play_case, play_file, testable
from .trial import Player
from .verdict import Verdict, means, verdict

__all__ = [
    "CaseResult",
    "Choice",
    "Count",
    "GoldenFile",
    "Goldens",
    "How",
    "Player",
    "PythonCheck",
    "Stage",
    "Transcript",
    "Verdict",
    "gather",
    "means",
    "play_case",
    "play_file",
    "run_suite",
    "testable",
    "verdict",
    "worst",
]

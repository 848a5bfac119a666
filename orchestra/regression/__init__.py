"""Regression runs: the scenario file is the test. Knows neither langchain nor textual."""

from ..trajectory import Transcript
from .checks.python import PythonCheck
from .golden import GoldenFile
from .goldens import Goldens
from .suite import CaseResult, means, run_suite, verdict, worst

__all__ = [
    "CaseResult",
    "GoldenFile",
    "Goldens",
    "PythonCheck",
    "Transcript",
    "means",
    "run_suite",
    "verdict",
    "worst",
]

"""Regression runs: the scenario file is the test. Knows neither langchain nor textual."""

from .suite import CaseResult, run_suite, verdict, worst
from .transcript import Transcript

__all__ = ["CaseResult", "Transcript", "run_suite", "verdict", "worst"]

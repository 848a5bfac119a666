"""The scenario language: YAML files in, checked and immutable :class:`Scenario` objects out.

>>> from orchestra.scenario import loads
>>> scenario = loads("version: 1\\nagents: {writer: {}}\\nscript: {writer: [{text: Hello.}]}")
>>> scenario.main, scenario.script["writer"][0].text
('writer', 'Hello.')

Everything is bounded and checked while it is read, nothing that a file names is imported, and a
file with mistakes raises one :class:`~orchestra.errors.ScenarioError` that holds all of them.
Neither langchain nor textual nor rich is imported here.
"""

from __future__ import annotations

from .discovery import discover
from .expect import Count, Expectation, OutputCheck, Step, ToolCallsCheck
from .load import load, loads
from .model import (
    DEFAULT,
    ECHO,
    SCRIPTED,
    AgentSpec,
    CannedTool,
    ModelSpec,
    PythonTool,
    Reply,
    Return,
    Scenario,
    ScriptedCall,
    ScriptedUsage,
    ToolSpec,
)
from .script import ScriptKey
from .source import Source

__all__ = [
    "DEFAULT",
    "ECHO",
    "SCRIPTED",
    "AgentSpec",
    "CannedTool",
    "Count",
    "Expectation",
    "ModelSpec",
    "OutputCheck",
    "PythonTool",
    "Reply",
    "Return",
    "Scenario",
    "ScriptKey",
    "ScriptedCall",
    "ScriptedUsage",
    "Source",
    "Step",
    "ToolCallsCheck",
    "ToolSpec",
    "discover",
    "load",
    "loads",
]

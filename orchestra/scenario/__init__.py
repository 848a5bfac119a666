"""The scenario language: YAML files in, checked and immutable :class:`Scenario` objects out.

>>> from orchestra.scenario import loads
>>> scenario = loads("version: 1\\nagents: {writer: {}}\\nscript: {writer: [{text: Hello.}]}")
>>> scenario.main, scenario.script["writer"][0].text
('writer', 'Hello.')

Everything is bounded and checked while it is read, nothing that a file names is imported, and a
file with mistakes raises one :class:`~orchestra.errors.ScenarioError` that holds all of them.
Neither langchain nor textual nor rich is imported here. The public names are exported lazily: to
find files needs no models.

Where to look::

    from bytes to a document   files, syntax, parsers, scalars, nodes; use puts in agents of other
                               files; source and excerpt say where a thing stands
    what a file may say        model, and its parts: spec, agents, tools, replies, running, expect,
                               matcher (with paths, schemas, expressions, and their bounds in
                               path_rules, schema_rules, bounds), deciding
    what is wrong              loading asks shape (with kinds) for types, names and what it calls
                               (references, composites, scripted, model_names, canned) for sense;
                               slips and hints tell what was meant
    what it means              team (who speaks), script (which reply), environment, middleware
    for the verbs              discovery, agent_files, advice, needs, schema, templates
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import exports

if TYPE_CHECKING:
    from .agents import (
        DEFAULT,
        ECHO,
        SCRIPTED,
        AgentSpec,
        AnyAgent,
        Composite,
        Limits,
        LoopSpec,
        MapSpec,
        MiddlewareSpec,
        ModelSpec,
        ParallelSpec,
        RouteSpec,
        SequenceSpec,
        StepSpec,
    )
    from .discovery import discover
    from .expect import Count, Expectation
    from .loading import load, loads
    from .matcher import Matcher
    from .model import Case, Item, Scenario
    from .replies import Decision, Fault, Reply, ScriptedCall, ScriptedUsage
    from .running import RunSpec
    from .script import ScriptKey
    from .source import Source
    from .steps import Step, ToolCallsCheck
    from .tools import CannedTool, PythonTool, Return, ToolSpec

_NAMES = {
    "agents": (
        "DEFAULT ECHO SCRIPTED AgentSpec AnyAgent Composite Limits LoopSpec MapSpec "
        "MiddlewareSpec ModelSpec ParallelSpec RouteSpec SequenceSpec StepSpec"
    ),
    "discovery": "discover",
    "expect": "Count Expectation",
    "loading": "load loads",
    "matcher": "Matcher",
    "model": "Case Item Scenario",
    "replies": "Decision Fault Reply ScriptedCall ScriptedUsage",
    "running": "RunSpec",
    "script": "ScriptKey",
    "source": "Source",
    "steps": "Step ToolCallsCheck",
    "tools": "CannedTool PythonTool Return ToolSpec",
}

__all__ = [
    "DEFAULT",
    "ECHO",
    "SCRIPTED",
    "AgentSpec",
    "AnyAgent",
    "CannedTool",
    "Case",
    "Composite",
    "Count",
    "Decision",
    "Expectation",
    "Fault",
    "Item",
    "Limits",
    "LoopSpec",
    "MapSpec",
    "Matcher",
    "MiddlewareSpec",
    "ModelSpec",
    "ParallelSpec",
    "PythonTool",
    "Reply",
    "Return",
    "RouteSpec",
    "RunSpec",
    "Scenario",
    "ScriptKey",
    "ScriptedCall",
    "ScriptedUsage",
    "SequenceSpec",
    "Source",
    "Step",
    "StepSpec",
    "ToolCallsCheck",
    "ToolSpec",
    "discover",
    "load",
    "loads",
]

__getattr__ = exports(__name__, _NAMES)

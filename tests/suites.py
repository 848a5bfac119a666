"""Helpers of the tests of `orchestra test`: a project of its own, with code that dies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import forks

TOOLS = '''
import ctypes, os, signal, sys, threading
from pathlib import Path

def fine() -> str:
    """Says so."""
    print("fine was here")
    os.system("echo so was a program")
    return "ok"

def ends_itself() -> str:
    """As if all were well."""
    os._exit(0)

def dies() -> str:
    """As when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)

def crashes() -> str:
    """Of bad memory."""
    ctypes.string_at(0)

def leaves() -> str:
    """Politely."""
    sys.exit(0)

def dies_once() -> str:
    """Only the first time."""
    mark = Path("mark")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "ok"

def never_ends() -> str:
    """Holds its thread."""
    while True:
        pass

def fails_sometimes() -> str:
    """Every fourth time."""
    count = Path("count")
    count.write_text(count.read_text() + "x" if count.exists() else "x")
    return "bad" if len(count.read_text()) % 4 == 0 else "good"

def waits() -> str:
    """Until whoever holds the other end is gone."""
    with open("pipe", "wb", buffering=0) as pipe:
        pipe.write(b"here")
        threading.Event().wait()
'''

TALK = """\
version: 1
agents: {{a: {{}}}}
input: go
tags: [{tag}]
script: {{a: [{{text: "{said}"}}]}}
expect: [{{output: {{equals: "{wanted}"}}}}]
"""


def tool(name: str, more: str = "") -> str:
    """A scenario whose agent uses a tool of the project, and then ends."""
    return (
        f"version: 1\nagents: {{a: {{tools: [t]}}}}\ntools: {{t: {{python: 'suite_tools:{name}'}}}}\n"
        f"input: go\nscript: {{a: [{{tool_calls: [t]}}, {{text: end}}]}}\n{more}"
    )


def talk(said: str = "hi", wanted: str | None = None, tag: str = "talk") -> str:
    """A scenario without code, whose agent says something."""
    return TALK.format(said=said, wanted=said if wanted is None else wanted, tag=tag)


def orchestra(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own."""
    command = [sys.executable, "-m", "orchestra", *args]
    return forks.run(command, capture_output=True, text=True, timeout=120, **options)


def report(path: str | Path) -> dict[str, dict[str, Any]]:
    """The cases of a JSON report, by their names."""
    return {it["name"]: it for it in json.loads(Path(path).read_text())["cases"]}

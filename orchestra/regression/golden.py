"""Golden trajectories: all that a run said and did, as a file that is read in a diff.

Per call path its answers, each with the tool calls that it asked for and what they gave. There is
no clock in it and no id, and the paths are allotted in the order of the messages that ask for the
calls, so the same run gives the same file under any interleaving.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import UsageError
from ..text import one_line
from ..trajectory import Call, Transcript
from ..trajectory.compare import natural

VERSION = 1
_HEAD = "# What {name} says and does; 'orchestra test --update' writes it.\n"
WRITE = "write it with: orchestra test --update"
_WIDTH = 100

Golden = dict[str, Any]
"""Of one case; plain data, as YAML gives it back."""


def golden_of(transcript: Transcript) -> Golden:
    """The golden trajectory of a run."""
    finished = transcript.finished
    made: Golden = {"status": finished.status if finished else "unfinished"}
    if finished and finished.error:
        made["error"] = finished.error
    made["output"] = finished.output if finished else ""
    moved = {entry: chain for entry, chain in transcript.handoffs.items() if len(chain) > 1}
    if moved:
        made["handoffs"] = moved
    paths = sorted(transcript.calls, key=natural)
    made["calls"] = {path: _call(transcript, transcript.calls[path]) for path in paths}
    return made


def _call(transcript: Transcript, call: Call) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if call.task:
        made["task"] = call.task
    if call.status != "completed":
        made["status"] = call.status
    if call.error:
        made["error"] = call.error
    results = {it.id: it for it in call.results}
    made["messages"] = [
        {
            **({"reasoning": message.reasoning} if message.reasoning else {}),
            "text": message.text,
            **({"truncated": True} if message.truncated else {}),
            **(
                {"tool_calls": [_tool_call(it, results.get(it.id)) for it in message.tool_calls]}
                if message.tool_calls
                else {}
            ),
        }
        for message in call.messages
    ]
    if call.structured is not None:
        made["structured"] = call.structured
    elif call.output and (not call.messages or call.messages[-1].text != call.output):
        made["output"] = call.output
    if decided := transcript.decisions.get(call.path):
        # Questions of one turn are asked in any order.
        made["decisions"] = sorted(decided, key=str)
    return made


def _tool_call(asked: Any, result: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"tool": asked.name, "args": asked.args}
    if result is not None:
        made["result" if result.status == "succeeded" else result.status] = result.text
    return made


# The file: all cases of a scenario.


@dataclass(slots=True)
class GoldenFile:
    """The goldens of one scenario, by case."""

    path: Path
    cases: dict[str, Golden] = field(default_factory=dict)

    @classmethod
    def beside(cls, scenario: Path) -> GoldenFile:
        """That of a scenario file; empty if there is none. UsageError if it cannot be read."""
        return cls.at(scenario.with_name(f"{scenario.stem}.golden.yaml"))

    @classmethod
    def at(cls, path: Path) -> GoldenFile:
        """The file at ``path``."""
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return cls(path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from None
        try:
            document = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe one
        except yaml.YAMLError as error:
            raise UsageError(f"{path} is no golden file: {one_line(str(error), 200)}") from None
        cases = document.get("cases") if isinstance(document, dict) else None
        if not isinstance(cases, dict) or document.get("version") != VERSION:
            raise UsageError(f"{path} is no golden file of version {VERSION}; {WRITE}")
        return cls(path, cases)

    def write(self, keep: Collection[str] | None = None) -> bool:
        """Save it, without cases that are not in ``keep``; whether that changed the file.

        Raises UsageError if it cannot be written.
        """
        cases = {name: it for name, it in self.cases.items() if keep is None or name in keep}
        stem = self.path.name.removesuffix(".golden.yaml")
        text = _HEAD.format(name=stem) + dump({"version": VERSION, "cases": cases})
        if self.path.is_file() and self.path.read_text(encoding="utf-8") == text:
            return False
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
        return True


class Dumper(yaml.SafeDumper):
    """Texts of several lines stand as such; nothing is an alias of something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None
    if any(it in text for it in "\x85\u2028\u2029\ufeff"):
        style = '"'  # YAML takes them for ends of lines
    elif "\n" in text and all(it.isprintable() and it == it.rstrip() for it in text.split("\n")):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _text)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def dump(data: Mapping[str, Any]) -> str:
    """As YAML, in the order that it has."""
    text: str = yaml.dump(data, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH)
    return text


def plain(golden: Golden) -> Golden:
    """As it comes back from its file."""
    loaded: Golden = yaml.load(dump(golden), Loader=_Loader)  # noqa: S506 - it is a safe one
    return loaded

"""``use:`` puts an agent that has a file of its own into a scenario.

The used file is an agent at top level, and may use another. Keys beside ``use`` replace those of
the file. Nothing outside the root is ever opened, or said to exist.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import Problem, ScenarioError, UsageError
from ..text import clean, one_line
from .excerpt import quoted, split_lines
from .files import decode, nearest_file, read
from .kinds import with_whole_numbers
from .model import Scenario
from .nodes import MAX_NODES, Budget, Entry, Node, compose
from .source import Source

MAX_CHAIN = 16
"""How many files may use one another."""


@dataclass(slots=True)
class Reader:
    """Reads the files of one scenario; what is wrong is collected in ``problems``."""

    path: Path
    root: Path
    problems: list[Problem] = field(default_factory=list)
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _used: dict[str, str] = field(default_factory=dict)
    _agents: dict[Path, Node | None] = field(default_factory=dict)
    _budget: Budget = field(default_factory=Budget)
    _hash: Any = field(default_factory=hashlib.sha256)

    def source(self, data: bytes) -> Source:
        """The document in ``data``, and everything it uses. ScenarioError if it is no YAML."""
        file = str(self.path)
        node = self._compose(data, file)
        agents = node.get("agents")
        if isinstance(node.value, dict) and agents and isinstance(agents.value, dict):
            filled = {
                name: replace(entry, node=self._fill(entry.node, self.path.parent, (), name))
                for name, entry in agents.value.items()
            }
            entry = replace(node.value["agents"], node=replace(agents, value=filled))
            node = replace(node, value={**node.value, "agents": entry})
        node = with_whole_numbers(node, Scenario)
        return replace(self._draft(), node=node, digest=self._hash.hexdigest())

    def _draft(self) -> Source:
        return Source(path=self.path, root=self.root, texts=self._texts, used=self._used)

    def _compose(self, data: bytes, file: str) -> Node:
        # No accepted file holds a NUL, so the files cannot be confused in the digest.
        self._hash.update(b"\0" + data if self._texts else data)
        text = decode(data, one_line(file))
        self._texts[file] = split_lines(text)
        return compose(text, file, budget=self._budget, problems=self.problems)

    def _fill(self, node: Node, folder: Path, chain: tuple[Path, ...], agent: str) -> Node:
        """The agent with what it uses: a mapping without ``use``."""
        use = node.get("use")
        if use is None or not isinstance(node.value, dict):
            return node
        own = {key: entry for key, entry in node.value.items() if key != "use"}
        base = self._agent(use, folder, chain, agent)
        taken: dict[str, Entry] = base.value if base and isinstance(base.value, dict) else {}
        return replace(node, value={**taken, **own})

    def _agent(self, use: Node, folder: Path, chain: tuple[Path, ...], agent: str) -> Node | None:
        """The agent in the file that ``use`` names, or None when that is a problem."""
        name = use.value
        if not isinstance(name, str) or not name or clean(name) != name or "\n" in name:
            return self._wrong(use, agent, "expected a file name", "as 'use: ../agents/name.yaml'")
        try:
            path = self._path(name, folder)
        except ValueError as error:
            return self._wrong(use, agent, str(error))
        if path == self.path.resolve():
            return self._wrong(use, agent, "this is the scenario itself, and no agent")
        if path in chain:
            circle = " → ".join(self._named(step) for step in (*chain[chain.index(path) :], path))
            return self._wrong(use, agent, f"the files use one another: {circle}")
        if len(chain) >= MAX_CHAIN:
            return self._wrong(use, agent, f"more than {MAX_CHAIN} files use one another")
        if path not in self._agents:
            self._agents[path] = self._open(use, path, chain, agent)
            return self._agents[path]
        node = self._agents[path]
        self._budget.nodes -= node.size if node else 0
        if self._budget.nodes < 0:
            return self._wrong(use, agent, f"more than {MAX_NODES:,} values in all used files")
        return node

    def _open(self, use: Node, path: Path, chain: tuple[Path, ...], agent: str) -> Node | None:
        if not path.exists():
            return self._wrong(use, agent, f"no file {quoted(str(use.value))}", nearest_file(path))
        file = _shown(path)
        self._used.setdefault(file, f"{one_line(use.file)}:{use.line}:{use.column}")
        known = len(self.problems)
        try:
            node = self._compose(read(path), file)
        except UsageError as error:
            if not isinstance(error, ScenarioError):
                return self._wrong(use, agent, str(error))
            self.problems += [it for it in error.problems if it not in self.problems]
            node = None
        place = f" (used at {self._used[file]})"
        self.problems[known:] = [
            problem._replace(message=problem.message + place) for problem in self.problems[known:]
        ]
        if node is None:
            return None
        if not isinstance(node.value, dict):
            return self._wrong(node, agent, "expected an agent: a mapping with keys as 'tools'")
        if "agents" in node.value:
            return self._wrong(use, agent, "this file is a scenario, and no agent")
        return self._fill(node, path.parent, (*chain, path), agent)

    def _path(self, name: str, folder: Path) -> Path:
        """Where the file lies, links resolved; ValueError if that is outside the root."""
        try:
            path = (folder / name).resolve()
            if path.is_symlink():  # links in a circle: Python 3.13 no longer raises
                raise OSError
        except (OSError, RuntimeError):  # a link to itself, a name too long
            raise ValueError(f"{quoted(name)} cannot be opened") from None
        if not path.is_relative_to(self.root):
            root = one_line(str(self.root))
            raise ValueError(f"{quoted(name)} lies outside the root {root}")
        return path

    def _named(self, path: Path) -> str:
        return one_line(path.relative_to(self.root).as_posix())

    def _wrong(self, use: Node, agent: str, message: str, hint: str = "") -> Node | None:
        """A problem at a node; None, for what was wanted there."""
        key = f"agents.{one_line(agent, 64)}.use"
        self.problems.append(self._draft().at(use, message, hint, key=key))
        return None


def _shown(path: Path) -> str:
    """A used file as a person would name it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)

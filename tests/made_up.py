"""Scenarios made up from a seed: every pattern, with checks that hold, for the tests of the checks.

A :class:`Maker` first makes up a team, then has it behave: each call path gets its replies, and what
they come to is known at once, so that every kind of check can be written down without a run.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

Doc = dict[str, Any]
WORDS = [
    "tide",
    "moon",
    "reef",
    "sand",
    "wave",
    "gull",
    "kelp",
    "salt",
    "潮",
    "brine",
    "cliff",
    "dune",
    "port",
    "quay",
    "sail",
]
TOPICS = ("north", "south", "east", "west")
KINDS = ("lead", "lead", "sequence", "parallel", "map", "loop", "route", "moves", "moves")
TOOLS = '''
class Ledger:
    def __init__(self, start: int = 0) -> None:
        self.total = start

    def add(self, amount: int) -> int:
        """Adds an amount, and tells the total."""
        self.total += amount
        return self.total


def has_words(call):
    return bool(call.output) or f"{call.path} said nothing"
'''


@dataclass
class Done:
    """What one call is going to do. ``turns`` are its tool calls, message by message."""

    path: str
    agent: str
    turns: list[list[tuple[str, Doc]]] = field(default_factory=list)
    output: str = ""
    structured: Doc | None = None
    results: list[tuple[str, str, str]] = field(default_factory=list)


class Maker:
    """One scenario. ``golden``: all is pinned down by a golden file, else by its checks."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.name = f"made-{seed:04}"
        self.golden = self.rng.random() < 0.5
        self.agents: Doc = {}
        self.script: Doc = {}
        self.tools: Doc = {}
        self.decisions: list[Doc] = []
        self.done: dict[str, Done] = {}
        self.below: dict[str, list[str]] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.expect: list[Doc] = []
        self.seen_warning = False
        self._words = 0

    # What is said, and by whom: no text and no argument occurs twice in a scenario.

    def text(self) -> str:
        self._words += 1
        return f"{self.rng.choice(WORDS)} {self.rng.choice(WORDS)} {self._words}"

    def agent(self, spec: Doc) -> str:
        name = f"{self.rng.choice('abcdefgh')}{len(self.agents) + 1}"
        self.agents[name] = spec
        return name

    def team(self, depth: int, kind: str | None = None) -> str:
        """Makes up an agent and all below it; deepest first, so that names are never used before."""
        kind = kind or ("leaf" if depth == 0 or self.rng.random() < 0.3 else self.rng.choice(KINDS))
        if kind == "leaf":
            return self.leaf()
        below = [self.team(depth - 1) for _ in range(self.rng.randint(1, 3))]
        extra = self.team(0, "leaf")
        match kind:
            case "lead":
                idle = self.agent(self.agents[below[0]]) if below[0] not in self.below else extra
                return self._keep({"subagents": [*below, idle]}, below)  # who is never called
            case "sequence":
                return self._keep({"sequence": [*below, extra]}, [*below, extra])
            case "parallel":
                join = {"join": extra} if self.rng.random() < 0.5 else {}
                return self._keep({"parallel": below, **join}, [*below, extra])
            case "map":
                return self._keep({"map": below[0], "join": extra}, [below[0], extra])
            case "loop":
                spec = {"loop": [below[0], extra], "until": "APPROVED", "max_rounds": 4}
                return self._keep(spec, [below[0], extra])
            case "route":
                spec = {"route": {it: f"About {it}" for it in (below[0], extra)}}
                return self._keep({**spec, "model": "scripted"}, [below[0], extra])
            case _:
                return self._keep({"handoffs": [extra]}, [extra])

    def _keep(self, spec: Doc, below: list[str]) -> str:
        name = self.agent(spec)
        self.below[name] = below
        return name

    def leaf(self) -> str:
        spec: Doc = {}
        if self.rng.random() < 0.75:
            tool = f"t{len(self.tools) + 1}"
            returns = [{"when": {"topic": it}, "value": self.text()} for it in TOPICS[:3]]
            returns.append({"when": {"topic": TOPICS[3]}, "error": self.text()})
            self.tools[tool] = {
                "parameters": {"topic": "string", "n": "integer"},
                "returns": returns,
            }
            spec["tools"] = [tool]
            if self.rng.random() < 0.4:
                spec["approve"] = [tool]
        if self.rng.random() < 0.2:
            schema = {"answer": {"type": "string"}, "sure": {"type": "boolean"}}
            spec["response_format"] = {
                "type": "object",
                "properties": schema,
                "required": ["answer"],
            }
        return self.agent(spec)

    # How they behave.

    def call(self, parent: str, agent: str, task: str) -> str:
        """The next call of ``agent`` by ``parent``, and its output."""
        count = self.counts[parent, agent] = self.counts.get((parent, agent), 0) + 1
        return self.behave(f"{parent}/{agent}#{count}", agent, task)

    def behave(self, path: str, agent: str, task: str) -> str:
        spec, below = self.agents[agent], self.below.get(agent, [])
        done = self.done.setdefault(path, Done(path, agent))
        if "subagents" in spec:
            self._lead(done, below)
        elif "sequence" in spec:
            said = task
            for step in below:
                said = self.call(path, step, said)
            done.output = said
        elif "parallel" in spec:
            outputs = [(it, self.call(path, it, task)) for it in below[:-1]]
            joined = "\n\n".join(f"## {name}\n{said}" for name, said in outputs)
            done.output = self.call(path, below[-1], joined) if "join" in spec else joined
        elif "map" in spec:
            lines = [line for line in task.splitlines() if line.strip()]
            said = "\n\n".join(f"## {below[0]}\n{self.call(path, below[0], it)}" for it in lines)
            done.output = self.call(path, below[1], said)
        elif "loop" in spec:
            self._loop(done, below)
        elif "route" in spec:
            chosen = self.rng.choice(below)
            self.script.setdefault(path, []).append({"text": chosen})
            done.output = self.call(path, chosen, task)
        elif "handoffs" in spec:
            self._speak(done, tool_calls=[(f"transfer_to_{below[0]}", {})])
            sibling = f"{path}>{below[0]}" if "/" in path else below[0]
            return self.behave(sibling, below[0], task)  # who hands over has no answer of its own
        else:
            self._leaf(done)
        return done.output

    def _loop(self, done: Done, below: list[str]) -> None:
        """Only its last step may end it: a plain leaf, whose words are known."""
        worker, critic = below
        for number in range(1, (rounds := self.rng.randint(1, 3)) + 1):
            done.output = self.call(done.path, worker, "")
            nth = self.counts[done.path, critic] = self.counts.get((done.path, critic), 0) + 1
            path = f"{done.path}/{critic}#{nth}"
            self.agents[critic].pop("response_format", None)
            said = "APPROVED" if number == rounds else self.text()
            found = self.done.setdefault(path, Done(path, critic))
            self._speak(found, said)

    def _lead(self, done: Done, below: list[str]) -> None:
        for _ in range(self.rng.randint(1, 2)):
            asked = [
                (self.rng.choice(below), {"query": self._query()})
                for _ in range(self.rng.randint(1, 3))
            ]
            self._speak(done, tool_calls=asked)
            for name, args in asked:
                said = self.call(done.path, name, args["query"])
                done.results.append((name, "succeeded", said))
        self._end(done)

    def _query(self) -> str:
        return "\n".join(self.text() for _ in range(self.rng.randint(1, 2)))

    def _leaf(self, done: Done) -> None:
        spec = self.agents[done.agent]
        for tool in spec.get("tools", []) * self.rng.randint(0, 3):
            if tool == "ledger":
                asked = [("add", {"amount": self._number()})]
                done.results.append(("add", "succeeded", ""))
            else:
                many = 1 if "approve" in spec else self.rng.randint(1, 3)
                asked = [
                    (tool, {"topic": self.rng.choice(TOPICS), "n": self._number()})
                    for _ in range(many)
                ]
                for name, args in asked:
                    self._answer(done, name, args, asks="approve" in spec)
            self._speak(done, tool_calls=asked)
        self._end(done)

    def _number(self) -> int:
        self._words += 1
        return self._words

    def _answer(self, done: Done, tool: str, args: Doc, *, asks: bool) -> None:
        if asks and self.rng.random() < 0.3:
            why = self.text()
            decision = {"decide": "reject", "message": why}
            done.results.append((tool, "rejected", why))
        else:
            decision = {"decide": "approve"}
            given = self.tools[tool]["returns"][TOPICS.index(args["topic"])]
            status = "succeeded" if "value" in given else "failed"
            done.results.append((tool, status, given.get("value") or given["error"]))
        if asks:
            self.decisions.append({"agent": done.path, "tool": tool, **decision})

    def _end(self, done: Done) -> None:
        if "response_format" in self.agents[done.agent]:
            done.structured = {"answer": self.text(), "sure": self.rng.random() < 0.5}
            done.output = json.dumps(done.structured, ensure_ascii=False)
            self.script.setdefault(done.path, []).append({"structured": done.structured})
            return
        done.output = self.text()
        self._speak(done, done.output)

    def _speak(
        self, done: Done, text: str = "", tool_calls: list[tuple[str, Doc]] | None = None
    ) -> None:
        reply: Doc = {"text": text} if text else {}
        if tool_calls:
            reply["tool_calls"] = [{name: args} if args else name for name, args in tool_calls]
            done.turns.append(tool_calls)
        else:
            done.output = text
        if self.rng.random() < 0.3:
            reply["first_token"] = self.rng.choice([0.5, 1, 2.5])
        if self.rng.random() < 0.3:
            reply["usage"] = {
                "input_tokens": self.rng.randint(5, 90),
                "output_tokens": self._number(),
            }
        if text and self.rng.random() < 0.08:
            reply["fault"] = {
                "error": self.rng.choice(["connection", "server", "rate_limit"]),
                "after": 1,
            }
            self.seen_warning = True
        self.script.setdefault(done.path, []).append(reply)

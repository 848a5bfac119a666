"""The rest of a made-up scenario: what is asked of it, and what has to come of it."""

from __future__ import annotations

import json
import random
from typing import Any

from made_up import Doc, Done, Maker

SHAPES = ("one", "one", "one", "turns", "batch", "mains", "ledger")


def make(seed: int, depth: int = 2) -> Doc:
    """A scenario from a seed, as plain data; all that it expects holds. ``depth`` is of its team."""
    maker = Maker(seed)
    shape = maker.rng.choice(SHAPES)
    doc: Doc = {"version": 1, "name": maker.name, "tags": [shape]}
    if shape == "batch":
        return doc | _batch(maker)
    if shape == "ledger":
        maker.tools["ledger"] = {"python": "made_tools:Ledger", "args": {"start": 7}}
        mains = [maker.agent({"tools": ["ledger"]})]
    else:
        mains = [
            maker.team(maker.rng.choice((0, depth, depth)))
            for _ in range(2 if shape == "mains" else 1)
        ]
    asked = [maker.text() for _ in range(3 if shape in ("turns", "ledger") else 1)]
    if shape in ("turns", "mains") and any("handoffs" in maker.agents[it] for it in mains):
        asked, mains = asked[:1], mains[:1]  # who has the conversation next is another matter
    said = [{main: maker.behave(main, main, it) for main in mains} for it in asked]
    doc["main"] = mains if len(mains) > 1 else mains[0]
    doc |= {"turns": _turns(asked, said)} if len(asked) > 1 else {"input": asked[0]}
    doc |= {"agents": maker.agents, "script": maker.script, "run": {"retry": {"backoff": 0.1}}}
    if maker.tools:
        doc["tools"] = maker.tools
    if maker.decisions:
        doc["decisions"] = maker.decisions
    output = said[-1]
    whole = output[mains[0]]
    if len(mains) > 1:
        whole = "\n\n".join(f"## {name}\n{text}" for name, text in output.items())
    doc["expect"] = _checks(maker, mains, whole)
    return doc


def _turns(asked: list[str], said: list[dict[str, str]]) -> list[Doc]:
    """Each with what has to be said in it."""
    return [
        {
            "input": question,
            "expect": [{"agent": it, "output": {"equals": answers[it]}} for it in answers],
        }
        for question, answers in zip(asked, said, strict=True)
    ]


def _batch(maker: Maker) -> Doc:
    """Cases of one agent with a helper, told apart by what the user says."""
    helper, main = maker.agent({}), ""
    main = maker.agent({"subagents": [helper]})
    inputs: list[Doc] = []
    script: Doc = {main: [], helper: []}
    for number in range(maker.rng.randint(2, 4)):
        asked, query, found, said = (maker.text() for _ in range(4))
        script[main] += [
            {"match": {"equals": asked}, "tool_calls": [{helper: {"query": query}}]},
            {"match": {"equals": found}, "text": said},
        ]
        script[helper].append({"match": {"equals": query}, "text": found})
        mine = [{"output": {"equals": said}}, {"tool_calls": [{helper: {"query": query}}]}]
        name = {"name": f"case {number}"} if maker.rng.random() < 0.5 else {}
        inputs.append({"input": asked, **name, "expect": mine})
    expect: list[Doc] = [{"calls": {helper: 1}}, {"agent": main, "status": "completed"}]
    if maker.golden:
        expect.append({"golden": True})
    return {
        "agents": maker.agents,
        "main": main,
        "inputs": inputs,
        "script": script,
        "expect": expect,
    }


def _checks(maker: Maker, mains: list[str], whole: str) -> list[Doc]:
    """Loose ones of all kinds; and either the golden file, or ones that pin everything down."""
    rng = maker.rng
    found: list[Doc] = [{"status": "completed"}, {"not": {"output": "zebra"}}]
    if not maker.seen_warning:
        found.append({"no_warnings": True})
    found += [{"output": {"contains": whole.split("\n")[0][:40]}}] if whole else []
    found += [
        {"agent": it, "python": "made_tools:has_words"} for it in mains[:1] if maker.done[it].output
    ]
    counts: dict[str, int] = {}
    for (_, name), count in maker.counts.items():
        counts[name] = counts.get(name, 0) + count
    if counts:
        some = rng.sample(sorted(counts), min(3, len(counts)))
        ranges: list[Any] = [
            counts[it] if rng.random() < 0.6 else f"1..{counts[it]}" for it in some
        ]
        found.append({"calls": dict(zip(some, ranges, strict=True))})
    chains = {it: [it, *maker.below[it]] for it in mains if "handoffs" in maker.agents[it]}
    found += [{"agent": it, "handoffs": chain} for it, chain in chains.items()]
    for done in maker.done.values():
        found += _loose(rng, done)
        if not maker.golden:
            found += _tight(rng, done)
    return [*found, {"golden": True}] if maker.golden else found


def _loose(rng: random.Random, done: Done) -> list[Doc]:
    found: list[Doc] = []
    flat = [it for turn in done.turns for it in turn]
    if flat and rng.random() < 0.4:
        match = rng.choice(["superset", "in_order", "subset", "unordered"])
        steps: list[Any] = [
            name if rng.random() < 0.5 else {name: _loosened(rng, args)} for name, args in flat
        ]
        if match in ("superset", "in_order"):
            steps = [it for it in steps if rng.random() < 0.7]
        elif match == "subset":
            steps += steps[:1]
        if match != "in_order":
            rng.shuffle(steps)
        found.append(
            {"agent": done.path, "tool_calls": {"match": match, "args": "subset", "steps": steps}}
        )
    if flat and rng.random() < 0.3:
        found.append({"agent": done.path, "max": {"tool_calls": len(flat)}})
    delegated = [[name for name, args in turn if "query" in args] for turn in done.turns]
    if len([it for it in delegated if it]) > 1 and rng.random() < 0.5:
        first, second = (f"{done.path}/{turn[0]}" for turn in delegated[:2])
        if delegated[0][0] != delegated[1][0]:
            found.append({"order": [f"{first}#1", f"{second}#{_nth(delegated, 1)}"]})
    if delegated and len(set(delegated[0])) > 1:
        found.append({"parallel": [f"{done.path}/{it}#1" for it in dict.fromkeys(delegated[0])]})
    return found


def _nth(delegated: list[list[str]], turn: int) -> int:
    name = delegated[turn][0]
    return sum(it.count(name) for it in delegated[:turn]) + 1


def _loosened(rng: random.Random, args: Doc) -> Doc:
    made: Doc = {}
    for key, value in args.items():
        way = rng.randint(0, 4)
        if way == 0:
            continue
        if way == 1:
            made[key] = {"$any": True}
        elif way == 2:
            made[key] = (
                {"$contains": value[:3]} if isinstance(value, str) else {"$matches": f"^{value}$"}
            )
        else:
            made[key] = value
    return made


def _tight(rng: random.Random, done: Done) -> list[Doc]:
    steps: list[Any] = []
    for turn in done.turns:
        mixed: list[Any] = [{name: args} for name, args in turn]
        rng.shuffle(mixed)  # those of one message have no order
        steps += mixed
    found: list[Doc] = []
    if done.turns or rng.random() < 0.3:
        found.append({"agent": done.path, "tool_calls": steps})
    if done.structured:
        equals = {"path": "$.answer", "equals": done.structured["answer"]}
        found.append({"agent": done.path, "output": {"json_path": equals}})
    elif done.output:
        found.append({"agent": done.path, "output": {"equals": done.output}})
    for tool, status, said in dict.fromkeys(done.results):
        found.append(
            {"agent": done.path, "tool_result": {"tool": tool, "status": status, "contains": said}}
        )
    return found


def dumped(doc: Doc) -> str:
    """As a file: JSON is YAML."""
    return json.dumps(doc, ensure_ascii=False, indent=1) + "\n"

"""A cassette spelled as a script: the same replies, to be read and edited by a person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ..cassette import Cassette, Decided, Heard, Take
from ..scenario import Scenario
from ..text import one_line
from ..trajectory.compare import natural
from .golden import Dumper

_FAULTS = ("connection", "rate_limit", "timeout", "server")
_NUMBERS = re.compile(r"[-+.]?\d[\w.+:-]*|[-+]?\.\w+")  # what YAML 1.1 or 1.2 may take for one

Json = dict[str, Any]


class _Dumper(Dumper):
    """YAML 1.2 has other numbers than PyYAML knows: what looks like one is quoted."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    if _NUMBERS.fullmatch(text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")
    node: yaml.Node = Dumper.yaml_representers[str](dumper, text)
    return node


_Dumper.add_representer(str, _text)


def script_of(scenario: Scenario, cassette: Cassette) -> str:
    """The ``script`` of what was recorded, and what else belongs into the file, as YAML."""
    told, notes = dict[str, Any](), list[str]()
    takes = [line for line in cassette.lines if isinstance(line, Take)]
    cases = list(dict.fromkeys(take.case for take in takes))
    script = {}
    for call in sorted({take.call for take in takes}, key=natural):
        spoken = [list(_replies(takes, case, call, notes)) for case in cases]
        script[call] = _merged(call, [some for some in spoken if some], notes)
    told["script"] = script
    if not scenario.decisions and (decided := list(_decisions(cassette))):
        told["decisions"] = decided
    heard = sorted((it for it in cassette.of("") if isinstance(it, Heard)), key=lambda it: it.turn)
    if scenario.interactive and heard and len(heard) > sum(len(c.turns) for c in scenario.cases):
        told["turns"] = [it.text for it in heard]
        notes.append("'turns' take the place of 'input' or 'turns' of the file")
    text: str = yaml.dump(told, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    head = [f"as recorded in {cassette.path.name}; it takes the place of the file's 'script'"]
    return "".join(f"# {one_line(note)}\n" for note in head + notes) + text


def _replies(
    takes: Sequence[Take], case: str, call: str, notes: list[str]
) -> Iterator[tuple[str, Json]]:
    """Each reply of a call in one case, and the last message that it answers."""
    mine = [take for take in takes if (take.case, take.call) == (case, call)]
    for turn in sorted({take.turn for take in mine}):
        tries = sorted((it for it in mine if it.turn == turn), key=lambda it: it.attempt)
        made, last = _reply(tries), tries[-1]
        if last.failed is not None and last.failed.kind is None:
            notes.append(f"{call}: reply {turn} failed, as no script can: {last.failed.said}")
        yield _asked_last(last.request), made


def _reply(tries: Sequence[Take]) -> Json:
    """One reply of a script, from all the attempts at it."""
    last = tries[-1]
    aside = "." in last.call.rpartition("/")[2]
    said = last.reply or {"text": "".join(it for _, it in last.chunks if isinstance(it, str))}
    made: Json = {key: said[key] for key in ("reasoning", "text") if said.get(key)}
    calls = said.get("tool_calls") or []
    if aside and calls:
        made["structured"] = calls[-1]["args"]
    elif "structured" in said:
        made["structured"] = said["structured"]
    elif calls:
        made["tool_calls"] = [_tool_call(it["name"], it["args"]) for it in calls]
    if used := {**said.get("usage", {}), **({"cost": said["cost"]} if said.get("cost") else {})}:
        made["usage"] = used
    asks = "tool_calls" in made or "structured" in made
    if (reason := said.get("finish_reason")) and reason != ("tool_calls" if asks else "stop"):
        made["finish_reason"] = reason
    if fault := _fault(tries, garbled=bool(said.get("invalid"))):
        made["fault"] = fault
    return made


def _tool_call(name: str, args: Json) -> str | Json:
    return {name: args} if args else name


def _fault(tries: Sequence[Take], *, garbled: bool) -> Json | None:
    """What broke the first attempts, if they came to no good end."""
    broken = {it.attempt: wrong for it in tries if (wrong := _wrong(it))}
    if not broken:
        return {"error": "malformed"} if garbled else None
    first = next(it for it in tries if it.attempt in broken)
    made: Json = {"error": broken[first.attempt]}
    if first.chunks:
        made["after"] = len(first.chunks)
    if [*broken] != [1]:
        made["attempts"] = [*broken]
    return made


def _wrong(take: Take) -> str | None:
    if take.failed is not None:
        return take.failed.kind if take.failed.kind in _FAULTS else "malformed"
    if take.cut:
        return "stall"
    ended = take.reply is not None and "finish_reason" in take.reply
    return None if ended or not take.model.ends else "unfinished"


def _asked_last(request: Mapping[str, Any]) -> str:
    """The text of the last message, as ``match`` sees it."""
    messages = request.get("messages") or [{}]
    content = messages[-1].get("content", "")
    if isinstance(content, str):
        return content
    return "".join(it.get("text", "") if isinstance(it, dict) else str(it) for it in content)


def _merged(call: str, spoken: list[list[tuple[str, Json]]], notes: list[str]) -> list[Json]:
    """One list for all cases: as it is if they are alike, else told apart by ``match``."""
    if all([reply for _, reply in some] == [reply for _, reply in spoken[0]] for some in spoken):
        return [reply for _, reply in spoken[0]]
    made: list[Json] = []
    known: dict[str, Json] = {}
    for some in spoken:
        seen: dict[str, int] = {}
        for last, reply in some:
            seen[last] = seen.get(last, 0) + 1
            key = f"{seen[last]} {last}"
            if key not in known:
                known[key] = reply
                made.append({"match": {"equals": last}, **reply})
            elif known[key] != reply:
                told = one_line(last, 60)
                notes.append(f"{call}: two cases ask {told!r} and are told different things")
    return made


def _decisions(cassette: Cassette) -> Iterator[Json]:
    for line in cassette.lines:
        if isinstance(line, Decided):
            yield {"agent": line.call, "tool": line.tool, **line.decision}

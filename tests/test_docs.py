"""The reference of the language: its examples run, and it leaves no key out.

A ```yaml block of the page that begins with ``version: 1`` is an example: a complete scenario that
passes ``orchestra test``. HTML comments above a block say what else it is:

* ``<!-- file: NAME -->``: the name of an example's file; any other block with one is a file that
  belongs to the next example.
* ``<!-- expect: exit 3 -->``: the example ends with this code.
* ``<!-- warns -->``: ``orchestra validate`` warns of it; it says nothing of the others.
* ``<!-- output of: validate NAME -->``: what a verb prints of the last example.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from runs import ROOT

from orchestra import cli, errors, events, options
from orchestra.regression.records import CaseRecord, DiffRecord
from orchestra.regression.reports.as_json import Report
from orchestra.regression.results import AgentFigures, CallFigures, RunFigures
from orchestra.scenario import Scenario, agents, expect, load, matcher, model, replies, steps, tools
from orchestra.scenario import running as run
from orchestra.scenario.middleware import ASIDES, MIDDLEWARE, REFUSED
from orchestra.scenario.nodes import MAX_BYTES, MAX_DEPTH, MAX_NODES, compose
from orchestra.scenario.schema import scenario_schema
from orchestra.scenario.script import MAX_SEGMENTS
from orchestra.scenario.spec import keys_of
from orchestra.scenario.use import MAX_CHAIN
from orchestra.settings import Settings

DOCS = ROOT / "docs"
PAGE = (DOCS / "scenario-language.md").read_text(encoding="utf-8")
REGRESSION = (DOCS / "regression.md").read_text(encoding="utf-8")

_BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^<!-- ([\w ]+?)(?:: (.*))? -->$", re.MULTILINE)
_SECONDS = re.compile(r"\b\d+\.\d\ds\b(  \S+\.jsonl)?")  # and where a failed run is kept
_SLOW = re.compile(r"^slow: .*\n", re.MULTILINE)  # on a machine that has much else to do


@dataclass
class Example:
    """A scenario of the page, with what stands beside it and what is said of it."""

    title: str
    text: str
    file: str = "example.yaml"
    code: int = 0
    warns: bool = False
    beside: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write it as a file of a project's folder ``scenarios``."""
        (folder / "pyproject.toml").touch()
        for name, text in {**self.beside, self.file: self.text}.items():
            path = folder / "scenarios" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder / "scenarios" / self.file


def examples(page: str) -> Iterator[Example]:
    beside: dict[str, str] = {}
    last: Example | None = None
    for block in _BLOCK.finditer(page):
        said = dict(_COMMENT.findall(block[1]))
        kind, text = block[2], block[3]
        line = page.count("\n", 0, block.start(2)) + 1
        golden = said.get("file", "").endswith(".golden.yaml")
        if kind == "yaml" and text.startswith("version: 1\n") and not golden:
            if last:
                yield last
            heading = re.findall(r"^#+ (.*)$", page[: block.start()], re.MULTILINE)[-1]
            code = int(said.get("expect", "exit 0").removeprefix("exit "))
            name = said.get("file", "example.yaml")
            last = Example(f"{line} {heading}", text, name, code, "warns" in said, beside)
            beside = {}
        elif "file" in said:
            beside[said["file"]] = text
        elif "output of" in said:
            assert last, line
            last.outputs[said["output of"]] = text
        else:
            assert kind not in ("yaml", "python"), f"line {line}: part of no example"
    if last:
        yield last
    assert not beside, f"no example below {', '.join(beside)}"


EXAMPLES = [*examples(PAGE), *examples(REGRESSION)]


@pytest.fixture(autouse=True)
def a_project_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODEL", "RATE", "PACKAGES"):
        monkeypatch.delenv(f"ORCHESTRA_{name}", raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "scenarios").mkdir()
    monkeypatch.chdir(tmp_path / "scenarios")
    monkeypatch.setattr(sys, "path", [*sys.path])  # tools may import what lies beside them


@pytest.mark.parametrize("example", [pytest.param(it, id=it.title) for it in EXAMPLES])
def test_an_example(example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = example.write(tmp_path)
    code = cli.main(["test", path.name])
    told = "".join(capsys.readouterr())
    assert code == example.code, told
    for call, output in example.outputs.items():
        cli.main(call.split())
        seen = _SLOW.sub("", "".join(capsys.readouterr()))
        assert _SECONDS.sub("0.00s", seen) == _SECONDS.sub("0.00s", output)
    if example.code == errors.INVALID:
        return
    assert cli.main(["validate", path.name]) == 0
    validated = "".join(capsys.readouterr())
    assert ("warning: " in validated) == example.warns, validated
    document = compose(example.text).plain()
    found = next(Draft202012Validator(scenario_schema()).iter_errors(document), None)
    assert found is None, found


def test_examples_are_short() -> None:
    """Just the key at hand; the glance shows the whole."""
    lines = {it.title: it.text.count("\n") for it in EXAMPLES[1:]}
    assert {title: count for title, count in lines.items() if count > 32} == {}


# Nothing is left out

SECTIONS: dict[type[BaseModel], str] = {
    Scenario: "A file at a glance",
    agents.ModelSpec: "Models",
    tools.CannedTool: "Canned tools",
    tools.Return: "Canned tools",
    tools.PythonTool: "Python tools",
    agents.AgentSpec: "Agents",
    agents.Limits: "Limits",
    agents.MiddlewareSpec: "Middleware",
    agents.StepSpec: "Steps and templates",
    agents.SequenceSpec: "sequence",
    agents.ParallelSpec: "parallel",
    agents.MapSpec: "map",
    agents.LoopSpec: "loop",
    agents.RouteSpec: "route",
    agents.Rule: "route",
    model.Item: "Input",
    replies.Reply: "Replies",
    replies.ScriptedCall: "Replies",
    replies.ScriptedUsage: "Replies",
    replies.Fault: "Faults",
    replies.Decision: "Approval and decisions",
    matcher.Matcher: "Matchers",
    matcher.JsonPath: "Matchers",
    expect.Expectation: "Expect",
    steps.ToolCallsCheck: "Tool calls",
    steps.Step: "Tool calls",
    expect.ToolResult: "Tool results",
    expect.Budget: "Budgets",
    expect.Count: "Expect",
    run.RunSpec: "Run",
    run.Retry: "Run",
    run.RunLimits: "Run",
}
"""Where the page tells of each part of the language."""

SHORT = {
    agents.MiddlewareSpec: "a name, or {name: {argument: value}}",
    replies.ScriptedCall: "a name, or {name: {argument: value}}",
    steps.Step: "a name, or {name: {argument: value}}",
    expect.Count: "a number, or a range",
}
"""Parts whose fields a file does not spell, and what it writes instead."""

COMMON = ("title", "description")
"""Keys of composites that mean what they mean of an agent, and are explained there."""


def parts(kind: Any = Scenario, found: dict[type[BaseModel], None] | None = None) -> Any:
    """Every model that a scenario may hold."""
    found = {} if found is None else found
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in found:
            found[kind] = None
            for each in kind.model_fields.values():
                parts(each.annotation, found)
    else:
        for argument in get_args(kind):
            parts(argument, found)
    return found


def section(heading: str) -> str:
    """What stands below a heading, down to the next."""
    (found,) = re.findall(rf"^#+ `?{re.escape(heading)}`?\n(.*?)(?=^#+ |\Z)", prose(), _WHOLE)
    return str(found)


_WHOLE = re.MULTILINE | re.DOTALL


def prose() -> str:
    return re.sub(r"^```.*?^```$", "", PAGE, flags=_WHOLE)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the tables in a text, by the keys in their first cells."""
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE):
        keys, *cells = re.split(r"(?<!\\) \| ", line)
        for key in re.findall(r"`([^`]+)`", keys):
            found[key] = cells
    return found


def words(kind: Any) -> Iterator[str]:
    """The words that a key may be, where the language lists them."""
    if get_origin(kind) is Literal:
        yield from (it for it in get_args(kind) if isinstance(it, str))
    elif not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        for argument in get_args(kind):
            yield from words(argument)


def used(value: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The keys that a loaded scenario gives."""
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield type(value), name
            yield from used(getattr(value, name))
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from used(item)


def is_common(part: type[BaseModel], name: str) -> bool:
    return part in agents.COMPOSITES.values() and name in COMMON


def test_every_part_has_a_section() -> None:
    assert set(parts()) == set(SECTIONS)
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", prose(), re.MULTILINE)
    }


@pytest.mark.parametrize("part", SECTIONS, ids=lambda it: it.__name__)
def test_every_key_has_a_row(part: type[BaseModel]) -> None:
    text = section(SECTIONS[part])
    if part in SHORT:
        return
    told = rows(text)
    for name, each in keys_of(part).items():
        if is_common(part, name):
            continue
        assert name in told, f"no row for `{name}`"
        kind, default, *_ = told[name]
        assert kind
        if each.is_required():
            assert default == "required", name
        elif isinstance(each.default, bool | int | float | str) and each.default != "":
            value = each.default
            shown = f"{value:g}" if isinstance(value, float) else json.dumps(value).strip('"')
            assert default == f"`{shown}`", name
        else:
            assert each.default is not PydanticUndefined
        for word in words(each.annotation):
            assert re.search(rf"`[^`]*\b{word}\b[^`]*`", text), word


def test_every_key_is_in_an_example(tmp_path: Path) -> None:
    seen: set[tuple[type[BaseModel], str]] = set()
    for number, example in enumerate(EXAMPLES):
        if example.code != errors.INVALID:
            folder = tmp_path / str(number)
            folder.mkdir()
            seen.update(used(load(example.write(folder))))
    missing = {
        f"{part.__name__}.{name}"
        for part in parts()
        for name in part.model_fields
        if part not in SHORT and (part, name) not in seen and not is_common(part, name)
    }
    assert missing == set()
    assert {part for part in SHORT if any(part is it for it, _ in seen)} == set(SHORT)


def test_every_middleware_has_a_row() -> None:
    text = section("Middleware")
    assert rows(text).keys() >= MIDDLEWARE.keys()
    assert all(f"`{name}`" in text for name in REFUSED)
    assert all(f".{name}`" in prose() for name in ASIDES)


def test_every_setting_is_named() -> None:
    assert all(f"`ORCHESTRA_{name.upper()}`" in prose() for name in Settings.model_fields)


def test_every_exit_code_is_told() -> None:
    told = rows(section("Exit codes")).keys()
    codes = {getattr(errors, it) for it in dir(errors) if it.isupper()}
    assert {str(it) for it in codes if isinstance(it, int)} | {"129", "130", "143"} == told
    assert told == set(
        re.findall(r"\b(?:\d|1\d\d)\b", options.EXIT_CODES.partition("Of several")[0])
    )


def test_every_bound_is_told() -> None:
    text = section("YAML")
    assert MAX_BYTES == 1 << 20
    for bound in ("1 MiB", f"{MAX_DEPTH} levels", f"{MAX_NODES:,} values"):
        assert bound in text
    assert f"{MAX_CHAIN} files" in section("use")
    assert f"{MAX_SEGMENTS} agents" in section("Script")


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", index)) == pages


def test_every_option_of_a_suite_and_every_key_of_its_report_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for verb in ("test", "review"):
        with pytest.raises(SystemExit):
            cli.main([verb, "--help"])
    offered = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", capsys.readouterr().out))
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", REGRESSION))
    assert offered - told <= {"-h", "--help", "--root", "--trust"}
    for name, kind in (("case", CaseRecord), ("run", RunFigures)):
        table = REGRESSION.partition(f"<!-- keys: {name} -->\n")[2].partition("\n\n")[0]
        first = {
            key for row in table.splitlines()[2:] for key in row.split("|")[1].split("`")[1::2]
        }
        assert first == kind.__annotations__.keys()
        for inner in (AgentFigures, CallFigures) if name == "run" else (DiffRecord,):
            assert all(f"`{key}`" in table for key in inner.__annotations__)
    assert all(f"`{key}`" in REGRESSION for key in Report.__annotations__)


EVENTS = (DOCS / "events.md").read_text(encoding="utf-8")


def keyed(name: str) -> dict[str, str]:
    """A table of the page on events: what is said of each key, by its names."""
    table = EVENTS.partition(f"<!-- keys: {name} -->\n\n")[2].partition("\n\n")[0]
    cells = [line.strip("|").split("|", 1) for line in table.splitlines()[2:]]
    return {key: said for left, said in cells for key in re.findall(r"`(\w+)`", left)}


def fields_of(kind: type) -> set[str]:
    return {it.name for it in dataclasses.fields(kind)}


def test_every_event_and_key_is_told_and_no_other() -> None:
    common = fields_of(events.BaseEvent) | {"type"}
    assert keyed("every").keys() == common
    assert keyed("header").keys() == fields_of(events.Header) - {"type"}
    told = keyed("types")
    kinds = {get_args(get_type_hints(kind)["type"])[0]: kind for kind in get_args(events.Event)}
    assert told.keys() == kinds.keys()
    for name, kind in kinds.items():
        values = {
            value
            for hint in get_type_hints(kind).values()
            if get_origin(hint) is Literal
            for value in get_args(hint)
        }
        nested = fields_of(events.ToolCall) if name == "model_finished" else set()
        words = set(re.findall(r"`(\w+)`", told[name]))
        keys = fields_of(kind) - common
        assert keys <= words, name
        assert words <= keys | values | nested | common | {"response_format"}, name
    for kind in (events.Member, events.Usage):
        assert all(f"`{it}`" in EVENTS for it in fields_of(kind))


def test_the_programs_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live, recorded = re.findall(r"^```python\n(.*?)^```$", EVENTS, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(live, "events.md", "exec"), {})
    assert "editor/researcher#1 " in capsys.readouterr().out
    saved = str(tmp_path / "run.jsonl")
    assert cli.main(["run", "scenarios/newsroom.yaml", "--display", "quiet", "--save", saved]) == 0
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    exec(compile(recorded, "events.md", "exec"), {})
    name, count = capsys.readouterr().out.split()
    assert name == "newsroom"
    assert int(count) > 100

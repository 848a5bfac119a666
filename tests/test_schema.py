"""The JSON Schema of the language: complete, explained, and of one mind with the loader."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import ValidationError
from runs import ROOT, SCENARIOS

from orchestra.errors import ScenarioError
from orchestra.scenario import Scenario, load, loads
from orchestra.scenario.agent_files import load_agent
from orchestra.scenario.nodes import compose
from orchestra.scenario.schema import FOLDER, agent_schema, scenario_schema, texts
from orchestra.scenario.schema_examples import EXAMPLES
from orchestra.scenario.shape import empty_problems
from orchestra.scenario.use import Reader

CORPUS = ROOT / "tests" / "corpus"
PLACE = CORPUS / "good" / "case.yaml"  # need not exist
TEMPLATES = ROOT / "orchestra" / "scenario" / "templates"


def files(*folders: Path) -> list[Path]:
    found = (path for folder in folders for path in sorted(folder.rglob("*.yaml")))
    return [path for path in found if not path.name.endswith(".golden.yaml")]


EXAMPLES_OF_AGENTS = ROOT / "agents" / "examples"
GOOD = files(CORPUS / "good", SCENARIOS, TEMPLATES, EXAMPLES_OF_AGENTS)
AGENTS = [*files(CORPUS / "agents"), *sorted((ROOT / "agents").glob("*.yaml"))]

SCHEMAS = {"scenario": scenario_schema(), "agent": agent_schema()}
SCENARIO, AGENT = map(Draft202012Validator, SCHEMAS.values())


def refusal(schema: Draft202012Validator, document: Any) -> str | None:
    error = best_match(schema.iter_errors(document))
    return error and f"{error.json_path}: {error.message}"


def read(path: Path) -> Any:
    return compose(path.read_text(encoding="utf-8")).plain()


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def bad(kind: str) -> dict[str, str]:
    """The cases of a file, by what is wrong in them."""
    _, *cases = re.split(
        r"^--- # (.*)\n", (CORPUS / "bad" / f"{kind}.txt").read_text(), flags=re.MULTILINE
    )
    found: dict[str, str] = {}
    for title, case in zip(cases[::2], cases[1::2], strict=True):
        assert title not in found
        given = () if title.startswith("whole") else (("version", "1"), ("agents", "{a: {}}"))
        found[title] = (
            "".join(f"{key}: {value}\n" for key, value in given if f"\n{key}:" not in f"\n{case}")
            + case
        )
    return found


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert {"$schema", "$id", "title", "description"} <= schema.keys()


@pytest.mark.parametrize(("name", "text"), texts().items())
def test_the_shipped_files_are_up_to_date(name: str, text: str) -> None:
    shipped = (FOLDER / name).read_text(encoding="utf-8")
    assert shipped == text, "run: python -m orchestra.scenario.schema"


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_what_the_loader_takes_the_schema_takes(path: Path) -> None:
    assert load(path)
    assert refusal(SCENARIO, read(path)) is None


@pytest.mark.parametrize("path", AGENTS, ids=named)
def test_agent_files(path: Path) -> None:
    assert load_agent(path)
    assert refusal(AGENT, read(path)) is None


@pytest.mark.parametrize(
    "text",
    ["titel: X", "max_rounds: 3", "[title]", "tools: look", "sequence: [a]\ntools: [b]",
     "version: 1\nagents: {a: {}}", "use: ''", "loop: []", "title:"],
)  # fmt: skip
def test_bad_agent_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError):
        load_agent(path)
    assert refusal(AGENT, read(path)) is not None


@pytest.mark.parametrize(("title", "text"), bad("shape").items(), ids=[*bad("shape")])
def test_what_is_wrong_in_shape(title: str, text: str) -> None:
    with pytest.raises(ScenarioError):
        loads(text, path=PLACE)
    assert refusal(SCENARIO, compose(text).plain()) is not None


@pytest.mark.parametrize(("title", "text"), bad("names").items(), ids=[*bad("names")])
def test_what_is_beyond_a_schema(title: str, text: str) -> None:
    with pytest.raises(ScenarioError):
        loads(text, path=PLACE)
    assert refusal(SCENARIO, compose(text).plain()) is None


DOCUMENTS = [read(path) for path in GOOD]
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 10**12, "", "x", "a", "$.a", "1..2", [], ["a"], [None],
    ["a", "a"], [[]], {}, {"a": None}, {"a": {}}, {"a": "b"}, {"agent": "a"}, {"value": 1},
    {"when": "x", "to": "a"}, {"type": "object"}, {"a": 1, "b": 2}, {"args": {}}, [{}], [{"a": {}}],
]  # fmt: skip
KEYS = ["zzz", "use", "tools", "join", "sequence", "model", "input", "turns", "args", "message",
        "value", "error", "agent", "output", "python", "when", "text", "structured", "1 a"]  # fmt: skip

# Errors of pydantic that say more than a shape; the corpus of names has one of each.
BEYOND = re.compile(
    "the range .* is empty|are not the pieces of|is no JSONPath|is no JSON Schema"
    "|is no regular expression|must be one line"
)


def holders(node: Any) -> Iterator[Any]:
    """Every mapping and every list of a document."""
    if isinstance(node, (dict, list)):
        yield node
        for below in node.values() if isinstance(node, dict) else node:
            yield from holders(below)


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """A good document with one place changed."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    places = [it for it in holders(document) if it]
    place = draw(st.sampled_from(places))
    key = draw(st.sampled_from([*place] if isinstance(place, dict) else range(len(place))))
    match draw(st.sampled_from(["drop", "replace", "replace", "add"])):
        case "drop":
            del place[key]
        case "add" if isinstance(place, dict):
            place[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(st.sampled_from(ODD)))
        case _:
            place[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return document


def misshapen(text: str) -> bool:
    """Whether the loader finds a document's shape wrong, whatever it says of names."""
    source = Reader(PLACE, ROOT).source(text.encode())
    try:
        Scenario.model_validate_json(json.dumps(source.node.plain()))
    except ValidationError as error:
        return not all(BEYOND.search(it["msg"]) for it in error.errors())
    return any(empty_problems(source))


def refused(text: str) -> bool:
    try:
        loads(text, path=PLACE)
    except ScenarioError:
        return True
    return False


def uses(document: Any) -> bool:
    """Whether an agent comes from a file, of which a schema knows nothing."""
    return any("use" in it for it in holders(document) if isinstance(it, dict))


@settings(max_examples=600, derandomize=True, deadline=None, database=None)
@given(mutants())
def test_the_schema_and_the_loader_are_of_one_mind(document: Any) -> None:
    text = json.dumps(document)
    why = refusal(SCENARIO, document)
    if why is not None:
        assert refused(text), f"only the schema refuses: {why}"
    elif not uses(document):
        assert not misshapen(text), "only the loader refuses"


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that is described, with its place: those in conditions only forbid."""
    for name, part in {**schema["$defs"], "Scenario": schema}.items():
        for option in (part, *part.get("anyOf", ())):
            for key, property_ in option.get("properties", {}).items():
                yield f"{name}.{key}", property_


def resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    target: Any = schema
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolved(schema, target), **node}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_everything_is_explained(schema: dict[str, Any]) -> None:
    bare = [
        place
        for place, property_ in properties(schema)
        if not resolved(schema, property_).get("description")
    ]
    bare += [name for name, part in schema["$defs"].items() if not part.get("description")]
    assert not bare
    assert "``" not in json.dumps(schema)
    assert '{"type": "null"}' not in json.dumps(schema)
    for place, property_ in properties(schema):
        assert not isinstance(property_.get("title"), str), place
        assert property_.get("default", 1) not in ("", None, [], {}), place


def test_examples_fit() -> None:
    schema = SCHEMAS["scenario"]
    known = dict(properties(schema))
    for place, examples in EXAMPLES.items():
        assert known[place]["examples"] == examples
        for example in examples:
            own = {**known[place], "$defs": schema["$defs"]}
            assert refusal(Draft202012Validator(own), example) is None, place


# The keys of the reference of the language, by the mapping that has them.
LANGUAGE = {
    "Scenario": "version name description tags models tools agents main input turns inputs "
    "interactive script decisions expect run",
    "Model": "model temperature top_p max_tokens timeout max_retries seed base_url api_key "
    "default_headers model_kwargs",
    "PythonTool": "python args",
    "CannedTool": "description parameters returns",
    "Return": "when value error delay times",
    "Agent": "title description system_prompt model tools subagents handoffs approve "
    "response_format middleware limits use sequence parallel map loop route",
    "Limits": "model_calls tool_calls seconds tokens",
    "Step": "agent input",
    "Sequence": "title description sequence use",
    "Parallel": "title description parallel join use",
    "Map": "title description map over join use",
    "Loop": "title description loop until max_rounds use",
    "Route": "title description route default model use",
    "Rule": "when to",
    "Item": "input name expect",
    "Reply": "text reasoning tool_calls structured usage finish_reason rate first_token chunks "
    "match fault",
    "ScriptedUsage": "input_tokens output_tokens reasoning_tokens cached_tokens",
    "Fault": "error after attempts",
    "Decision": "agent tool decide args message times",
    "Matcher": "contains equals matches json_schema json_path",
    "JsonPath": "path equals",
    "Expectation": "agent status output calls tool_calls handoffs",
    "ToolCallsCheck": "match args steps",
    "Run": "timeout model_timeout first_token_timeout max_concurrency retry on_timeout "
    "on_broken_stream limits",
    "Retry": "attempts backoff errors",
    "RunLimits": "model_calls tokens cost",
}


def test_every_key_of_the_language_is_there() -> None:
    schema = SCHEMAS["scenario"]
    parts = {**schema["$defs"], "Scenario": schema}
    for name, keys in LANGUAGE.items():
        assert set(keys.split()) <= parts[name]["properties"].keys(), name


def test_the_corpus_uses_every_key() -> None:
    seen = {
        key for path in GOOD for it in holders(read(path)) if isinstance(it, dict) for key in it
    }
    assert {key for keys in LANGUAGE.values() for key in keys.split()} <= seen


@pytest.mark.parametrize("path", files(SCENARIOS, ROOT / "agents", TEMPLATES), ids=named)
def test_every_shipped_file_names_its_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").split("\n")[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found, "begin it with: # yaml-language-server: $schema=…"
    kind = "agent" if path.parent == ROOT / "agents" else "scenario"
    assert (path.parent / found[1]).resolve() == FOLDER / f"{kind}.schema.json"

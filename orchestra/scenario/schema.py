"""The JSON Schemas of a scenario and of an agent's file, for editors: draft 2020-12.

Made from the models. ``python -m orchestra.scenario.schema`` rewrites the two files that lie
beside this module; they are what editors read, and a test holds them to this.

Beyond a schema, and left to the loader: what names something (agents, tools, models, templates,
paths), what must fit something else (the pieces of a text, the ends of a range), what is read by
another language (regular expressions, JSONPath, JSON Schema), and what a used file says.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from .model import Scenario
from .schema_examples import EXAMPLES
from .schema_forms import Schema, corrected, ref

FILES = {"scenario": "scenario.schema.json", "agent": "agent.schema.json"}
FOLDER = Path(__file__).parent

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NAMES = {"Step": "ExpectedCall", "StepSpec": "Step"}  # the others lose their "Spec"
_NULL = {"type": "null"}
_FIRST = ("$schema", "$id", "title", "description", "type", "required", "properties")


def scenario_schema() -> Schema:
    """The schema of a scenario file."""
    parts = _parts()
    return _file(
        "scenario",
        "A scenario of orchestra",
        "A team of agents, what they are asked, and what is expected of them; version 1.",
        parts.pop("Scenario"),
        parts,
    )


def agent_schema() -> Schema:
    """The schema of a file with one agent, as ``use:`` names it."""
    return _file(
        "agent",
        "An agent of orchestra",
        "A reusable agent or composite; a scenario names its file with 'use:'.",
        ref("AnyAgent"),
        _parts(),
    )


def texts() -> dict[str, str]:
    """What the two files hold, by their names."""
    schemas = {"scenario": scenario_schema(), "agent": agent_schema()}
    return {
        FILES[kind]: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for kind, schema in schemas.items()
    }


def _file(kind: str, title: str, description: str, body: Schema, parts: Schema) -> Schema:
    head = {"$schema": _DRAFT, "$id": f"urn:orchestra:{kind}:1", "title": title}
    named = _reached(body, parts)
    whole = {**body, **head, "description": description}
    return {**_ordered(whole), "$defs": {name: parts[name] for name in parts if name in named}}


def _reached(schema: Any, parts: Schema) -> set[str]:
    """The definitions that a schema needs, and those that they need."""
    found: set[str] = set()
    todo = [*_refs(schema)]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _refs(parts[name])
    return found


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].split("/")[2]
        for below in node.values():
            yield from _refs(below)
    elif isinstance(node, list):
        for below in node:
            yield from _refs(below)


class _Described(GenerateJsonSchema):
    """With the text under each field of a model as its description.

    pydantic can do so itself (``use_attribute_docstrings``), but then reads the source of every
    model as soon as it is imported: a third of what it takes to import this package.
    """

    def model_schema(self, schema: ModelSchema) -> Schema:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in _texts(model).items():
            key = model.model_fields[name].alias or name
            made["properties"][key].setdefault("description", text)
        return made


@cache
def _texts(model: type[BaseModel]) -> dict[str, str]:
    """What is written under the fields of a model, and of those that it extends."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls is BaseModel or not issubclass(cls, BaseModel):
            continue
        (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
        for field, below in pairwise(tree.body if isinstance(tree, ast.ClassDef) else ()):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                match below:
                    case ast.Expr(ast.Constant(str(text))):
                        found[field.target.id] = inspect.cleandoc(text)
    return {name: text for name, text in found.items() if name in model.model_fields}


def _parts() -> dict[str, Schema]:
    """Every definition, the scenario itself among them."""
    whole = Scenario.model_json_schema(schema_generator=_Described)
    found = {**whole.pop("$defs"), "Scenario": whole}
    del found["JsonValue"]
    parts = {_named(name): _tidied(part) for name, part in found.items()}
    for place, examples in EXAMPLES.items():
        name, key = place.split(".")
        parts[name]["properties"][key]["examples"] = examples
    return {name: _ordered(part) for name, part in corrected(parts).items()}


def _named(name: str) -> str:
    return _NAMES.get(name, name.removesuffix("Spec"))


def _tidied(given: Schema) -> Schema:
    """Without what says nothing to a person, and without nulls, which no optional key may be."""
    node = _below(_not_null(given))
    if (target := node.pop("$ref", None)) and (name := target.split("/")[-1]) != "JsonValue":
        node = {**ref(_named(name)), **node}
    node.pop("title", None)
    if "description" in node:
        node["description"] = " ".join(node["description"].replace("``", "`").split())
    if (default := _told(node.pop("default", ""))) is not None:
        node["default"] = default
    if "patternProperties" in node:
        node["additionalProperties"] = False
    return _ordered(node)


def _below(node: Schema) -> Schema:
    """The same with every schema in it tidied."""
    for key in ("properties", "patternProperties"):
        if key in node:
            node[key] = {name: _tidied(below) for name, below in node[key].items()}
    for key in ("anyOf", "oneOf"):
        if key in node:
            node[key] = [_tidied(below) for below in node[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            node[key] = _tidied(node[key])
            if not node[key]:
                del node[key]
    return node


def _not_null(given: Schema) -> Schema:
    options = given.get("anyOf", [])
    if _NULL not in options:
        return {**given}
    node = {key: value for key, value in given.items() if key != "anyOf"}
    left = [it for it in options if it != _NULL]
    return {**left[0], **node} if len(left) == 1 else {**node, "anyOf": left}


def _told(default: Any) -> Any:
    """A default worth telling: a number, a word, true or false, a list of them; else None."""
    if isinstance(default, dict) or default in (None, "", []):
        return None
    return int(default) if isinstance(default, float) and default.is_integer() else default


def _ordered(node: Schema) -> Schema:
    """What a person reads first, first."""
    return {key: node[key] for key in (*_FIRST, *node) if key in node}


if __name__ == "__main__":
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")

"""Files that want to take the machine down: each is a scenario or is explained, in bounded memory.

They are loaded in a process of their own, whose memory and processor time are limited: so what
would swallow the machine fails here instead.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from referencing import Resource
from runs import check_promises, finished, of, play

from orchestra import events
from orchestra.scenario import bounds, expressions, paths, schemas
from orchestra.scenario.matcher import Matcher
from orchestra.scenario.paths import select
from orchestra.scenario.schemas import misfit, unsound

HEAD = "version: 1\ninput: x\n"
LONE = HEAD + "agents: {a: {}}\n"


def composite(keys: str) -> str:
    return HEAD + f"main: c\nagents: {{a: {{}}, c: {{{keys}}}}}\n"


def chain(count: int, *, closed: bool) -> str:
    steps = "".join(f"  a{n}: {{sequence: [a{n + 1}]}}\n" for n in range(count))
    last = f"  a{count}: {{sequence: [a0]}}\n" if closed else f"  a{count}: {{}}\n"
    return HEAD + "main: a0\nagents:\n" + steps + last


def schema(text: str) -> str:
    return HEAD + f"agents: {{a: {{response_format: {text}}}}}\n"


def doubling(key: str, levels: int = 40, last: object = True) -> dict[str, Any]:
    """A schema that looks at its value 2 ** levels times."""
    parts: dict[str, Any] = {f"d{levels}": last}
    for at in range(levels):
        ref = {"$ref": f"#/$defs/d{at + 1}"}
        parts[f"d{at}"] = {key: {"a": ref, "b": ref} if key == "dependentSchemas" else [ref, ref]}
    return {"$defs": parts, "$ref": "#/$defs/d0"}


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)

FILES = {
    "aliases": (LONE + ALIASES, "more than 10,000 values"),
    "merges": (
        LONE + "z: &z {x: 1}\n" + "".join(f"k{n}: {{<<: [*z, *z]}}\n" for n in range(4000)),
        "more than 10,000 values",
    ),
    "self": (HEAD + "agents: &a {a: *a}\n", "part of what it stands for"),
    "brackets": ("[" * 100_000, "more than 64 levels deep"),
    "dashes": ("- " * 100_000, "more than 64 levels deep"),
    "two megabytes": (LONE + "description: " + "x" * 2_000_000, "larger than 1 MiB"),
    "nearly one": (LONE + "description: " + "x" * 1_000_000, None),
    "tag": (HEAD + "agents: {a: !!python/object/apply:os.system [id]}", "is not allowed"),
    "a long chain": (chain(3000, closed=False), None),
    "a long circle": (chain(3000, closed=True), "without end"),
    "repeats": (
        composite(f"loop: [a], until: {{matches: '{'(a{1000}){1000}' * 20}'}}"),
        "too large",
    ),
    "repeats in repeats": (
        composite("loop: [a], until: {matches: '((a{99}){99}){99}'}"),
        "too large",
    ),
    "a long expression": (
        composite(f"loop: [a], until: {{matches: '{'a*' * 9999}'}}"),
        "1000 char",
    ),
    "deep groups": (
        composite(f"loop: [a], until: {{matches: '{'(' * 400 + ')' * 400}'}}"),
        "too large",
    ),
    "deep path": (composite(f"map: a, over: '$[?{'(' * 400}@.a{')' * 400}]'"), None),
    "an expression in a path": (
        composite("map: a, over: \"$[?search(@, '((a{99}){99}){99}')]\""),
        "too large",
    ),
    "another's expression in a path": (
        composite("map: a, over: '$[?@ =~ /(a+)+$/]'"),
        "write match(",
    ),
    "an expression alone in a path": (composite("map: a, over: '$[?@ == /(((/]'"), "search(@.x"),
    "a number in a path": (composite("map: a, over: '$[?@ == 1e999]'"), "is no JSONPath"),
    "a common part of paths": (composite("map: a, over: '$..a & $..b'"), "not of RFC 9535"),
    "placeholders": (composite(f"sequence: [{{agent: a, input: '{'{{' * 200_000}'}}]"), None),
    "a schema of itself": (schema("{type: object, $ref: '#'}"), None),
    "a schema elsewhere": (schema("{type: object, $ref: 'file:///etc/passwd'}"), None),
    "a schema's repeats": (
        schema("{type: object, properties: {x: {pattern: '((a{99}){99}){99}'}}}"),
        "too large",
    ),
    "a schema that doubles": (schema(json.dumps({"type": "object", **doubling("allOf")})), None),
    "a schema's list": (
        schema(json.dumps({"type": "object", "required": [1, *(["a", 1] * 4_000)]})),
        "is not of type 'string'",
    ),
    "many keys": (LONE + "script:\n" + "".join(f"  a#{n}: []\n" for n in range(1, 4000)), None),
    "many ties": (
        LONE
        + "script:\n"
        + "".join(
            "  " + "/".join("a#1" if n >> k & 1 else "a" for k in range(11)) + ": []\n"
            for n in range(2000)
        ),
        "could both speak",
    ),
    "unknown keys": (LONE + "".join(f"k{n}: 1\n" for n in range(4000)), "has more problems"),
    "a long key": (LONE + "k" * 500_000 + ": 1\n", "a key without"),
    "defaults": (
        HEAD + "agents: {a: {model: {model: 'openai:" + "${A:-" * 50_000 + "'}}}",
        None,
    ),
    "one main, often": (LONE + "main: [" + "a, " * 5000 + "a]\n", "listed twice"),
    "middlewares": (
        HEAD + "agents: {a: {middleware: [" + ", ".join(f"m{n}" for n in range(4000)) + "]}}",
        "unknown middleware",
    ),
}

PROGRAM = """
import json, resource, sys
from orchestra.scenario import loads
from orchestra.errors import ScenarioError
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
for text in json.load(sys.stdin):
    try:
        loads(text)
        print("null")
    except ScenarioError as error:
        print(json.dumps(str(error)[:100_000]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits to set")
def test_no_file_takes_the_machine_down() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([text for text, _ in FILES.values()]),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for (name, (_, expected)), line in zip(FILES.items(), done.stdout.splitlines(), strict=True):
        told = json.loads(line)
        if expected is None:
            assert told is None, f"{name}: {told[:300]}"
        else:
            assert told is not None, f"{name}: was accepted"
            assert expected in told, f"{name}: {told[:300]}"


SLOW = "(a|aa)+$"  # in the number of a's, exponential
LONG = "a" * 60 + "b"
FORMAT = "{type: object, properties: {x: {pattern: '(a|aa)+$'}}}"
NAMES = "{type: object, patternProperties: {'(a|aa)+$': {}}}"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_a_search_that_would_take_for_ever_is_given_up() -> None:
    seen = await play(
        f"agents: {{l: {{loop: [a], until: {{matches: '{SLOW}'}}, max_rounds: 1}}, a: {{}}}}\n"
        f"input: x\nscript: {{a: [{{text: {LONG}}}]}}\n"
    )
    check_promises(seen)
    (told,) = of(events.Warned, seen)
    assert "takes more than" in told.message


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("schema", "answer"), [(FORMAT, f"{{x: {LONG}}}"), (NAMES, f"{{{LONG}: x}}")]
)
async def test_so_is_one_in_a_schema(schema: str, answer: str) -> None:
    seen = await play(
        f"agents: {{a: {{response_format: {schema}}}}}\n"
        f"input: x\nscript: {{a: [{{structured: {answer}}}, {{text: end}}]}}\n"
    )
    check_promises(seen)
    assert finished(seen).status == "failed"


def test_defaults_that_never_end() -> None:
    """Quadratic, it took minutes."""
    program = """
from orchestra.scenario.environment import fill, variables
text = "${A:-" * 200_000
assert fill(text, {}) == (text, set())
assert not list(variables(text))
assert fill("x ${A:-y} ${B:-", {}) == ("x y ${B:-", set())
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


# What is asked of a document. Steps are counted, so that these are quick to give up.


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "STEPS", 2000)
    monkeypatch.setattr(paths, "STEPS", 2000)


NEST: Any = 1
for _ in range(60):
    NEST = [NEST, {"k": NEST}] if len(json.dumps(NEST)) < 2000 else [NEST]


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("$..[?@..[?@..[?@..a]]]", NEST),
        ("$..[?count(@..*) > 3]", NEST),
        ("$..*..*..*", NEST),
        ("$..nothing..nothing", [[]] * 2000),
        ("$[?@.k]", [1] * 2000),
        ("$.x[?$.a == $.b]", {"x": [1] * 50, "a": [1] * 90, "b": [1] * 89 + [2]}),
        ("$.x[?@ in $.a]", {"x": [1] * 50, "a": [2] * 90}),
        ("$.x[?$.a == $.b]", {"x": [1] * 50, "a": "x" * 9000, "b": "x" * 8999 + "y"}),
        ("$[?" + "length(" * 90 + "@" + ")" * 90 + " > 1]", [1] * 200),
    ],
)
def test_a_path_that_would_take_for_ever_is_given_up(path: str, document: object) -> None:
    with pytest.raises(ValueError, match=r"it takes more than [0-9,]+ steps"):
        select(path, document)
    reason = Matcher.model_validate({"json_path": {"path": path}}).reason(json.dumps(document))
    assert reason is not None
    assert "it takes more than" in reason


def test_a_path_that_finds_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MOST", 100)
    assert len(select("$[*]", [1] * 100)) == 100
    with pytest.raises(ValueError, match=r"\$\[\*\] finds more than 100 values"):
        select("$[*]", [1] * 101)
    reason = Matcher.model_validate({"json_path": {"path": "$[*]"}}).reason(str([1] * 101))
    assert reason == "$[*] finds more than 100 values"


def test_what_is_found_is_not_as_long_as_all_ways_to_it() -> None:
    """Where each value is would be longer by far than the document: ten gigabytes."""
    assert len(select("$.*.*", {"k" * 200_000: [1] * 50_000})) == 50_000


def test_expressions_in_a_path_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["b", "a\nb", "ab", "xaby"]
    assert select("$[?search(@, 'a.')]", texts) == ["ab", "xaby"]
    assert select("$[?match(@, 'a?[b.]')]", texts) == ["b", "ab"]
    assert select("$.t[?search(@, $.p)]", {"p": "(", "t": texts}) == []
    monkeypatch.setattr(expressions, "PATIENCE", 0.1)
    for name in ("search", "match"):
        path = f"$[?{name}(@, '{SLOW}')]"
        with pytest.raises(ValueError, match=r"takes more than 0\.1 s"):
            select(path, [LONG])
    # No search of these takes as long as that, but all of them do.
    with pytest.raises(ValueError, match=r"takes more than 0\.1 s"):
        select(f"$[?!search(@, '{SLOW}')]", [LONG[-24:]] * 2_000)


DOUBLED = {"a": 1, "b": 2}


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubling("allOf"), 1),
        (doubling("anyOf", last=False), 1),
        (doubling("oneOf"), 1),
        ({**doubling("allOf"), "$schema": "http://json-schema.org/draft-07/schema#"}, 1),
        ({**doubling("allOf"), "unevaluatedItems": False}, [1]),
        ({**doubling("dependentSchemas"), "unevaluatedProperties": False}, DOUBLED),
        ({"items": {"enum": [*range(100)]}}, [-1] * 100),
        ({"items": {"const": [1] * 100}}, [[1] * 99 + [2]] * 100),
        ({"allOf": [{"uniqueItems": True}] * 30}, [[[1] * 100]]),
        ({"anyOf": [{"type": "string"}] * 100}, [1] * 3000),
        ({"properties": {f"k{n}": True for n in range(2000)}, "items": {"$ref": "#"}}, [{}] * 50),
    ],
)
def test_a_schema_that_would_take_for_ever_is_given_up(schema: Any, value: object) -> None:
    assert misfit(schema, value) == "the schema cannot be used: it takes more than 2,000 steps"


@pytest.mark.usefixtures("few_steps")
def test_so_is_one_that_takes_for_ever_to_check() -> None:
    told = unsound({"properties": {f"k{n}": {"type": "string"} for n in range(100)}})
    assert told is not None
    assert told.message == "it takes more than 2,000 steps"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": SLOW}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"x": {"$ref": "#/$defs/x"}},
         "$defs": {"x": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": SLOW}}},
        {"patternProperties": {SLOW: {}}, "additionalProperties": False},
        {"allOf": [{"patternProperties": {SLOW: {}}}], "unevaluatedProperties": False},
        {"$schema": "https://json-schema.org/draft/2019-09/schema",
         "allOf": [{"patternProperties": {SLOW: {}}}], "unevaluatedProperties": False},
        {"unevaluatedProperties": False, "$ref": "#/$defs/x",
         "$defs": {"x": {"propertyNames": {"pattern": SLOW}}}},
    ],
)  # fmt: skip
def test_expressions_anywhere_in_a_schema_are_bounded(schema: Any) -> None:
    assert unsound(schema) is None
    told = misfit(schema, {"x": LONG, LONG: 1})
    assert told is not None
    assert "takes more than 0.05 s" in told


def test_a_schema_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not again for every ``$ref`` to a name: for a schema of some size that takes minutes."""
    looked: list[object] = []
    monkeypatch.setattr(
        "referencing.Resource.anchors",
        lambda self, real=Resource.anchors: looked.append(self) or real(self),
    )
    parts: dict[str, Any] = {f"d{n}": {"type": "string"} for n in range(50)}
    schema = {"$defs": {**parts, "x": {"$anchor": "x", "type": "integer"}}, "items": {"$ref": "#x"}}
    assert misfit(schema, [1] * 100) is None
    assert len(looked) < 1000
    assert misfit(schema, [1, "a"]) == "[1]: 'a' is not of type 'integer'"


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"uniqueItems": True}, [1, True, 1.5, "1", None, [1], [True], {"a": 1}, {"a": 2}], None),
        ({"uniqueItems": True}, [1, 1.0], "[1, 1.0] has non-unique elements"),
        ({"uniqueItems": True}, [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], "has non-unique"),
        ({"properties": {"a": {}}, "patternProperties": {"^b": {}}, "additionalProperties": False},
         {"a": 1, "bc": 2, "d": 3}, "Additional properties are not allowed ('d' was unexpected)"),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}, {"a": 1, "b": 2},
         "b: 2 is not of type 'string'"),
        ({"allOf": [{"properties": {"a": {}}}, {"patternProperties": {"^b": {}}}],
          "unevaluatedProperties": False}, {"a": 1, "bc": 2}, None),
        ({"anyOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {}}}],
          "unevaluatedProperties": False}, {"a": 2, "b": 1}, "('a' was unexpected)"),
        ({"if": {"required": ["a"], "properties": {"a": {}}}, "then": {"properties": {"b": {}}},
          "else": {"properties": {"c": {}}}, "unevaluatedProperties": False},
         {"a": 1, "b": 1, "c": 1}, "('c' was unexpected)"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"additionalProperties": {"type": "integer"}}},
          "unevaluatedProperties": False}, {"a": 1}, None),
        ({"dependentSchemas": {"a": {"properties": {"a": {}, "b": {}}}},
          "unevaluatedProperties": {"type": "string"}}, {"a": 1, "b": 1, "c": 1}, "('c' was"),
        ({"prefixItems": [{}], "contains": {"type": "string"}, "unevaluatedItems": False},
         [1, "a", 2], "Unevaluated items are not allowed (2 was unexpected)"),
        ({"allOf": [{"items": {"type": "integer"}}], "unevaluatedItems": False}, [1, 2], None),
        ({"$schema": "https://json-schema.org/draft/2019-09/schema", "items": [{}],
          "unevaluatedItems": False}, [1, 2], "(2 was unexpected)"),
    ],
)  # fmt: skip
def test_our_own_keywords_mean_what_the_standard_says(
    schema: Any, value: object, told: str | None
) -> None:
    seen = misfit(schema, value)
    assert (seen is None) if told is None else (seen is not None and told in seen)


def test_outside_of_a_question_nothing_is_counted() -> None:
    with bounds.bounded(1):
        bounds.spend()
        with pytest.raises(ValueError, match="more than 1 steps"):
            bounds.spend()
    bounds.spend(1_000_000)

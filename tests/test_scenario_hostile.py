"""Files that want to take the machine down: each is a scenario or is explained, in bounded memory.

They are loaded in a process of their own, whose memory and processor time are limited: so what
would swallow the machine fails here instead.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from runs import check_promises, finished, of, play

from orchestra import events
from orchestra.scenario import expressions

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
    "placeholders": (composite(f"sequence: [{{agent: a, input: '{'{{' * 200_000}'}}]"), None),
    "a schema of itself": (schema("{type: object, $ref: '#'}"), None),
    "a schema elsewhere": (schema("{type: object, $ref: 'file:///etc/passwd'}"), None),
    "a schema's repeats": (
        schema("{type: object, properties: {x: {pattern: '((a{99}){99}){99}'}}}"),
        "too large",
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

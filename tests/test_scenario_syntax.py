"""Broken files: what a person reads, by both YAML parsers, and that nothing blows up."""

from __future__ import annotations

import json
import time

import pytest

from orchestra.errors import ScenarioError
from orchestra.scenario import loads, parsers
from orchestra.scenario.nodes import MAX_DEPTH, MAX_NODES, compose
from orchestra.scenario.scalars import plain

# Files, each with what is said about it: after ">>" line:column: key: message; hint.
NO_SCENARIO = r"""
# only a comment
>> is empty
----
- a list
>> 1:1: expected a scenario, a mapping with 'version' and 'agents', found a list
----
just text
>> 1:1: expected a scenario, a mapping with 'version' and 'agents', found the text 'just text'
----
42
>> 1:1: expected a scenario, a mapping with 'version' and 'agents', found the number 42
----
title: Editor
system_prompt: You edit.
>> 1:1: this is an agent; name it in a scenario with 'use:'
"""

BROKEN = r"""
a: b: c
>> 1:5: text with ': ' in it needs quotes; put the whole text in single quotes: 'b: c'
----
a: @x
>> 1:4: text cannot begin with '@'; put the whole text in single quotes: '@x'
----
a: [1,
b: 2
>> 3:1: the list begun at 1:4 is not closed here; add ',' or ']'
----
a: {x: 1
b: 2
>> 2:2: the mapping begun at 1:4 is not closed here; add ',' or '}'; text that begins with '{',
>>   or contains ': ', needs quotes
----
a: 'open
b: 2
>> 1:4: the quotes opened here are never closed; add the closing quote
----
a: "\q"
>> 1:5: an unknown escape in double quotes; write '\\' for a backslash, or use single quotes
----
a: "\x1"
>> 1:5: a broken escape in double quotes; write '\\' for a backslash, or use single quotes
----
a: {{input}}
>> 1:4: text that begins with '{{' needs quotes; put the whole text in single quotes:
>>   '{{input}}'
----
a: 1
  b: 2
>> 2:3: this line is indented deeper than the one above, which has its value already; begin both
>>   in the same column, or put a text of several lines below '|'
----
- a
b: 1
>> 2:1: a key cannot stand among the items of a list; check its indentation, or begin it with
>>   '- '
----
a: 'it's'
>> 1:8: the text goes on behind its closing quote; put the whole text in double quotes: "it's"
----
a: - b
>> 1:4: a list cannot begin here; begin it on its own line; text that begins with '- ' needs
>>   quotes
----
a: &
>> 1:4: text that begins with '&' needs quotes; put the whole text in single quotes: '&'
----
a: ]
>> 1:4: expected a value; put the whole text in quotes
----
  a: 1
b: 2
>> 2:1: no line above that this could belong to begins in this column; check its indentation
----
a: |text
  more
>> 1:5: text must begin on the next line; text that begins with '>' or '|' needs quotes
----
# a comment
%YAML 1.2
---
a: 1
>> 2:1: directives are not allowed; remove this line
----
? [a]
: b
>> 1:3: a key must be text; text that begins with '{' or '[' needs quotes
----
*a : b
>> 1:1: a key cannot be an alias; write it out
----
a: 1
---
b: 2
>> 2:1: a second document begins here; keep one per file
----
中文: '标题' x
>> 1:10: the text goes on behind its closing quote; put the whole text in double quotes:
>>   "'标题' x"
"""

REFUSED = r"""
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
name: a
name: b
>> 4:1: the key 'name' is given twice; the first one is at line 3
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
name: !!str a
>> 3:7: the tag 'tag:yaml.org,2002:str' is not allowed; remove it; text that begins with '!'
>>   needs quotes
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
description: *intro
>> 3:14: no anchor &intro stands above this alias; '*' begins an alias: text needs quotes
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script: {writer: [{rate: .inf}]}
>> 3:26: .inf is not a number that can be used here; put it in quotes if it is meant as text
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
script: {writer: [{rate: 1e999}]}
>> 3:26: 1e999 is too large for a number; put it in quotes if it is meant as text
----
version: 1
agents: {editor: {subagents: [writer]}, writer: {}}
name: &a [*a]
>> 3:11: the alias *a is part of what it stands for
"""


def cases(corpus: str) -> list[tuple[str, list[str]]]:
    """The files of a corpus, each with its problems; an indented line goes on with the last."""
    found = []
    for case in corpus.strip("\n").split("\n----\n"):
        lines = [line for line in case.split("\n") if not line.startswith(">>")]
        told = [line for line in case.split("\n") if line.startswith(">>")]
        joined = "\n".join(line.removeprefix(">>") for line in told).replace("\n   ", " ")
        found.append(("\n".join(lines) + "\n", [line.strip() for line in joined.split("\n")]))
    return found


def told(text: str) -> list[str]:
    """What is said about a file, without its name and the excerpts."""
    with pytest.raises(ScenarioError) as caught:
        loads(text, path="s.yaml")
    problems = caught.value.problems
    return [str(problem).split("\n")[0].removeprefix("s.yaml:").strip() for problem in problems]


@pytest.fixture(params=["libyaml", "PyYAML"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "PyYAML":
        monkeypatch.setattr(parsers, "FAST", parsers.Plain)
    elif parsers.FAST is parsers.Plain:
        pytest.skip("PyYAML was built without libyaml")


@pytest.mark.parametrize(("text", "expected"), cases("----".join((NO_SCENARIO, BROKEN, REFUSED))))
def test_a_broken_file_is_explained(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("---\n", "is empty"),
        ("a\0b", "is not a text file"),
        ("a:\n\tb: 1\n", "2:1: a tab cannot indent or begin a value; indent with spaces"),
        (
            "a: \x1b[2J",
            '1:4: the invisible character U+001B is not allowed; write "\\x1b" in double quotes',
        ),
        (
            "a: b\u2028c",
            '1:5: the invisible character U+2028 is not allowed; write "\\u2028" in double quotes',
        ),
        (
            "a: b\ufeff",
            '1:5: the invisible character U+FEFF is not allowed; write "\\ufeff" in double quotes',
        ),
        ("a: \ud800", "1:4: is not UTF-8 text: byte 0xed; save the file as UTF-8"),
    ],
)
def test_characters_that_no_file_should_hold(text: str, expected: str) -> None:
    assert told(text) == [expected]


@pytest.mark.parametrize("escape", [r"\ud800", r"\ude00\ud83d", r"\U00110000", r"\UFFFFFFFF"])
def test_escapes_that_are_no_character(escape: str) -> None:
    with pytest.raises(ScenarioError, match="escape"):
        loads(f'version: 1\nagents: {{a: {{title: "{escape}"}}}}\n')
    with pytest.raises(ScenarioError, match="escape"):
        compose(f'{{"{escape}": 1}}')


def test_pairs_of_escapes_are_one_character() -> None:
    """JSON has no other way to write one beyond the first plane in ASCII."""
    text = json.dumps({"😀": "a😀b", "x": ["\N{MUSICAL SYMBOL G CLEF}"]})
    assert r"\ud83d\ude00" in text
    assert compose(text).plain() == {"😀": "a😀b", "x": ["\N{MUSICAL SYMBOL G CLEF}"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None), ("", None), ("NULL", None), ("null", None), ("nUll", "nUll"),
        ("true", True), ("TRUE", True), ("False", False), ("yes", "yes"), ("no", "no"),
        ("on", "on"), ("off", "off"), ("y", "y"), ("22:22", "22:22"), ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"), ("0", 0), ("-12", -12), ("+3", 3), ("010", 10),
        ("0o17", 15), ("0x1F", 31), ("-0x1", "-0x1"), ("0b1", "0b1"), ("1.10", 1.1),
        (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-1", -0.15), ("1e", "1e"),
        (".", "."), ("-", "-"), ("=", "="), ("inf", "inf"), ("１２", "１２"),
    ],
)  # fmt: skip
def test_plain_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".NaN", "1e999", "9" * 101])
def test_numbers_that_cannot_be_kept(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        plain(text)


def test_half_a_character_in_a_text() -> None:
    with pytest.raises(ScenarioError, match=r"1:4: .* U\+D800 is not allowed; remove it"):
        compose("a: \ud800")


def test_a_tree_knows_its_places_and_shares_its_aliases() -> None:
    node = compose("a: &x [1, '2']\n中文:\n  - *x\n  - no\n'1': |\n  t\n", "f.yaml")
    assert node.plain() == {"a": [1, "2"], "中文": [[1, "2"], "no"], "1": "t\n"}
    shared = node.get("a")
    assert shared is not None
    assert (shared.file, shared.line, shared.column, shared.size) == ("f.yaml", 1, 4, 3)
    listed = node.get("中文")
    assert listed is not None
    assert listed.get(0) is shared
    assert (node.size, node.height) == (1 + 3 + 5 + 1, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: Which moon?}", {"a": "Which moon?"}),
        ("[a?, b? c]", ["a?", "b? c"]),
        ("{a?: b}", {"a?": "b"}),
        ("{u: http://x:80/y?z=1}", {"u": "http://x:80/y?z=1"}),
        ("? a\n: b?", {"a": "b?"}),
        ("{? a: b}", {"a": "b"}),
        ("a: 'b\tc'\nd: |\n \te", {"a": "b\tc", "d": "\te"}),
    ],
)
def test_questions_and_tabs(text: str, value: object) -> None:
    assert compose(text).plain() == value


def bomb(depth: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, depth)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (bomb(9), "4:45: more than 10,000 values"),
        ("[" * 100_000, f"1:{MAX_DEPTH + 1}"),
        ("{a: " * 100_000, f"1:{4 * MAX_DEPTH + 1}"),
        ("- " * 100_000, f"1:{2 * MAX_DEPTH + 1}"),
        ("? " * 100_000, "1:3: a key must be text"),
        ("[" + "x," * MAX_NODES + "]", f"1:{2 * MAX_NODES}"),
        ("a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 99)), "levels"),
        ("x: " + "y" * 2_000_000, "is larger than 1 MiB"),
        ("a: &a {b: *a}", "1:11: the alias *a is part of what it stands for"),
        ("&a [*a]", "1:5: the alias *a is part of what it stands for"),
        ("\n".join(f"k: {n}" for n in range(5000)), "given twice"),
    ],
    ids=[
        "aliases", "lists", "mappings", "items", "keys", "nodes", "alias chain", "size", "self",
        "self in list", "duplicates",
    ],
)  # fmt: skip
def test_bombs_are_refused_at_once(text: str, expected: str) -> None:
    start = time.process_time()
    assert expected in "\n".join(told(text))
    assert time.process_time() - start < 5  # unbounded, the aliases alone take minutes


def test_the_caret_stands_under_the_cell_it_means() -> None:
    text = "version: 1\nagents: {a: {title: 编辑部👩‍👩‍👧, tols: []}}\n"
    with pytest.raises(ScenarioError) as caught:
        loads(text, path="s.yaml")
    _, line, caret = str(caught.value).split("\n")
    assert line == "     2 | agents: {a: {title: 编辑部👩‍👩‍👧, tols: []}}"
    assert caret == " " * (len("     2 | agents: {a: {title: ") + 2 * 4 + 2) + "^"


def test_long_lines_are_cut_around_the_caret() -> None:
    line = "agents: {a: {description: " + "x" * 500 + ", tols: [], title: " + "y" * 500 + "}}"
    with pytest.raises(ScenarioError) as caught:
        loads("version: 1\n" + line, path="s.yaml")
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 100
    assert "…" in shown[:12]
    assert shown[caret.index("^") :].startswith("tols: []")

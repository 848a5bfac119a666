"""Script keys: which one speaks for a call, and which two could not agree."""

from __future__ import annotations

import time

import pytest

from orchestra.scenario.script import ScriptKey, find, ties


@pytest.mark.parametrize(
    ("key", "call", "fits"),
    [
        ("writer", "writer", True),
        ("writer", "editor/writer#2", True),
        ("writer#2", "editor/writer#2", True),
        ("writer#2", "editor/writer#1", False),
        ("writer#1", "writer", False),
        ("writer", "editor/writer#1/checker#1", False),
        ("editor/writer", "editor/writer#3", True),
        ("editor/writer", "desk/editor#2/writer#3", True),
        ("editor#2/writer", "desk/editor#1/writer#3", False),
        ("editor/writer", "writer", False),
        ("/writer", "writer", True),
        ("/writer", "editor/writer#1", False),
        ("/editor/writer", "editor/writer#1", True),
        ("/editor/writer", "desk/editor#1/writer#1", False),
        ("billing", "main/triage#1>billing", True),
        ("triage>billing", "main/triage#1>billing", True),
        ("triage/billing", "main/triage#1>billing", False),
        ("writer", "a name LangChain made up", False),
        ("writer", "", False),
    ],
)
def test_a_key_is_the_tail_of_a_call_path(key: str, call: str, fits: bool) -> None:
    assert ScriptKey.parse(key).fits(call) is fits
    assert find([key], call) == (key if fits else None)
    assert str(ScriptKey.parse(key)) == key


@pytest.mark.parametrize(
    "text",
    ["", "/", "#1", "writer#", "writer#0", "writer#01", "a//b", "a/", "a>", ">a", "a b", "1a",
     "a#1#2", "writer#١", "a\n", "a" * 65, "//a", "a/ b"],
)  # fmt: skip
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="call path"):
        ScriptKey.parse(text)


@pytest.mark.parametrize(
    ("call", "winner"),
    [
        ("writer", "/writer"),
        ("desk/writer#1", "writer#1"),
        ("desk/writer#7", "writer"),
        ("editor/writer#7", "editor/writer"),
        ("editor/writer#1", "editor/writer#1"),
        ("desk/editor#1/writer#1", "editor/writer#1"),
        ("desk/writer#1/checker#1", None),
    ],
)
def test_the_most_specific_key_wins(call: str, winner: str | None) -> None:
    keys = ["writer", "/writer", "writer#1", "editor/writer", "editor/writer#1"]
    assert find(keys, call) == winner
    assert find(reversed(keys), call) == winner


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["writer", "/writer", "writer#1", "writer#2", "editor/writer"], []),
        (["editor#1/writer", "editor/writer#1"], ["editor#1/writer#1"]),
        (["editor#1/writer", "editor/writer#1", "editor#1/writer#1"], []),
        (["a#1/b", "c/b#1"], []),
        (["/a/b#1/c", "/a/b/c#1"], ["/a/b#1/c#1"]),
        (["/a/b#1/c", "a/b/c#1"], []),
        (["a#1/b/c#1", "a/b#1/c#1", "a#1/b/c#2"], ["a#1/b#1/c#1"]),
    ],
)
def test_keys_that_tie(keys: list[str], expected: list[str]) -> None:
    assert [both for _, _, both in ties(keys)] == expected


def test_many_keys_are_no_burden() -> None:
    start = time.process_time()
    keys = [f"writer#{n}" for n in range(1, 5001)] + [f"a#{n}/b" for n in range(1, 5001)]
    assert not list(ties(keys))
    for n in range(1, 1000):
        assert find(keys, f"editor/writer#{n}") == f"writer#{n}"
    assert time.process_time() - start < 5

"""Recording and replaying: by the API, with the script as the model that is recorded."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.tools import StructuredTool
from runs import ROOT, by_call, check_promises
from taping import record, replay, told_offline, unordered

from orchestra.cassette import Cassette, Decided, Heard, Part, Take, ToolTake, Voice
from orchestra.cassette.lines import Failed, Head
from orchestra.cassette.requests import difference, digest, same
from orchestra.errors import OrchestraError, UsageError
from orchestra.events import ToolProgress
from orchestra.regression import Transcript
from orchestra.regression.golden import golden_of
from orchestra.regression.spelled import script_of
from orchestra.runtime.taped import TapedModel
from orchestra.scenario import discover, load, loads
from orchestra.scenario.nodes import compose

SHIPPED = discover([ROOT / "scenarios", ROOT / "agents" / "examples"])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "ORCHESTRA_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
@pytest.mark.parametrize("tools", [False, True], ids=["tools run", "tools replayed"])
def test_a_replay_is_the_run_that_was_recorded(path: Path, tools: bool, tmp_path: Path) -> None:
    scenario = load(path)
    file = tmp_path / "it.cassette.jsonl"
    seen, _ = record(scenario, file, models={"": "scripted"})
    again = replay(scenario, file, tools=tools)
    for case, events in seen.items():
        check_promises(again[case])
        if tools:  # what a tool says on its way is not recorded, nor which thread was first
            events = [e for e in events if not isinstance(e, ToolProgress)]
            assert unordered(again[case]) == unordered(events)
        else:
            assert by_call(again[case]) == by_call(events)
        assert [e.t for e in again[case]] == pytest.approx([e.t for e in events], abs=1e-4)


@pytest.mark.parametrize("path", [it for it in SHIPPED if it.stem != "sold-out"], ids=name_of)
def test_spelled_as_a_script_it_is_the_same_run(path: Path, tmp_path: Path) -> None:
    """But for the one whose outcome depends on who is first: a script has no clock."""
    scenario = load(path)
    file = tmp_path / "it.cassette.jsonl"
    seen, _ = record(scenario, file, models={"": "scripted"})
    spelled = script_of(scenario, Cassette.at(file))
    document = compose(path.read_text(encoding="utf-8")).plain()
    document |= compose(spelled).plain()
    assert "told different things" not in spelled
    again = loads(json.dumps(document), path=path)
    assert again.script != {}
    for case, events in told_offline(again).items():
        assert golden_of(Transcript.of(events)) == golden_of(Transcript.of(seen[case]))


# Requests

ASKED = {
    "messages": [
        {"role": "system", "content": "You edit."},
        {"role": "user", "content": "Tides?"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "name": "t", "args": {"x": 1}}]},
        {"role": "tool", "name": "t", "content": "the key is ***, all of ***!", "tool_call_id": "call_1"},
    ],
    "tools": [{"name": "t", "description": "Does it.", "parameters": {"type": "object"}}],
}  # fmt: skip


def changed(*where: str | int, to: object) -> dict[str, Any]:
    """The request with another value somewhere; None takes it away."""
    request: Any = json.loads(json.dumps(ASKED))
    part = request
    for key in where[:-1]:
        part = part[key]
    if to is None:
        del part[where[-1]]
    else:
        part[where[-1]] = to
    return request


DIFFERENCES: list[tuple[tuple[str | int, ...], object, str | None]] = [
    (("messages", 3, "content"), "the key is X-1, all of Y!", None),
    (("messages", 3, "content"), "the key is ***, all of ***!", None),
    (("messages", 3, "content"), "the key is , all of !", None),
    (("messages", 3, "content"), "the key is X", "message 4 (tool) differs: expected 'the key is ***"),
    (("messages", 1, "content"), "Moon?", "message 2 (user) differs: expected 'Tides?', seen 'Moon?'"),
    (("messages", 1, "content"), "\x1b[2J", "seen '␛[2J'"),
    (("messages", 1, "role"), "human", "message 2 (human) differs in 'role'"),
    (
        ("messages", 2, "tool_calls", 0, "args", "x"),
        True,
        'in \'tool_calls\': expected \'[{"id": "call_1", "name": "t", "args": {"x": 1}}]\'',
    ),
    (("messages", 3), None, "message 4 (tool) is missing: "),
    (("messages",), [*ASKED["messages"], {"role": "user", "content": "Go on."}], "message 5 (user) is new: "),
    (("tools", 0, "name"), "u", "the tools differ: expected t, seen u"),
    (("tools",), [], "the tools differ: expected t, seen none"),
    (("tools", 0, "description"), "No.", "the description of tool 't' differs: expected 'Does it.', seen 'No.'"),
    (("tools", 0, "parameters"), {"type": "x"}, "the parameters of tool 't' differs"),
    (("tool_choice",), "any", "'tool_choice' differs: expected 'nothing', seen 'any'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("abcx", "x is new"),
        ("a", "b, c are missing"),
        ("abx", "expected c, seen x"),
        ("acb", "expected the order a, b, c, seen a, c, b"),
    ],
)
def test_of_many_tools_only_those_are_told_that_are_not_on_both_sides(now: str, told: str) -> None:
    old, new = ({"tools": [{"name": it} for it in some]} for some in ("abc", now))
    assert difference(old, new) == f"the tools differ: {told}"


@pytest.mark.parametrize(("where", "to", "told"), DIFFERENCES)
def test_the_first_difference(where: tuple[str | int, ...], to: object, told: str | None) -> None:
    request = changed(*where, to=to)
    seen = difference(ASKED, request)
    assert (seen is None) == (told is None) == same(ASKED, request)
    assert told is None or (seen is not None and told in seen)
    assert seen is None or "\n" not in seen


def test_of_long_texts_the_place_is_shown() -> None:
    long = "word " * 1000
    before = {"messages": [{"role": "user", "content": long + "old" + long}]}
    after = {"messages": [{"role": "user", "content": long + "new" + long}]}
    told = difference(before, after)
    assert told is not None
    assert "old" in told
    assert "new" in told
    assert len(told) < 300


@given(
    st.lists(st.text(alphabet="ab*", max_size=4), max_size=4), st.text(alphabet="ab*", max_size=9)
)
def test_what_is_hidden_stands_for_any_text(parts: list[str], text: str) -> None:
    pattern = "***".join(parts)
    meant = re.fullmatch(".*".join(map(re.escape, pattern.split("***"))), text) is not None
    assert same(pattern, text) == (meant or pattern == text)
    plain = [part.replace("*", "") for part in parts]
    assert same("***".join(plain), text.join(plain))


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda it: st.lists(it) | st.dictionaries(st.text(), it),
    )
)
def test_a_request_is_itself_and_its_digest_is_of_what_it_says(value: Any) -> None:
    request = {"messages": [{"role": "user", "content": value}]}
    assert same(request, json.loads(json.dumps(request)))
    assert digest(request) == digest(json.loads(json.dumps(request)))
    assert difference(request, request) is None


# The file


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    lines: list[Any] = [
        Heard(turn=1, text="go\ud83d"),
        Take(call="a", turn=2, reply={"text": "x"}, chunks=[(0.5, "x"), (1.0, {"usage": {}})]),
        Take(call="a", turn=1, attempt=2, cut=True, model=Voice(name="m", window=9)),
        Take(call="a", turn=1, failed=Failed(said="no", kind="server", wait=1.5)),
        ToolTake(call="a", id="1", tool="t", result=[1, {"x": None}]),
        Decided(call="a", question="a?1", decision={"decide": "approve"}),
    ]
    cassette = Cassette(tmp_path / "x.cassette.jsonl", lines=lines)
    cassette.write()
    again = Cassette.at(cassette.path)
    assert [it for it in again.lines if not isinstance(it, Heard)] == [
        lines[3], lines[2], lines[1], lines[4], lines[5],
    ]  # fmt: skip
    first = cassette.path.read_text()
    again.write()
    assert cassette.path.read_text() == first
    assert [path.name for path in tmp_path.iterdir()] == ["x.cassette.jsonl"]


def test_a_cassette_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.cassette\.jsonl: cannot be written: "):
        Cassette(tmp_path / "none" / "x.cassette.jsonl").write()
    with pytest.raises(UsageError, match=r"\.part: cannot be written: "):
        Part(tmp_path / "none" / "x.cassette.jsonl", Head())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to write to")
def test_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "x.cassette.jsonl.part").symlink_to("/dev/full")
    part = Part(tmp_path / "x.cassette.jsonl", Head())
    part.put(Heard(turn=1, text="x"))
    with part.file, pytest.raises(OrchestraError, match="cannot be written: "):
        part.put(Take(call="a", turn=1, reply={"text": "x"}))


def test_the_page_names_every_key_of_a_line() -> None:
    page = (ROOT / "docs" / "scenario-language.md").read_text(encoding="utf-8")
    table = page.partition("## Record and replay")[2].partition("## Matchers")[0]
    for kind in (Head, Take, ToolTake, Heard, Decided):
        keys = {it.name: it.default for it in dataclasses.fields(kind)}
        (row,) = re.findall(rf"^\| `{keys['type']}` \|.*$", table, re.MULTILINE)
        named = set(re.findall(r"`(\w+)`", row))
        assert keys.keys() - {"case"} <= named | {"type"}


def test_tools_that_stay_the_same_are_put_on_the_wire_once() -> None:
    """An agent binds its tools anew for each answer; of thirty, that was a fifth of a replay."""

    def look(city: str) -> str:
        """Looks."""
        return city

    def ask(city: str) -> str:
        """Asks."""
        return city

    one, two = (StructuredTool.from_function(it) for it in (look, ask))
    model = TapedModel()
    first = model.bind_tools([one, two]).offered
    assert [it["name"] for it in first] == ["look", "ask"]
    assert model.bind_tools([one, two]).offered is first
    assert [it["name"] for it in model.bind_tools([two]).offered] == ["ask"]

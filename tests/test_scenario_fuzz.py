"""Whatever a file holds, it is a scenario or it is explained; and both parsers read it alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra.errors import OrchestraError, ScenarioError
from orchestra.scenario import Scenario, load, loads, parsers
from orchestra.scenario.nodes import compose

quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

HERE = Path(__file__).parent
FILES = [HERE.parent / "scenarios" / "newsroom.yaml", *HERE.glob("corpus/good/*.yaml")]
GOOD = st.sampled_from([path.read_text("utf-8") for path in sorted(FILES)])
PIECES = st.sampled_from(
    ["version: 1", "agents:", "a", "  a:", "- ", "{", "}", "[", "]", ": ", "\n", "\n  ", "&x ",
     "*x", "!!t ", "|", ">", "'", '"', "\\", "#", "---\n", "?", ",", "\t", "1", "~", "tools",
     "script: ", "expect: ", "sequence: ", "route: ", "loop: ", "until: ", "turns: ", "main: ",
     "middleware: ", "response_format: ", "handoffs: ", "中", "\ufeff", "\x00", "\x85", "%", "<<"]
)  # fmt: skip


def check(text: str) -> None:
    try:
        loads(text)
    except ScenarioError as error:
        problems = error.problems
    else:
        return
    assert problems
    for problem in problems:
        assert problem.message
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f]|pydantic", str(problem).replace("\n", " ")
        )


@quick
@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@quick
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_yaml(text: str) -> None:
    check(text)


@quick
@given(st.binary())
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(data)
    with pytest.raises(OrchestraError):  # random bytes are never a scenario
        load(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*Scenario.model_fields, "a", "text"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(quick, max_examples=300)
@given(GOOD, st.data(), VALUES)
def test_any_value_at_any_place(text: str, data: st.DataObject, value: object) -> None:
    place = data.draw(st.sampled_from(re.findall(r"(?<=: )\S.*$", text, re.MULTILINE)))
    flow = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n")
    check(text.replace(f": {place}", f": {flow.strip()}", 1))


@settings(quick, max_examples=300)
@given(GOOD, st.data(), st.integers(0, 30), PIECES)
def test_any_damage(text: str, data: st.DataObject, size: int, piece: str) -> None:
    at = data.draw(st.integers(0, len(text)))
    check(text[:at] + piece + text[at + size :])


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML was built without libyaml")
@quick
@given(st.lists(PIECES, max_size=20).map("".join))
def test_both_parsers_read_alike(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    read = []
    for parser in (yaml.CSafeLoader, parsers.Plain):
        monkeypatch.setattr(parsers, "FAST", parser)
        try:
            read.append(compose(text).plain())
        except ScenarioError as error:
            read.append(str(error))
    assert read[0] == read[1]

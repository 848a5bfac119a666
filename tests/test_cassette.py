"""Recording and replaying: by the API, with the script as the model that is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import ROOT, by_call, check_promises
from taping import record, replay, told_offline, unordered

from orchestra.cassette import Cassette
from orchestra.events import ToolProgress
from orchestra.regression import Transcript
from orchestra.regression.golden import golden_of
from orchestra.regression.spelled import script_of
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


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_spelled_as_a_script_it_is_the_same_run(path: Path, tmp_path: Path) -> None:
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

"""One file's cases are shared among the workers: each is played once, whoever dies."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from suites import report

from orchestra.cli import main
from orchestra.errors import CHECK_FAILED, OK
from orchestra.regression import workers

if sys.platform == "win32":
    pytest.skip("of signals", allow_module_level=True)

COUNT = 24
TOOLS = '''
import gc, os, signal
from pathlib import Path

def notes(at: str) -> str:
    """Who plays what."""
    with open("played", "a") as played:
        played.write(f"{os.getpid()} {at}\\n")
    mark = Path("mark")
    if at == os.environ.get("DIES") and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return str(gc.get_threshold()[0])
'''
SCENARIO = """\
version: 1
agents: {{a: {{tools: [t]}}}}
tools: {{t: {{python: 'sharing_tools:notes'}}}}
inputs: [{inputs}]
script:
  a:
  - {{match: nobody, text: never}}
{replies}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(workers, "_START", -1e9)  # however little there is to do
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "sharing_tools.py").write_text(TOOLS)
    names = [f"n{at:02}" for at in range(COUNT)]
    replies = [f"  - {{match: {it}, tool_calls: [{{t: {{at: {it}}}}}]}}" for it in names]
    text = SCENARIO.format(
        inputs=", ".join(names), replies="\n".join([*replies, "  - {match: '10000', text: seldom}"])
    )
    (tmp_path / "many.yaml").write_text(text)
    return tmp_path


def played(project: Path) -> tuple[Counter[str], set[str]]:
    lines = [line.split() for line in (project / "played").read_text().splitlines()]
    return Counter(at for _, at in lines), {pid for pid, _ in lines}


def test_who_has_nothing_to_do_takes_half_of_the_rest(project: Path) -> None:
    assert main(["test", "many.yaml", "-n", "2", "--json", "r.json"]) == CHECK_FAILED
    cases, pids = played(project)
    assert cases == Counter(f"n{at:02}" for at in range(COUNT))
    assert len(pids) == 2
    told = report("r.json")
    assert len(told) == COUNT + 1
    assert {it["exit_code"] for name, it in told.items() if name != "many"} == {OK}
    # What none of them has used. And a tool was told that Python's collector looks seldom.
    assert told["many"]["reasons"] == ["script key 'a': reply 1 of 26 was never used"]


@pytest.mark.parametrize("who", ["n00", "n01", f"n{COUNT - 1:02}"])
def test_who_dies_meanwhile_costs_its_case(
    who: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES", who)
    assert main(["test", "many.yaml", "-n", "3", "--json", "r.json"]) == CHECK_FAILED
    cases, _ = played(project)
    assert cases == Counter([who, *(f"n{at:02}" for at in range(COUNT))])
    told = report("r.json")
    assert len(told) == COUNT + 1
    assert {name: it["notes"] for name, it in told.items() if it["notes"]} == {
        f"many[{int(who[1:])}]": ["its worker died in the first try; it was tried once more"]
    }


def test_as_many_workers_as_cases_are_worth(project: Path) -> None:
    from argparse import Namespace

    from orchestra.verbs.testing import workers as count

    args = Namespace(workers=None, timeout=None, watch=False, mode=None)
    few = project / "few.yaml"
    few.write_text("version: 1\nagents: {a: {}}\ninput: go\n")
    assert count(args, [few]) == 0
    many = project / "inputs.yaml"
    many.write_text("inputs:\n" + "  - {input: go}\n" * 500)
    assert count(args, [many]) >= 1
    args.mode = "live"  # what takes time is the network
    assert [count(args, [few] * at) for at in (1, 2, 5, 20)] == [0, 2, 5, 8]
    args.workers = 3
    assert count(args, [few] * 20) == 3

"""`orchestra show`: the overview, the flowchart, and what a scenario needs."""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from runs import SCENARIOS

from orchestra.cli import main
from orchestra.verbs.mermaid import label

TEAM = """
    version: 1
    name: everything
    description: All there is.
    tags: [one, two]
    models: {live: {model: "openai:gpt", base_url: "http://me:secret@host/${PATH_PART:-v1}"}}
    tools:
      look: {returns: [{value: 1}]}
      mine: {python: "mine:look"}
      gone: {python: "gone:look", args: {token: "${TOKEN}"}}
    agents:
      boss:
        title: The boss
        model: live
        tools: [look, mine, gone]
        subagents: [pipe, worker, boss]
        handoffs: [desk]
        approve: [mine]
        middleware: [todo_list]
        response_format: {type: object}
      pipe: {sequence: [worker, {agent: panel, input: "{{previous}}"}]}
      panel: {parallel: [worker, crowd], join: polish}
      crowd: {map: worker, over: $.items}
      polish: {loop: [worker, critic], until: {contains: OK}, max_rounds: 2}
      critic: {}
      desk: {route: [{when: refund, to: worker}, {critic: All else}], default: critic}
      worker: {use: worker.yaml}
      lost: {}
    main: boss
    input: Do it.
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "a-secret-value")
    for name in ("PATH_PART", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    Path("worker.yaml").write_text("title: Worker\n")
    Path("mine.py").write_text("raise SystemExit('was run')\n")
    Path("team.yaml").write_text(textwrap.dedent(TEAM).lstrip())
    return "team.yaml"


def shown(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["show", *args]) == 0
    return capsys.readouterr().out


def test_overview(capsys: pytest.CaptureFixture[str], team: str) -> None:
    out = shown(capsys, team)
    assert "secret" not in out
    assert out == textwrap.dedent("""\
        everything
          All there is.
          tags: one, two

        input
          Do it.

        team
          boss “The boss”  openai:gpt · tools look, mine, gone · asks before mine · answers in JSON · middleware todo_list
          ├─ pipe  sequence
          │  ├─ 1. worker “Worker”  scripted
          │  └─ 2. panel  parallel
          │     ├─ worker ↑
          │     ├─ crowd  map · over $.items
          │     │  └─ each worker ↑
          │     └─ join polish  loop · until contains 'OK' · at most 2 rounds
          │        ├─ 1. worker ↑
          │        └─ 2. critic  scripted
          ├─ worker ↑
          ├─ boss ↑
          └─ → desk  route · scripted
             ├─ if contains 'refund': worker ↑
             ├─ “All else”: critic ↑
             └─ default: critic ↑
          never reached:
          lost  scripted

        needs
          code         mine:look in mine.py (tool mine)
          code         gone:look in not found (tool gone)
          environment  PATH_PART: not set, has a default
          environment  TOKEN: set
          environment  OPENAI_API_KEY: not set (read by openai)
          endpoint     openai:gpt at http://***@host/${PATH_PART:-v1} (live)
          file         worker.yaml
          middleware   todo_list
        """).replace("gone:look in not found", "gone:look: not found")  # fmt: skip


def test_as_json(capsys: pytest.CaptureFixture[str], team: str) -> None:
    text = shown(capsys, team, "--json")
    assert "secret" not in text
    found = json.loads(text)
    assert (found["name"], found["main"]) == ("everything", ["boss"])
    assert found["cases"] == [{"name": "everything", "turns": ["Do it."]}]
    kinds = {name: agent["kind"] for name, agent in found["agents"].items()}
    assert kinds["polish"] == "loop"
    assert found["agents"]["boss"]["handoffs"] == ["desk"]
    needs = found["needs"]
    assert needs["code"][1] == {"tool": "gone", "target": "gone:look", "file": None}
    assert {"name": "TOKEN", "set": True, "default": False} in needs["environment"]
    assert needs["files"] == ["worker.yaml"]


def test_flowchart(capsys: pytest.CaptureFixture[str], team: str) -> None:
    lines = shown(capsys, team, "--mermaid").splitlines()
    assert lines[0] == "flowchart TD"
    for line in (
        '  a0_boss["The boss"]',
        '  a1_pipe[["pipe<br/>sequence"]]',
        '  a2_panel[/"panel<br/>parallel"/]',
        '  a3_crowd[/"crowd<br/>map"\\]',
        '  a4_polish{{"polish<br/>loop"}}',
        '  a6_desk{"desk<br/>route"}',
        '  t0_look("look")',
        "  a0_boss --> a1_pipe",
        '  a0_boss -. "hands over" .-> a6_desk',
        '  a1_pipe -- "1" --> a7_worker',
        '  a2_panel -- "join" --> a4_polish',
        "  a0_boss --- t1_mine",
        "  class a0_boss main",
    ):
        assert line in lines


@pytest.mark.parametrize(
    "text",
    [
        '"] --> evil["',
        "</text><script>alert(1)</script>",
        "%%{init: {}}%%",
        "`**bold**`",
        "#quot;",
        "a\\",
        "x\x1b[2Jy\n  a0 --> a1",
        "click a0 href javascript:alert(1)",
    ],
)
def test_nothing_gets_out_of_a_label(text: str) -> None:
    shown = label(text)
    assert "\n" not in shown
    assert not set("\"'<>`%{}[]()|\\\x1b;&#") & {*re.sub(r"#\d+;", "", shown)} - {"'"}


def test_a_flowchart_of_a_hostile_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "version: 1\nmain: end\nagents:\n"
        "  end: {title: 'A\"]; click end \"javascript:x', subagents: [a-b, a_b]}\n"
        "  a-b: {route: {end: 'x\" --> y[\"'}}\n  a_b: {}\n"
    )
    out = shown(capsys, str(path), "--mermaid")
    assert re.fullmatch(r'(?:[\w ,:-]|"[^"\n]*"|\[/?|/?\\?\]|[{}()>.]|\n)*', out), (
        "quotes come in pairs, with nothing in between that ends them"
    )
    assert "a0_end" in out
    assert len(set(re.findall(r"^  (\w+)[\[{]", out, re.MULTILINE))) == 3, "ids stay apart"


@pytest.mark.parametrize("title", ["", " ", "\\u00a0"])
def test_a_blank_title_is_no_label(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, title: str
) -> None:
    path = tmp_path / "s.yaml"
    agents = f'a: {{title: "{title}", description: "{title}", subagents: [b]}}, b: {{}}'
    path.write_text(f"version: 1\nagents: {{{agents}}}\ninput: x\n")
    lines = shown(capsys, str(path), "--mermaid").splitlines()
    assert lines[1:4] == ['  a0_a["a"]', '  a1_b["b"]', "  a0_a --> a1_b"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("turns: [one, two]", ["turns (2)", "  one"]),
        ("inputs: [{name: x, input: one}, two]", ["cases (2)", "  s[x]: one", "  s[1]: two"]),
        ("interactive: true", ["  asked for when it is run"]),
        ('input: "a\\e[2Jb\\n\\nc"', ["  a␛[2Jb c"]),
    ],
)
def test_what_it_is_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: str, words: list[str]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"version: 1\nagents: {{a: {{}}}}\n{given}\n")
    lines = shown(capsys, str(path)).splitlines()
    assert {*words} <= {*lines}
    assert lines[-1] == "needs nothing: no code, no environment, no network"


def test_a_long_chain_is_cut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    chain = "".join(f"  a{at}: {{subagents: [a{at + 1}]}}\n" for at in range(1500))
    path.write_text(f"version: 1\nagents:\n{chain}  a1500: {{}}\n")
    lines = shown(capsys, str(path)).splitlines()
    assert max(map(len, lines)) < 100
    assert "  further down:" in lines
    assert "  never reached:" not in lines
    assert sum("scripted" in line for line in lines) == 1501, "everyone is told once"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["gone.yaml"], "gone.yaml: no such file"),
        (["."], "is a folder"),
        ([str(SCENARIOS / "chat.yaml"), "--root", "nowhere"], "the root is no folder"),
    ],
)
def test_what_goes_wrong(capsys: pytest.CaptureFixture[str], args: list[str], message: str) -> None:
    assert main(["show", *args]) == 2
    assert message in capsys.readouterr().err


def test_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    for path in SCENARIOS.glob("*.yaml"):
        shown(capsys, str(path))
        shown(capsys, str(path), "--mermaid")
        document: Any = json.loads(shown(capsys, str(path), "--json"))
        assert document["agents"]

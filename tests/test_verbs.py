"""The verbs that read files and run nothing: validate, list, schema."""

import json
import os
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import forks
import pytest
from runs import ROOT, SCENARIOS
from test_house import HEAVY, modules_after

from orchestra.cli import main
from orchestra.errors import Problem
from orchestra.verbs.listing import table

GOOD = "version: 1\nagents: {a: {}}\ninput: go\nscript: {a: [{text: hi}]}\n"
BAD = "version: 1\nagents:\n  a:\n    sytem_prompt: hi\n    tols: []\n"
AGENT = "system_prompt: hi\ntools: [archive]\nsubagents: [helper]\nmodel: live\n"
ESCAPES = '"x\\e]0;owned\\a\\u202Ey"'  # a terminal's title, and a change of direction


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own environment takes part."""
    for name in list(os.environ):
        if name.startswith(("ORCHESTRA_", "OPENAI_")) and name != "ORCHESTRA_HOME":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def warnings(capsys: pytest.CaptureFixture[str], text: str) -> list[str]:
    """What validate warns of in a valid scenario, as ``line:column message``."""
    path = write(Path("s.yaml"), "version: 1\n" + textwrap.dedent(text).lstrip("\n"))
    assert main(["validate", str(path), "--json"]) == 0
    (file,) = document(capsys)["files"]
    return [f"{it['line']}:{it['column']} {it['message']}" for it in file["warnings"]]


def test_what_ships_is_valid_and_warns_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(SCENARIOS), str(ROOT / "agents")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"ok    chat  {SCENARIOS / 'chat.yaml'}" in lines
    assert f"ok    researcher  {ROOT / 'agents' / 'researcher.yaml'}" in lines
    assert lines[-1] == f"{len(lines) - 1} valid, 0 invalid", "one line each: no warnings"


def test_every_problem_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("a/good.yaml"), GOOD)
    write(Path("a/bad.yaml"), BAD)
    assert main(["validate", "nowhere", "a", "a/good.yaml"]) == 2
    out = capsys.readouterr().out
    assert out.startswith("BAD   nowhere\nnowhere: no such file or folder\nBAD   a/bad.yaml\n")
    assert "a/bad.yaml:4:5: agents.a: unknown key 'sytem_prompt'; did you mean" in out
    assert "     4 |     sytem_prompt: hi\n             ^\n" in out
    assert "unknown key 'tols'" in out
    assert out.count("ok    good  a/good.yaml") == 1, "a file is checked once"
    assert out.endswith("1 valid, 2 invalid\n")


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("bad.yaml"), BAD)
    write(Path("good.yaml"), GOOD + "tools: {t: {returns: [{value: 1}]}}\n")
    assert main(["validate", "bad.yaml", "good.yaml", "gone.yaml", "--json"]) == 2
    bad, good, gone = document(capsys)["files"]
    assert (bad["path"], bad["valid"], len(bad["problems"])) == ("bad.yaml", False, 2)
    assert bad["problems"][0] == {
        "file": "bad.yaml",
        "line": 4,
        "column": 5,
        "key": "agents.a",
        "message": "unknown key 'sytem_prompt'",
        "hint": "did you mean 'system_prompt'?",
    }
    assert (good["name"], good["valid"], good["problems"]) == ("good", True, [])
    assert [it["message"] for it in good["warnings"]] == ["no agent has the tool 't'"]
    assert gone["problems"][0]["message"].startswith("no such file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: é".encode("latin-1"), "is not UTF-8 text"),
        (b"version: 1\nagents: {a: [1, 2\ninput: x\n", "is not closed here"),
        (b"\x89PNG\r\n\x1a\n\0\0", "bad.yaml"),
        (b"", "is empty"),
        (b"- just\n- a list\n", "a scenario"),
        (f"version: 1\nname: {ESCAPES}\nagents: {{a: {{}}}}\n".encode(), "must be one line"),
        (f"version: 1\nagents: {{a: {{title: {ESCAPES}}}}}\n".encode(), "must be one line"),
    ],
)
def test_hostile_files(capsys: pytest.CaptureFixture[str], content: bytes, message: str) -> None:
    Path("bad.yaml").write_bytes(content)
    for verb in ("validate", "list", "show"):
        assert main([verb, "bad.yaml"]) == 2
        shown = capsys.readouterr()
        assert message in shown.out + shown.err
        assert not {"\x1b", "\x07", "\u202e"} & {*shown.out, *shown.err}


def test_hostile_names_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("x\x1b[2Jy.yaml"), GOOD)
    for args in (["validate", "."], ["list"], ["show", "x\x1b[2Jy.yaml"]):
        main(args)
        assert "\x1b" not in capsys.readouterr().out


def test_missing_variables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
    models: {live: {model: "x:${MODEL_A}", api_key: "${KEY_B}", base_url: "${URL_C:-}"}}
    agents: {a: {system_prompt: "costs ${NOT_FILLED}"}}
    script: {a: []}
    """
    assert warnings(capsys, text) == [
        "2:24 the environment variable MODEL_A is not set",
        "2:49 the environment variable KEY_B is not set",
    ]
    monkeypatch.setenv("MODEL_A", "m")
    Path(".env").write_text("KEY_B=secret\n")
    assert warnings(capsys, text) == []
    monkeypatch.setenv("MODEL_A", "")
    assert len(warnings(capsys, text)) == 1, "an empty one counts as unset"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Calls that no tool answers.
        (
            """
            agents: {a: {tools: [look], subagents: [b]}, b: {}}
            tools: {look: {parameters: {at: string}, returns: [{value: 1}]}}
            script:
              a:
                - tool_calls: [{lok: {at: x}}, {look: {to: x}}, {b: {q: x}}, transfer_to_b]
              b: []
            """,
            [
                "6:20 'lok' is no tool of 'a'",
                "6:43 'look' is called without its 'at'",
                "6:44 'look' takes no 'to'",
                "6:57 'b' is called without its 'query'",
                "6:58 'b' takes no 'q'",
                "6:66 'transfer_to_b' is no tool of 'a'",
            ],
        ),
        # Only running tells what a class, or middleware, brings.
        (
            """
            agents: {a: {tools: [py]}, b: {middleware: [todo_list]}}
            main: [a, b]
            tools: {py: {python: "os:x"}}
            script: {a: [{tool_calls: [any]}], b: [{tool_calls: [write_todos]}]}
            """,
            ["4:22 no module 'os' beside the file or under the root"],
        ),
        # Who is never reached, and what is never used.
        (
            """
            agents: {a: {handoffs: [b]}, b: {}, c: {subagents: [d]}, d: {}}
            main: a
            tools: {t: {returns: [{value: 1}, {value: 2}]}}
            script: {a: []}
            """,
            [
                "2:37 nothing leads from 'a' to 'c'",
                "2:58 nothing leads from 'a' to 'd'",
                "4:9 no agent has the tool 't'",
                "4:35 is never given: an answer above it always fits",
            ],
        ),
        # Script keys that no call has.
        (
            """
            agents: {a: {subagents: [b], handoffs: [c]}, b: {}, c: {handoffs: [e]}, d: {model: echo}, e: {}}
            main: [a, d]
            script:
              a: []
              a/b: []
              a/c: []
              a>c: []
              a>e: []
              /e: []
              /b: []
              d: []
            """,
            [
                "7:3 'a' does not call 'c'",
                "11:3 'b' is no main agent, as '/' says",
                "12:3 'd' speaks with the model 'echo', which asks no script",
            ],
        ),
        ("agents: {a: {}}", ["2:10 the script has no reply for 'a'"]),
        ("agents: {a: {model: 'openai:x'}}", []),
        ("agents: {a: {middleware: [summarization]}}\nscript: {a.summarization: []}",
         ["2:10 the script has no reply for 'a'"]),
        # Steps that are sure to be taken; the targets of a route are not.
        (
            """
            agents:
              all: {sequence: [p, m, l, r]}
              p: {parallel: [a, {agent: b}], join: c}
              m: {map: d, join: e}
              l: {loop: [f, a]}
              r: {route: {g: x, h: y}, default: h}
              a: {model: echo}
              b: {}
              c: {}
              d: {}
              e: {}
              f: {}
              g: {}
              h: {}
            script: {f: []}
            """,
            [f"{line} the script has no reply for '{name}'"
             for line, name in (("7:3", "r"), ("9:3", "b"), ("10:3", "c"), ("11:3", "d"),
                                ("12:3", "e"))],
        ),
        # Agents that a script calls or hands over to, where nothing can come between.
        (
            """
            agents:
              a: {subagents: [b, c, d, e, f], handoffs: [g, h], approve: [c]}
              b: {sequence: [i]}
              c: {}
              d: {}
              e: {}
              f: {}
              g: {}
              h: {}
              i: {}
              j: {middleware: [todo_list], subagents: [f]}
            main: [a, j]
            decisions: [{agent: a, tool: c, decide: reject}]
            script:
              j: [{tool_calls: [f: {query: x}]}]
              a:
                - tool_calls: [b: {query: x}, c: {query: x}]
                - tool_calls: [d: {query: x}]
                  fault: {error: stall}
                - tool_calls: [transfer_to_g, transfer_to_h]
            """,
            ["9:3 the script has no reply for 'g'", "11:3 the script has no reply for 'i'"],
        ),
        # What a person decides.
        (
            """
            agents: {a: {tools: [t, u], approve: [t, u]}}
            tools: {t: {returns: [{value: 1}]}, u: {returns: [{value: 1}]}}
            script: {a: [{tool_calls: [t]}]}
            decisions: [{agent: a, tool: u, decide: approve}]
            """,
            [
                "2:39 the script calls 't', but 'decisions' has none on it",
                "5:13 the script never has 'a' call 'u'",
            ],
        ),
        # Checks of calls that nobody makes.
        (
            """
            agents: {a: {subagents: [b]}, b: {}}
            script: {a: []}
            expect: [{agent: b/a, output: x}]
            """,
            ["4:18 'b' does not call 'a'"],
        ),
        # A route by rules alone asks nobody.
        (
            """
            agents: {r: {route: [{when: x, to: a}], default: a}, a: {}}
            script: {r: [{text: a}], a: []}
            """,
            ["3:10 'r' is a route by rules alone: no model is asked"],
        ),
    ],
)  # fmt: skip
def test_warnings(capsys: pytest.CaptureFixture[str], text: str, expected: list[str]) -> None:
    def middleware_problems(scenario: object) -> list[Problem]:
        return []

    with pytest.MonkeyPatch.context() as patch:
        fake = types.ModuleType("orchestra.runtime.middleware")
        fake.middleware_problems = middleware_problems
        patch.setitem(sys.modules, "orchestra.runtime.middleware", fake)
        assert warnings(capsys, text) == expected


def test_a_warning_is_told_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("s.yaml"), GOOD + "tools:\n  t: {returns: [{value: 1}]}\n")
    assert main(["validate", "s.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok    s  s.yaml",
        "s.yaml:6:3: warning: tools: no agent has the tool 't'",
        "     6 |   t: {returns: [{value: 1}]}",
        "           ^",
        "1 valid, 0 invalid",
    ]


def test_code_is_read_and_never_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text(
        "raise SystemExit('was run')\ndef weather(): '''\\d'''\nif 1:\n    Desk = other = 3\n"
    )
    Path("broken.py").write_text("def weather(:\n")
    Path("stars.py").write_text("from os import *\n")
    names = ["mine:weather", "mine:Desk.size", "mine:wether", "broken:x", "stars:x", "none:x"]
    tools = ", ".join(f"t{at}: {{python: '{name}'}}" for at, name in enumerate(names))
    text = f"agents: {{a: {{tools: [t0, t1, t2, t3, t4, t5]}}}}\nscript: {{a: []}}\ntools: {{{tools}}}\n"
    told = [it.partition(" ")[2] for it in warnings(capsys, text)]
    assert told == ["'mine' has no 'wether'", "no module 'none' beside the file or under the root"]


def test_middleware_s_arguments_are_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def middleware_problems(scenario: Any) -> list[Problem]:
        where = ("agents", "a", "middleware", 0, "model_retry")
        return [scenario.source.problem(where, "takes no 'tries'")]

    fake = types.ModuleType("orchestra.runtime.middleware")
    fake.middleware_problems = middleware_problems  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "orchestra.runtime.middleware", fake)
    write(Path("s.yaml"), "version: 1\nagents: {a: {middleware: [{model_retry: {tries: 2}}]}}\n")
    assert main(["validate", "s.yaml"]) == 2
    assert "s.yaml:2:41: agents.a.middleware[0].model_retry: takes no 'tries'" in (
        capsys.readouterr().out
    )


def test_agent_files(capsys: pytest.CaptureFixture[str]) -> None:
    """Alone, as a folder, and beside scenarios; what they leave to a scenario is no mistake."""
    write(Path("agents/good.yaml"), AGENT + "approve: [of_the_scenario]\n")
    write(Path("agents/team.yaml"), "sequence: [good, other]\n")
    write(Path("agents/heir.yaml"), "use: good.yaml\nsystem_prompt: mine\n")
    write(Path("agents/notes.yaml"), "title: only notes\n")
    write(Path("s/one.yaml"), GOOD)
    assert main(["validate", "agents"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok    good  agents/good.yaml",
        "ok    heir  agents/heir.yaml",
        "ok    team  agents/team.yaml",
        "3 valid, 0 invalid",
    ]
    assert main(["validate", "."]) == 0
    assert capsys.readouterr().out.endswith("4 valid, 0 invalid\n")
    write(Path("agents/other.yaml"), "use: good.yaml\ntools: []\n")
    assert main(["validate", "agents/good.yaml", "agents/other.yaml"]) == 0


def test_broken_agent_files(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("bad.yaml"), "tols: [a]\nsystem_prompt: 3\nsubagents: [b, b]\nmodel: '${M}'\n")
    write(Path("warn.yaml"), "system_prompt: x\nmodel: {model: 'x:y', api_key: '${K}'}\n")
    assert main(["validate", "bad.yaml", "warn.yaml"]) == 2
    lines = [it for it in capsys.readouterr().out.splitlines() if not it.startswith(" ")]
    assert lines == [
        "BAD   bad.yaml",
        "bad.yaml:1:1: unknown key 'tols'; did you mean 'tools'?",
        "bad.yaml:2:16: system_prompt: expected text, found the number 3; put it in quotes",
        "bad.yaml:3:16: subagents[1]: 'b' is listed twice",
        "ok    warn  warn.yaml",
        "warn.yaml:2:32: warning: agents.warn.model.api_key: the environment variable K is not set"
        "; set it, or write it in .env",
        "1 valid, 1 invalid",
    ]


AGENTS = {  # with a key that is none, or none of an agent
    "misspelt.yaml": "sytem_prompt: hi\ntools: [archive]\n",
    "alone.yaml": "sytem_prompt: hi\n",
    "half.yaml": "system_prompt: hi\nfoo: 1\n",
    "dashes.yaml": "system-prompt: hi\ntitle: x\n",
    "singular.yaml": "title: x\nsubagent: [a]\n",
    "loop.yaml": "loop: [a, b]\nuntill: x\nmax_round: 3\n",
    "sequence.yaml": "sequence: [a]\ntitel: Q\n",
    "heir.yaml": "use: ../none.yaml\ntitle: x\n",
    "versioned.yaml": "version: 1\nsystem_prompt: hi\ntools: []\n",
}
OTHERS = {
    "compose.yaml": "version: '3'\nservices: {web: {}}\nvolumes: {}\nnetworks: {}\n",
    "workflow.yaml": "name: x\non: push\ndefaults: {}\njobs: {}\n",
    "action.yml": "name: x\ndescription: y\ninputs: {}\nruns: {}\n",
    "alerts.yaml": "global: {}\nroute: {}\nreceivers: []\n",
    "alerts-too.yaml": "route: {}\nreceivers: []\n",
    "routes.yaml": "routes: []\ndefault: x\n",
    "pipeline.yaml": "stages: []\ndefault: {}\nparallel: 3\nimage: x\n",
    "limits.yaml": "limits: {}\nrequests: {}\n",
    "site.yaml": "title: x\ndescription: y\ntheme: z\n",
    "kube.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {}\n",
    "api.yaml": "openapi: 3.1\ninfo: {}\npaths: {}\ntags: []\n",
    "scenario.yaml": "version: 1\nAgents: {a: {}}\ntools: {}\n",
}


def test_agents_with_a_misspelt_key_are_found_in_folders(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in {**AGENTS, **OTHERS}.items():
        write(Path("f", name), text)
    assert main(["validate", "f", "--json"]) == 2
    files = document(capsys)["files"]
    assert {Path(it["path"]).name for it in files} == {*AGENTS}
    assert not any(it["valid"] for it in files)
    told = {Path(it["path"]).name: it["problems"][0] for it in files}
    assert (told["misspelt.yaml"]["line"], told["misspelt.yaml"]["hint"]) == (
        1,
        "did you mean 'system_prompt'?",
    )


def test_an_agent_outside_the_root(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    write(tmp_path / "a.yaml", AGENT)
    (inside / "link.yaml").symlink_to(tmp_path / "a.yaml")
    assert main(["validate", "inside/link.yaml", "--root", "inside"]) == 2
    assert "lies outside the root" in capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("a.yaml"), GOOD + "description: 城市 of\n  two lines\ntags: [one, two]\n")
    write(Path("b.yaml"), GOOD + "description: plain\n")
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a  城市 of two lines  one, two  a.yaml",
        "b  plain                        b.yaml",
    ]
    assert main(["list", "--tag", "one"]) == 0
    assert capsys.readouterr().out.startswith("a  ")
    assert main(["list", "--tag", "tow"]) == 2
    assert "no scenario has 'tow'; did you mean 'two'?" in capsys.readouterr().err


def test_list_what_is_broken_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("s/good.yaml"), GOOD + f"description: {ESCAPES}\n")
    write(Path("s/bad.yaml"), BAD)
    Path("empty").mkdir()
    assert main(["list", "empty", "s", "gone"]) == 2
    shown = capsys.readouterr()
    bad, good = shown.out.splitlines()
    assert "(invalid: line 4: unknown key 'sytem_prompt')" in bad
    assert "x␛]0;owned␇\N{REPLACEMENT CHARACTER}y" in good
    assert [line.partition(":")[0] for line in shown.err.splitlines()] == ["empty", "gone"]
    assert main(["list", "s", "--json"]) == 2
    bad, good = document(capsys)["scenarios"]
    assert (bad["valid"], bad["problem"]["line"]) == (False, 4)
    assert (good["valid"], good["problem"], good["description"]) == (
        True,
        None,
        "x\x1b]0;owned\x07\u202ey",
    )


@pytest.mark.parametrize("width", [20, 40, 79])
def test_a_table_fits_its_terminal(width: int) -> None:
    from rich.cells import cell_len

    rows = [("name", "描述" * 30, "tag", "path.yaml"), ("other", "", "", "p.yaml")]
    assert all(cell_len(line) <= width for line in table(rows, width))
    assert "描述" * 30 in next(table(rows)), "a pipe gets all of it"
    assert list(table([], width)) == []


@pytest.mark.parametrize("option", [[], ["--agent"]])
def test_schema(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    assert main(["schema", *option]) == 0
    schema = document(capsys)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert ("system_prompt" if option else "agents") in json.dumps(schema)


@pytest.mark.parametrize(
    "args",
    [
        ["validate", "scenarios/newsroom.yaml", "agents", "--json"],
        ["list", "scenarios"],
        ["show", "scenarios/newsroom.yaml"],
        ["show", "scenarios/newsroom.yaml", "--mermaid"],
        ["new"],
        ["new", "loop", "-"],
    ],
)
def test_no_reader_pays_for_langchain(args: list[str]) -> None:
    code = f"""
import io, contextlib
from orchestra.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    assert main({args!r}) == 0
"""
    assert not modules_after(code) & HEAVY


@pytest.mark.parametrize("verb", ["validate", "list", "show", "new", "schema"])
def test_help(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert f"example: orchestra {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_any_encoding(encoding: str) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    if encoding == "ascii":  # as that of the files then is, by default
        environ |= {"PYTHONUTF8": "0", "LC_ALL": "C"}
    guide = str(SCENARIOS / "city-guide.yaml")
    for args in (
        ["--help"],
        ["list", guide],
        ["show", guide],
        ["show", guide, "--mermaid"],
        ["new"],
    ):
        done = forks.run(
            [sys.executable, "-m", "orchestra", *args],
            capture_output=True, env=environ, cwd=ROOT, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), args
    done = forks.run(
        [sys.executable, "-m", "orchestra", "show", guide, "--json"],
        capture_output=True, env=environ, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout)["agents"]["guide"]["title"] == "城市向导"


def test_a_large_file_is_checked_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Advice costs what the file is long, not its square: a hang would fail the suite."""
    names = [f"agent{at}" for at in range(700)]
    calls = ", ".join(f"wrong{at}" for at in range(700))
    keys = "".join(f"  {name}: [{{text: x}}]\n" for name in names)
    write(
        Path("s.yaml"),
        f"version: 1\nmain: agent0\nagents: {{{', '.join(f'{name}: {{}}' for name in names)}}}\n"
        f"script:\n{keys}  agent0#1: [{{tool_calls: [{calls}]}}]\n",
    )
    assert main(["validate", "s.yaml"]) == 0
    assert capsys.readouterr().out.count("warning") == 200

"""`orchestra new`: every template is a scenario that works at once."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestra.cli import main
from orchestra.scenario import load
from orchestra.verbs.new import templates

NAMES = list(templates())
PATTERNS = {
    "batch", "chat", "delegation", "handoff", "loop", "map", "parallel", "route", "sequence",
    "structured", "tools",
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith(("ORCHESTRA_", "OPENAI_")) and name != "ORCHESTRA_HOME":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_is_one_for_every_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(NAMES) >= PATTERNS
    assert main(["new"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert all(len(line.split()) > 3 and len(line) <= 100 for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_works_at_once(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["new", name]) == 0
    file = f"{name}.yaml"
    assert capsys.readouterr().out == f"wrote {file}; try: orchestra run {file}\n"
    scenario = load(file)
    assert (scenario.name, bool(scenario.expect)) == (name, True)
    assert main(["validate", file]) == 0
    assert "warning" not in capsys.readouterr().out
    assert main(["test", file]) == 0, capsys.readouterr().out
    assert main(["run", file]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_a_template_names_the_schema_and_explains_itself(name: str) -> None:
    lines = templates()[name].read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../scenario.schema.json"
    assert lines[1].startswith("# ")
    assert f"name: {name}" in lines
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_other_tools_can_read_a_template(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Any YAML parser reads it, and an editor finds nothing wrong in it."""
    document = yaml.safe_load(templates()[name].read_text(encoding="utf-8"))
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert not list(Draft202012Validator(schema).iter_errors(document))


def test_it_is_named_after_its_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file, name in [
        ("desk.yaml", "desk"),
        ("my desk: one.yml", "my desk: one"),
        ("true.yaml", "true"),
        ("True.yaml", "True"),
        ("no.yaml", "no"),
        ("12.yaml", "12"),
        ("城市.yaml", "城市"),
        ('a"\\b.yaml', 'a"\\b'),
    ]:
        assert main(["new", "chat", file]) == 0
        assert load(file).name == name
        assert yaml.safe_load(Path(file).read_text("utf-8"))["name"] == name, "whoever reads it"


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash to try it in")
@pytest.mark.parametrize(
    "file",
    [
        "-x.yaml",
        "my desk.yaml",
        "a  b.yaml",
        "it's.yaml",
        "$HOME.yaml",
        "x\x1b[2J\té.yaml",
        "城 .yaml",
    ],
)
def test_what_it_says_to_try_works(
    here: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    assert main(["new", "chat", "--", file]) == 0
    shown = capsys.readouterr().out
    assert re.fullmatch(r"wrote [^\x00-\x1f]*; try: orchestra run [^\x00-\x1f]*\n", shown)
    script = 'orchestra() { printf "%s" "$2"; }; ' + shown.partition("; try: ")[2]
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    typed = done.stdout.decode()
    assert Path(typed) == Path(file)
    assert not typed.startswith("-"), "it would be an option"
    assert main(["validate", typed]) == 0


def test_a_name_that_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "chat", "x\x1b[2Jy.yaml"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert load("x\x1b[2Jy.yaml").name == "x␛[2Jy"


def test_the_schema_is_found_from_the_new_file(here: Path, tmp_path: Path) -> None:
    from orchestra.verbs import new

    package = Path(new.__file__).parent.parent / "scenario" / "scenario.schema.json"
    assert main(["new", "chat"]) == 0
    first = Path("chat.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={package.as_posix()}"


def test_within_one_project_the_way_is_relative(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from orchestra.verbs.new import _made

    root = Path(__file__).parent.parent
    made = _made("# yaml-language-server: $schema=x\nname: y\n", root / "scenarios" / "z.yaml")
    assert made.splitlines() == [
        "# yaml-language-server: $schema=../orchestra/scenario/scenario.schema.json",
        "name: z",
    ]


def test_to_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "route", "-"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# yaml-language-server: $schema=")
    assert "wrote" not in out
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["lop"], "there is no template 'lop'; did you mean 'loop'?"),
        (["x\x1b[2J"], "there is no template"),
        (["chat", "there.yaml"], "there.yaml: exists already; nothing was written"),
        (["chat", "no/such/x.yaml"], "no/such/x.yaml: there is no folder no/such"),
        (["chat", "there.yaml/x.yaml"], "cannot be written: Not a directory"),
        (["chat", "notes.txt"], "a scenario is a *.yaml file; name it notes.yaml"),
        (["chat", "."], "a scenario is a *.yaml file"),
        (
            ["chat", "x.golden.yaml"],
            "*.golden.yaml is not looked for as a scenario; name it x.yaml",
        ),
        (["chat", "x\0.yaml"], "cannot be written"),
    ],
)
def test_what_goes_wrong(
    here: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    Path("there.yaml").write_text("mine")
    assert main(["new", *args]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "\x1b" not in shown.err
    assert shown.out == ""
    assert [(it.name, it.read_text()) for it in here.iterdir()] == [("there.yaml", "mine")]

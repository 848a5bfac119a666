"""The house itself: what imports what, the public names, and the promises of the README."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import ROOT

import orchestra
import orchestra.runtime
import orchestra.scenario
from orchestra.cli import main


def modules_after(code: str) -> set[str]:
    """The packages and modules loaded by a fresh interpreter that ran ``code``, by first name."""
    return {name.partition(".")[0] for name in _loaded(code)}


def _loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {*done.stdout.split("\n")[-2].split()}


HEAVY = {"langchain", "langchain_core", "langgraph", "textual", "openai"}
VERSION = """
import sys, io, contextlib
from orchestra.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--version"])
"""


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import orchestra", HEAVY | {"pydantic", "yaml", "rich"}),
        (VERSION, HEAVY | {"pydantic", "yaml", "rich"}),
        ("import orchestra; orchestra.load('scenarios/newsroom.yaml')", HEAVY | {"rich"}),
        ("import orchestra.regression", HEAVY),
        ("import orchestra.verbs.play", HEAVY),
        ("import orchestra.verbs.testing", HEAVY),
        ("import orchestra.pytest_plugin", HEAVY | {"pydantic", "yaml", "rich"}),
        ("import orchestra.pytest_plugin.items", HEAVY),
        ("import orchestra.console", HEAVY),
        ("import orchestra.tui", HEAVY - {"textual"}),
        ("import orchestra.runtime", {"textual"}),
        ("import orchestra; orchestra.run", {"textual"}),
    ],
)
def test_what_is_imported_when(code: str, never: set[str]) -> None:
    assert not modules_after(code) & never


CALL = """
import sys, io, contextlib
from orchestra.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main({arguments})
"""
MODEL = "import argparse, pydantic, yaml\nclass A(pydantic.BaseModel): x: int\n"
APP = MODEL + "from textual.app import App\nfrom textual.widgets import Static\n"
AGENT = "import argparse\nfrom langchain.agents import create_agent\n"
NEWSROOM = "'scenarios/newsroom.yaml'"


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        (CALL.format(arguments="['--version']"), "import argparse", 35),
        (CALL.format(arguments="['--help']"), "import argparse", 35),
        (CALL.format(arguments=f"['validate', {NEWSROOM}]"), MODEL, 85),
        ("import orchestra.cli, orchestra.verbs.play, orchestra.tui", APP, 180),
        (CALL.format(arguments=f"['run', '--no-keep', {NEWSROOM}]"), AGENT, 210),
    ],
    ids=["version", "help", "validate", "tui", "run"],
)
def test_how_many_modules_are_imported(code: str, least: str, most: int) -> None:
    """Beyond what nobody could do without: a module more is time for everybody, each time."""
    more = _loaded(code) - _loaded(least)
    assert len(more) <= most, sorted(more)


def test_checking_a_file_needs_little() -> None:
    loaded = _loaded(CALL.format(arguments=f"['validate', {NEWSROOM}]"))
    spared = ("orchestra.events", "orchestra.settings", "orchestra.console", "asyncio", "regex")
    assert not loaded & {*spared, "orchestra.verbs.play", "rich"}


def test_the_first_frame_waits_for_no_markdown() -> None:
    loaded = _loaded("import orchestra.tui.app")
    assert not loaded & {"markdown_it", "regex", "rich.markdown", "orchestra.tui.twins"}


TEST = """
import sys
from orchestra.cli import main
from orchestra.verbs import processes
def begun(mode):
    print(*sys.modules)
    sys.exit()
processes.processes = begun
main(["test", "scenarios", "-n", "2"])
"""


def test_a_suite_begins_its_workers_before_it_imports_anything() -> None:
    done = subprocess.run([sys.executable, "-c", TEST], capture_output=True, text=True, cwd=ROOT)
    assert not {*done.stdout.split()} & {"pydantic", "orchestra.regression", "orchestra.settings"}
    assert "orchestra.scenario.discovery" in done.stdout.split()


@pytest.mark.parametrize("package", [orchestra, orchestra.runtime, orchestra.scenario])
def test_the_public_names(package: Any) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = package.runn


def test_import_contracts() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run([*lint, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_rooms_stay_small() -> None:
    big = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "orchestra").rglob("*.py")
        if (lines := path.read_text().count("\n")) > 350
    }
    assert not big


def test_the_readme_says_what_works(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```yaml\n(version: 1\n.*?)```", text, re.DOTALL)
    path = tmp_path / "desk.yaml"
    path.write_text(example)
    assert main(["test", str(path)]) == 0
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "editor/writer#1/checker#1" in done.stdout


def test_the_readme_names_every_option() -> None:
    text = (ROOT / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "orchestra", "run", "--help"], capture_output=True, text=True
    )
    options = set(re.findall(r"--[a-z]+", done.stdout)) - {"--help", "--root"}
    assert options <= set(re.findall(r"--[a-z]+", text))


def test_every_exception_has_its_reason() -> None:
    """What a check is told to pass over says why, in words, on the same line."""
    mark = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore(?:\[[^]]*\])?)")
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "orchestra").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := mark.search(line)) and not re.search("[A-Za-z]{2}", line[found.end() :])
    ]
    assert not bare

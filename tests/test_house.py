"""The house itself: what imports what, the public names, and the promises of the README."""

import subprocess
import sys

import pytest
from runs import ROOT

import orchestra


def modules_after(code: str) -> set[str]:
    """The modules loaded by a fresh interpreter that ran ``code``."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.partition(".")[0] for name in done.stdout.split("\n")[-2].split()}


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
        ("import orchestra.verbs", HEAVY),
        ("import orchestra.console", HEAVY),
        ("import orchestra.tui", HEAVY - {"textual"}),
        ("import orchestra.runtime", {"textual"}),
        ("import orchestra; orchestra.run", {"textual"}),
    ],
)
def test_what_is_imported_when(code: str, never: set[str]) -> None:
    assert not modules_after(code) & never


def test_the_public_names() -> None:
    for name in orchestra.__all__:
        assert getattr(orchestra, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = orchestra.runn


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

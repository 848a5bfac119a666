"""What came from the environment is kept out of everything that is written."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import check_promises, finished, of, play, scenario

from orchestra import events
from orchestra.cli import main
from orchestra.runtime.secrets import Filler
from orchestra.runtime.voice import Voice

SECRET = "s3cr3t-canary-木-42"


@given(
    st.text(alphabet="abc", max_size=60),
    st.sets(st.text(alphabet="abc", min_size=4, max_size=8), max_size=3),
    st.lists(st.integers(1, 7), max_size=40),
)
def test_however_it_is_cut_a_secret_is_never_said(
    text: str, secrets: set[str], cuts: list[int]
) -> None:
    voice = Voice(Filler({}, set(secrets)))
    said, at = "", 0
    for size in [*cuts, len(text)]:
        said += voice.hear(text[at : at + size])
        at += size
    said += voice.rest()
    assert said == voice.text
    assert not [secret for secret in secrets if secret in said]
    if not any(secret in text for secret in secrets):
        assert said == text


def test_text_without_secrets_is_not_held_back() -> None:
    voice = Voice(Filler({}, {"sk-12345"}))
    assert voice.hear("Hello ") == "Hello "
    assert voice.hear("ask") == "a"
    assert voice.hear("ing") == "sking"
    assert voice.hear("sk-12345!") == "***!"
    assert voice.rest() == ""


TOOLS = '''
class Vault:
    """Knows it."""

    def __init__(self, key: str, nested: dict) -> None:
        self.key = key

    def tell(self) -> str:
        """Tells it."""
        return f"it is {self.key}, all of {self.key}"

    def fail(self) -> str:
        """Fails with it."""
        raise ValueError(f"bad key {self.key}")
'''
VAULT = """
version: 1
agents: {a: {tools: [vault], subagents: [b]}, b: {model: echo}}
main: a
tools: {vault: {python: "vault:Vault", args: {key: "${VAULT_KEY}", nested: {x: ["${VAULT_KEY}"]}}}}
input: what is SECRET?
script:
  a:
    - {reasoning: SECRET I think, text: "Is it SECRET? s3c", tool_calls: [tell, {b: {query: "say SECRET"}}]}
    - chunks: ["It is s3cr", "3t-can", "ary-木", "-42 and no", " s3cr3t"]
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vault.py").write_text(TOOLS)
    (tmp_path / ".env").write_text(f"VAULT_KEY={SECRET}\nOTHER=also-a-secret\n")
    path = tmp_path / "vault.yaml"
    path.write_text(VAULT.replace("SECRET", SECRET))
    return path


@pytest.mark.parametrize("display", ["plain", "rich", "jsonl", "quiet"])
def test_a_canary_in_nothing_that_is_written(
    vault: Path, display: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["run", str(vault), "--display", display, "--save", "run.jsonl", "--stats"])
    out, err = capsys.readouterr()
    assert code == 0, err
    written = out + err + Path("run.jsonl").read_text()
    assert SECRET not in written
    assert json.dumps(SECRET)[1:-1] not in written
    assert "It is *** and no s3cr3t" in Path("run.jsonl").read_text()


async def test_events_are_clean_and_whole(vault: Path) -> None:
    seen = await play(scenario(VAULT[12:].replace("SECRET", SECRET), path=vault))
    check_promises(seen)
    assert SECRET not in "".join(map(events.dumps, seen))
    assert finished(seen).output == "It is *** and no s3cr3t"
    results = {e.name: e.result for e in of(events.ToolFinished, seen)}
    assert results == {"tell": "it is ***, all of ***", "b": "say ***"}


def test_a_failing_tool_and_a_test_report(vault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault.write_text(vault.read_text().replace("[tell, ", "[fail, "))
    assert main(["run", str(vault)]) == 4
    assert main(["test", str(vault)]) == 4
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    assert "bad key ***" in out + err


def test_an_unset_variable_is_told(vault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").unlink()
    assert main(["run", str(vault)]) == 2
    _, err = capsys.readouterr()
    assert "tools.vault.args.key: the environment variable VAULT_KEY is not set" in err
    # The process's own environment wins over .env, and an empty value counts as unset.
    Path(".env").write_text("VAULT_KEY=\n")
    assert main(["run", str(vault)]) == 2


QUOTED = 'pa"ss\\w"ord-1'


async def test_a_secret_in_json_and_in_what_is_cut_and_in_a_summary(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x1y2z3" * 22
    for secret in (QUOTED, long):
        monkeypatch.setenv("VAULT_KEY", secret)
        said = json.dumps(secret)
        text = f"""
agents:
  r: {{route: {{a: A}}, default: a}}
  a:
    tools: [vault]
    response_format: {{type: object}}
    middleware: [{{summarization: {{trigger: [messages, 1], keep: [messages, 1]}}}}]
main: r
tools: {{vault: {{python: "vault:Vault", args: {{key: "${{VAULT_KEY}}", nested: {{}}}}}}}}
input: go
script:
  r: [{{text: {said}}}]
  a: [{{tool_calls: [tell]}}, {{structured: {{x: {said}, y: [{said}]}}}}]
  a.summarization: [{{chunks: [{json.dumps(secret[:5])}, {json.dumps(secret[5:])}]}}, {{text: {said}}}]
"""
        seen = await play(scenario(text, path=vault))
        assert finished(seen).status == "completed", finished(seen).error
        written = "".join(map(events.dumps, seen))
        words = "".join(e.text for e in of(events.Internal, seen))
        for spelt in (secret, said[1:-1], json.dumps(said[1:-1])[1:-1], secret[:60]):
            assert spelt not in written or len(spelt) < 8
            assert spelt not in words

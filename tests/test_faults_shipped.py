"""The scenarios of faults: every fault has one, and each would notice another handling of it."""

from pathlib import Path
from typing import get_args

import pytest
from runs import ROOT

import orchestra
from orchestra.cli import main
from orchestra.errors import INVALID, OK
from orchestra.scenario import Fault, discover
from orchestra.scenario.running import RunSpec

FILES = {path.stem: path for path in discover([ROOT / "scenarios" / "faults"])}

# What the file says, and what makes the fault come to another end.
OTHERWISE = {
    "broken-fail": ("  on_broken_stream: fail", "  on_broken_stream: keep"),
    "broken-invoke": ("  on_broken_stream: invoke", "  on_broken_stream: keep"),
    "broken-keep": ("  on_broken_stream: keep", "  on_broken_stream: invoke"),
    "connection-lost": ("backoff: 0.05", "backoff: 0.05, attempts: 1"),
    "endless-loop": ("limits: {model_calls: 3}", "limits: {model_calls: 4}"),
    "failing-sibling": ("attempts: [1, 2]", "attempts: [1]"),
    "fallback": ("model_fallback: {first_model: reserve}", "todo_list"),
    "half-tool-call": ("fault: {error: unfinished, after: 10}", "rate: 0"),
    "malformed-arguments": ("fault: {error: malformed}", "rate: 0"),
    "no-first-token": ("on_timeout: invoke", "on_timeout: fail"),
    "not-retried": ("errors: [connection]", "errors: [timeout]"),
    "rate-limited": ("errors: [rate_limit]", "errors: [connection]"),
    "run-timeout": ("timeout: 0.2 ", "timeout: 20 "),
    "server-down": ("retry: {attempts: 3", "retry: {attempts: 4"),
    "stall": ("model_timeout: 0.2", "max_concurrency: 8"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_it_would_notice(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, instead = OTHERWISE[name]
    text = FILES[name].read_text("utf-8")
    assert text.count(said) == 1
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.replace(said, instead), "utf-8")
    assert main(["test", str(path)]) not in (OK, INVALID), "".join(capsys.readouterr())


def test_every_one_is_tried_so() -> None:
    assert set(FILES) == set(OTHERWISE)


def test_every_fault_and_every_handling_is_shown() -> None:
    scenarios = [orchestra.load(path) for path in FILES.values()]
    replies = [reply for it in scenarios for each in it.script.values() for reply in each]
    shown = {reply.fault.error for reply in replies if reply.fault}
    assert shown == set(get_args(Fault.model_fields["error"].annotation))
    for key in ("on_timeout", "on_broken_stream"):
        handled = {getattr(it.run, key) for it in scenarios}
        assert handled == set(get_args(RunSpec.model_fields[key].annotation))
    for key in ("timeout", "model_timeout", "first_token_timeout"):
        assert any(getattr(it.run, key) for it in scenarios)

"""The reports of `orchestra test`: their grammars hold, whatever a model says."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from suites import report, talk

from orchestra.cli import main
from orchestra.errors import CHECK_FAILED, INVALID, OK
from orchestra.regression.records import CaseRecord
from orchestra.regression.reports import Whole, as_json, junit, markdown, page

NASTY = (
    "</pre></details><script>document.title='x'</script><img src=http://x.test/y.png>"
    "]]> --> `` ``` | &amp; \x1b[2J\x00\x07\x85\u202e \ufffe 中文 😀"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "good.yaml").write_text(talk("fine"))
    (tmp_path / "wrong.yaml").write_text(talk("seen <b>", "expected & co"))
    (tmp_path / "broken.yaml").write_text("version: 1\nagents: {a: {colour: '</failure>]]>'}}\n")
    said = json.dumps(NASTY)
    (tmp_path / "nasty.yaml").write_text(
        f"version: 1\nagents: {{a: {{tools: [t]}}}}\ninput: go\ntools: {{t: {{returns: [{{value: x}}]}}}}\n"
        f"script: {{a: [{{tool_calls: [{{t: {{x: {said}}}}}]}}, {{text: {said}}}]}}\n"
        "expect: [{output: {equals: nice}}, {tool_calls: [other]}]\n"
    )
    return tmp_path


# JUnit


@dataclass
class Element:
    """What an element may have; ``children`` in any order and number."""

    required: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)
    children: set[str] = field(default_factory=set)
    text: bool = False


FAILED = Element(optional={"message", "type"}, text=True)
RERUN = Element({"type"}, {"message"}, {"stackTrace", "system-out", "system-err"}, text=True)
# The grammar junit-10, as Jenkins' xUnit plugin and Maven's Surefire have it.
GRAMMAR = {
    "testsuites": Element(optional={"name", "time", "tests", "failures", "errors"}, children={"testsuite"}),
    "testsuite": Element(
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": Element(
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError", "system-out", "system-err"},
    ),
    "failure": FAILED,
    "error": FAILED,
    "skipped": FAILED,
    "rerunFailure": RERUN,
    "rerunError": RERUN,
    "flakyFailure": RERUN,
    "flakyError": RERUN,
    "stackTrace": Element(text=True),
    "system-out": Element(text=True),
    "system-err": Element(text=True),
    "properties": Element(children={"property"}),
    "property": Element({"name", "value"}),
}  # fmt: skip
SPELLED = {
    **dict.fromkeys(["tests", "failures", "errors", "skipped"], r"\d+"),
    "time": r"\d+(\.\d+)?",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
}


def breaches(element: ET.Element) -> Iterator[str]:
    """Where an element, or one in it, is not as the grammar wants it."""
    rule = GRAMMAR[element.tag]
    for name in rule.required - {*element.keys()}:
        yield f"{element.tag} lacks {name}"
    for name, value in element.items():
        if name not in rule.required | rule.optional:
            yield f"{element.tag} has {name}"
        if not re.fullmatch(SPELLED.get(name, "(?s:.*)"), value):
            yield f"{name}={value!r}"
    if (element.text or "").strip() and not rule.text:
        yield f"{element.tag} has text"
    for child in element:
        if child.tag not in rule.children:
            yield f"{element.tag} has {child.tag}"
        elif child.tag in GRAMMAR:
            yield from breaches(child)


def test_the_validator_can_fail() -> None:
    wrong = "<testsuites><testsuite name='x' tests='a'><testcase file='f'><p/></testcase></testsuite></testsuites>"
    assert len([*breaches(ET.fromstring(wrong))]) == 6


def test_junit(project: Path) -> None:
    assert main(["test", "--junit", "out/j.xml"]) == INVALID
    root = ET.parse("out/j.xml").getroot()
    assert root.tag == "testsuites"
    assert [*breaches(root)] == []
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "2", "1")
    for suite in root:
        assert int(suite.get("tests") or 0) == len(suite.findall("testcase"))
        assert int(suite.get("failures") or 0) == len(suite.findall("testcase/failure"))
    failures = {it.get("name"): it.find("failure") for it in root.iter("testcase")}
    assert failures["good"] is None
    wrong = failures["wrong"]
    assert wrong is not None
    assert wrong.get("message") == "output: expected 'expected & co', seen 'seen <b>'"
    error = root.find("testsuite[@name='broken']/testcase/error")
    assert error is not None
    assert error.get("type") == "exit code 2"
    assert "unknown key" in (error.text or "")


# JSON


def test_json(project: Path) -> None:
    assert main(["test", "--json", "r.json"]) == INVALID
    document = json.loads((project / "r.json").read_text(encoding="utf-8"))
    assert (document["kind"], document["version"], document["clock"]) == (
        "orchestra suite", 1, "virtual",
    )  # fmt: skip
    assert document["counts"] == {"passed": 1, "failed": 2, "error": 1}
    assert document["exit_code"] == INVALID
    cases = report("r.json")
    assert [*cases] == ["broken", "good", "nasty", "wrong"]
    assert cases["wrong"]["diffs"] == [
        {"check": "output", "where": "the run", "expected": ["expected & co"], "seen": ["seen <b>"]}
    ]
    run = cases["good"]["run"]
    assert run["output"] == "fine"
    assert run["calls"]["a"]["trajectory"] == {"task": "go", "messages": [{"text": "fine"}]}
    assert run["agents"]["a"]["model_calls"] == 1
    assert cases["broken"]["run"] is None
    assert Path(cases["wrong"]["kept"]).is_file()


# HTML


class Page(HTMLParser):
    """What is in a page: tags, addresses, and what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.read: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [
            f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "action")
        ]
        self.addresses += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        key = self.open[-1] if self.open else ""
        self.read[key] = self.read.get(key, "") + data


def test_html_is_one_page_that_asks_nobody_and_obeys_nobody(project: Path) -> None:
    assert main(["test", "--html", "r.html"]) == INVALID
    text = (project / "r.html").read_text(encoding="utf-8")
    seen = Page()
    seen.feed(text)
    assert seen.open == []
    assert seen.addresses == []
    assert seen.tags.count("script") == 1
    assert "img" not in seen.tags
    assert not re.search(r"url\(|@import", text)
    assert "Content-Security-Policy" in text
    assert "prefers-color-scheme: dark" in text
    assert seen.tags.count("details") == 4
    assert "<script>document.title" in seen.read["pre"]
    assert "expected & co" in seen.read["td"]
    assert "seen <b>" in seen.read["td"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)


def test_html_folds_what_is_alike(project: Path) -> None:
    lines = [f"line {at}" for at in range(40)]
    said = "\\n".join(lines)
    (project / "long.yaml").write_text(talk(said, said.replace("line 20\\n", "line twenty\\n")))
    assert main(["test", "long.yaml", "--html", "r.html"]) == CHECK_FAILED
    seen = Page()
    seen.feed((project / "r.html").read_text(encoding="utf-8"))
    assert "17 lines alike" in seen.read["td"]
    assert "line twenty" in seen.read["td"]
    assert "line 10" not in seen.read["td"]


# Markdown


def test_the_summary(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["test", "--summary", "s.md"]) == INVALID
    first = (project / "s.md").read_text(encoding="utf-8")
    assert first.startswith("## ❌ 1 passed, 3 failed\n")
    assert "- output: expected 'expected & co', seen 'seen <b>'" in first
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", first)
    # What a text has in it never ends the block that it stands in.
    fences = re.findall("^`{3,}", first, re.MULTILINE)
    assert len(fences) == 6
    assert fences[::2] == fences[1::2]
    assert main(["test", "good.yaml", "--summary", "s.md"]) == OK
    assert (project / "s.md").read_text(encoding="utf-8").startswith("## ✅ 1 passed, 0 failed\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "s.md")
    main(["test", "good.yaml", "--summary", "s.md"])
    assert (project / "s.md").read_text(encoding="utf-8").count("## ✅") == 2


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--json", "good.yaml"], "is one of the scenarios"),
        (["--html", "."], "is a folder"),
        (["--junit", "good.yaml/x.xml"], "cannot be written"),
        (["--junit", "x", "--html", "x"], "name one file twice"),
    ],
)
def test_a_report_that_cannot_be_written_is_told_before_anything_runs(
    project: Path, capsys: pytest.CaptureFixture[str], args: list[str], told: str
) -> None:
    assert main(["test", "good.yaml", *args]) == INVALID
    shown = capsys.readouterr()
    assert shown.out == ""
    assert told in shown.err
    assert (project / "good.yaml").read_text() == talk("fine")


# Whatever a tool, or a real model, may say

WHOLE = Whole("0.1.0", "2026-01-01T00:00:00+00:00", 1.0, "virtual", 1, False, {1: 1})


def hostile() -> Iterator[CaseRecord]:
    bad = f"{NASTY} \ud800 \udfff"
    yield {
        "file": bad, "name": bad, "scenario": bad, "tags": [bad], "outcome": "failed",
        "exit_code": 1, "seconds": 2.0, "runs": 1, "passed": 0, "reasons": [bad], "notes": [bad],
        "diffs": [{"check": bad, "where": bad, "expected": [bad], "seen": []}], "kept": bad,
        "run": {
            "status": bad, "output": bad, "duration": 0.0, "calls": {},
            "agents": {bad: {"calls": 1, "model_calls": 1, "tool_calls": 0, "input_tokens": 1, "output_tokens": 1, "cost": None, "seconds": 0.0}},
        },
    }  # fmt: skip


@pytest.mark.parametrize("writer", [as_json, junit, markdown, page])
def test_no_text_breaks_a_report(writer: Any) -> None:
    out = io.StringIO()
    writer.write(out, WHOLE, hostile)
    text = out.getvalue()
    text.encode()  # as UTF-8: no lone surrogates
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)
    if writer is junit:
        assert [*breaches(ET.fromstring(text.partition("\n")[2]))] == []
    elif writer is as_json:
        assert json.loads(text)["cases"][0]["name"].startswith("</pre>")
    elif writer is page:
        parsed = Page()
        parsed.feed(text)
        assert (parsed.open, parsed.addresses) == ([], [])


# Compare


def compared(capsys: pytest.CaptureFixture[str], a: str, b: str) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main(["compare", a, b])
    shown = capsys.readouterr()
    return code, [*shown.out.splitlines(), *shown.err.splitlines()]


TEAM = """\
version: 1
agents: {a: {subagents: [b], tools: [t]}, b: {}}
tools: {t: {parameters: {x: number}, returns: [{value: ok}]}}
input: go
script:
  a: [{tool_calls: [{b: {query: q}}]}, {tool_calls: [{t: {x: 1}}]}, {text: end}]
  b: [{text: answer, first_token: 1, usage: {input_tokens: 5, output_tokens: 2}}]
"""
CHANGES = [
    ("{x: 1}", "{x: 2}", ["team (team.yaml): a: message 2, tool call 1: “t{\"x\": 1}” ≠ “t{\"x\": 2}”"]),
    ("output_tokens: 2", "output_tokens: 3", ["team (team.yaml): a/b#1: tokens: 5 in, 2 out ≠ 5 in, 3 out"]),
    (
        "first_token: 1",
        "first_token: 1.5",
        [
            "team (team.yaml): a: seconds: 1 ≠ 1.5",
            "team (team.yaml): a/b#1: seconds: 1 ≠ 1.5",
            "team (team.yaml): a/b#1: seconds to the first token: 1 ≠ 1.5",
        ],
    ),
    ("{text: end}", "{text: other}", ["team (team.yaml): a: message 3: “end” ≠ “other”"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "lines"), CHANGES)
def test_two_suites_side_by_side(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, lines: list[str]
) -> None:
    (project / "team.yaml").write_text(TEAM)
    main(["test", "team.yaml", "good.yaml", "--json", "a.json"])
    (project / "team.yaml").write_text(TEAM.replace(old, new))
    main(["test", "good.yaml", "team.yaml", "--json", "b.json"])
    assert compared(capsys, "a.json", "a.json") == (OK, ["all 2 cases are equal"])
    code, told = compared(capsys, "a.json", "b.json")
    assert (code, told[-1]) == (CHECK_FAILED, "1 of 2 cases differs")
    kept = [line for line in told[:-1] if "tokens" not in line or "tokens" in lines[0]]
    assert kept == lines


def test_what_is_only_in_one_suite_and_what_ended_otherwise(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["test", "good.yaml", "wrong.yaml", "--json", "a.json"])
    (project / "good.yaml").write_text(talk("fine", "bad"))
    main(["test", "good.yaml", "broken.yaml", "--json", "b.json"])
    assert compared(capsys, "a.json", "b.json") == (
        CHECK_FAILED,
        [
            "good (good.yaml): outcome: passed (0) ≠ failed (1)",
            "good (good.yaml): passed: 1 of 1 runs ≠ 0 of 1 runs",
            "wrong (wrong.yaml): only in A",
            "broken (broken.yaml): only in B",
            "3 of 3 cases differ",
        ],
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "is no report of a suite"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"kind": "orchestra suite", "version": 7}', "is a report of version 7"),
        ('{"kind": "orchestra suite", "version": 1, "cases": 3}', "Field required"),
        (None, "No such file"),
    ],
)
def test_what_is_no_report(
    project: Path, capsys: pytest.CaptureFixture[str], text: str | None, told: str
) -> None:
    main(["test", "good.yaml", "--json", "a.json"])
    if text is not None:
        (project / "b.json").write_text(text)
    code, lines = compared(capsys, "a.json", "b.json")
    assert code == INVALID
    assert told in lines[0]
    assert len(lines) == 1


def test_a_suite_and_a_run_are_no_pair(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["test", "wrong.yaml", "--json", "a.json"])
    code, lines = compared(capsys, "a.json", "last")
    assert (code, lines) == (
        INVALID,
        ["a.json: is a suite's report, and last is not; name two of a kind"],
    )

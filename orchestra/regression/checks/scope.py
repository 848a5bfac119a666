"""Whom a check is about."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from ...scenario.expect import Expectation
from ...scenario.script import ScriptKey
from ...trajectory import Call, Transcript

_SHOWN = 5  # call paths in a reason


T = TypeVar("T")


def given(check: T | None) -> T:
    """What an expectation says under the key by which the table has chosen its judge."""
    if check is None:
        raise AssertionError("the table has chosen a check that is not there")
    return check


class NeverCalledError(Exception):
    """There is nothing to judge: the check fails, and so does what negates it."""


def calls_of(expectation: Expectation, transcript: Transcript) -> list[Call]:
    """The calls of ``agent:``, or the main agents'. Raises NeverCalledError if there are none."""
    return named(expectation.agent, transcript)


def everywhere(expectation: Expectation, transcript: Transcript) -> list[Call]:
    """The calls of ``agent:``, or all of the run."""
    if expectation.agent is None:
        return list(transcript.calls.values())
    return calls_of(expectation, transcript)


def named(agent: str | None, transcript: Transcript) -> list[Call]:
    """The calls that a name or a call path means. Raises NeverCalledError if there are none."""
    return transcript.find(agent) or never(agent, transcript)


def never(agent: str | None, transcript: Transcript) -> NoReturn:
    """Say that what a name or a call path means was never called."""
    reason = f"agent {agent or transcript.main!r} was never called"
    raise NeverCalledError(reason + (_others(agent, transcript) if agent else ""))


def _others(agent: str, transcript: Transcript) -> str:
    """The calls of the same agent that there were."""
    name = ScriptKey.parse(agent).segments[-1].name
    paths = [call.path for call in transcript.calls.values() if call.agent == name]
    return f"; its calls were {listed(paths)}" if paths else ""


def listed(paths: list[str]) -> str:
    """Several call paths, the first of them if they are many."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more

"""Tokens on the short way: all handlers hear all of them, and none costs a search of its own."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.callbacks import manager as callbacks
from runs import of, play

from orchestra.events import TextDelta
from orchestra.runtime.scripted import ScriptedModel
from orchestra.scenario import Reply

MODEL = ScriptedModel(script={"a": [Reply(text="one two three")]})
PIECES = ["one ", "two ", "three", ""]


class Inline(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        assert kwargs["chunk"].message.content == token
        assert kwargs["run_id"]
        assert kwargs["tags"] == ["mine"]
        self.heard.append(token)


class Awaited(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    async def on_llm_new_token(self, token: Any, **_: Any) -> None:  # type: ignore[override]
        self.heard.append(token)


class Deaf(Inline):
    ignore_llm = True


class Failing(Inline):
    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        raise ValueError(token)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What langchain-core looks for handlers of."""
    seen: list[str] = []
    search = callbacks.ahandle_event

    async def counted(handlers: Any, name: str, /, *args: Any, **kwargs: Any) -> None:
        seen.append(name)
        await search(handlers, name, *args, **kwargs)

    monkeypatch.setattr(callbacks, "ahandle_event", counted)
    return seen


async def said(*handlers: BaseCallbackHandler) -> str:
    config: Any = {"callbacks": [*handlers], "tags": ["mine"]}
    answer = await MODEL.ainvoke("go", config, stream=True)
    return str(answer.content)


async def test_no_token_of_a_run_is_searched_a_handler_for(asked: list[str]) -> None:
    seen = await play("agents: {a: {}}\ninput: go\nscript: {a: [{text: one two three}]}")
    assert [it.text for it in of(TextDelta, seen)] == PIECES[:3]
    assert "on_chat_model_start" in asked
    assert "on_llm_new_token" not in asked


async def test_inline_handlers_hear_all_of_it(asked: list[str]) -> None:
    one, two, deaf = Inline(), Inline(), Deaf()
    assert await said(one, two, deaf) == "one two three"
    assert one.heard == two.heard == PIECES
    assert deaf.heard == []
    assert "on_llm_new_token" not in asked


async def test_others_hear_it_as_ever(asked: list[str]) -> None:
    one, other = Inline(), Awaited()
    assert await said(one, other) == "one two three"
    assert one.heard == other.heard == PIECES
    assert asked.count("on_llm_new_token") == len(PIECES)


async def test_a_handler_that_fails_ends_no_call_unless_it_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, failing = Inline(), Failing()
    with caplog.at_level(logging.WARNING):
        assert await said(failing, one) == "one two three"
    assert one.heard == PIECES
    assert "Error in Failing.on_llm_new_token callback: ValueError('one ')" in caplog.text
    failing.raise_error = True
    with pytest.raises(ValueError, match="one "):
        await said(failing)

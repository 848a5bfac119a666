"""Makes the chat models that a scenario names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from ..errors import UsageError
from ..scenario import ECHO, SCRIPTED, ModelSpec, Scenario
from ..scenario.environment import fill
from .observe import brief
from .scripted import EchoModel, ScriptedModel


@dataclass(slots=True)
class Models:
    """Makes the chat models of one team, one instance for agents whose settings are equal.

    ``secrets`` collects the values that came from the environment, ``closers`` what has to be
    closed when the team is done.
    """

    scenario: Scenario
    rate: float = 0.0
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    secrets: set[str] = field(default_factory=set)
    closers: list[Callable[[], Any]] = field(default_factory=list)
    _made: dict[str, BaseChatModel] = field(default_factory=dict)

    def make(self, spec: ModelSpec) -> BaseChatModel:
        """The chat model of ``spec``. Raises UsageError if it cannot be made."""
        key = spec.model_dump_json()
        if key not in self._made:
            self._made[key] = self._make(spec)
        return self._made[key]

    def _make(self, spec: ModelSpec) -> BaseChatModel:
        if spec.model == SCRIPTED:
            return ScriptedModel(script=self.scenario.script, rate=self.rate)
        if spec.model == ECHO:
            return EchoModel(rate=self.rate)
        settings = {
            name: self._filled(name, value)
            for name, value in spec.model_dump(exclude_none=True).items()
        }
        # A key that the environment left empty is as good as not given.
        settings = {name: value for name, value in settings.items() if value not in ("", {})}
        model = settings.pop("model")
        settings.setdefault("max_retries", 0)  # retries are the run's, and visible
        provider, _, name = model.partition(":")
        try:
            if provider == "openai":
                return self._openai(name, settings)
            from langchain.chat_models import init_chat_model

            made: BaseChatModel = init_chat_model(model, **settings)
        except UsageError:
            raise
        except Exception as error:
            reason = self.redact(brief(error))
            raise UsageError(f"model {model!r} cannot be made: {reason}") from error
        return made

    def _openai(self, name: str, settings: dict[str, Any]) -> BaseChatModel:
        """A model of OpenAI, or of any server that speaks its language."""
        environ = self.environ
        elsewhere = (
            settings.get("base_url")
            or environ.get("OPENAI_API_BASE")
            or environ.get("OPENAI_BASE_URL")
        )
        key = settings.get("api_key") or environ.get("OPENAI_API_KEY")
        if key:
            self.secrets.add(key)
        elif not elsewhere:
            raise UsageError(
                "OPENAI_API_KEY is not set; set it, or give the model a 'base_url' "
                "(a server of your own often needs no key)"
            )
        settings["api_key"] = key or "none"  # the SDK insists on one
        from .openai import AnyLoopClient, OpenAIChat  # here, because it takes its time

        if elsewhere:  # where only OpenAI's older API can be relied on, whatever the model's name
            settings["use_responses_api"] = False
        client = AnyLoopClient()
        self.closers.append(client.aclose)
        # Usage is off by default where there is a base_url.
        return OpenAIChat(model=name, stream_usage=True, http_async_client=client, **settings)

    def _filled(self, name: str, value: Any) -> Any:
        """``value`` with ``${NAME}`` and ``${NAME:-default}`` filled from the environment."""
        if isinstance(value, dict):
            return {key: self._filled(f"{name}.{key}", item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(name, item) for item in value]
        if not isinstance(value, str):
            return value
        try:
            filled, values = fill(value, self.environ)
        except KeyError as error:
            variable = error.args[0]
            raise UsageError(
                f"models: {name}: the environment variable {variable} is not set"
            ) from error
        if name != "model":  # which model it is, is what an error has to say
            self.secrets |= values
        return filled

    def redact(self, text: str) -> str:
        """``text`` without the values that came from the environment, however it spells them."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            for spelt in {secret, " ".join(secret.split()), repr(secret)[1:-1]}:
                if len(spelt) > 3:  # shorter ones would blot out ordinary words
                    text = text.replace(spelt, "***")
        return text

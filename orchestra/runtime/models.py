"""Makes the chat models that a scenario names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from ..errors import UsageError
from ..scenario import ECHO, SCRIPTED, ModelSpec, Scenario
from .scripted import EchoModel, ScriptedModel
from .secrets import Filler
from .values import brief


@dataclass(slots=True)
class Models:
    """Makes the chat models of one team, one instance for agents whose settings are equal.

    ``filler`` fills in what comes from the environment; ``closers`` collects what has to be closed
    when the team is done.
    """

    scenario: Scenario
    rate: float = 0.0
    filler: Filler = field(default_factory=Filler)
    closers: list[Callable[[], Any]] = field(default_factory=list)
    _made: dict[str, BaseChatModel] = field(default_factory=dict)

    def make(self, spec: ModelSpec, aside: str = "") -> BaseChatModel:
        """The chat model of ``spec``. Raises UsageError if it cannot be made.

        ``aside`` is the middleware of an agent that it speaks for, if it is not the agent itself.
        """
        key = f"{aside} {spec.model_dump_json()}"
        if key not in self._made:
            self._made[key] = self._make(spec, aside)
        return self._made[key]

    def _make(self, spec: ModelSpec, aside: str) -> BaseChatModel:
        if spec.model == SCRIPTED:
            return ScriptedModel(script=self.scenario.script, rate=self.rate, aside=aside)
        if spec.model == ECHO:
            return EchoModel(rate=self.rate, aside=aside)
        settings = {
            name: self.filler.fill(f"models: {name}", value, public=name == "model")
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
            told = f"model {model!r} cannot be made: {brief(error)}"
            raise UsageError(self.filler.redact(told)) from error
        return made

    def _openai(self, name: str, settings: dict[str, Any]) -> BaseChatModel:
        """A model of OpenAI, or of any server that speaks its language."""
        environ = self.filler.environ
        elsewhere = (
            settings.get("base_url")
            or environ.get("OPENAI_API_BASE")
            or environ.get("OPENAI_BASE_URL")
        )
        key = settings.get("api_key") or environ.get("OPENAI_API_KEY")
        if key:
            self.filler.secrets.add(key)
        elif not elsewhere:
            raise UsageError(
                "OPENAI_API_KEY is not set; set it, or give the model a 'base_url' "
                "(a server of your own often needs no key)"
            )
        settings["api_key"] = key or "none"  # the SDK insists on one
        from .openai import AnyLoopClient, OpenAIChat  # here, because it takes its time

        if elsewhere:  # where only OpenAI's older API can be relied on, whatever the model's name
            settings |= {"base_url": elsewhere, "use_responses_api": False}
        client = AnyLoopClient()
        self.closers.append(client.aclose)
        # Usage is off by default where there is a base_url.
        return OpenAIChat(model=name, stream_usage=True, http_async_client=client, **settings)

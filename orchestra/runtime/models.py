"""Makes the chat models that a scenario names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from ..cassette import Taping, Voice
from ..errors import UsageError
from ..scenario import ECHO, SCRIPTED, ModelSpec, Scenario
from ..scenario.team import label
from .scripted import EchoModel, ScriptedModel
from .secrets import Filler
from .taped import TapedModel
from .values import brief


@dataclass(slots=True)
class Models:
    """Makes the chat models of one team, one instance for agents whose settings are equal.

    ``taping`` is how they are recorded, or replayed. ``filler`` fills in what
    comes from the environment; ``closers`` collects what has to be closed
    when the team is done.
    """

    scenario: Scenario
    rate: float = 0.0
    taping: Taping | None = None
    filler: Filler = field(default_factory=Filler)
    closers: list[Callable[[], Any]] = field(default_factory=list)
    _made: dict[str, BaseChatModel] = field(default_factory=dict)

    def make(self, spec: ModelSpec, agent: str, aside: str = "") -> BaseChatModel:
        """The chat model of ``spec`` for ``agent``. Raises UsageError if it cannot be made.

        ``aside`` is the middleware of the agent that it speaks for, if it is not the agent itself.
        """
        taping = self.taping if self.taping and self.taping.speaks(agent) else None
        if taping and not taping.records:
            return TapedModel.replaying(taping.voice(agent, aside, label(spec)), aside)
        key = f"{aside} {spec.model_dump_json()}"
        if key not in self._made:
            self._made[key] = self._make(spec, aside)
            if taping:
                self._made[key] = _taped(self._made[key], spec, aside)
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


def name_of(model: Any, spec: str) -> str:
    """``provider:name`` of a model: filled in, and also where it is a fallback."""
    own = getattr(model, "spoken_name", None)  # of ours, which have no other
    if isinstance(own, str):
        return own
    name = getattr(model, "model_name", None)
    return f"{spec.partition(':')[0]}:{name}" if isinstance(name, str) else spec


def _taped(model: BaseChatModel, spec: ModelSpec, aside: str) -> TapedModel:
    voice = Voice(
        name=name_of(model, label(spec)),
        provider=model._get_ls_params().get("ls_provider") or "",
        kind=model._llm_type,
        window=(model.profile or {}).get("max_input_tokens"),
        ends=bool(getattr(model, "says_why_it_ends", False)),
    )
    return TapedModel.around(model, voice, aside)

"""Whether the names of models name something, and do not name one another in a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..errors import Problem
from .agents import DEFAULT, ECHO, SCRIPTED
from .excerpt import quoted, suggestion
from .nodes import Node
from .references import keys, text
from .source import Source


def model_problems(source: Source, models: Collection[str]) -> Iterator[Problem]:
    """What is wrong with ``models``, and with the ``model`` of every agent."""
    for agent in keys(source.node.get("agents")):
        yield from _model(source, models, ("agents", agent, "model"))
    for name in models:
        if name in (SCRIPTED, ECHO):
            message = f"{quoted(name)} is built in"
            yield source.problem(("models", name), message, "choose another name", at_key=True)
        yield from _model(source, models, ("models", name))
    yield from _circles(source, models)


def _circles(source: Source, models: Collection[str]) -> Iterator[Problem]:
    done: set[str] = set()
    for name in models:
        chain: dict[str, None] = {}
        step = name
        while step in models and step not in done:
            done.add(step)
            chain[step] = None
            step = text(source.node.get("models"), step) or ""
        if step in chain:
            circle = [*chain][[*chain].index(step) :]
            said = " → ".join(map(quoted, [*circle[:8], *["…"][: len(circle) > 8], step]))
            yield source.problem(("models", step), f"the models name one another: {said}")


def _model(source: Source, models: Collection[str], where: tuple[str, ...]) -> Iterator[Problem]:
    found, node, _ = source.find(where)
    if len(found) < len(where):
        return
    if isinstance(node.value, dict):
        # It is handed to the provider as it is: it cannot build on a name of 'models'.
        where, models = (*where, "model"), ()
        node = node.get("model") or Node()
    if isinstance(node.value, str) and (wrong := wrong_model(node.value, models)):
        yield source.problem(where, *wrong)


def wrong_model(model: str, models: Collection[str]) -> tuple[str, str] | None:
    """Message and hint if ``model`` names none: neither of ``models``, nor ``provider:name``."""
    if "${" in model or model in models or model in (SCRIPTED, ECHO, DEFAULT):
        return None
    provider, colon, name = model.partition(":")
    if not colon:
        known = [*models, SCRIPTED, ECHO]
        some = ", ".join(map(quoted, known[:8])) + (", …" if len(known) > 8 else "")
        hint = suggestion(model, known) or f"a model is 'provider:name', or one of {some}"
        return f"unknown model {quoted(model)}", hint
    if not provider.strip() or not name.strip():
        return f"{quoted(model)} is not 'provider:name'", ""
    return None

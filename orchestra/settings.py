"""A person's settings: environment variables ``ORCHESTRA_*`` and the project's ``.env``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import UsageError
from .places import ENV_FILE


class Settings(BaseSettings):
    """``ORCHESTRA_MODEL``, ``ORCHESTRA_RATE`` …; a value given on the command line wins."""

    model_config = SettingsConfigDict(
        env_prefix="ORCHESTRA_", env_file=ENV_FILE, env_ignore_empty=True, extra="ignore"
    )

    model: str | None = None
    """The model of every agent, unless ``--model`` says otherwise."""

    packages: Annotated[tuple[str, ...], NoDecode] = ()
    """Installed packages whose code a scenario may name, separated by commas."""

    rate: Annotated[float, Field(ge=0)] | None = None
    """Tokens per second of scripted replies that give no ``rate``; 0 is at once.

    Unset: a readable pace where a person watches, at once where a program reads.
    """

    home: Path | None = None
    """The folder where runs are kept; default: ``.orchestra`` in the project's folder."""

    theme: str | None = None
    """The viewer's colours: dark, light, ansi, contrast, or a theme of Textual."""

    keys: Annotated[dict[str, str], NoDecode] = {}
    """Keys of the viewer in place of its own: ``view.zoom=f2 app.quit=ctrl+q,Q``."""

    bell: bool = True
    """The terminal's bell when an agent asks, and when all is done."""

    title: bool = True
    """The viewer says in the title of the terminal's window how the run stands."""

    still: bool = False
    """Nothing moves by itself in the viewer: no blinking, no animation, no running seconds."""

    @field_validator("keys", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [it.partition("=") for it in value.replace(";", " ").split()]
        if wrong := [name for name, _, keys in pairs if not (name and keys)]:
            raise ValueError(f"{wrong[0]!r} says no key; write view.zoom=f2 app.quit=ctrl+q,Q")
        if len({name for name, _, _ in pairs}) < len(pairs):
            raise ValueError("a binding is there twice; its keys are separated by commas")
        return {name: keys for name, _, keys in pairs}

    @field_validator("packages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("home")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        try:
            return value and value.expanduser()
        except RuntimeError as error:  # ~nobody
            raise ValueError(str(error)) from error


def load_settings() -> Settings:
    """The settings of this process. Raises UsageError, naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"ORCHESTRA_{'_'.join(map(str, wrong['loc']))}".upper()
        raise UsageError(f"{name}={wrong['input']!r}: {wrong['msg']}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{ENV_FILE}: cannot be read: {error}") from error

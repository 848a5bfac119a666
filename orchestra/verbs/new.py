"""``orchestra new``: a scenario to begin with, one for each pattern."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import string
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import quote

from ..errors import OK, UsageError
from ..scenario.discovery import SCENARIO_FILE
from ..scenario.files import find_root
from ..scenario.nodes import compose
from ..text import clean, nearest, one_line
from .listing import table
from .paper import write_line
from .schema import SCENARIO

_MODELINE = re.compile(r"\A# yaml-language-server: \$schema=.*\n")
_NAME = re.compile(r"^name:.*$", re.MULTILINE)
# Not what a parser, be it of YAML 1.1, takes for something else.
_PLAIN = re.compile(r"(?!(?i:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][A-Za-z0-9_-]*")
_TYPED = string.ascii_letters + string.digits + "./_- "


def new(args: argparse.Namespace) -> int:
    """Write a template to a file that does not exist yet."""
    known = templates()
    if args.template is None:
        rows = [(name, _description(it)) for name, it in known.items()]
        for line in table(rows):
            write_line(line)
        return OK
    if args.template not in known:
        hint = nearest(args.template, known) or f"there are {', '.join(known)}"
        raise UsageError(f"there is no template {args.template!r}; {hint}")
    text = known[args.template].read_text(encoding="utf-8")
    if args.file == Path("-"):
        sys.stdout.write(_made(text, Path(f"{args.template}.yaml")))
        return OK
    file = args.file or Path(f"{args.template}.yaml")
    _write(file, _made(text, file))
    write_line(f"wrote {one_line(str(file))}; try: orchestra run {_quoted(str(file))}")
    return OK


def _quoted(file: str) -> str:
    """A file as it can be typed after a verb: it is no option, and nothing in it is obeyed."""
    typed = f"./{file}" if file.startswith("-") else file
    if typed.isprintable() and clean(typed) == typed:
        return shlex.quote(typed)
    escaped = "".join(it if it in _TYPED else _escape(it) for it in typed)
    return f"$'{escaped}'"


def _escape(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def templates() -> dict[str, Traversable]:
    """The templates that ship with the package, by name."""
    folder = files("orchestra.scenario") / "templates"
    found = {it.name.removesuffix(".yaml"): it for it in folder.iterdir()}
    return {name: it for name, it in sorted(found.items()) if it.name.endswith(".yaml")}


def _description(template: Traversable) -> str:
    described = compose(template.read_text(encoding="utf-8")).get("description")
    return one_line(str(described.value)) if described else ""


def _made(text: str, file: Path) -> str:
    """A template as it stands in ``file``: with its name, and the way to the schema from there."""
    name = one_line(file.stem, 200)
    spelt = name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    named = _NAME.sub(lambda _: f"name: {spelt}", text, count=1)
    line = f"# yaml-language-server: $schema={_schema(file)}\n"
    return _MODELINE.sub(lambda _: line, named)


def _schema(file: Path) -> str:
    """Where the schema lies: from the file if both are in one project, else from the top."""
    schema = Path(str(files("orchestra.scenario") / SCENARIO)).resolve()
    folder = file.absolute().parent.resolve()
    if schema.is_relative_to(find_root(file, None)):
        try:
            return quote(Path(os.path.relpath(schema, folder)).as_posix())
        except ValueError:  # another drive
            pass
    shown = schema.as_posix()
    return schema.as_uri() if re.search(r"\s", shown) else shown  # editors read up to a space


def _write(file: Path, text: str) -> None:
    shown = one_line(str(file))
    if file.suffix in (".yaml", ".yml") and not SCENARIO_FILE.fullmatch(file.name):
        hint = f"name it {one_line(file.stem.removesuffix('.golden') or 'scenario')}.yaml"
        raise UsageError(f"{shown}: *.golden.yaml is not looked for as a scenario; {hint}")
    if file.suffix not in (".yaml", ".yml"):
        hint = f"name it {one_line(file.stem or 'scenario')}.yaml"
        raise UsageError(f"{shown}: a scenario is a *.yaml file; {hint}")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError(f"{shown}: exists already; nothing was written") from None
    except FileNotFoundError:
        raise UsageError(f"{shown}: there is no folder {one_line(str(file.parent))}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{shown}: cannot be written: {reason}") from None

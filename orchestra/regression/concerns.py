"""The files that a scenario depends on, so that a change of one of them is noticed.

Python modules are found by what they import, without being imported: modules of the project only.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ..scenario import PythonTool, Scenario
from ..scenario.needs import module_file
from ..scenario.source import Source

_MOST = 200  # modules of a scenario


def concerns(scenario: Scenario) -> tuple[Path, ...]:
    """The scenario, the files that it uses, its golden file, and its code, links resolved."""
    source = scenario.source
    files = [source.path, *map(Path, source.used)]
    golden = source.path.with_name(f"{source.path.stem}.golden.yaml")
    return tuple(dict.fromkeys(it.resolve() for it in (*files, golden, *_code(scenario))))


def fingerprint(scenario: Scenario) -> str:
    """Another one if any of them has changed."""
    made = hashlib.blake2b(scenario.source.digest.encode(), digest_size=16)
    own = {scenario.source.path.resolve(), *(Path(it).resolve() for it in scenario.source.used)}
    for path in concerns(scenario):
        if path not in own and (stat := _stat(path)):
            made.update(repr((str(path), *stat)).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def _code(scenario: Scenario) -> Iterator[Path]:
    targets = [it.python for it in scenario.tools.values() if isinstance(it, PythonTool)]
    targets += [check.python for _, check in scenario.checks if check.python]
    todo = [target.partition(":")[0] for target in targets]
    seen: set[str] = set()
    while todo and len(seen) < _MOST:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        if found := _find(scenario.source, module):
            yield found
            stat = _stat(found)
            todo += _imports(found, stat) if stat else ()


def _find(source: Source, module: str) -> Path | None:
    try:
        found = module_file(source, module)
    except (OSError, ValueError):
        return None
    return found and found[0]


@lru_cache(maxsize=_MOST)
def _imports(path: Path, _: tuple[int, int]) -> tuple[str, ...]:
    """The names of the modules that a module may import; those of a package beside it as well."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [it.name for it in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = f"{path.parent.name}." if node.level else ""
            module = node.module or ""
            names += [f"{inside}{module}".rstrip(".")] if inside or module else []
            names += [f"{inside}{module}.{it.name}".replace("..", ".") for it in node.names]
    return tuple(dict.fromkeys(names))


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size

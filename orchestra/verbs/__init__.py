"""What each verb does: one function a verb, named after it, from parsed arguments to exit code."""

from .demo import demo
from .listing import list_scenarios
from .new import new
from .play import run, tui
from .recording import record
from .replaying import compare
from .reviewing import review
from .runs import runs
from .schema import schema
from .show import show
from .testing import test
from .validate import validate

__all__ = [
    "compare",
    "demo",
    "list_scenarios",
    "new",
    "record",
    "review",
    "run",
    "runs",
    "schema",
    "show",
    "test",
    "tui",
    "validate",
]

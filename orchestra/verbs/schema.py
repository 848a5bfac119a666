"""``orchestra schema``: the JSON Schema that editors check scenario files with."""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files

SCENARIO, AGENT = "scenario.schema.json", "agent.schema.json"


def schema(args: argparse.Namespace) -> int:
    """Print the schema that ships with the package."""
    from ..errors import OK

    name = AGENT if args.agent else SCENARIO
    sys.stdout.write((files("orchestra.scenario") / name).read_text(encoding="utf-8"))
    return OK

"""``python tests/benchmarks [ROW ...]``: what orchestra costs, each line a ratio of one run.

Without arguments all rows that ``docs/performance.md`` speaks of; the table is written as JSON as
well. A budget that is missed is marked, and ends nothing: whoever shares the machine may be why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the tests' own helpers

import growth
import keys
import panes
import replays
import starts
import streams
import suites
from table import Row, Table

ROWS: list[Row] = [
    *starts.ROWS, *streams.ROWS, *suites.ROWS, *keys.ROWS, *panes.ROWS, *replays.ROWS, *growth.ROWS,
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these rows")
    parser.add_argument("--list", action="store_true", help="what rows there are")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="FILE")
    args = parser.parse_args()
    known = {row.name: row for row in ROWS}
    if unknown := [name for name in args.rows if name not in known]:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(known)}")
    if args.list:
        for row in ROWS:
            print(f"{row.name:<14} {row.budget:>8}   {row.what}, against {row.against}")
        return
    table, began = Table(), time.monotonic()
    table.head()
    for name in args.rows or known:
        table.add(known[name], known[name].measure())
    seconds = time.monotonic() - began
    missed = f"; over budget: {', '.join(table.missed)}" if table.missed else ""
    print(f"{len(table.rows)} rows in {seconds:.0f} s, load {os.getloadavg()[0]:.1f}{missed}")
    args.json.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "seconds": seconds,
        "rows": table.rows,
    }
    args.json.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

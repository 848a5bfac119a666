"""``python -m orchestra`` and the ``orchestra`` command."""

from __future__ import annotations

import sys


def main() -> int:
    from .garbage import look_seldom

    look_seldom()
    from .cli import main as cli_main

    return cli_main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""Runs the checks of the documentation: `python -m tests.documentation`."""

from __future__ import annotations

import sys

from tests.documentation.pages import pages, problems


def main() -> int:
    """Prints what is wrong; 1 where anything is."""
    found = [problem for page in pages() for problem in problems(page)]
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

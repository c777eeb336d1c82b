"""Runs the measurements: `python -m tests.bench [NAMES] [--quick] [--directory DIR]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.bench import comparing, full, history, importing, incremental, rest, restoring
from tests.bench.figures import Figure, markdown_table, plain_table
from tests.bench.stand import Measure, open_stand

# In an order in which the large repositories are made once and used by all that follow.
_MEASURES: dict[str, Measure] = {
    **rest.MEASURES,
    **full.MEASURES,
    **incremental.MEASURES,
    **comparing.MEASURES,
    **restoring.MEASURES,
    **history.MEASURES,
    **importing.MEASURES,
}
_ORDER = (
    "start",
    "acknowledge",
    "shell",
    "big-row",
    "full-wide",
    "full-narrow",
    "full-million",
    "status",
    "incremental",
    "restore",
    "import",
    "growth",
    "git",
    "compare",
    "compare-trees",
    "compare-fields",
    "many",
    "log",
    "life",
)
_LONG = ("full-million",)


def main() -> int:
    """Measures and prints; 1 where a limit is missed."""
    arguments = _parse()
    names = arguments.names or [n for n in _ORDER if not (arguments.quick and n in _LONG)]
    parent = tempfile.mkdtemp(prefix="gitexport-bench-", dir=arguments.directory)
    figures: list[Figure] = []
    with open_stand(Path(parent) / "scratch", is_quick=arguments.quick) as stand:
        os.environ.update(stand.environment)
        for name in sorted(names, key=_ORDER.index):
            _say(f"measuring {name}")
            for figure in _MEASURES[name](stand):
                figures.append(figure)
                _say("  " + "  ".join(figure.cells()))
        server = stand.server.version
    Path(parent).rmdir()
    machine = f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}"
    _print(f"\nPython {platform.python_version()}, PostgreSQL {server}, {machine}\n")
    _print(plain_table(figures) + "\n")
    _print(markdown_table(figures) + "\n")
    return 0 if all(figure.is_kept for figure in figures) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_ORDER))
    parser.add_argument("--quick", action="store_true", help="fewer rounds, at most 100,000 rows")
    parser.add_argument("--directory", type=Path, help="where files go; best a quiet file system")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(_ORDER)
    if unknown:
        parser.error(f"no measurement '{unknown.pop()}'; there are {', '.join(_ORDER)}")
    return arguments


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())

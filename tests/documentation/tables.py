"""Reads the tables of a page: what stands between backquotes in their first column."""

from __future__ import annotations

import re
from pathlib import Path

_ROW = re.compile(r"^\| ([^|]+?) \|")
_NAME = re.compile(r"`([^`]+)`")


def sections(page: Path) -> dict[str, list[str]]:
    """Gives the rows' first cells by the heading of the second level that they stand below."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in page.read_text(encoding="utf-8").split("\n"):
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        match = _ROW.match(line)
        if match:
            found.setdefault(heading, []).append(match[1])
    return found


def names(cells: list[str]) -> list[str]:
    """Gives what is quoted in cells."""
    return [name for cell in cells for name in _NAME.findall(cell)]

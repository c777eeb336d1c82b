"""Counts of things in sentences: `1 document`, `1,234 documents`."""

from __future__ import annotations


def counted(number: int, one: str, several: str | None = None) -> str:
    """Writes a number with what it counts; `several` is the word with an s unless given.

    The words may go on: `counted(n, "row is", "rows are")`.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"

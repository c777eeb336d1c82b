"""A measured figure beside its limit, and tables of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HEADINGS = ("figure", "measured", "limit", "verdict", "seen in this run")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `limit` is None where it is only told, and `is_least` turns it around."""

    name: str
    measured: float
    limit: float | None = None
    unit: str = ""
    is_least: bool = False
    note: str = ""

    @property
    def is_kept(self) -> bool:
        """Tells whether the measured value is within the limit."""
        if self.limit is None:
            return True
        return self.measured >= self.limit if self.is_least else self.measured <= self.limit

    def cells(self) -> tuple[str, ...]:
        """Gives the figure as the cells of a table."""
        bound = "at least" if self.is_least else "at most"
        limit = "" if self.limit is None else f"{bound} {_number(self.limit)}{self.unit}"
        verdict = "" if self.limit is None else ("kept" if self.is_kept else "MISSED")
        return self.name, f"{_number(self.measured)}{self.unit}", limit, verdict, self.note


def middle(values: Iterable[float]) -> float:
    """Gives the median."""
    return statistics.median(values)


def seconds(values: Sequence[float]) -> str:
    """Writes a median and what it is the median of."""
    if len(values) == 1:
        return f"{values[0]:.2f} s"
    return f"{middle(values):.2f} s ({min(values):.2f}-{max(values):.2f}, {len(values)} runs)"


def plain_table(figures: Sequence[Figure]) -> str:
    """Writes a table for a terminal."""
    rows = [_HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown_table(figures: Sequence[Figure]) -> str:
    """Writes the table in Markdown."""
    rows = [_HEADINGS, ("---",) * len(_HEADINGS), *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"

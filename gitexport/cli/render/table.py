"""Tables on a terminal: nothing is cut off, however narrow it is.

Names that are too long go on in the next line of their cell, numbers never break. Where even
that is too wide, each row becomes a block of lines.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_LEAST_WIDTH = 12
"""A column of texts that is narrower than this cannot be read."""
_GAP = 2


def print_table(
    console: Console,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Collection[str],
) -> None:
    """Prints rows below their headers, the columns named in `numeric` aligned to the right."""
    if _least_width(headers, rows, numeric) > console.width:
        _print_blocks(console, headers, rows, numeric)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for header in headers:
        if header in numeric:
            table.add_column(header, justify="right", no_wrap=True)
        else:
            table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _least_width(
    headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[str]
) -> int:
    least = len(headers) * _GAP
    for header, *cells in zip(headers, *rows, strict=True):
        width = max(map(cell_len, (header, *cells)))
        least += width if header in numeric else min(width, _LEAST_WIDTH)
    return least


def _print_blocks(
    console: Console,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Collection[str],
) -> None:
    """Prints a row's name, and below it what its other cells are."""
    titled = next((place for place, name in enumerate(headers) if name not in numeric), 0)
    margin = max(map(cell_len, headers)) + _GAP
    for row in rows:
        console.print(Text(row[titled], style="bold"), soft_wrap=True)
        for place, (header, cell) in enumerate(zip(headers, row, strict=True)):
            if place != titled and cell:
                gap = " " * (margin - cell_len(header))
                console.print(Text(f"  {header}{gap}{cell}"), soft_wrap=True)

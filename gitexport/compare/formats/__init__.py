"""The forms in which a comparison is written, one module each, loaded by name.

A module offers `write(comparison, out)`, as `Format` has it. Formats write UTF-8 text and
never decide what differs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from gitexport.compare.comparison import Comparison

Write = Callable[[str], object]
"""Takes a piece of the output."""


class Format(Protocol):
    """Writes a comparison in one form."""

    def __call__(self, comparison: Comparison, out: Write) -> None:
        """Writes the whole comparison, piece by piece.

        Raises:
            CorruptRepositoryError: An object is missing or damaged.
        """


# The module of each form; `text` is written by the command itself.
FORMATS = {
    "json": "one_object",
    "jsonl": "lines",
    "json-patch": "json_patch",
    "sql": "sql",
    "markdown": "markdown",
    "html": "html",
}


def load_format(name: str) -> Format:
    """Gives the form of a name in `FORMATS`."""
    return cast("Format", import_module(f"{__name__}.{FORMATS[name]}").write)

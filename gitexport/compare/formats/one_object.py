"""One JSON object, `gitexport.compare/v1`, written piece by piece."""

from __future__ import annotations

from collections.abc import Callable

from gitexport.compare.changed_document import ChangedDocument
from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.members import (
    FORMAT_NAME,
    change_members,
    counts_members,
    file_members,
    name_members,
    side_members,
    to_text,
)


def write(comparison: Comparison, out: Write) -> None:
    """Writes the object on one line; counts come last, as they are known then."""
    _write(comparison, out, change_members)


def write_names(comparison: Comparison, out: Write) -> None:
    """Writes it with changes that name the documents alone."""
    _write(comparison, out, name_members)


def write_counts(comparison: Comparison, out: Write) -> None:
    """Writes it without the changes."""
    _write(comparison, out, None)


def _write(
    comparison: Comparison, out: Write, members: Callable[[ChangedDocument], object] | None
) -> None:
    out(f'{{"format":{to_text(FORMAT_NAME)}')
    out(f',"base":{to_text(side_members(comparison.base))}')
    out(f',"target":{to_text(side_members(comparison.target))}')
    opening = ',"changes":['
    for document in comparison.changes():
        if members is not None:
            out(opening + to_text(members(document)))
            opening = ","
    if members is not None:
        out("]" if opening == "," else opening + "]")
    files = [file_members(file) for file in comparison.files]
    out(f',"files":{to_text(files)}')
    entities = {name: counts_members(counts) for name, counts in comparison.counts.items()}
    out(f',"entities":{to_text(entities)}')
    out(f',"total":{to_text(counts_members(comparison.total))}}}\n')

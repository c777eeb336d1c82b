"""One JSON object, `gitexport.compare/v1`, written piece by piece."""

from __future__ import annotations

from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.members import (
    FORMAT_NAME,
    change_members,
    counts_members,
    file_members,
    side_members,
    to_text,
)


def write(comparison: Comparison, out: Write) -> None:
    """Writes the object on one line; counts come last, as they are known then."""
    out(f'{{"format":{to_text(FORMAT_NAME)}')
    out(f',"base":{to_text(side_members(comparison.base))}')
    out(f',"target":{to_text(side_members(comparison.target))}')
    out(',"changes":[')
    comma = ""
    for document in comparison.changes():
        out(comma + to_text(change_members(document)))
        comma = ","
    files = [file_members(file) for file in comparison.files]
    out(f'],"files":{to_text(files)}')
    entities = {name: counts_members(counts) for name, counts in comparison.counts.items()}
    out(f',"entities":{to_text(entities)}')
    out(f',"total":{to_text(counts_members(comparison.total))}}}\n')

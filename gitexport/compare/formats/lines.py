"""JSON lines: a header, one line for each change and file, a footer with counts."""

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
    """Writes the lines; `line` says what each one is, the header begins with `format`."""
    sides = {"base": side_members(comparison.base), "target": side_members(comparison.target)}
    out(to_text({"format": FORMAT_NAME, "line": "header", **sides}) + "\n")
    for document in comparison.changes():
        out(to_text({"line": "change", **change_members(document)}) + "\n")
    for file in comparison.files:
        out(to_text({"line": "file", **file_members(file)}) + "\n")
    footer = {
        "line": "footer",
        "entities": {name: counts_members(counts) for name, counts in comparison.counts.items()},
        "files": len(comparison.files),
        "total": counts_members(comparison.total),
    }
    out(to_text(footer) + "\n")

"""Snapshots as lines for people and as JSON members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gitexport.cli.durations import spent
from gitexport.cli.plain import one_line
from gitexport.model.counted import counted
from gitexport.model.snapshot import EntityCounts

if TYPE_CHECKING:
    from gitexport.history.details import SnapshotDetails
    from gitexport.history.summary import SnapshotSummary

_SHORT = 10
_KINDS = (("+", "green"), ("~", "yellow"), ("-", "red"))
_BAR = 8
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000

Styled = list[tuple[str, str]]
"""A line in parts, each with its style."""


def snapshot_line(details: SnapshotDetails) -> Styled:
    """Writes one line of the log."""
    summary = details.summary
    counts = ", ".join(f"{name} {count}" for name, count in summary.counts.items())
    bar = change_bar(summary.total)
    size = "-" if details.size_bytes is None else size_text(details.size_bytes)
    duration = "-" if details.duration_ms is None else spent(details.duration_ms)
    return [
        (f"{summary.snapshot or '-':<15}", "bold"),
        (f"  {one_line(summary.mode or summary.kind):<11}  {summary.total!s:<14}  ", ""),
        *bar,
        (" " * (_BAR - sum(len(text) for text, _style in bar)), ""),
        (f"  {size:>9}  {duration:>8}  {one_line(summary.version or '-'):<7}", ""),
        (f"  {summary.commit[:_SHORT]}", "dim"),
        (f"  {one_line(counts or summary.subject)}", ""),
    ]


def note_lines(note: str | None, indent: str) -> Iterator[str]:
    """Writes a note, each line of it indented."""
    for line in (note or "").splitlines():
        yield f"{indent}{one_line(line)}".rstrip()


def change_bar(counts: EntityCounts) -> Styled:
    """Draws how much changed: a sign for each digit of the total, divided among the kinds.

    Every kind that occurs has at least one sign.
    """
    numbers = [counts.added, counts.modified, counts.deleted]
    kinds = sum(1 for number in numbers if number)
    if not kinds:
        return []
    length = min(_BAR, max(kinds, len(str(counts.total))))
    signs = [min(number, 1) for number in numbers]
    for _ in range(length - kinds):
        # The kind that has the fewest signs for its number gets the next one.
        shares = [number / sign if sign else 0 for number, sign in zip(numbers, signs, strict=True)]
        signs[shares.index(max(shares))] += 1
    return [(mark * sign, style) for (mark, style), sign in zip(_KINDS, signs, strict=True) if sign]


def size_text(size_bytes: int) -> str:
    """Writes a number of bytes for people, in powers of a thousand."""
    if size_bytes < _STEP:
        return counted(size_bytes, "byte")
    number: float = size_bytes
    unit = 0
    # What would be rounded to a thousand of a unit is one of the next.
    while number >= _STEP - 0.05 and unit < len(_UNITS) - 1:
        number /= _STEP
        unit += 1
    return f"{number:.1f} {_UNITS[unit]}"


def place_line(summary: SnapshotSummary) -> str:
    """Writes which snapshot something is of, on one line."""
    return (
        f"{summary.snapshot or '-':<15}  {summary.exported_at:%Y-%m-%d %H:%M:%SZ}"
        f"  {one_line(summary.kind):<8}  {summary.commit[:_SHORT]}"
    )


def snapshot_members(summary: SnapshotSummary) -> dict[str, object]:
    """Gives a snapshot for JSON."""
    return {
        "snapshot": summary.snapshot,
        "commit": summary.commit,
        "parents": summary.parents,
        "kind": summary.kind,
        "exported_at": summary.exported_at,
        "author": summary.author,
        "mode": summary.mode,
        "version": summary.version,
        "database": summary.database,
        "subject": summary.subject,
        "entities": {name: _counts(counts) for name, counts in summary.counts.items()},
        "total": _counts(summary.total),
        "quarantined": summary.quarantined,
        "overrides": summary.overrides,
    }


def short_members(summary: SnapshotSummary) -> dict[str, object]:
    """Gives for JSON which snapshot something is of."""
    members = snapshot_members(summary)
    kept = ("snapshot", "commit", "kind", "exported_at", "version")
    return {name: members[name] for name in kept}


def details_members(details: SnapshotDetails) -> dict[str, object]:
    """Gives a snapshot with what it holds for JSON."""
    return {
        **snapshot_members(details.summary),
        "documents": details.documents,
        "bytes": details.size_bytes,
        "duration_ms": details.duration_ms,
        "note": details.note,
    }


def _counts(counts: EntityCounts) -> dict[str, int]:
    return {"added": counts.added, "modified": counts.modified, "deleted": counts.deleted}

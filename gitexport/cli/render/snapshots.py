"""Snapshots as lines for people and as JSON members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitexport.cli.plain import one_line
from gitexport.model.snapshot import EntityCounts

if TYPE_CHECKING:
    from gitexport.history.summary import SnapshotSummary

_SHORT = 10


def snapshot_line(summary: SnapshotSummary) -> str:
    """Writes one line of the log."""
    counts = ", ".join(f"{name} {count}" for name, count in summary.counts.items())
    what = one_line(counts or summary.subject)
    return (
        f"{_name_and_time(summary)}"
        f"  {one_line(summary.mode or summary.kind):<11}  {summary.total!s:<14}"
        f"  {one_line(summary.version or '-'):<7}  {summary.commit[:_SHORT]}  {what}"
    )


def place_line(summary: SnapshotSummary) -> str:
    """Writes which snapshot something is of, on one line."""
    return f"{_name_and_time(summary)}  {one_line(summary.kind):<8}  {summary.commit[:_SHORT]}"


def snapshot_members(summary: SnapshotSummary) -> dict[str, object]:
    """Gives a snapshot for JSON."""
    return {
        "snapshot": summary.snapshot,
        "commit": summary.commit,
        "parents": summary.parents,
        "kind": summary.kind,
        "exported_at": summary.exported_at,
        "mode": summary.mode,
        "version": summary.version,
        "database": summary.database,
        "subject": summary.subject,
        "entities": {name: _counts(counts) for name, counts in summary.counts.items()},
        "total": _counts(summary.total),
        "quarantined": summary.quarantined,
        "overrides": summary.overrides,
    }


def _counts(counts: EntityCounts) -> dict[str, int]:
    return {"added": counts.added, "modified": counts.modified, "deleted": counts.deleted}


def _name_and_time(summary: SnapshotSummary) -> str:
    return f"{summary.snapshot or '-':<15}  {summary.exported_at:%Y-%m-%d %H:%M:%SZ}"

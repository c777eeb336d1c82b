"""What a commit's own words say of a snapshot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from gitexport.export.message import COUNTS, MODE, OVERRIDE, QUARANTINED, SETUP, SOURCE, VERSION
from gitexport.model.snapshot import Commit, EntityCounts, ObjectId

_COUNTS = re.compile(r"(\S+) \+(\d+) ~(\d+) -(\d+)")
_REFUSED_ROWS = re.compile(r"[a-z][a-z0-9_]*=\d+(?: [a-z][a-z0-9_]*=\d+)*")
_KINDS = (
    ("Gitexport-Restores", "restore"),
    ("Gitexport-Reverts", "revert"),
    ("Gitexport-Applies", "apply"),
)


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """One snapshot, or another commit, as its message has it.

    `snapshot` is None for a commit that is none. `kind` is what made it: export, relayout,
    restore, revert, apply or commit. `counts` hold the entities that it changed, `quarantined`
    the refused rows by entity, and 1 for the path of each document whose query failed.
    """

    snapshot: str | None
    commit: ObjectId
    parents: tuple[ObjectId, ...]
    kind: str
    exported_at: datetime
    subject: str
    author: str
    mode: str | None
    version: str | None
    database: str | None
    counts: dict[str, EntityCounts]
    quarantined: dict[str, int]
    overrides: tuple[str, ...]

    @property
    def total(self) -> EntityCounts:
        """The counts of all entities."""
        return EntityCounts(
            sum(counts.added for counts in self.counts.values()),
            sum(counts.modified for counts in self.counts.values()),
            sum(counts.deleted for counts in self.counts.values()),
        )


def summarise(commit: Commit) -> SnapshotSummary:
    """Reads a commit's trailers."""
    source = commit.trailer(SOURCE)
    return SnapshotSummary(
        snapshot=commit.snapshot,
        commit=commit.commit_id,
        parents=commit.parents,
        kind=_kind(commit),
        exported_at=commit.committed_at,
        subject=commit.subject,
        author=commit.author,
        mode=commit.trailer(MODE),
        version=commit.trailer(VERSION),
        database=source.rpartition(" ")[0] if source else None,
        counts={
            found[1]: EntityCounts(int(found[2]), int(found[3]), int(found[4]))
            for name, value in commit.trailers
            if name == COUNTS and (found := _COUNTS.fullmatch(value))
        },
        quarantined=_quarantined(commit),
        overrides=tuple(value for name, value in commit.trailers if name == OVERRIDE),
    )


def _quarantined(commit: Commit) -> dict[str, int]:
    """Reads the rows of all entities on one line, and a path on each of the others."""
    found: dict[str, int] = {}
    for trailer, value in commit.trailers:
        if trailer != QUARANTINED:
            continue
        parts = value.split(" ") if _REFUSED_ROWS.fullmatch(value) else [value]
        for part in parts:
            name, _, count = part.rpartition("=")
            if count.isascii() and count.isdigit():
                found[name] = int(count)
    return found


def _kind(commit: Commit) -> str:
    if commit.snapshot is None:
        return "commit"
    setup = commit.trailer(SETUP)
    if setup is not None:
        return setup
    return next((kind for name, kind in _KINDS if commit.trailer(name) is not None), "export")

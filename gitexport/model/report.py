"""Results that use cases return; nothing here prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gitexport.errors import GitExportError, SourceError
from gitexport.model.snapshot import ObjectId


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was refused: it stays pending and its old document is kept."""

    key: tuple[str, ...]
    reason: str
    column: str | None = None


@dataclass(slots=True)
class EntityReport:
    """What one run did to one entity, in documents; `superseded` rows changed meanwhile."""

    added: int = 0
    modified: int = 0
    deleted: int = 0
    unchanged: int = 0
    superseded: int = 0
    quarantined: list[QuarantinedRow] = field(default_factory=list)


@dataclass(slots=True)
class ExportReport:
    """What one export did.

    `snapshot` and `commit` are None when nothing was committed. `documents` are paths of files made
    by queries that were renewed, `documents_refused` say of others why they were not. `published`
    is True only after the remote's refs were read back. `warnings` are for people, `details` say a
    line for each document where that was asked. `kept_edits` are files with a person's edit that
    were left as they are. `left_alone` says why the working tree was not brought to a new commit,
    where it does not show the branch; `not_shown` is what kept it from being brought there, where
    it does. `not_acknowledged` says, by entity, why the source did not let rows be marked; they
    stay pending, and come again. `stages` are milliseconds. `exit_code` is the one that the
    command ends with.
    """

    mode: str
    started_at: datetime
    snapshot: str | None = None
    commit: ObjectId | None = None
    finished_at: datetime | None = None
    entities: dict[str, EntityReport] = field(default_factory=dict)
    documents: list[str] = field(default_factory=list)
    documents_refused: dict[str, str] = field(default_factory=dict)
    published: bool = False
    is_dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    kept_edits: list[str] = field(default_factory=list)
    schema_changes: list[str] = field(default_factory=list)
    left_alone: str | None = None
    not_shown: GitExportError | None = None
    not_acknowledged: dict[str, SourceError] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    exit_code: int = 0


@dataclass(slots=True)
class PushReport:
    """What a push did: the remote, and what became of each ref."""

    remote: str
    branch: str
    commit: ObjectId | None = None
    tags: list[str] = field(default_factory=list)
    merged: ObjectId | None = None
    published: bool = False

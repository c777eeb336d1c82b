"""What an import does, or would do; nothing here prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gitexport.model.creation import CreationStep
from gitexport.model.field_merge import FieldConflict
from gitexport.model.ports import Key
from gitexport.model.writing import PeoplesCode, WriteCounts


class SkipReason(str, Enum):
    """Why nothing is done for a document."""

    IS_THERE = "it is there already"
    SOURCE_DELETED = "the source deleted it, which only a mirror does"
    TARGET_DELETED = "the target deleted it"


@dataclass(slots=True)
class ImportedEntity:
    """One entity: how its rows are recognised, and what happens to them.

    `phase` counts from 1; entities of one phase do not wait for each other. `assigned` are
    columns whose values the target gives to new rows. `reasons` count what was skipped by why.
    """

    name: str
    relation: str
    mode: str
    phase: int = 0
    match: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    counts: WriteCounts = field(default_factory=WriteCounts)
    reasons: Mapping[SkipReason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TreatedReference:
    """A reference inside of a circle: how it is kept while rows are written, and why."""

    relation: str
    constraint: str
    target: str
    treatment: str
    reason: str


@dataclass(frozen=True, slots=True)
class MappedKey:
    """The key of a document, that of its row, and whether the row is new."""

    entity: str
    source: Key
    target: Key
    is_new: bool


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A document of which source and target changed the same fields since the base.

    `key` is the document's own, `row` that of the target's row. A conflict with the empty
    pointer is about the whole document.
    """

    entity: str
    key: Key
    row: Key
    fields: tuple[FieldConflict, ...]


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do in a dry run.

    `source` names where the snapshot came from, `target` the database. `base` is the
    snapshot from which the source's changes are counted, None without a merge. `is_own` says
    that the snapshot was made from this very database.
    """

    source: str
    snapshot: str | None
    commit: str
    target: str = ""
    base: str | None = None
    is_own: bool = False
    entities: list[ImportedEntity] = field(default_factory=list)
    references: list[TreatedReference] = field(default_factory=list)
    peoples_code: list[PeoplesCode] = field(default_factory=list)
    created: list[CreationStep] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    keys: list[MappedKey] = field(default_factory=list)
    conflicts: list[MergeConflict] = field(default_factory=list)
    is_dry_run: bool = False
    is_done: bool = False

    @property
    def changes(self) -> int:
        """The number of rows that are inserted, updated or deleted."""
        found = [entity.counts for entity in self.entities]
        return sum(counts.inserted + counts.updated + counts.deleted for counts in found)

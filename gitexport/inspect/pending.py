"""Counts what an export would find, entity by entity, in one view of the database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from gitexport.errors import ConfigError, GitExportError, PermissionDeniedError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Fence, RowScope, Source, SourceView


@dataclass(frozen=True, slots=True)
class EntityStatus:
    """One entity: documents of the last commit, and what is not in it yet.

    `pending` are rows, `deleted` documents whose rows are gone; None where only a reading of
    all rows, or keys, tells. `note` says why. `failure` kept it from being counted.
    """

    name: str
    documents: int
    pending: int | None = None
    deleted: int | None = None
    note: str | None = None
    failure: GitExportError | None = None


def read_pending(
    source: Source, entities: Sequence[Entity], fence: Fence, known: Sequence[EntityStatus]
) -> list[EntityStatus]:
    """Completes what is known of entities, all at one instant.

    Raises:
        SourceError: The connection was lost.
    """
    statuses = {status.name: status for status in known}
    with source.view() as view:
        # All at once; whatever is wrong with one of them is told of that one below.
        with suppress(ConfigError, PermissionDeniedError):
            view.relations([e for e in entities if e.tracking is not Tracking.COMPARE])
        return [_count(view, entity, fence, statuses[entity.name]) for entity in entities]


def _count(view: SourceView, entity: Entity, fence: Fence, known: EntityStatus) -> EntityStatus:
    if entity.tracking is Tracking.COMPARE:
        return replace(known, note='tracking = "compare": every export reads all rows')
    try:
        view.relation(entity)
        pending = view.count(entity, RowScope.PENDING)
        hints = view.tombstones(entity)
        living = view.living(entity, hints.keys) if hints.keys else set()
    except (ConfigError, PermissionDeniedError) as error:
        return replace(known, note=error.message, failure=error)
    if entity.name not in fence.tracked:
        why = "its flags are not relied on" if known.documents else "nothing is exported yet"
        return replace(known, pending=pending, note=f"{why}: the next export reads all rows")
    if not hints.is_complete:
        note = "the next export compares all keys"
        return replace(known, pending=pending, note=note)
    return replace(known, pending=pending, deleted=len(set(hints.keys) - living))

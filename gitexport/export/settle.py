"""What follows a snapshot: its rows are acknowledged, what was refused is written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gitexport.canonical.manifest import Manifest
from gitexport.export.build import Built
from gitexport.export.context import Context
from gitexport.export.encode import ShareResult
from gitexport.export.prepare import Prepared
from gitexport.model import faults
from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Acknowledged, Acknowledgement, RowScope
from gitexport.model.report import ExportReport
from gitexport.model.snapshot import ObjectId
from gitexport.store.journal import read_state, write_state
from gitexport.store.quarantine import write_quarantine

BATCH_ROWS = 10_000


def acknowledge(
    context: Context, prepared: Prepared, encoded: Sequence[ShareResult], tip: ObjectId
) -> Acknowledged:
    """Marks the row versions that the tip holds.

    Raises:
        LockedError: Another run has taken the fence meanwhile.
    """
    faults.point("S9.before")
    entities = {plan.entity.name: plan.entity for plan in prepared.plans}
    tombstones: dict[str, list[int]] = {}
    for share in encoded:
        # Among the hints of an entity whose flags are void is the one that says so: only a
        # run that has read every row settles it.
        is_settled = not share.is_cut or share.name in prepared.fence.tracked
        if share.tombstones and is_settled:
            tombstones.setdefault(share.name, []).extend(share.tombstones)
    told = tip if settles_flags(context, prepared, encoded) else prepared.fence.tip
    is_empty = not tombstones and not any(
        share.acknowledgements and share.acknowledgements.count for share in encoded
    )
    done = Acknowledged()
    is_known = told == prepared.fence.tip or not prepared.fence.value
    if not (is_empty and is_known):
        done = context.source.acknowledge(
            context.publication.repository_id,
            prepared.fence,
            told,
            _batches(context, entities, encoded),
            tombstones,
        )
    faults.point("S9.after")
    return done


def report_acknowledged(context: Context, report: ExportReport, done: Acknowledged) -> None:
    """Cleans up after an acknowledgement, and completes the report by what became of the rows."""
    for name, count in done.counts.items():
        report.entities[name].superseded = count.superseded
    large = {name: count.acknowledged for name, count in done.counts.items()}
    report.warnings += context.source.maintain(large) if large else []
    report.warnings += done.warnings
    for error in done.refused.values():
        if report.snapshot is not None:
            error.where = f"{error.where}; snapshot '{report.snapshot}' is made"
    report.not_acknowledged = dict(done.refused)
    _remember_unmarked(context, report)


def _remember_unmarked(context: Context, report: ExportReport) -> None:
    """Writes down for doctor what the source does not let be marked."""
    state = read_state(context.repository)
    # Entities that a partial run leaves out stay as they were known.
    known = state.unmarked if context.is_partial else {}
    unmarked = {name: told for name, told in known.items() if name not in report.entities}
    for name, error in report.not_acknowledged.items():
        unmarked[name] = (error.message, error.hint or "")
    if unmarked != state.unmarked:
        write_state(context.repository, replace(state, unmarked=unmarked))


def settles_flags(context: Context, prepared: Prepared, encoded: Sequence[ShareResult]) -> bool:
    """Tells whether all flags speak of the tip after this run.

    A run that reconciled only a part leaves the flags of the rest void, but for entities that
    have none, or that no snapshot holds yet: their next export reads all rows anyway.
    """
    lineage = prepared.lineage
    if not context.is_partial or (lineage.is_trusted and not lineage.foreign):
        return True
    if lineage.foreign or any(share.is_cut for share in encoded):
        return False
    done = {plan.entity.name for plan in prepared.plans if plan.scope is RowScope.ALL}
    return all(
        entity.name in done or _is_read_wholly(entity, prepared.base.manifest)
        for entity in context.publication.entities
    )


def _is_read_wholly(entity: Entity, manifest: Manifest) -> bool:
    """Tells whether the next export of an entity reads all rows, whatever flags say."""
    known = [manifest.entities.get(name) for name in (entity.name, entity.renamed_from) if name]
    exported = [one for one in known if one is not None and one.schema]
    return entity.tracking is Tracking.COMPARE or not exported


def _batches(
    context: Context, entities: dict[str, Entity], encoded: Sequence[ShareResult]
) -> Iterator[tuple[Entity, Sequence[Acknowledgement]]]:
    for share in encoded:
        entity = entities[share.name]
        if share.acknowledgements is None or entity.tracking is Tracking.COMPARE:
            continue
        for batch in share.acknowledgements.batches(BATCH_ROWS):
            faults.point("S9.batch")
            yield entity, batch
            context.progress.advance(len(batch))


def remember_refused(context: Context, built: Built) -> None:
    """Lists what this run refused where people and their tools find it."""
    refused: list[dict[str, Any]] = [
        {"entity": name, "key": list(row.key), "column": row.column, "reason": row.reason}
        for name, report in built.reports.items()
        for row in report.quarantined
    ]
    refused += [
        {"document": path, "reason": reason}
        for path, reason in sorted(built.documents.refused.items())
    ]
    looked_at = None
    if context.is_partial:
        looked_at = () if context.options.limit else tuple(built.reports)
    write_quarantine(context.repository, refused, looked_at=looked_at)

"""Looks at the database: connection, identity, relations, privileges, tracking."""

from __future__ import annotations

from collections.abc import Iterator

from gitexport.errors import GitExportError
from gitexport.export.guards import guard_source
from gitexport.inspect.finding import Finding, Level, error, failed, ok, warning
from gitexport.model.counted import counted
from gitexport.model.entity import Entity, Publication, Tracking
from gitexport.model.ports import Source, SourceView
from gitexport.model.tracking import TrackingAdmin

_DECISION = 6


def check_database(
    source: Source, tracking: TrackingAdmin, publication: Publication, last_source: str | None
) -> Iterator[Finding]:
    """Connects and looks at everything that an export would use; changes nothing.

    `last_source` is the source of the last snapshot, as its trailer has it.
    """
    try:
        identity = source.identity()
    except GitExportError as failure:
        yield failed("database", failure)
        return
    yield ok("database", f"'{identity.database}' answers")
    try:
        guard_source(identity, last_source, ())
    except GitExportError as failure:
        yield failed("database", failure)
    with source.view() as view:
        relations = [
            (entity, list(_check_relation(view, entity))) for entity in publication.entities
        ]
    for _entity, found in relations:
        yield from found
    yield from _check_tracking(
        source,
        tracking,
        publication,
        [
            entity
            for entity, found in relations
            if all(finding.level is not Level.ERROR for finding in found)
        ],
    )


def _check_relation(view: SourceView, entity: Entity) -> Iterator[Finding]:
    try:
        relation = view.relation(entity)
        present = set(view.columns(entity))
    except GitExportError as failure:
        yield failed("relations", failure)
        return
    missing = [name for name in entity.columns if name != "*" and name not in present]
    if missing:
        message = f"'{entity.relation}' has no column '{missing[0]}'" + (
            f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        )
        fix = f"remove it from 'columns' of [entities.{entity.name}] in gitexport.toml"
        yield warning("relations", message, fix)
    if entity.label is not None and relation.column(entity.label) is None:
        message = f"'{entity.relation}' has no column '{entity.label}', which 'label' names"
        fix = f"correct or remove 'label' of [entities.{entity.name}] in gitexport.toml"
        yield warning("relations", message, fix)


def _check_tracking(
    source: Source, tracking: TrackingAdmin, publication: Publication, entities: list[Entity]
) -> Iterator[Finding]:
    chosen = [entity for entity in entities if entity.tracking is not Tracking.COMPARE]
    try:
        source.peek(publication.repository_id, chosen)
        findings = tracking.inspect(publication.repository_id, chosen) if chosen else []
    except GitExportError as failure:
        yield failed("tracking", failure)
        return
    for finding in findings:
        if finding.misses_changes:
            yield error("tracking", finding.message, finding.hint, _DECISION)
        else:
            yield warning("tracking", finding.message, finding.hint)
    if chosen and not findings:
        count = len(chosen)
        tracked = "1 entity is" if count == 1 else f"all {count} entities are"
        yield ok("tracking", f"{tracked} tracked completely")
    compared = len(publication.entities) - len(chosen)
    if compared and len(entities) == len(publication.entities):
        are = counted(compared, "entity is", "entities are")
        its = "its" if compared == 1 else "their"
        yield ok("tracking", f"{are} compared: every export reads all {its} rows")

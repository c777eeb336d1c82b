"""Loads a snapshot into a database: all of it or nothing, in one transaction.

Documents are checked and staged, rows recognised, references followed; only when the whole
plan stands does the first row change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol, TypeVar

from gitexport.export.guards import is_source
from gitexport.model.creation import WantedRelation
from gitexport.model.ports import Key, Progress, SourceIdentity
from gitexport.model.recognition import ForeignDocument, NativeDocument, Recogniser
from gitexport.model.relation import RelationName
from gitexport.model.writing import (
    CurrentRow,
    RowAction,
    RowWriter,
    StagedRows,
    WritableSource,
    WritingOptions,
)
from gitexport.transfer import import_guards as guards
from gitexport.transfer.checked_documents import DocumentCheck
from gitexport.transfer.commit_source import CommitSource
from gitexport.transfer.import_options import ImportMode, ImportOptions
from gitexport.transfer.import_plan import PlannedEntity, plan_entities
from gitexport.transfer.import_report import ImportedEntity, ImportReport, MappedKey
from gitexport.transfer.merging import MergedDocuments, merge_documents
from gitexport.transfer.snapshot_changes import ChangedDocument, SnapshotChanges
from gitexport.transfer.snapshot_source import SnapshotSource
from gitexport.transfer.write_order import describe_order

_BATCH = 2000
_ACTIONS = {
    ImportMode.SKIP: RowAction.SKIP,
    ImportMode.UPSERT: RowAction.UPSERT,
    ImportMode.MIRROR: RowAction.UPSERT,
}
_Item = TypeVar("_Item")


class ImportTarget(WritableSource, Protocol):
    """The database that an import writes to."""

    def identity(self) -> SourceIdentity:
        """Tells which database this is."""


def import_snapshot(  # noqa: PLR0913 - what one run consists of
    source: SnapshotSource,
    target: ImportTarget,
    options: ImportOptions,
    *,
    progress: Progress,
    origin: str | None = None,
    changes: SnapshotChanges | None = None,
) -> ImportReport:
    """Loads a snapshot, or with `changes` only what changed since its base.

    Into the database that `origin` names as the snapshot's own, rows are recognised by their
    keys; so they are in relations that are made here. Where the report holds conflicts,
    nothing was done.

    Raises:
        UsageError: An option names what the snapshot does not have.
        ConfigError: The target cannot take the snapshot.
        DecisionNeededError: Much would be deleted, or a cascade would reach other relations.
        ConflictError: A document cannot be a row of the target; nothing was done.
        SourceError: The database refused; nothing was done.
    """
    identity = target.identity()
    is_own = origin is not None and is_source(identity, origin)
    report = ImportReport(
        source.place,
        source.snapshot,
        source.commit,
        target=identity.database,
        is_own=is_own,
        base=changes.base if changes else None,
        is_dry_run=options.is_dry_run,
    )
    how = WritingOptions(fires_triggers=options.fires_triggers, is_rehearsal=options.is_dry_run)
    names = [entity.stored.relation.name for entity in source.entities.values()]
    with target.writing(how) as writer:
        made: Sequence[RelationName] = ()
        if options.creates:
            progress.stage("making relations")
            made = _create(writer, source, options, report)
        by_key = names if is_own else made
        planned = plan_entities(source, writer.relations(names), options, by_key=by_key)
        report.notes += _notes(planned)
        run = _Import(source, writer, options, planned=planned, progress=progress, changes=changes)
        run.plan(report)
        if not (report.conflicts or options.is_dry_run):
            run.write()
            report.is_done = True
    return report


def _create(
    writer: RowWriter, source: SnapshotSource, options: ImportOptions, report: ImportReport
) -> Sequence[RelationName]:
    """Makes what the target lacks, and gives the relations that were made."""
    wanted = [
        WantedRelation(entity.stored.relation, entity.published, entity.stored.key)
        for name, entity in source.entities.items()
        if options.mentions(name)
    ]
    plan = writer.plan_creation(wanted)
    writer.create(plan)
    report.created += plan.steps
    report.calls += plan.calls
    report.notes += plan.left_out
    return plan.made


def _notes(planned: Iterable[PlannedEntity]) -> list[str]:
    return [note for entity in planned for note in entity.fit.notes if entity.is_written]


class _Import:
    """One import in its transaction."""

    def __init__(  # noqa: PLR0913 - what one run consists of
        self,
        source: SnapshotSource,
        writer: RowWriter,
        options: ImportOptions,
        *,
        planned: Sequence[PlannedEntity],
        progress: Progress,
        changes: SnapshotChanges | None,
    ) -> None:
        self._source = source
        self._writer = writer
        self._options = options
        self._planned = planned
        self._written = [entity for entity in planned if entity.is_written]
        self._progress = progress
        self._changes = changes
        self._staged: dict[str, StagedRows] = {}
        self._skipped: dict[str, int] = {}

    def plan(self, report: ImportReport) -> None:
        """Stages everything, and tells what writing it would do."""
        recogniser = self._writer.recogniser()
        self._recognise(recogniser)
        self._progress.stage("staging documents", self._total(self._written))
        for planned in self._written:
            if planned.recognised.is_rewritten:
                self._stage_rewritten(planned, recogniser, report)
            else:
                self._stage_as_they_are(planned, report)
            if planned.mode is ImportMode.MIRROR and self._changes is None:
                self._stage_departures(planned)
        entities = [planned.entity for planned in self._written]
        guards.refuse_dangling(self._source, self._writer.dangling(entities))
        self._progress.stage("comparing rows", len(self._written))
        self._describe(report)
        if self._options.lists_keys:
            report.keys = list(self._keys(recogniser))
        guards.refuse_lacking(self._written, self._staged, report)
        guards.refuse_deletions(report, self._options)
        guards.refuse_cascades(self._writer.reach(entities), self._options)
        report.peoples_code = list(self._writer.silence(entities))

    def write(self) -> None:
        """Writes what is staged."""
        self._progress.stage("writing rows")
        with guards.naming_documents(self._planned):
            self._writer.write()

    def _recognise(self, recogniser: Recogniser) -> None:
        rewritten = [planned for planned in self._planned if planned.recognised.is_rewritten]
        if rewritten:
            self._progress.stage("recognising rows", self._total(rewritten))
        for planned in rewritten:
            documents = self._counted(self._foreign(planned))
            recogniser.take(planned.recognised, documents, merges=self._changes is not None)
            recogniser.recognise(planned.recognised)
        for planned in rewritten:
            if planned.is_written:
                found = recogniser.dangling(planned.recognised)
                guards.refuse_dangling(self._source, found)

    def _foreign(self, planned: PlannedEntity) -> Iterator[ForeignDocument]:
        """Yields the documents of an entity that is recognised by more than its key."""
        check = DocumentCheck(planned.name, planned.stored)
        if isinstance(self._source, CommitSource) and self._changes is not None:
            found = self._changes.all_documents(planned.name, self._source, check)
        else:
            found = self._documents(planned)
        for key, base, document in found:
            is_wanted = planned.is_written and self._options.wants(planned.name, key)
            is_changed = base != document
            yield ForeignDocument(
                key, document, base if is_changed else None, is_wanted and is_changed
            )

    def _documents(self, planned: PlannedEntity) -> Iterator[ChangedDocument]:
        """Yields checked documents: all, or with a base those that changed."""
        check = DocumentCheck(planned.name, planned.stored)
        if self._changes is not None:
            yield from self._changes.documents(planned.name, check)
            return
        # Without a schema, the writer tells what does not fit as it takes documents apart.
        is_checked = check.has_schema or planned.recognised.is_rewritten
        for document in self._source.documents(planned.name):
            key = document.key or check.key(document)
            content = check.check(document).content if is_checked else document.content
            yield ChangedDocument(key, None, content)

    def _stage_as_they_are(self, planned: PlannedEntity, report: ImportReport) -> None:
        wanted = (
            changed
            for changed in self._counted(self._documents(planned))
            if self._options.wants(planned.name, changed.key)
        )
        if self._changes is None:
            pairs = ((key, document) for key, _, document in wanted if document is not None)
            self._stage(planned, pairs)
            self._refuse_other_members(planned)
            return
        for batch in _batches(wanted):
            natives = [
                NativeDocument(key, key, document, base, None) for key, base, document in batch
            ]
            self._stage_merged(planned, natives, report)

    def _refuse_other_members(self, planned: PlannedEntity) -> None:
        """Names the first document that has other members than its relation's file says."""
        staged = self._staged[planned.name]
        left_out = set(planned.stored.published) - set(planned.fit.columns)
        if staged.missing or set(staged.unknown) - left_out:
            check = DocumentCheck(planned.name, planned.stored)
            for document in self._source.documents(planned.name):
                check.check(document)

    def _stage_rewritten(
        self, planned: PlannedEntity, recogniser: Recogniser, report: ImportReport
    ) -> None:
        for natives in recogniser.documents(planned.recognised):
            if self._changes is None:
                self._stage(planned, [(n.key, n.document) for n in natives if n.document])
            else:
                self._stage_merged(planned, natives, report)
            self._progress.advance(len(natives))

    def _stage_merged(
        self, planned: PlannedEntity, natives: Sequence[NativeDocument], report: ImportReport
    ) -> None:
        if planned.mode is ImportMode.SKIP:
            self._stage(planned, [(n.key, n.document) for n in natives if n.document])
            return
        if planned.mode is not ImportMode.MIRROR:
            gone = sum(native.document is None for native in natives)
            self._skipped[planned.name] = self._skipped.get(planned.name, 0) + gone
            natives = [native for native in natives if native.document is not None]
        rows = self._writer.current(planned.entity, [native.key for native in natives])
        merged = self._merge(planned, natives, rows)
        report.conflicts += merged.conflicts
        self._stage(planned, merged.documents)
        self._writer.stage_deletions(planned.entity, merged.deletions)

    def _merge(
        self,
        planned: PlannedEntity,
        natives: Sequence[NativeDocument],
        rows: Iterable[CurrentRow],
    ) -> MergedDocuments:
        current = {row.key: row.document for row in rows if row.document is not None}
        return merge_documents(planned.name, natives, current, planned.fit.columns)

    def _stage(self, planned: PlannedEntity, documents: Iterable[tuple[Key, bytes]]) -> None:
        with guards.naming_documents(self._planned):
            self._staged[planned.name] = self._writer.stage(
                planned.entity, documents, _ACTIONS[planned.mode]
            )

    def _stage_departures(self, planned: PlannedEntity) -> None:
        if self._options.is_whole(planned.name):
            self._writer.stage_departures(planned.entity)
            return
        guards.refuse_partial_mirror(planned)
        kept = {document.key for document in self._source.documents(planned.name)}
        rows = self._writer.current(planned.entity, None, is_locked=False)
        gone = [
            row.key
            for row in rows
            if row.key not in kept and self._options.wants(planned.name, row.key)
        ]
        self._writer.stage_deletions(planned.entity, gone)

    def _describe(self, report: ImportReport) -> None:
        entities = {planned.name: planned for planned in self._written}
        order = self._writer.order([planned.entity for planned in self._written])
        phases, report.references = describe_order(order)
        for planned in entities.values():
            report.entities.append(self._described(planned, phases[planned.entity.relation]))
            self._progress.advance()
        report.entities.sort(key=lambda entity: (entity.phase, entity.name))

    def _described(self, planned: PlannedEntity, phase: int) -> ImportedEntity:
        counts = self._writer.expected(planned.entity)
        gone = self._skipped.get(planned.name, 0)
        reason = "it is there already" if counts.skipped else None
        if gone:
            counts = replace(counts, skipped=counts.skipped + gone)
            reason = "the source deleted it, which only a mirror does"
        return ImportedEntity(
            planned.name,
            str(planned.entity.relation),
            planned.mode.value,
            phase,
            planned.recognised.match,
            planned.recognised.assigned,
            counts,
            reason,
        )

    def _keys(self, recogniser: Recogniser) -> Iterator[MappedKey]:
        for planned in self._planned:
            if planned.recognised.is_rewritten:
                for source, target, is_new in recogniser.pairs(planned.recognised):
                    yield MappedKey(planned.name, source, target, is_new)

    def _total(self, planned: Iterable[PlannedEntity]) -> int | None:
        if self._changes is not None:
            return None
        return sum(entity.stored.stored.manifest.count for entity in planned)

    def _counted(self, items: Iterable[_Item]) -> Iterator[_Item]:
        for item in items:
            yield item
            self._progress.advance()


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch

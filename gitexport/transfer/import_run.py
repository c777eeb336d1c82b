"""Loads a snapshot into a database: all of it or nothing, in one transaction.

Documents are checked and staged, rows recognised, references followed; only when the whole
plan stands does the first row change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from gitexport.export.guards import is_source
from gitexport.model.address import Address
from gitexport.model.creation import WantedRelation
from gitexport.model.ports import Key, Progress, SourceIdentity
from gitexport.model.recognition import Recogniser
from gitexport.model.relation import RelationName
from gitexport.model.writing import RowWriter, WritableSource, WritingOptions
from gitexport.transfer import import_guards as guards
from gitexport.transfer.import_documents import ImportDocuments
from gitexport.transfer.import_options import ImportMode, ImportOptions
from gitexport.transfer.import_plan import PlannedEntity, plan_entities
from gitexport.transfer.import_report import ImportedEntity, ImportReport, MappedKey, SkipReason
from gitexport.transfer.snapshot_source import SnapshotSource
from gitexport.transfer.staging import ImportWork, Staging
from gitexport.transfer.write_order import describe_order

if TYPE_CHECKING:
    # Only an import with a base compares snapshots.
    from gitexport.transfer.snapshot_changes import SnapshotChanges


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
    report = _report(source, target, options, origin=origin, changes=changes)
    documents = ImportDocuments(source, changes, options, progress)
    how = WritingOptions(fires_triggers=options.fires_triggers, is_rehearsal=options.is_dry_run)
    names = [entity.stored.relation.name for entity in source.entities.values()]
    with target.writing(how) as writer:
        made: Sequence[RelationName] = ()
        if options.creates:
            progress.stage("making relations")
            made = _create(writer, source, options, report)
        by_key = names if report.is_own else made
        planned = plan_entities(source, writer.relations(names), options, by_key=by_key)
        report.notes += _notes(planned)
        run = _Import(ImportWork(documents, writer, options, planned, progress))
        run.plan(report)
        if not (report.conflicts or options.is_dry_run):
            run.write()
            report.is_done = True
    return report


def _report(
    source: SnapshotSource,
    target: ImportTarget,
    options: ImportOptions,
    *,
    origin: str | None,
    changes: SnapshotChanges | None,
) -> ImportReport:
    """Begins the report of an import with where it comes from and where it goes."""
    identity = target.identity()
    return ImportReport(
        source.place,
        source.snapshot,
        source.commit,
        target=identity.database,
        is_own=origin is not None and is_source(identity, origin),
        base=changes.base if changes else None,
        is_dry_run=options.is_dry_run,
    )


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

    def __init__(self, work: ImportWork) -> None:
        self._work = work
        self._written = [entity for entity in work.planned if entity.is_written]
        self._recogniser = work.writer.recogniser()
        self._staging = Staging(work)

    def plan(self, report: ImportReport) -> None:
        """Stages everything, and tells what writing it would do."""
        source = self._work.documents.source
        recogniser = self._recogniser
        self._refuse_unmatched()
        self._recognise(recogniser)
        self._work.progress.stage("staging documents", self._work.documents.total(self._written))
        for planned in self._written:
            self._staging.stage(planned, recogniser, report)
        entities = [planned.entity for planned in self._written]
        found = self._work.writer.dangling(entities)
        guards.refuse_dangling(source, self._work.planned, found, self._origin)
        self._work.progress.stage("comparing rows", len(self._written))
        self._describe(report)
        if self._work.options.lists_keys:
            report.keys = list(self._keys(recogniser))
        guards.refuse_lacking(self._written, self._staging.staged, report)
        guards.refuse_deletions(report, self._work.options)
        guards.refuse_cascades(self._work.writer.reach(entities), self._work.options)
        report.peoples_code = list(self._work.writer.silence(entities))

    def write(self) -> None:
        """Writes what is staged."""
        self._work.progress.stage("writing rows")
        with guards.naming_documents(self._work.planned, self._origin):
            self._work.writer.write()

    def _refuse_unmatched(self) -> None:
        """Refuses addresses that match no document, nor a row that a mirror might delete."""
        for planned in self._written:
            for address in self._work.options.only:
                if (
                    address.entity == planned.name
                    and address.parts is not None
                    and not self._work.documents.holds(planned, address)
                    and not self._matches_row(planned, address)
                ):
                    raise guards.unmatched(planned, address)

    def _matches_row(self, planned: PlannedEntity, address: Address) -> bool:
        if planned.mode is not ImportMode.MIRROR or planned.recognised.is_rewritten:
            return False
        rows = self._work.writer.current(planned.entity, None, is_locked=False)
        return any(address.matches(row.key) for row in rows)

    def _recognise(self, recogniser: Recogniser) -> None:
        rewritten = [planned for planned in self._work.planned if planned.recognised.is_rewritten]
        if rewritten:
            self._work.progress.stage("recognising rows", self._work.documents.total(rewritten))
        for planned in rewritten:
            documents = self._work.documents.foreign(planned)
            recogniser.take(planned.recognised, documents, merges=self._work.documents.is_merge)
            recogniser.recognise(planned.recognised)
        for planned in rewritten:
            if planned.is_written:
                source, recognised = self._work.documents.source, planned.recognised
                found = recogniser.dangling(recognised)
                guards.refuse_dangling(source, self._work.planned, found)
                guards.refuse_misled(source, recogniser.misled(recognised))

    def _describe(self, report: ImportReport) -> None:
        entities = {planned.name: planned for planned in self._written}
        order = self._work.writer.order([planned.entity for planned in self._written])
        phases, report.references = describe_order(order)
        for planned in entities.values():
            report.entities.append(self._described(planned, phases[planned.entity.relation]))
            self._work.progress.advance()
        report.entities.sort(key=lambda entity: (entity.phase, entity.name))

    def _described(self, planned: PlannedEntity, phase: int) -> ImportedEntity:
        counts = self._work.writer.expected(planned.entity)
        reasons = {SkipReason.IS_THERE: counts.skipped} if counts.skipped else {}
        reasons |= self._staging.skipped.get(planned.name, {})
        return ImportedEntity(
            planned.name,
            str(planned.entity.relation),
            planned.mode.value,
            phase,
            planned.recognised.match,
            planned.recognised.assigned,
            counts._replace(skipped=sum(reasons.values())),
            reasons,
        )

    def _origin(self, planned: PlannedEntity, key: Key) -> Key | None:
        """Finds the document that a row to be written comes from."""
        if not planned.recognised.is_rewritten:
            return key
        pairs = self._recogniser.pairs(planned.recognised)
        found = [source for source, target, _ in pairs if target == key]
        return found[0] if found else None

    def _keys(self, recogniser: Recogniser) -> Iterator[MappedKey]:
        for planned in self._work.planned:
            if planned.recognised.is_rewritten:
                rowless = self._staging.rowless.get(planned.name, ())
                for source, target, is_new in recogniser.pairs(planned.recognised):
                    if source not in rowless:
                        yield MappedKey(planned.name, source, target, is_new)

"""Stages an import's documents and deletions, entity by entity; no row changes here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from gitexport.model.ports import Key, Progress
from gitexport.model.prepared_rows import PreparedRows
from gitexport.model.recognition import NativeDocument, Recogniser
from gitexport.model.writing import CurrentRow, RowAction, RowWriter, StagedRows
from gitexport.transfer import import_guards as guards
from gitexport.transfer.checked_documents import DocumentCheck
from gitexport.transfer.import_documents import ImportDocuments
from gitexport.transfer.import_options import ImportMode, ImportOptions
from gitexport.transfer.import_plan import PlannedEntity
from gitexport.transfer.import_report import ImportReport, SkipReason
from gitexport.transfer.merging import MergedDocuments, merge_documents
from gitexport.transfer.snapshot_source import ChangedDocument
from gitexport.transfer.staging_ahead import Ahead

_BATCH = 2000
_ACTIONS = {
    ImportMode.SKIP: RowAction.SKIP,
    ImportMode.UPSERT: RowAction.UPSERT,
    ImportMode.MIRROR: RowAction.UPSERT,
}


class ImportWork(NamedTuple):
    """What the steps of one import work with; `planned` are all entities of the snapshot."""

    documents: ImportDocuments
    writer: RowWriter
    options: ImportOptions
    planned: Sequence[PlannedEntity]
    progress: Progress


class Staging:
    """What is staged in one import's transaction.

    `staged` is what the writer said of each entity. `skipped` counts by entity what a merge
    leaves alone, by why. `rowless` are by entity the keys of documents whose rows the target
    deleted and that get none.
    """

    def __init__(self, work: ImportWork) -> None:
        self.staged: dict[str, StagedRows] = {}
        self.skipped: dict[str, Counter[SkipReason]] = {}
        self.rowless: dict[str, set[Key]] = {}
        self._work = work

    def stage(self, planned: PlannedEntity, recogniser: Recogniser, report: ImportReport) -> None:
        """Stages one entity; what a merge cannot decide is added to the report.

        Raises:
            UsageError: A mirror of some rows is asked for whose keys are the target's.
            RowRefusedError: A document is none that its relation could hold.
            SourceError: The database refused.
        """
        if planned.recognised.is_rewritten:
            self._stage_rewritten(planned, recogniser, report)
        elif self._work.documents.is_merge:
            for batch in _batches(self._work.documents.changed(planned)):
                natives = [
                    NativeDocument(key, key, document, base, None) for key, base, document in batch
                ]
                self._stage_merged(planned, natives, report)
        else:
            self._stage_whole(planned)
            self._refuse_other_members(planned)
        if planned.mode is ImportMode.MIRROR and not self._work.documents.is_merge:
            self._stage_departures(planned)

    def _stage_whole(self, planned: PlannedEntity) -> None:
        documents, writer = self._work.documents, self._work.writer
        parts = documents.parts_of(planned)
        if not parts:
            self._stage(planned, documents.whole(planned))
            return
        action = _ACTIONS[planned.mode]
        ahead = Ahead(documents, planned, writer.preparer(planned.entity), action)
        with guards.naming_documents(self._work.planned, lambda _planned, _key: None):
            told = writer.stage_prepared(
                planned.entity, self._advancing(ahead.prepared(parts)), action
            )
        self.staged[planned.name] = told

    def _advancing(self, blocks: Iterable[PreparedRows]) -> Iterator[PreparedRows]:
        for block in blocks:
            yield block
            self._work.progress.advance(block.rows)

    def _refuse_other_members(self, planned: PlannedEntity) -> None:
        """Names the first document that has other members than its relation's file says."""
        staged = self.staged[planned.name]
        left_out = set(planned.stored.published) - set(planned.fit.columns)
        if staged.missing or set(staged.unknown) - left_out:
            check = DocumentCheck(planned.name, planned.stored)
            for document in self._work.documents.source.documents(planned.name):
                check.check(document)

    def _stage_rewritten(
        self, planned: PlannedEntity, recogniser: Recogniser, report: ImportReport
    ) -> None:
        for natives in recogniser.documents(planned.recognised):
            if self._work.documents.is_merge:
                self._stage_merged(planned, natives, report)
            else:
                self._stage(planned, [(n.key, n.document) for n in natives if n.document], natives)
            self._work.progress.advance(len(natives))

    def _stage_merged(
        self, planned: PlannedEntity, natives: Sequence[NativeDocument], report: ImportReport
    ) -> None:
        skipped = self.skipped.setdefault(planned.name, Counter())
        if planned.mode is not ImportMode.MIRROR:
            kept = [native for native in natives if native.document is not None]
            skipped[SkipReason.SOURCE_DELETED] += len(natives) - len(kept)
            natives = kept
        if planned.mode is ImportMode.SKIP:
            gone = self._deleted_by_target(planned, natives)
            skipped[SkipReason.TARGET_DELETED] += len(gone)
            self.rowless.setdefault(planned.name, set()).update(gone)
            natives = [native for native in natives if native.foreign_key not in gone]
            self._stage(planned, [(n.key, n.document) for n in natives if n.document], natives)
            return
        rows = self._work.writer.current(planned.entity, [native.key for native in natives])
        merged = self._merge(planned, natives, rows)
        report.conflicts += merged.conflicts
        self._stage(planned, merged.documents, natives)
        self._work.writer.stage_deletions(planned.entity, merged.deletions)

    def _deleted_by_target(
        self, planned: PlannedEntity, natives: Sequence[NativeDocument]
    ) -> set[Key]:
        """Finds the documents that were in the base and have no row any more."""
        changed = [native for native in natives if native.base is not None]
        rows = self._work.writer.current(planned.entity, [native.key for native in changed])
        there = {row.key for row in rows}
        return {
            native.foreign_key
            for native in changed
            # The key that a row would get may be that of another one.
            if native.is_known is False or native.key not in there
        }

    def _merge(
        self,
        planned: PlannedEntity,
        natives: Sequence[NativeDocument],
        rows: Iterable[CurrentRow],
    ) -> MergedDocuments:
        current = {row.key: row.document for row in rows if row.document is not None}
        return merge_documents(planned.name, natives, current, planned.fit.columns)

    def _stage(
        self,
        planned: PlannedEntity,
        documents: Iterable[tuple[Key, bytes]],
        natives: Sequence[NativeDocument] = (),
    ) -> None:
        def origin(_: PlannedEntity, key: Key) -> Key | None:
            return next((n.foreign_key for n in natives if n.key == key), None)

        with guards.naming_documents(self._work.planned, origin):
            self.staged[planned.name] = self._work.writer.stage(
                planned.entity, documents, _ACTIONS[planned.mode]
            )

    def _stage_departures(self, planned: PlannedEntity) -> None:
        if self._work.options.is_whole(planned.name):
            self._work.writer.stage_departures(planned.entity)
            return
        guards.refuse_partial_mirror(planned)
        kept = {document.key for document in self._work.documents.source.documents(planned.name)}
        rows = self._work.writer.current(planned.entity, None, is_locked=False)
        gone = [
            row.key
            for row in rows
            if row.key not in kept and self._work.options.wants(planned.name, row.key)
        ]
        self._work.writer.stage_deletions(planned.entity, gone)


def _batches(items: Iterable[ChangedDocument]) -> Iterator[list[ChangedDocument]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch

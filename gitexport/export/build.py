"""Builds the snapshot's tree and objects out of what the shares gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from gitexport.canonical.manifest import Manifest
from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.errors import QuarantinedError
from gitexport.export.context import Context
from gitexport.export.documents import RenewedDocuments, needs_renewal, renew
from gitexport.export.guards import guard_deletions
from gitexport.export.options import Override
from gitexport.export.prepare import Prepared
from gitexport.export.spool import ChangeSpool, SavedChanges
from gitexport.export.workers import RunResult
from gitexport.model.entity import CONFIG_PATH, MANIFEST_PATH, RELATIONS_DIRECTORY
from gitexport.model.ports import RowScope, SourceView
from gitexport.model.relation_json import relation_to_json
from gitexport.model.report import EntityReport, QuarantinedRow
from gitexport.model.snapshot import EntityCounts
from gitexport.store.changes import FileChange
from gitexport.store.journal import read_state
from gitexport.store.pack import Fragment, FragmentWriter, ObjectKind, object_id
from gitexport.store.trees import (
    ancestors,
    file_edits,
    rewrite_directories,
)

_LAST_FRAGMENT = 254


@dataclass(slots=True)
class Built:
    """A finished tree: `fragments` hold its new objects, `changes` its changed files."""

    tree: bytes
    reports: dict[str, EntityReport]
    documents: RenewedDocuments
    changes: list[SavedChanges]
    fragments: list[Fragment] = field(default_factory=list)
    writer: FragmentWriter | None = None
    details: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, EntityCounts]:
        """The changed documents by entity."""
        return {
            name: EntityCounts(report.added, report.modified, report.deleted)
            for name, report in self.reports.items()
        }

    @property
    def quarantined(self) -> dict[str, int]:
        """The refused rows by entity, where there are any."""
        return {
            name: len(report.quarantined)
            for name, report in self.reports.items()
            if report.quarantined
        }

    def discard(self) -> None:
        """Drops what will not be committed."""
        if self.writer is not None:
            self.writer.abandon()
            self.writer = None


def watched_directories(context: Context) -> frozenset[bytes]:
    """Gives the directories in which single files may be edited, and all above them."""
    paths = [MANIFEST_PATH, CONFIG_PATH, f"{RELATIONS_DIRECTORY}/x"]
    paths += [document.path for document in context.publication.documents]
    return frozenset(ancestors(file_edits({path.encode(): None for path in paths})))


def report_entities(
    context: Context, prepared: Prepared, result: RunResult
) -> dict[str, EntityReport]:
    """Adds up what all shares did, and applies the guards on it.

    Raises:
        DecisionNeededError: Too much would be deleted.
        QuarantinedError: A row was refused, and nothing may be.
    """
    reports = {plan.entity.name: EntityReport() for plan in prepared.plans}
    for share in result.encoded:
        report = reports[share.name]
        report.added += share.added
        report.modified += share.modified
        report.unchanged += share.unchanged
        report.quarantined += share.quarantined
    for merge in result.merged:
        for name, merged in merge.results.items():
            reports[name].deleted += merged.deleted
    overrides = set(context.options.overrides)
    if context.options.origin is not None:
        overrides.add(Override.DELETES)
    for plan in prepared.plans:
        name = plan.entity.name
        before = plan.known.count if plan.known else 0
        difference = sum(merge.results[name].count for merge in result.merged)
        guard_deletions(
            name,
            count_before=before,
            deleted=reports[name].deleted,
            count_after=before + difference,
            overrides=overrides,
        )
    if context.options.is_strict:
        _refuse_quarantined(reports)
    return reports


def renew_documents(
    context: Context, prepared: Prepared, reports: Mapping[str, EntityReport], view: SourceView
) -> RenewedDocuments:
    """Renews the documents made by queries that this run may have changed."""
    changed = [
        name
        for name, report in reports.items()
        if report.added or report.modified or report.deleted
    ]
    documents = context.publication.documents
    old = {path.path: prepared.base.content(context.repository, path.path) for path in documents}
    asked = _due_documents(context, prepared, old)
    due = [
        document
        for document in documents
        if needs_renewal(document, changed, asked, reads_all=prepared.mode == "full")
    ]
    parameters = {
        "tag": prepared.tag,
        "exported_at": prepared.instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": context.publication.version,
    }
    renewed = renew(view, due, parameters)
    for path, content in old.items():
        renewed.leave_out(path, content)
    if renewed.refused and context.options.is_strict:
        path, reason = next(iter(renewed.refused.items()))
        message = f"the document '{path}' was refused: {reason}"
        raise QuarantinedError(message, where=path, hint="mend its query, or run without --strict")
    return renewed


def _due_documents(
    context: Context, prepared: Prepared, old: Mapping[str, bytes | None]
) -> set[str]:
    """Lists documents to renew whatever has changed: new ones, and those that failed before."""
    if prepared.base.content(context.repository, CONFIG_PATH) != context.publication.config_text:
        return set(old)
    missing = {path for path, content in old.items() if content is None}
    return missing | set(read_state(context.repository).documents_refused)


def build_tree(  # noqa: PLR0913, PLR0917 - joins what all earlier steps gave
    context: Context,
    prepared: Prepared,
    result: RunResult,
    reports: dict[str, EntityReport],
    documents: RenewedDocuments,
    directory: Path | None,
) -> Built:
    """Writes the files beside the documents, and every tree up to the root."""
    writer = (
        None if directory is None else FragmentWriter(directory / "objects-last", _LAST_FRAGMENT)
    )

    def add(kind: ObjectKind) -> Callable[[bytes], bytes]:
        if writer is None:
            return lambda data: object_id(kind, data)
        return lambda data: writer.add(kind, data)

    reader = prepared.base.reader
    changes = ChangeSpool(None)
    changed: dict[bytes, bytes | None] = {}
    for path, old, content in _changed_files(context, prepared, result, documents):
        changed[path] = None if content is None else add(ObjectKind.BLOB)(content)
        changes.write(FileChange(path, old, changed[path]))
    parts = [part for merge in result.merged for part in merge.results.values()]
    leaves = {path: tree for part in parts for path, tree in part.leaves.items()}
    made = {path: raw for part in parts for path, raw in part.made.items()}
    tree = rewrite_directories(reader, file_edits(changed), leaves, add(ObjectKind.TREE), made)
    saved = [merge.changes for merge in result.merged if merge.changes is not None]
    return Built(
        tree,
        reports,
        documents,
        changes=[*saved, changes.finish()],
        fragments=[fragment for merge in result.merged for fragment in merge.fragments],
        writer=writer,
        details=_details(result),
    )


def _details(result: RunResult) -> list[str]:
    parts = [part for merge in result.merged for part in merge.results.values()]
    return [
        *(line for share in result.encoded for line in share.details),
        *(line for part in parts for line in part.details),
    ]


def _changed_files(
    context: Context, prepared: Prepared, result: RunResult, documents: RenewedDocuments
) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    """Yields path, old blob id and new content of the single files that differ, by path."""
    for name, content in sorted(_files(context, prepared, result, documents).items()):
        path = name.encode()
        entry = prepared.base.reader.entry(path)
        old = entry.object_id if entry else None
        if old != (None if content is None else object_id(ObjectKind.BLOB, content)):
            yield path, old, content


def _files(
    context: Context, prepared: Prepared, result: RunResult, documents: RenewedDocuments
) -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = dict(documents.contents)
    if context.publication.config_text:
        files[CONFIG_PATH] = context.publication.config_text
    manifest = _next_manifest(context, prepared, result)
    for plan in prepared.plans:
        entity = plan.entity
        relation = relation_to_json(plan.relation, plan.columns, entity.flag)
        files[f"{RELATIONS_DIRECTORY}/{entity.name}.json"] = canonical_value(
            cast("JsonValue", relation)
        )
        if entity.renamed_from and entity.renamed_from in prepared.base.manifest.entities:
            files[f"{RELATIONS_DIRECTORY}/{entity.renamed_from}.json"] = None
    files[MANIFEST_PATH] = manifest.to_bytes()
    return files


def _next_manifest(context: Context, prepared: Prepared, result: RunResult) -> Manifest:
    manifest = Manifest(context.publication.version, prepared.base.manifest.entities)
    for plan in prepared.plans:
        name = plan.entity.name
        merged = [merge.results[name] for merge in result.merged]
        was_cut = any(share.is_cut for share in result.encoded if share.name == name)
        known = plan.known.schema if plan.known else ""
        # A run that left rows out has not settled what a first or forced reading is for.
        settled = not was_cut or plan.scope is RowScope.PENDING
        manifest = manifest.with_difference(
            plan.entity,
            count=sum(part.count for part in merged),
            size_bytes=sum(part.size_bytes for part in merged),
            schema=plan.schema if settled else known,
        )
    return manifest


def _refuse_quarantined(reports: Mapping[str, EntityReport]) -> None:
    for name, report in reports.items():
        if report.quarantined:
            row: QuarantinedRow = report.quarantined[0]
            more = sum(len(other.quarantined) for other in reports.values()) - 1
            message = f"{name}:{','.join(row.key)} was refused: {row.reason}"
            hint = "mend the row, or run without --strict" + (f"; {more} more" if more else "")
            raise QuarantinedError(message, where=row.column or name, hint=hint)

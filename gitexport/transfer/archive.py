"""Writes one snapshot as an archive: the same snapshot gives the same bytes.

Documents are read twice, once for the index, which stands first, and once for the archive.
No more than one of them is in memory at any time.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC
from typing import IO

from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.errors import CorruptRepositoryError
from gitexport.export.message import MODE, SOURCE, VERSION
from gitexport.model.entity import CONFIG_PATH, MANIFEST_PATH, RELATIONS_DIRECTORY
from gitexport.model.ports import Progress
from gitexport.model.snapshot import Commit
from gitexport.transfer.archive_index import (
    INDEX_PATH,
    SUMMARY_PATH,
    IndexEntry,
    IndexHead,
    format_ends,
    format_entry,
)
from gitexport.transfer.archive_writer import ArchiveWriter, Output, Written
from gitexport.transfer.commit_source import CommitSource

SUMMARY_FORMAT = "gitexport.export-summary/v1"


@dataclass(slots=True)
class ArchivedEntity:
    """Documents of one entity and their bytes in all."""

    directory: str
    documents: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What was written; `entities` are in the order of their directories."""

    snapshot: str | None
    commit: str
    written: Written
    entities: dict[str, ArchivedEntity]


def write_archive(
    source: CommitSource, commit: Commit, output: Output, progress: Progress
) -> ArchiveReport:
    """Writes a snapshot with its configuration, relations, schemas and documents.

    Files of people are left out. Nothing is written before everything was read once.

    Raises:
        CorruptRepositoryError: An object is damaged, or a description is missing.
        OSError: The output, or the spool of the index, refused.
    """
    head = IndexHead(source.commit, source.snapshot)
    total = sum(entity.stored.manifest.count for entity in source.entities.values())
    with tempfile.TemporaryFile() as spool, tempfile.TemporaryFile() as index:
        progress.stage("reading documents", total)
        entities = _list_documents(source, spool, progress)
        descriptions = {SUMMARY_PATH: _summary(commit, entities), **_descriptions(source)}
        size = _write_index(head, descriptions, spool, index)
        progress.stage("writing the archive", total)
        writer = ArchiveWriter(output, head.directory, int(commit.committed_at.timestamp()))
        writer.copy(INDEX_PATH, index, size)
        for path, content in descriptions.items():
            writer.add(path, content)
        for name in entities:
            for document in source.documents(name):
                writer.add(document.path, document.content)
                progress.advance()
        return ArchiveReport(source.snapshot, source.commit, writer.finish(), entities)


def _list_documents(
    source: CommitSource, spool: IO[bytes], progress: Progress
) -> dict[str, ArchivedEntity]:
    """Writes the index entries of all documents, in order, and counts them."""
    directories = {
        name: entity.stored.manifest.directory for name, entity in source.entities.items()
    }
    entities = {}
    for name in sorted(directories, key=lambda name: f"{directories[name]}/".encode()):
        entity = entities[name] = ArchivedEntity(directories[name])
        for document in source.documents(name):
            entity.documents += 1
            entity.size_bytes += len(document.content)
            spool.write(format_entry(_entry(document.path, document.content)))
            progress.advance()
    return entities


def _descriptions(source: CommitSource) -> dict[str, bytes]:
    """Reads everything that is no document of an entity, in the order of the archive."""
    publication = source.publication
    paths = {entity.schema for entity in publication.entities if entity.schema}
    paths |= {document.path for document in publication.documents}
    paths.update(source.files_in(RELATIONS_DIRECTORY))
    ordered = [CONFIG_PATH, MANIFEST_PATH, *sorted(paths, key=str.encode)]
    found = {path: source.read(path) for path in ordered}
    for path in (CONFIG_PATH, MANIFEST_PATH):
        if found[path] is None:
            message = f"the snapshot has no '{path}'"
            raise CorruptRepositoryError(message, where=source.commit)
    return {path: content for path, content in found.items() if content is not None}


def _write_index(
    head: IndexHead, descriptions: dict[str, bytes], spool: IO[bytes], index: IO[bytes]
) -> int:
    """Puts the index together, ready to be read, and gives its size."""
    before, after = format_ends(head)
    first = b"".join(format_entry(_entry(path, text)) for path, text in descriptions.items())
    index.write(before + first.removeprefix(b",\n"))
    spool.seek(0)
    shutil.copyfileobj(spool, index)
    index.write(after)
    size = index.tell()
    index.seek(0)
    return size


def _summary(commit: Commit, entities: dict[str, ArchivedEntity]) -> bytes:
    source = commit.trailer(SOURCE)
    at = commit.committed_at.astimezone(UTC)
    value: dict[str, JsonValue] = {
        "format": SUMMARY_FORMAT,
        "snapshot": commit.snapshot,
        "commit": commit.commit_id,
        "exported_at": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "database": source.rpartition(" ")[0] if source else None,
        "mode": commit.trailer(MODE),
        "version": commit.trailer(VERSION),
        "documents": sum(entity.documents for entity in entities.values()),
        "bytes": sum(entity.size_bytes for entity in entities.values()),
        "entities": {
            name: {
                "bytes": entity.size_bytes,
                "directory": entity.directory,
                "documents": entity.documents,
            }
            for name, entity in entities.items()
        },
    }
    return canonical_value(value)


def _entry(path: str, content: bytes) -> IndexEntry:
    return IndexEntry(path, hashlib.sha256(content).hexdigest(), len(content))

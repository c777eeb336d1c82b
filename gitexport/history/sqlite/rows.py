"""Writes snapshots and what they changed as rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from gitexport.canonical.value import JsonValue, dumps_line, loads
from gitexport.compare.changed_document import ChangedDocument
from gitexport.compare.changes import entity_changes, entity_pairs
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import UnsupportedValueError
from gitexport.history.details import SnapshotDetails
from gitexport.model.address import Address, format_address
from gitexport.model.changeset import ABSENT, ChangeKind, DocumentChange
from gitexport.model.ports import Key

PRESENT = "present"
"""The kind of versions that were there before the part of a history begins."""

_VERSION = (
    "INSERT INTO versions (entity, key, kind, from_snapshot, document, reason)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_CLOSE = "UPDATE versions SET to_snapshot = ? WHERE entity = ? AND key = ? AND to_snapshot IS NULL"
_FIELD = "INSERT INTO field_changes (version, pointer, old, new) VALUES (?, ?, ?, ?)"


@dataclass(slots=True)
class RowCounts:
    """How many rows were added."""

    snapshots: int = 0
    versions: int = 0
    field_changes: int = 0


class RowWriter:
    """Writes one snapshot after the other, the oldest first."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        history: StoredHistory,
        addresses: Sequence[Address],
    ) -> None:
        self._connection = connection
        self._history = history
        self._addresses = addresses
        self._entities: dict[str, tuple[StoredEntity, str]] = {}
        # Snapshots from before a rename hold an entity under its former name.
        self._names = {
            entity.renamed_from: entity.name
            for entity in history.publication.entities
            if entity.renamed_from
        }
        self.counts = RowCounts()

    def follow_renames(self) -> None:
        """Gives the entities of earlier runs the names that they have now."""
        for former, name in self._names.items():
            self._connection.execute(
                "UPDATE entities SET entity = ? WHERE entity = ?"
                " AND NOT EXISTS (SELECT 1 FROM entities WHERE entity = ?)",
                (name, former, name),
            )

    def write_snapshot(self, details: SnapshotDetails) -> str:
        """Writes the row of a snapshot; gives its name."""
        summary, total = details.summary, details.summary.total
        name = summary.snapshot or summary.commit
        self._connection.execute(
            f"INSERT INTO snapshots VALUES ({', '.join('?' * 16)})",  # noqa: S608 - question marks
            (
                name,
                f"{summary.exported_at:%Y-%m-%dT%H:%M:%SZ}",
                summary.commit,
                summary.kind,
                summary.mode,
                summary.version,
                summary.database,
                summary.author,
                summary.subject,
                details.note,
                total.added,
                total.modified,
                total.deleted,
                details.documents,
                details.size_bytes,
                details.duration_ms,
            ),
        )
        self.counts.snapshots += 1
        return name

    def write_changes(
        self, old: StoredTree, new: StoredTree, name: str, *, is_baseline: bool = False
    ) -> None:
        """Writes what differs between two snapshots as versions of the second, `name`."""
        for document in self._documents(old, new):
            change = document.change
            if change.old_blob == change.new_blob:
                # It only stands elsewhere.
                continue
            entity = self._entity(document)
            key = _key_text(document)
            self._connection.execute(_CLOSE, (name, entity, key))
            settled, content = _settle(document)
            kind = PRESENT if is_baseline else settled.kind.value
            row = (entity, key, kind, name, content, settled.reason)
            version = self._connection.execute(_VERSION, row).lastrowid
            self.counts.versions += 1
            if settled.kind is ChangeKind.MODIFIED:
                self._write_fields(cast("int", version), settled)

    def _documents(self, old: StoredTree, new: StoredTree) -> Iterator[ChangedDocument]:
        names = None
        if self._addresses:
            names = {n for a in self._addresses for n in self._history.names_of(a.entity)}
        readers = (self._history.repository,) * 2
        for pair in entity_pairs(old, new, names):
            for change in entity_changes(self._history, pair, (old, new)):
                document = ChangedDocument(change, pair, readers)
                if self._is_meant(document):
                    yield document

    def _is_meant(self, document: ChangedDocument) -> bool:
        if not self._addresses:
            return True
        return any(
            address.parts is None or address.matches(_key(document))
            for address in self._addresses
            if document.change.entity in self._history.names_of(address.entity)
        )

    def _entity(self, document: ChangedDocument) -> str:
        """Names a document's entity, whose row is written before that of the first version."""
        told = document.change.entity
        stored = document.entity.new or document.entity.old
        assert stored is not None  # noqa: S101 - one side has the document
        known = self._entities.get(told)
        if known is not None and known[0] is stored:
            return known[1]
        name = self._names.get(told, told)
        self._entities[told] = (stored, name)
        configured = self._history.publication.entity(name)
        label = configured.label if configured else None
        self._connection.execute(
            "INSERT INTO entities VALUES (?, ?, ?, ?) ON CONFLICT (entity) DO UPDATE SET"
            " relation = excluded.relation, key_columns = excluded.key_columns,"
            " label = excluded.label",
            (name, str(stored.relation.name), json.dumps(stored.key), label),
        )
        return name

    def _write_fields(self, version: int, change: DocumentChange) -> None:
        rows = [
            (version, field.pointer, _json(field.old), _json(field.new)) for field in change.fields
        ]
        self._connection.executemany(_FIELD, rows)
        self.counts.field_changes += len(rows)


def _settle(document: ChangedDocument) -> tuple[DocumentChange, str | None]:
    """Completes a change; gives the new document's text, None where it is none."""
    change = document.change
    if change.kind is ChangeKind.DELETED:
        return change, None
    content = document.new or b""
    try:
        loads(content)
    except UnsupportedValueError as error:
        return replace(change, reason=f"the document {error.message}"), None
    if change.kind is ChangeKind.MODIFIED:
        change = document.settle()
    return change, content.decode().rstrip("\n")


def _key(document: ChangedDocument) -> Key:
    if document.change.key is not None:
        return document.change.key
    # The file's name holds only the beginning of a long key.
    found = document.key
    if found is None:
        return (document.change.path.rpartition("/")[2],)
    return tuple(part if isinstance(part, str) else cast("str", _json(part)) for part in found)


def _key_text(document: ChangedDocument) -> str:
    return format_address("", _key(document)).removeprefix(":")


def _json(value: object) -> str | None:
    if value is ABSENT:
        return None
    return dumps_line(cast("JsonValue", value)).decode().rstrip("\n")

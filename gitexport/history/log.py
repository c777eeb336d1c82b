"""Snapshots from the newest to the oldest, and the life of one document through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from gitexport.compare.changes import with_fields
from gitexport.compare.nearest import no_document, no_entity, require_key
from gitexport.compare.stored import StoredHistory
from gitexport.history.summary import SnapshotSummary, summarise
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.ports import Key
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs


@dataclass(frozen=True, slots=True)
class DocumentEvent:
    """What one snapshot did to one document, against the snapshot before it."""

    snapshot: SnapshotSummary
    change: DocumentChange


def log_snapshots(
    history: StoredHistory, tip: ObjectId, entity: str | None = None
) -> Iterator[tuple[Commit, SnapshotSummary]]:
    """Walks the snapshots, newest first; with an entity, those that changed documents of it.

    Raises:
        UsageError: There is no such entity, in the configuration or in any snapshot.
        CorruptRepositoryError: A commit on the way is missing or damaged.
    """
    names = None if entity is None else set(history.names_of(entity))
    is_known = False
    last: Commit | None = None
    for commit in refs.snapshots(history.repository, tip):
        summary = summarise(commit)
        last = last or commit
        if names is None or names & summary.counts.keys():
            is_known = True
            yield commit, summary
    if entity is None or is_known:
        return
    tree = history.at(bytes.fromhex(last.tree_id) if last else None)
    if tree.entity(entity) is None:
        raise no_entity(history, tree, entity)


def log_document(
    history: StoredHistory, tip: ObjectId, address: Address
) -> Iterator[DocumentEvent]:
    """Walks the snapshots that changed one document, newest first, with the changed fields.

    Of each snapshot only the trees above the document are read. With a pointer in the
    address, modifications of other fields are left out.

    Raises:
        UsageError: The address does not name one document, or no snapshot ever held it.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    newer: Commit | None = None
    now: _Place | None = None
    was_found = False
    newest: Commit | None = None
    older: Iterator[Commit | None] = chain(refs.snapshots(history.repository, tip), [None])
    for commit in older:
        place = None if commit is None else _locate(history, commit, address)
        was_found = was_found or place is not None
        if newer is not None and (place and place.found) != (now and now.found):
            event = _event(history, newer, place, now, address)
            is_modified = event.change.kind is ChangeKind.MODIFIED
            if event.change.fields or not (address.pointer and is_modified):
                yield event
        newer, now = commit, place
        newest = newest or commit
    if not was_found:
        raise _never_found(history, newest, address)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document is in one snapshot."""

    entity: str
    key: Key
    path: str
    blob: bytes

    @property
    def found(self) -> tuple[str, bytes]:
        return self.path, self.blob


def _locate(history: StoredHistory, commit: Commit, address: Address) -> _Place | None:
    tree = history.at(bytes.fromhex(commit.tree_id))
    entity = tree.entity(address.entity)
    if entity is None:
        return None
    key = require_key(entity, address)
    path = b"/".join(entity.paths.path(key))
    blob = tree.blob(path)
    return None if blob is None else _Place(entity.name, key, path.decode(), blob)


def _event(
    history: StoredHistory, commit: Commit, old: _Place | None, new: _Place | None, address: Address
) -> DocumentEvent:
    kind = ChangeKind.MODIFIED
    if old is None:
        kind = ChangeKind.ADDED
    elif new is None:
        kind = ChangeKind.DELETED
    elif old.blob == new.blob:
        kind = ChangeKind.RENAMED
    place = new or old
    assert place is not None  # noqa: S101 - only called where the two differ
    change = DocumentChange(
        entity=place.entity,
        key=place.key,
        kind=kind,
        path=place.path,
        old_path=old.path if old and new and old.path != new.path else None,
        old_blob=old.blob.hex() if old else None,
        new_blob=new.blob.hex() if new else None,
    )
    return DocumentEvent(summarise(commit), with_fields(history, change, address))


def _never_found(history: StoredHistory, last: Commit | None, address: Address) -> Exception:
    tree = history.at(bytes.fromhex(last.tree_id) if last else None)
    entity = tree.entity(address.entity)
    if entity is None:
        return no_entity(history, tree, address.entity)
    return no_document(tree, entity, address, "any snapshot")

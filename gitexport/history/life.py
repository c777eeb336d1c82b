"""The life of one document: which snapshots changed it, wherever its file stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from gitexport.compare.nearest import no_document, no_entity, require_key
from gitexport.compare.stored import StoredHistory
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.ports import Key
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """Where a document stands in one snapshot; `blob` is its 20-byte id."""

    entity: str
    key: Key
    path: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class LifeStep:
    """A snapshot that changed a document: what the one before it held, and what it holds.

    None stands for no document; not both are None, and they differ in path or blob.
    """

    snapshot: Commit
    old: DocumentPlace | None
    new: DocumentPlace | None

    @property
    def change(self) -> DocumentChange:
        """The step as a change without fields."""
        old, new = self.old, self.new
        kind = ChangeKind.MODIFIED
        if old is None:
            kind = ChangeKind.ADDED
        elif new is None:
            kind = ChangeKind.DELETED
        elif old.blob == new.blob:
            kind = ChangeKind.RENAMED
        place = new or old
        assert place is not None  # noqa: S101 - as promised
        return DocumentChange(
            entity=place.entity,
            key=place.key,
            kind=kind,
            path=place.path,
            old_path=old.path if old and new and old.path != new.path else None,
            old_blob=old.blob.hex() if old else None,
            new_blob=new.blob.hex() if new else None,
        )


def life_steps(history: StoredHistory, tip: ObjectId, address: Address) -> Iterator[LifeStep]:
    """Walks the snapshots that changed one document, newest first.

    Each is compared with the snapshot before it, so that what people committed in between
    counts, too. Of each snapshot only the trees above the document are read.

    Raises:
        UsageError: The address does not name one document, or no snapshot ever held it.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    repository = history.repository
    newer: ObjectId | None = None
    now: DocumentPlace | None = None
    newest: ObjectId | None = None
    was_found = False
    names = refs.snapshot_names(repository, tip)
    older: Iterator[ObjectId | None] = chain((commit_id for commit_id, _name in names), [None])
    for commit_id in older:
        place = None if commit_id is None else _locate(history, commit_id, address)
        was_found = was_found or place is not None
        if newer is not None and _found(place) != _found(now):
            yield LifeStep(refs.read_commit(repository, newer), place, now)
        newer, now = commit_id, place
        newest = newest or commit_id
    if not was_found:
        raise _never_found(history, newest, address)


def _locate(history: StoredHistory, commit_id: ObjectId, address: Address) -> DocumentPlace | None:
    tree = history.at(history.repository.tree_of(commit_id))
    entity = tree.entity(address.entity)
    if entity is None:
        return None
    key = require_key(entity, address)
    path = b"/".join(entity.paths.path(key))
    blob = tree.blob(path)
    return None if blob is None else DocumentPlace(entity.name, key, path.decode(), blob)


def _found(place: DocumentPlace | None) -> tuple[str, bytes] | None:
    return None if place is None else (place.path, place.blob)


def _never_found(history: StoredHistory, last: ObjectId | None, address: Address) -> Exception:
    tree = history.at(history.repository.tree_of(last) if last else None)
    entity = tree.entity(address.entity)
    if entity is None:
        return no_entity(history, tree, address.entity)
    return no_document(tree, entity, address, "any snapshot")

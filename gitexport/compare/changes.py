"""The documents that one commit changed, entity by entity.

Equal trees are never visited, so the cost follows the change. Where a commit moved documents
to another layout they are matched by the name of their file, which only the key decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitexport.compare.documents import field_changes
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import UnsupportedValueError
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.ports import Key
from gitexport.model.snapshot import Commit
from gitexport.store.changes import FileChange
from gitexport.store.tree_diff import changed_files


def document_changes(
    history: StoredHistory, commit: Commit, address: Address | None = None
) -> Iterator[DocumentChange]:
    """Yields the documents that a commit changed against its first parent.

    With an address, only those that it names. Fields are left out; see `with_fields`.
    Files that are no documents of an entity are none of its changes.

    Raises:
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    parent = history.repository.tree_of(commit.parents[0]) if commit.parents else None
    old = history.at(parent)
    yield from tree_changes(history, old, history.at(bytes.fromhex(commit.tree_id)), address)


def tree_changes(
    history: StoredHistory, old: StoredTree, new: StoredTree, address: Address | None = None
) -> Iterator[DocumentChange]:
    """Yields the documents that differ between two commits, as `document_changes` does."""
    for before, after in _pairs(history, old, new, address):
        for change in _changes(history, (old, before), (new, after)):
            if address is None or change.key is None or address.matches(change.key):
                yield change


def with_fields(
    history: StoredHistory, change: DocumentChange, address: Address | None = None
) -> DocumentChange:
    """Adds the fields that differ, with a pointer in the address those alone.

    A modified document without any such field was only rewritten.
    """
    old = None if change.old_blob is None else bytes.fromhex(change.old_blob)
    new = None if change.new_blob is None else bytes.fromhex(change.new_blob)
    if old == new:
        return change
    read = history.repository.read_blob
    try:
        fields = field_changes(old and read(old), new and read(new))
    except UnsupportedValueError:
        # A person's file may hold anything.
        return change
    kind = change.kind
    if kind is ChangeKind.MODIFIED and not fields:
        kind = ChangeKind.REWRITTEN
    covered = tuple(field for field in fields if address is None or address.covers(field.pointer))
    return replace(change, kind=kind, fields=covered)


def _pairs(
    history: StoredHistory, old: StoredTree, new: StoredTree, address: Address | None
) -> Iterator[tuple[StoredEntity | None, StoredEntity | None]]:
    names = dict.fromkeys(new.manifest.entities)
    gone = [name for name in old.manifest.entities if name not in names]
    for name in names:
        before, after = old.entity(name), new.entity(name)
        if before is not None and before.name in gone:
            gone.remove(before.name)
        if _is_meant(history, address, name):
            yield before, after
    for name in gone:
        if _is_meant(history, address, name):
            yield old.entity(name), None


def _is_meant(history: StoredHistory, address: Address | None, name: str) -> bool:
    return address is None or name in history.names_of(address.entity)


def _changes(
    history: StoredHistory,
    base: tuple[StoredTree, StoredEntity | None],
    target: tuple[StoredTree, StoredEntity | None],
) -> Iterator[DocumentChange]:
    before, after = base[1], target[1]
    if before is None or after is None:
        yield from _one_sided(history, base, is_old=True)
        yield from _one_sided(history, target, is_old=False)
        return
    places = [(entity.manifest.directory, entity.manifest.shard) for entity in (before, after)]
    if places[0] == places[1]:
        directory = after.manifest.directory
        old, new = base[0].subtree(directory), target[0].subtree(directory)
        files = changed_files(history.read_tree, old, new, prefix=directory.encode() + b"/")
        for file in files:
            yield from _named(after, file)
    else:
        yield from _moved(history, base, target)


def _one_sided(
    history: StoredHistory, side: tuple[StoredTree, StoredEntity | None], *, is_old: bool
) -> Iterator[DocumentChange]:
    tree, entity = side
    if entity is None:
        return
    directory = entity.manifest.directory
    subtree = tree.subtree(directory)
    old, new = (subtree, None) if is_old else (None, subtree)
    for file in changed_files(history.read_tree, old, new, prefix=directory.encode() + b"/"):
        yield from _named(entity, file)


def _moved(
    history: StoredHistory,
    base: tuple[StoredTree, StoredEntity | None],
    target: tuple[StoredTree, StoredEntity | None],
) -> Iterator[DocumentChange]:
    departed = {
        change.path.rpartition("/")[2]: change for change in _one_sided(history, base, is_old=True)
    }
    for change in _one_sided(history, target, is_old=False):
        old = departed.pop(change.path.rpartition("/")[2], None)
        if old is None:
            yield change
        elif old.path != change.path or old.old_blob != change.new_blob:
            is_same = old.old_blob == change.new_blob
            yield replace(
                change,
                kind=ChangeKind.RENAMED if is_same else ChangeKind.MODIFIED,
                old_path=old.path if old.path != change.path else None,
                old_blob=old.old_blob,
            )
    yield from departed.values()


def _named(entity: StoredEntity, file: FileChange) -> Iterator[DocumentChange]:
    key = entity.paths.parse(file.path)
    if key is None:
        return
    known: Key | None = key if isinstance(key, tuple) else None
    kind = ChangeKind.MODIFIED
    if file.old is None:
        kind = ChangeKind.ADDED
    elif file.new is None:
        kind = ChangeKind.DELETED
    yield DocumentChange(
        entity=entity.name,
        key=known,
        kind=kind,
        path=file.path.decode(),
        old_blob=None if file.old is None else file.old.hex(),
        new_blob=None if file.new is None else file.new.hex(),
    )

"""The documents that one commit changed, entity by entity.

Equal trees are never visited, so the cost follows the change. Where a commit moved documents
to another layout they are matched by the name of their file, which only the key decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from gitexport.compare.changed_document import ChangedDocument, EntityPair
from gitexport.compare.placed import Placed
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
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
    names = None if address is None else history.names_of(address.entity)
    for pair in entity_pairs(old, new, names):
        for change in entity_changes(history, pair, (old, new)):
            if address is None or _is_named(history, pair, change, address):
                yield change


def _is_named(
    history: StoredHistory, pair: EntityPair, change: DocumentChange, address: Address
) -> bool:
    """Tells whether an address names a document; one that hides its key may be meant."""
    if address.parts is None:
        return True
    keys = ChangedDocument(change, pair, (history.repository,) * 2).addressed
    return not keys or any(map(address.matches, keys))


def entity_pairs(
    old: StoredTree, new: StoredTree, names: Collection[str] | None = None
) -> Iterator[EntityPair]:
    """Pairs the entities of two trees, also those that were renamed; all, or those of names."""
    newer = new.manifest.entities
    gone = [name for name in old.manifest.entities if name not in newer]
    for name in newer:
        before = old.entity(name)
        if before is not None and before.name in gone:
            gone.remove(before.name)
        if names is None or name in names:
            yield EntityPair(before, new.entity(name))
    for name in gone:
        if names is None or name in names:
            yield EntityPair(old.entity(name), None)


def entity_changes(
    history: StoredHistory, pair: EntityPair, trees: tuple[StoredTree, StoredTree]
) -> Iterator[DocumentChange]:
    """Yields the documents of one entity that differ between two trees, sorted by path.

    Documents that only stand elsewhere are `renamed`. Fields are left out.

    Raises:
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    before, after = pair.old, pair.new
    if before is None or after is None:
        yield from _one_sided(history, (trees[0], before), is_old=True)
        yield from _one_sided(history, (trees[1], after), is_old=False)
        return
    places = [(entity.manifest.directory, entity.manifest.shard) for entity in (before, after)]
    if places[0] == places[1]:
        directory = after.manifest.directory
        old, new = trees[0].subtree(directory), trees[1].subtree(directory)
        files = changed_files(history.read_tree, old, new, prefix=directory.encode() + b"/")
        for file in files:
            yield from _named(after, file)
    else:
        yield from _moved(history, (trees[0], before), (trees[1], after))


def with_fields(
    history: StoredHistory, change: DocumentChange, address: Address | None = None
) -> DocumentChange:
    """Adds the fields that differ, with a pointer in the address those alone.

    A modified document without any such field was only rewritten. Documents that cannot be
    compared get a reason in the place of fields.
    """
    document = ChangedDocument(change, EntityPair(None, None), (history.repository,) * 2)
    settled = document.settle()
    if address is None:
        return settled
    covered = tuple(field for field in settled.fields if address.covers(field.pointer))
    return replace(settled, fields=covered)


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
    base: tuple[StoredTree, StoredEntity],
    target: tuple[StoredTree, StoredEntity],
) -> Iterator[DocumentChange]:
    departed, arrived = Placed(history, *base), Placed(history, *target)
    for change in _one_sided(history, target, is_old=False):
        old = departed.find(change.path)
        if old is None:
            yield change
        elif old != (change.path, change.new_blob):
            path, blob = old
            is_same = blob == change.new_blob
            yield replace(
                change,
                kind=ChangeKind.RENAMED if is_same else ChangeKind.MODIFIED,
                old_path=path if path != change.path else None,
                old_blob=blob,
            )
    for change in _one_sided(history, base, is_old=True):
        if arrived.find(change.path) is None:
            yield change


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

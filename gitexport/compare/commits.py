"""Compares two commits."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial

from gitexport.compare.changed_document import EntityPair
from gitexport.compare.changes import entity_changes, entity_pairs
from gitexport.compare.comparison import Comparison
from gitexport.compare.entity_walks import EntityWalk, walk_documents
from gitexport.compare.meant import require_meant
from gitexport.compare.selection import Selection
from gitexport.compare.stored import StoredHistory, StoredTree
from gitexport.model.changeset import (
    ChangedFile,
    ChangeKind,
    ComparedSide,
    DocumentChange,
    FileRole,
)
from gitexport.model.entity import CONFIG_PATH, MANIFEST_PATH, RELATIONS_DIRECTORY
from gitexport.model.snapshot import Commit
from gitexport.store.tree_diff import changed_files


def compare_commits(
    history: StoredHistory,
    base: Commit,
    target: Commit,
    selection: Selection,
    documents: Collection[str] = (),
) -> Comparison:
    """Compares two commits of any age; equal subtrees are never visited.

    `documents` are the paths of files that are made by queries.

    Raises:
        UsageError: The selection names an entity, document or field that neither side has.
        CorruptRepositoryError: An object is missing or damaged.
    """
    trees = (
        history.at(bytes.fromhex(base.tree_id)),
        history.at(bytes.fromhex(target.tree_id)),
    )
    readers = (history.repository, history.repository)
    walks = [
        EntityWalk(pair, _names(history, pair), partial(_walk, history, pair, trees))
        for pair in map(partial(_labelled, history), entity_pairs(*trees))
    ]
    require_meant(history, trees, [(walk.names, walk.entity) for walk in walks], selection)
    files = tuple(_files(history, trees, documents)) if selection.has_files else ()
    return Comparison(
        ComparedSide(base.commit_id, base.snapshot),
        ComparedSide(target.commit_id, target.snapshot),
        partial(walk_documents, walks, readers, selection),
        readers,
        tuple(filter(selection.means_file, files)),
    )


def _walk(
    history: StoredHistory, pair: EntityPair, trees: tuple[StoredTree, StoredTree]
) -> Iterator[DocumentChange]:
    for change in entity_changes(history, pair, trees):
        # A document that only stands elsewhere is the same one.
        if change.old_blob != change.new_blob:
            yield change


def _labelled(history: StoredHistory, pair: EntityPair) -> EntityPair:
    for entity in history.publication.entities:
        if pair.name in {entity.name, entity.renamed_from}:
            return replace(pair, label=entity.label)
    return pair


def _names(history: StoredHistory, pair: EntityPair) -> tuple[str, ...]:
    stored = [entity.name for entity in (pair.new, pair.old) if entity is not None]
    configured = [
        entity.name for entity in history.publication.entities if entity.renamed_from in stored
    ]
    return tuple(dict.fromkeys([*stored, *configured]))


def _files(
    history: StoredHistory, trees: tuple[StoredTree, StoredTree], documents: Collection[str]
) -> Iterator[ChangedFile]:
    single = [(CONFIG_PATH, FileRole.CONFIGURATION), (MANIFEST_PATH, FileRole.MANIFEST)]
    for path, role in single:
        yield from _file(path, role, *(tree.blob(path.encode()) for tree in trees))
    old, new = (tree.subtree(RELATIONS_DIRECTORY) for tree in trees)
    prefix = f"{RELATIONS_DIRECTORY}/".encode()
    for file in changed_files(history.read_tree, old, new, prefix):
        path = file.path.decode("utf-8", "replace")
        yield from _file(path, FileRole.RELATION, file.old, file.new)
    for path in sorted(documents):
        blobs = (tree.blob(path.encode()) for tree in trees)
        yield from _file(path, FileRole.DOCUMENT, *blobs)


def _file(path: str, role: FileRole, old: bytes | None, new: bytes | None) -> Iterator[ChangedFile]:
    if old == new:
        return
    kind = ChangeKind.MODIFIED
    if old is None:
        kind = ChangeKind.ADDED
    elif new is None:
        kind = ChangeKind.DELETED
    yield ChangedFile(
        path, role, kind, None if old is None else old.hex(), None if new is None else new.hex()
    )

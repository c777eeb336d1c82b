"""What a manifest has to count, given the manifest that it follows and the files that differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from gitexport.canonical.manifest import Manifest
from gitexport.compare.changes import tree_changes
from gitexport.compare.stored import StoredHistory, StoredTree
from gitexport.model.changeset import DocumentChange


def counted_manifest(history: StoredHistory, base: StoredTree, target: StoredTree) -> Manifest:
    """Gives the target's manifest with the counts and bytes that its documents have.

    The base's manifest is believed, so that the cost follows what differs.

    Raises:
        CorruptRepositoryError: A manifest or the relation of an entity cannot be read.
    """
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for change in tree_changes(history, base, target):
        counts[change.entity] += (change.new_blob is not None) - (change.old_blob is not None)
        sizes[change.entity] += _growth(history, change)
    entities = {}
    for name, stated in target.manifest.entities.items():
        before = base.entity(name)
        count, size = (before.manifest.count, before.manifest.size_bytes) if before else (0, 0)
        entities[name] = replace(stated, count=count + counts[name], size_bytes=size + sizes[name])
    return replace(target.manifest, entities=entities)


def _growth(history: StoredHistory, change: DocumentChange) -> int:
    size = history.repository.blob_size
    new = 0 if change.new_blob is None else size(bytes.fromhex(change.new_blob))
    old = 0 if change.old_blob is None else size(bytes.fromhex(change.old_blob))
    return new - old

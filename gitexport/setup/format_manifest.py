"""Mends what a staged manifest counts, after people have added or removed documents."""

from __future__ import annotations

from pathlib import Path

from gitexport.canonical.value import loads
from gitexport.compare.document_merge import unresolved
from gitexport.compare.manifest_counts import counted_manifest
from gitexport.compare.stored import StoredHistory
from gitexport.model.entity import MANIFEST_PATH, Publication
from gitexport.store import refs
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository
from gitexport.store.staged import has_unmerged, stage_contents, staged_tree


def mend_manifest(
    repository: DataRepository, publication: Publication, index: Path | None = None
) -> bool:
    """Stages a manifest with the right counts and bytes, and tells whether that was needed.

    The working tree's file is mended where it is the staged one. A manifest that waits for a
    choice, and an index that does, are left alone.

    Raises:
        CorruptRepositoryError: The manifest or a relation's file cannot be read.
        MachineError: git failed, or the file cannot be written.
    """
    head = refs.head(repository)
    if head is None or has_unmerged(repository, index):
        return False
    history = StoredHistory(repository, publication)
    tree = history.at(staged_tree(repository, index))
    blob = tree.blob(MANIFEST_PATH.encode())
    if blob is None:
        return False
    content = repository.read_blob(blob)
    if unresolved(loads(content)):
        return False
    counted = counted_manifest(history, history.at(repository.tree_of(head)), tree)
    if counted == tree.manifest:
        return False
    mended = counted.to_bytes()
    stage_contents(repository, {MANIFEST_PATH: mended}, index)
    file = repository.path / MANIFEST_PATH
    try:
        if file.is_file() and file.read_bytes() == content:
            file.write_bytes(mended)
    except OSError as error:
        raise machine_error(error, file) from error
    return True

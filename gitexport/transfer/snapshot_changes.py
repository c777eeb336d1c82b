"""What a source changed since one of its snapshots, document by document."""

from __future__ import annotations

from collections.abc import Iterator

from gitexport.compare.changes import tree_changes
from gitexport.compare.stored import StoredHistory
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.snapshot import Commit
from gitexport.transfer.checked_documents import DocumentCheck
from gitexport.transfer.commit_source import CommitSource
from gitexport.transfer.snapshot_source import ChangedDocument, SnapshotDocument


class SnapshotChanges:
    """The documents of a snapshot against those of an earlier one, `base`."""

    def __init__(self, history: StoredHistory, base: Commit, commit: Commit) -> None:
        self.base = base.snapshot or str(base.commit_id)
        self._history = history
        self._trees = (
            history.at(bytes.fromhex(base.tree_id)),
            history.at(bytes.fromhex(commit.tree_id)),
        )

    def documents(self, entity: str, check: DocumentCheck) -> Iterator[ChangedDocument]:
        """Streams the documents that differ; what is new is checked.

        Raises:
            RowRefusedError: A new document is not what its relation's file says.
            CorruptRepositoryError: An object is missing or damaged.
        """
        for change in tree_changes(self._history, *self._trees, Address(entity)):
            if change.kind is not ChangeKind.RENAMED:
                yield self._read(change, check)

    def all_documents(
        self, entity: str, source: CommitSource, check: DocumentCheck
    ) -> Iterator[ChangedDocument]:
        """Streams all documents: those that are the same on both sides have these two equal.

        Raises:
            RowRefusedError: A document is not what its relation's file says.
            CorruptRepositoryError: An object is missing or damaged.
        """
        # As many as differ, which a merge keeps small.
        changed = {found.key: found for found in self.documents(entity, check)}
        for stored in source.documents(entity):
            key, content = check.check(stored)
            yield changed.pop(key, ChangedDocument(key, content, content))
        yield from changed.values()

    def _read(self, change: DocumentChange, check: DocumentCheck) -> ChangedDocument:
        read = self._history.repository.read_blob
        base = None if change.old_blob is None else read(bytes.fromhex(change.old_blob))
        if change.new_blob is None:
            key = change.key or check.key(SnapshotDocument(change.path, None, base or b""))
            return ChangedDocument(key, base, None)
        new = read(bytes.fromhex(change.new_blob))
        found = check.check(SnapshotDocument(change.path, change.key, new))
        return ChangedDocument(found.key, base, found.content)

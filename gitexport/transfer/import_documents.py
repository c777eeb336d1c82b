"""The documents that an import takes from a snapshot: all, or what changed since its base."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from gitexport.model.address import Address
from gitexport.model.ports import Key, Progress
from gitexport.model.recognition import ForeignDocument
from gitexport.transfer.checked_documents import DocumentCheck
from gitexport.transfer.commit_documents import Part
from gitexport.transfer.commit_source import CommitSource
from gitexport.transfer.import_options import ImportOptions
from gitexport.transfer.import_plan import PlannedEntity
from gitexport.transfer.snapshot_source import ChangedDocument, SnapshotDocument, SnapshotSource

if TYPE_CHECKING:
    # Only an import with a base compares snapshots.
    from gitexport.transfer.snapshot_changes import SnapshotChanges

_TOLD_EVERY = 100
_Item = TypeVar("_Item")
Documents = Iterator[tuple[Key, bytes]]


class ImportDocuments:
    """Streams documents of one snapshot, entity by entity, and counts them for the progress.

    `is_merge` tells whether there is a base, so that documents are those that changed since.
    """

    def __init__(
        self,
        source: SnapshotSource,
        changes: SnapshotChanges | None,
        options: ImportOptions,
        progress: Progress,
    ) -> None:
        self.source = source
        self.is_merge = changes is not None
        self._changes = changes
        self._options = options
        self._progress = progress

    def total(self, planned: Iterable[PlannedEntity]) -> int | None:
        """Counts the documents of some entities; None where only reading them would tell."""
        if self.is_merge:
            return None
        return sum(entity.stored.stored.manifest.count for entity in planned)

    def whole(self, planned: PlannedEntity) -> Documents:
        """Streams the wanted documents of an entity as they are in the snapshot.

        Raises:
            RowRefusedError: A document does not satisfy its schema, or tells no key.
            CorruptRepositoryError: A document is damaged.
        """
        check = DocumentCheck(planned.name, planned.stored)
        return self._wanted(planned, check, self._counted(self.source.documents(planned.name)))

    def holds(self, planned: PlannedEntity, address: Address) -> bool:
        """Tells whether an address matches a document of the snapshot, or one that went.

        Raises:
            RowRefusedError: A document that has to be read for that tells no key.
            CorruptRepositoryError: A document is damaged.
        """
        if self.source.holds(planned.name, address):
            return True
        check = DocumentCheck(planned.name, planned.stored)
        if self._changes is not None:
            changed = self._changes.documents(planned.name, check)
            if any(address.matches(found.key) for found in changed):
                return True
        # Only the content tells a key that is too long for a name.
        return address.key is None and any(
            found.key is None and address.matches(check.key(found))
            for found in self.source.documents(planned.name)
        )

    def parts_of(self, planned: PlannedEntity) -> Sequence[Part]:
        """Divides an entity for processes that read it at once; empty where none should."""
        source = self.source
        return source.parts(planned.name) if isinstance(source, CommitSource) else ()

    def parts(self, planned: PlannedEntity, parts: Iterable[Part]) -> Iterator[Documents]:
        """Yields the wanted documents of parts of an entity, in a process of their own."""
        assert isinstance(self.source, CommitSource)  # noqa: S101 - no other has parts
        self.source.leave_to_parent()
        reader = self.source.reader(planned.name)
        check = DocumentCheck(planned.name, planned.stored)
        for part in parts:
            if self._options.is_whole(planned.name) and not check.has_schema:
                yield reader.keyed(part, check.key)
            else:
                yield self._wanted(planned, check, reader.read(part))

    def _wanted(
        self, planned: PlannedEntity, check: DocumentCheck, documents: Iterable[SnapshotDocument]
    ) -> Documents:
        is_whole = self._options.is_whole(planned.name)
        for document in documents:
            # Without a schema, the writer tells what does not fit as it takes documents apart.
            content = check.check(document).content if check.has_schema else document.content
            key = document.key or check.key(document)
            if is_whole or self._options.wants(planned.name, key):
                yield key, content

    def changed(self, planned: PlannedEntity) -> Iterator[ChangedDocument]:
        """Streams the wanted documents of an entity that differ from the base.

        Raises:
            RowRefusedError: A new document is not what its relation's file says.
            CorruptRepositoryError: An object is missing or damaged.
        """
        if self._changes is not None:
            check = DocumentCheck(planned.name, planned.stored)
            for found in self._counted(self._changes.documents(planned.name, check)):
                if self._options.wants(planned.name, found.key):
                    yield found

    def foreign(self, planned: PlannedEntity) -> Iterator[ForeignDocument]:
        """Streams the documents of an entity that is recognised by more than its key.

        Raises:
            RowRefusedError: A document is not what its relation's file says.
            CorruptRepositoryError: An object is missing or damaged.
        """
        for key, base, document in self._counted(self._all(planned)):
            is_wanted = planned.is_written and self._options.wants(planned.name, key)
            is_changed = base != document
            yield ForeignDocument(
                key, document, base if is_changed else None, is_wanted and is_changed
            )

    def _all(self, planned: PlannedEntity) -> Iterator[ChangedDocument]:
        check = DocumentCheck(planned.name, planned.stored)
        if self._changes is None:
            for document in self.source.documents(planned.name):
                key, content = check.check(document)
                yield ChangedDocument(key, None, content)
        elif isinstance(self.source, CommitSource):
            yield from self._changes.all_documents(planned.name, self.source, check)
        else:
            yield from self._changes.documents(planned.name, check)

    def _counted(self, items: Iterable[_Item]) -> Iterator[_Item]:
        number = 0
        for number, item in enumerate(items, 1):
            yield item
            if number % _TOLD_EVERY == 0:
                self._progress.advance(_TOLD_EVERY)
        self._progress.advance(number % _TOLD_EVERY)

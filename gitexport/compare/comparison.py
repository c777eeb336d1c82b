"""Two sides compared: what formats write, read while they write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gitexport.compare.changed_document import BlobReader, ChangedDocument
from gitexport.model.changeset import ChangeCounts, ChangedFile, ComparedSide

_NONE = ChangeCounts()


@dataclass
class Comparison:
    """What differs between a base and a target.

    `walk` may be called again and again. `files` are the managed files that differ and are no
    entity's documents; `readers` give their bytes, the base's first. `counts` are those of the
    last walk, by entity in its order, complete when it is; entities without changes are left
    out.
    """

    base: ComparedSide
    target: ComparedSide
    walk: Callable[[], Iterator[ChangedDocument]]
    readers: tuple[BlobReader, BlobReader]
    files: tuple[ChangedFile, ...] = ()
    counts: dict[str, ChangeCounts] = field(default_factory=dict)

    def changes(self) -> Iterator[ChangedDocument]:
        """Yields the documents that differ, settled, those of an entity one after the other.

        Holds one document at a time; every call reads anew.

        Raises:
            CorruptRepositoryError: An object is missing or damaged.
        """
        counts = self.counts = {}
        for document in self.walk():
            name = document.change.entity
            counts[name] = counts.get(name, _NONE).plus(document.change.kind)
            yield document

    @property
    def total(self) -> ChangeCounts:
        """All counts together."""
        return sum(self.counts.values(), _NONE)

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing differs, once the changes were walked."""
        return not self.counts and not self.files

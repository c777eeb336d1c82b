"""What a restore, revert or apply changes, as values: documents by entity, path and blob."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitexport.model.address import Address, format_address
from gitexport.model.field_merge import FieldConflict
from gitexport.model.ports import Key
from gitexport.model.snapshot import EntityCounts, Origin


@dataclass(frozen=True, slots=True)
class DocumentTarget:
    """One document that has to change.

    `path` is its place in the layout of the tip, `key` is None where the file's name holds
    only a part of it. `current` and `wanted` are 20-byte blob ids, None where there is no
    document. `content` is the wanted document where no commit holds it yet.
    """

    entity: str
    path: bytes
    key: Key | None
    current: bytes | None
    wanted: bytes | None
    content: bytes | None = None

    @property
    def name(self) -> str:
        """The document's address, or its path where the key is not known."""
        if self.key is None:
            return self.path.decode("utf-8", "replace")
        return format_address(self.entity, self.key)


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file made by a query that has to change; ids as in `DocumentTarget`."""

    path: str
    current: bytes | None
    wanted: bytes


@dataclass(frozen=True, slots=True)
class DocumentConflict:
    """A document of which two changes meet; `fields` name them, the empty pointer all of it.

    `base` is what the change undone or applied had made or seen, `ours` is today's, `theirs`
    is what would be put there.
    """

    name: str
    fields: tuple[FieldConflict, ...]


@dataclass(slots=True)
class Plan:
    """What has to change, and what is left alone.

    `left_alone` are sentences for people, `quarantined` addresses of rows that an export
    refuses, which are not overwritten. `meant` are the entities of which documents are to be as
    they were, with the addresses that choose them, none for all; a plan that only undoes a
    change has none. `types` are those that columns had where the wanted documents come from, by
    entity. No document occurs twice. With conflicts nothing may be done.
    """

    origin: Origin
    targets: list[DocumentTarget] = field(default_factory=list)
    files: list[FileTarget] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    conflicts: list[DocumentConflict] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    meant: dict[str, list[Address]] = field(default_factory=dict)
    types: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing has to change."""
        return not self.targets and not self.files

    def means(self, entity: str, key: Key) -> bool:
        """Tells whether a document is to be as it was, whatever it is now."""
        addresses = self.meant.get(entity)
        return addresses is not None and (
            not addresses or any(address.matches(key) for address in addresses)
        )

    def counts(self) -> dict[str, EntityCounts]:
        """Counts added, modified and deleted documents by entity."""
        found: dict[str, list[int]] = {}
        for target in self.targets:
            counts = found.setdefault(target.entity, [0, 0, 0])
            counts[_column(target)] += 1
        return {name: EntityCounts(*counts) for name, counts in found.items()}


def _column(target: DocumentTarget) -> int:
    if target.current is None:
        return 0
    return 1 if target.wanted is not None else 2

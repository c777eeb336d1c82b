"""What an import is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gitexport.export.options import Override
from gitexport.model.address import Address
from gitexport.model.ports import Key


class ImportMode(str, Enum):
    """What an import does with rows that the target has already."""

    SKIP = "skip"
    """Existing rows are left as they are."""
    UPSERT = "upsert"
    """New rows are inserted, existing ones updated."""
    MIRROR = "mirror"
    """As upsert; rows that the snapshot lacks are deleted."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What an import is asked to do.

    `modes` and `match` (the columns by which rows are recognised) are for some entities, by
    name. `only` and `exclude` choose entities and documents; no `only` means all.
    `runs_filters` allows the SQL of entities' `where` to run, which a mirror needs.
    `lists_keys` asks for the keys that rows got. `creates` makes relations that the target
    lacks from their descriptions.
    """

    mode: ImportMode
    modes: Mapping[str, ImportMode] = field(default_factory=dict)
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: tuple[Address, ...] = ()
    exclude: tuple[Address, ...] = ()
    overrides: frozenset[Override] = frozenset()
    fires_triggers: bool = False
    is_dry_run: bool = False
    runs_filters: bool = False
    lists_keys: bool = False
    creates: bool = False

    def mode_of(self, entity: str) -> ImportMode:
        """Gives the mode of an entity."""
        return self.modes.get(entity, self.mode)

    def mentions(self, entity: str) -> bool:
        """Tells whether anything of an entity is to be imported."""
        chosen = not self.only or any(address.entity == entity for address in self.only)
        return chosen and not any(
            address.entity == entity and address.parts is None for address in self.exclude
        )

    def is_whole(self, entity: str) -> bool:
        """Tells whether every document of a mentioned entity is to be imported."""
        only = [address for address in self.only if address.entity == entity]
        is_chosen = not self.only or any(address.parts is None for address in only)
        return is_chosen and not any(address.entity == entity for address in self.exclude)

    def wants(self, entity: str, key: Key) -> bool:
        """Tells whether a document of a mentioned entity is to be imported."""
        only = [address for address in self.only if address.entity == entity]
        if self.only and not any(address.matches(key) for address in only):
            return False
        return not any(
            address.entity == entity and address.matches(key) for address in self.exclude
        )

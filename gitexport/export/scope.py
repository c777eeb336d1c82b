"""Decides for each entity which rows a run reads and how it finds deletions."""

from __future__ import annotations

from typing import NamedTuple

from gitexport.canonical.manifest import EntityManifest, Manifest
from gitexport.canonical.shards import PathFunction, Shortened
from gitexport.errors import DecisionNeededError
from gitexport.export.schema_change import SchemaChange
from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Key, NestedKind, RowScope
from gitexport.model.relation import Relation


class EntityPlan(NamedTuple):
    """How one run treats one entity.

    `columns` are the published ones, `schema` hashes what decides the content of documents.
    `is_complete` says that every file no row accounts for is a deletion; without it only
    tombstones delete. `compare_keys` asks for a reading of all keys.
    `is_forced` tells that all rows are read though the entity tracks changes. `former` are
    the paths of documents that were written before a type of the key changed.
    """

    entity: Entity
    relation: Relation
    columns: tuple[str, ...]
    schema: str
    nested: tuple[NestedKind, ...]
    paths: PathFunction
    scope: RowScope
    is_complete: bool
    compare_keys: bool
    is_forced: bool
    known: EntityManifest | None
    change: SchemaChange
    former: PathFunction | None = None

    def parse(self, path: bytes) -> Key | Shortened | None:
        """Reads the key from the path of a document, as `PathFunction.parse` does."""
        key = self.paths.parse(path)
        return self.former.parse(path) if key is None and self.former is not None else key

    @property
    def directory(self) -> bytes:
        """The entity's directory in the repository."""
        return self.entity.directory.encode()


def known_entity(entity: Entity, manifest: Manifest) -> EntityManifest | None:
    """Finds what the last commit says of an entity, also under its former name.

    Raises:
        DecisionNeededError: The files still lie in another layout than the configured one.
    """
    known = manifest.entities.get(entity.name)
    if known is None and entity.renamed_from:
        known = manifest.entities.get(entity.renamed_from)
    if known is None or not known.count:
        return known
    if (known.directory, known.shard) != (entity.directory, str(entity.shard)):
        message = f"the files of '{entity.name}' lie in another layout than the configured one"
        raise DecisionNeededError(
            message,
            where=f"{known.directory} ({known.shard}) against {entity.directory} ({entity.shard})",
            hint="run 'gitexport relayout', or set directory and shard back",
        )
    return known


def choose_scope(
    entity: Entity, *, is_trusted: bool, known: EntityManifest | None, full: bool, reread: bool
) -> tuple[RowScope, bool]:
    """Chooses which rows to read, and whether that is more than tracking alone asks for."""
    if entity.tracking is Tracking.COMPARE:
        return RowScope.ALL, full or known is None or known.schema == ""
    forced = full or reread or not is_trusted or known is None or known.schema == ""
    return (RowScope.ALL if forced else RowScope.PENDING), forced

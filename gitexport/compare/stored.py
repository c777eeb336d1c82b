"""Finds documents of any commit by entity and key, in the layout that this commit has.

Directory and shard come from the commit's manifest, the types of key columns from its
relation files. Which columns are the key, the configuration says; for entities that it no
longer names, and where its key cannot have been the one of that layout, the relation's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from gitexport.canonical.entity_paths import path_function
from gitexport.canonical.manifest import EntityManifest, Manifest
from gitexport.canonical.shards import PathFunction
from gitexport.canonical.value import loads
from gitexport.errors import ConfigError, CorruptRepositoryError, UnsupportedValueError
from gitexport.model.address import Address
from gitexport.model.entity import MANIFEST_PATH, RELATIONS_DIRECTORY, Entity, Publication, Shard
from gitexport.model.ports import Key
from gitexport.model.relation import Relation
from gitexport.model.relation_json import relation_from_json
from gitexport.store.repository import DataRepository
from gitexport.store.trees import FILE_MODE, TreeReader

_REMEMBERED_TREES = 1024
_REMEMBERED_MANIFESTS = 64


class StoredEntity(NamedTuple):
    """An entity as one commit holds it; `name` is the one that the commit uses."""

    name: str
    manifest: EntityManifest
    key: tuple[str, ...]
    relation: Relation
    paths: PathFunction

    @classmethod
    def with_key(
        cls, name: str, manifest: EntityManifest, key: tuple[str, ...], relation: Relation
    ) -> StoredEntity:
        """Describes an entity whose documents a key names.

        Raises:
            ConfigError: No such key has the layout.
        """
        shard = Shard.parse(manifest.shard)
        entity = Entity(name, relation.name, key, (), manifest.directory, shard)
        return cls(name, manifest, key, relation, path_function(entity, relation))


class StoredHistory:
    """Opens the trees of commits. What many of them share is read once."""

    def __init__(self, repository: DataRepository, publication: Publication) -> None:
        self.repository = repository
        self.publication = publication
        self.read_tree = lru_cache(_REMEMBERED_TREES)(repository.read_tree)
        # Nearly every snapshot has a manifest of its own.
        self._manifest = lru_cache(_REMEMBERED_MANIFESTS)(self._read_manifest)
        self._entities: dict[tuple[str, EntityManifest, bytes], StoredEntity] = {}

    def at(self, tree_id: bytes | None) -> StoredTree:
        """Opens a commit's tree; None is an empty one."""
        return StoredTree(self, TreeReader(self.read_tree, tree_id))

    def names_of(self, name: str) -> tuple[str, ...]:
        """Gives the names under which commits may hold an entity, the given one first."""
        entity = self.publication.entity(name)
        former = entity.renamed_from if entity else None
        return (name, former) if former else (name,)

    def manifest(self, blob: bytes) -> Manifest:
        """Reads a manifest; the last ones are remembered."""
        return self._manifest(blob)

    def entity(self, name: str, manifest: EntityManifest, relation_blob: bytes) -> StoredEntity:
        """Tells how an entity is laid out, each version once.

        Raises:
            ConfigError: The key was another one then, and no known key has that layout.
            CorruptRepositoryError: The relation's file cannot be read.
        """
        place = (name, manifest, relation_blob)
        if place not in self._entities:
            self._entities[place] = self._describe(*place)
        return self._entities[place]

    def _read_manifest(self, blob: bytes) -> Manifest:
        return Manifest.parse(self.repository.read_blob(blob))

    def _describe(self, name: str, manifest: EntityManifest, relation_blob: bytes) -> StoredEntity:
        content = self.repository.read_blob(relation_blob)
        return describe_entity(self.publication, name, manifest, content)


def describe_entity(
    publication: Publication, name: str, manifest: EntityManifest, relation_file: bytes
) -> StoredEntity:
    """Tells how a snapshot lays out an entity, from the snapshot's own files.

    Raises:
        ConfigError: The key was another one then, and no known key has that layout.
        CorruptRepositoryError: The relation's file or the manifest does not say it.
    """
    path = f"{RELATIONS_DIRECTORY}/{name}.json"
    try:
        relation = relation_from_json(loads(relation_file))
        # Every layout is one of an integer key.
        PathFunction(manifest.directory, Shard.parse(manifest.shard), (True,))
    except (ValueError, UnsupportedValueError, ConfigError) as error:
        message = f"'{path}' and '{MANIFEST_PATH}' do not say where documents are: {error}"
        hint = f"see 'git log -- {path}'"
        raise CorruptRepositoryError(message, where=path, hint=hint) from error
    keys = possible_keys(publication, name, relation)
    for key in keys:
        with suppress(ConfigError):
            return StoredEntity.with_key(name, manifest, key, relation)
    message = f"the key of '{name}' was another one then, of one integer column"
    hint = "set 'key' in gitexport.toml to what it was then"
    raise ConfigError(message, where=f"key = {list(keys[0])}", hint=hint)


def possible_keys(publication: Publication, name: str, relation: Relation) -> list[tuple[str, ...]]:
    """Lists the keys that may name documents of an entity, the likeliest first."""
    keys = [
        *(entity.key for entity in publication.entities if name in _names(entity)),
        relation.primary_key,
        *(unique.columns for unique in relation.unique_keys),
    ]
    return list(dict.fromkeys(key for key in keys if key)) or [()]


def _names(entity: Entity) -> set[str | None]:
    return {entity.name, entity.renamed_from}


class StoredTree:
    """The documents of one commit."""

    def __init__(self, history: StoredHistory, reader: TreeReader) -> None:
        self.reader = reader
        self._history = history

    @property
    def manifest(self) -> Manifest:
        """What the commit says of its entities; an empty manifest where it has none."""
        entry = self.reader.entry(MANIFEST_PATH.encode())
        return Manifest("") if entry is None else self._history.manifest(entry.object_id)

    def entity(self, name: str) -> StoredEntity | None:
        """Finds an entity, also under its former name; None where the commit has none.

        Raises:
            ConfigError: The key was another one then, and no known key has that layout.
            CorruptRepositoryError: The commit has documents of it and does not say of what.
        """
        entities = self.manifest.entities
        for known in self._history.names_of(name):
            manifest = entities.get(known)
            if manifest is None:
                continue
            entry = self.reader.entry(f"{RELATIONS_DIRECTORY}/{known}.json".encode())
            if entry is None:
                message = f"'{RELATIONS_DIRECTORY}/{known}.json' is missing"
                hint = "run 'gitexport export --full'"
                raise CorruptRepositoryError(message, where=known, hint=hint)
            # Only what decides about paths is part of what is remembered.
            plain = replace(manifest, count=0, size_bytes=0, schema="")
            found = self._history.entity(known, plain, entry.object_id)
            return found._replace(manifest=manifest)
        return None

    def holds(self, entity: StoredEntity, address: Address) -> bool:
        """Tells whether an address matches a document whose name holds its whole key.

        An address of one document finds it whatever its name holds.
        """
        if address.key is not None:
            try:
                return self.blob(b"/".join(entity.paths.path(address.key))) is not None
            except ValueError:
                return False
        return any(key and address.matches(key) for key, _blob in self.documents(entity))

    def documents(self, entity: StoredEntity) -> Iterator[tuple[Key | None, bytes]]:
        """Yields the blobs of documents by key, None where a name holds only a part of it."""
        for directory, names in self.reader.walk(entity.manifest.directory.encode()):
            for name, entry in names.items():
                key = entity.paths.parse(directory + b"/" + name)
                if entry.mode == FILE_MODE and key is not None:
                    yield key if isinstance(key, tuple) else None, entry.object_id
            self.reader.forget(directory)

    def blob(self, path: bytes) -> bytes | None:
        """Gives the blob id of a file; None where there is no such file."""
        entry = self.reader.entry(path)
        return None if entry is None or entry.is_tree else entry.object_id

    def subtree(self, directory: str) -> bytes | None:
        """Gives the id of a directory's tree; None where there is none."""
        entry = self.reader.entry(directory.encode())
        return entry.object_id if entry is not None and entry.is_tree else None

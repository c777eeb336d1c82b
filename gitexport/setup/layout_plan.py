"""Plans how documents move to the configured layout; writes nothing.

The name of a document's file depends on its key alone, so a document moves by its name: the
new layout says in which directory a file of that name stands. Names that were shortened carry
the digest of the whole key, which is all that a layout by hash needs. Where other columns are
the key now, each document says itself what its name is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gitexport.canonical.entity_paths import key_not_unique, path_function
from gitexport.canonical.manifest import EntityManifest, Manifest
from gitexport.canonical.shards import PathFunction
from gitexport.compare.naming import by_own_key, is_named_otherwise, key_of
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import ConfigError, DecisionNeededError
from gitexport.model.entity import (
    CONFIG_PATH,
    MANIFEST_PATH,
    RELATIONS_DIRECTORY,
    Entity,
)
from gitexport.setup.repository_files import ATTRIBUTES_PATH, renewed_attributes
from gitexport.store.pack import ObjectKind, object_id
from gitexport.store.trees import FILE_MODE, FileEdits, TreeEntry


@dataclass(frozen=True, slots=True)
class MovedEntity:
    """An entity whose documents move.

    `former_name` is set where its name changes, too, `former_key` where its key does.
    """

    name: str
    files: int
    from_directory: str
    from_shard: str
    to_directory: str
    to_shard: str
    former_name: str | None = None
    former_key: tuple[str, ...] | None = None


class _Move(NamedTuple):
    """A document, and the directory and name that it gets."""

    directory: bytes
    name: bytes
    entry: TreeEntry
    target: tuple[bytes, bytes]


@dataclass(slots=True)
class LayoutPlan:
    """What a relayout does: entries that go and come by directory, and files with new content.

    `sources` and `targets` hold documents; no file of people is among them.
    """

    moves: list[MovedEntity] = field(default_factory=list)
    sources: FileEdits = field(default_factory=dict)
    targets: dict[bytes, dict[bytes, TreeEntry]] = field(default_factory=dict)
    contents: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """The number of documents that move."""
        return sum(move.files for move in self.moves)

    def edits(self) -> FileEdits:
        """Gives all edits of the tree; a place that one document leaves, another may take."""
        edits: FileEdits = {directory: dict(names) for directory, names in self.sources.items()}
        for directory, targets in self.targets.items():
            edits.setdefault(directory, {}).update(targets)
        for path, content in self.contents.items():
            directory, _, name = path.encode().rpartition(b"/")
            blob = None if content is None else object_id(ObjectKind.BLOB, content)
            entry = None if blob is None else TreeEntry(FILE_MODE, blob)
            edits.setdefault(directory, {})[name] = entry
        return edits

    def is_source(self, path: bytes) -> bool:
        """Tells whether a document moves away from a path."""
        directory, _, name = path.rpartition(b"/")
        return name in self.sources.get(directory, {})


def plan_layout(history: StoredHistory, tree: StoredTree) -> LayoutPlan:
    """Plans the moves from what a commit holds to what the configuration says.

    Raises:
        ConfigError: The files of an entity are not named by its configured key, and the
            documents do not say what their names would be.
        DecisionNeededError: Other files stand where documents have to go.
        CorruptRepositoryError: The commit does not say how it is laid out.
    """
    plan = LayoutPlan()
    publication = history.publication
    manifest = tree.manifest
    for entity in publication.entities:
        stored = tree.entity(entity.name)
        if stored is None:
            continue
        known = stored.manifest
        is_named = not is_named_otherwise(history, tree, stored)
        stored = by_own_key(history, tree, stored)
        is_placed = (known.directory, known.shard) == (entity.directory, str(entity.shard))
        if is_placed and is_named and stored.name == entity.name:
            continue
        count = 0
        if not (is_placed and is_named):
            moves = (_placed if is_named else _renamed)(history, tree, entity, stored)
            count = _plan_entity(plan, moves, entity, stored)
        moved = _moved_entity(entity, stored, count, is_named=is_named)
        plan.moves.append(moved)
        manifest = _moved(manifest, entity, stored)
        if moved.former_name is not None:
            _rename_relation(plan, history, tree, moved.former_name, entity.name)
    _refuse_occupied(plan, tree)
    if plan.moves:
        _describe(plan, history, manifest, tree)
    return plan


def _moved_entity(
    entity: Entity, stored: StoredEntity, count: int, *, is_named: bool
) -> MovedEntity:
    return MovedEntity(
        entity.name,
        count,
        stored.manifest.directory,
        stored.manifest.shard,
        entity.directory,
        str(entity.shard),
        stored.name if stored.name != entity.name else None,
        None if is_named else stored.key,
    )


def _plan_entity(
    plan: LayoutPlan, moves: Iterator[_Move], entity: Entity, stored: StoredEntity
) -> int:
    found = moved = 0
    for move in moves:
        found += 1
        if move.target == (move.directory, move.name):
            continue
        moved += 1
        directory, name = move.target
        arrivals = plan.targets.setdefault(directory, {})
        if name in arrivals:
            raise key_not_unique(entity, (directory + b"/" + name).decode())
        plan.sources.setdefault(move.directory, {})[move.name] = None
        arrivals[name] = move.entry
    if not found and stored.manifest.count:
        message = f"no file in '{stored.manifest.directory}' is named by the key of '{entity.name}'"
        raise ConfigError(
            message,
            where=f"key = {list(entity.key)}",
            hint="set 'key' in gitexport.toml back to what it was when they were exported",
        )
    return moved


def _placed(
    _history: StoredHistory, tree: StoredTree, entity: Entity, stored: StoredEntity
) -> Iterator[_Move]:
    """Finds the new place of each document by its name."""
    new = path_function(entity, stored.relation)
    for directory, name, entry in _documents(tree, stored):
        target = new.directory_of(name)
        if target is None:  # pragma: no cover - both functions read the same names
            continue
        yield _Move(directory, name, entry, (target, name))


def _renamed(
    history: StoredHistory, tree: StoredTree, entity: Entity, stored: StoredEntity
) -> Iterator[_Move]:
    """Finds the new name of each document by what it holds in the columns of the new key.

    Where the text of a key does not follow from that, the next export, which reads every row
    as the key is another one, puts it right.

    Raises:
        ConfigError: A document does not hold a value for each column.
    """
    new = StoredEntity.with_key(entity.name, _manifest(entity, stored), entity.key, stored.relation)
    for directory, name, entry in _documents(tree, stored):
        key = key_of(history.repository.read_blob(entry.object_id), new)
        if key is None:
            path = (directory + b"/" + name).decode()
            message = f"'{path}' cannot be named by the key ({', '.join(entity.key)})"
            hint = "name columns that have a value in every document, or set 'key' back"
            raise ConfigError(message, where=f"key = {list(entity.key)}", hint=hint)
        yield _Move(directory, name, entry, new.paths.path(key))


def _documents(tree: StoredTree, stored: StoredEntity) -> Iterator[tuple[bytes, bytes, TreeEntry]]:
    paths: PathFunction = stored.paths
    for directory, names in tree.reader.walk(stored.manifest.directory.encode()):
        for name, entry in names.items():
            if entry.mode == FILE_MODE and paths.directory_of(name) == directory:
                yield directory, name, entry
        tree.reader.forget(directory)


def _moved(manifest: Manifest, entity: Entity, stored: StoredEntity) -> Manifest:
    entities = {
        entity.name if name == stored.name else name: known
        for name, known in manifest.entities.items()
    }
    entities[entity.name] = _manifest(entity, stored)
    return replace(manifest, entities=entities)


def _manifest(entity: Entity, stored: StoredEntity) -> EntityManifest:
    return replace(stored.manifest, directory=entity.directory, shard=str(entity.shard))


def _rename_relation(
    plan: LayoutPlan, history: StoredHistory, tree: StoredTree, old: str, new: str
) -> None:
    blob = tree.blob(f"{RELATIONS_DIRECTORY}/{old}.json".encode())
    assert blob is not None  # noqa: S101 - the entity could not have been found without
    plan.contents[f"{RELATIONS_DIRECTORY}/{old}.json"] = None
    plan.contents[f"{RELATIONS_DIRECTORY}/{new}.json"] = history.repository.read_blob(blob)


def _refuse_occupied(plan: LayoutPlan, tree: StoredTree) -> None:
    for directory, names in plan.targets.items():
        present = tree.reader.tree(directory)
        leaving = plan.sources.get(directory, {})
        for name in names:
            if name in present and name not in leaving:
                path = (directory + b"/" + name).decode()
                message = f"'{path}' is in the way of a document that has to go there"
                hint = (
                    f"git mv it elsewhere and commit, or choose another directory: git mv {path} …"
                )
                raise DecisionNeededError(message, where=path, hint=hint)


def _describe(
    plan: LayoutPlan, history: StoredHistory, manifest: Manifest, tree: StoredTree
) -> None:
    plan.contents[MANIFEST_PATH] = manifest.to_bytes()
    known = tree.blob(ATTRIBUTES_PATH.encode())
    old = None if known is None else history.repository.read_blob(known)
    attributes = renewed_attributes(history.publication, old)
    if attributes is not None and attributes != old:
        plan.contents[ATTRIBUTES_PATH] = attributes
    config = history.publication.config_text
    blob = object_id(ObjectKind.BLOB, config)
    if config and tree.blob(CONFIG_PATH.encode()) != blob:
        plan.contents[CONFIG_PATH] = config

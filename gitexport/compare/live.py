"""Compares a commit with the live database, in one view of it; writes nothing.

Every row is read and becomes a blob id; only those that the commit does not have are kept.
Directories of the commit stay in memory while their entity is read: about 40 bytes for each
document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from gitexport.canonical.blob_id import blob_id
from gitexport.canonical.encode import assemble
from gitexport.canonical.entity_paths import key_not_unique, path_function
from gitexport.canonical.manifest import EntityManifest
from gitexport.compare.changed_document import BlobReader, EntityPair
from gitexport.compare.comparison import Comparison
from gitexport.compare.entity_walks import EntityWalk, walk_documents
from gitexport.compare.meant import require_meant
from gitexport.compare.selection import Selection
from gitexport.compare.spooled import Spool
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import ConfigError, UnsupportedValueError
from gitexport.model.changeset import ChangeKind, ComparedSide, DocumentChange
from gitexport.model.entity import Entity, Shard, Tracking
from gitexport.model.key_text import shown_key
from gitexport.model.ports import (
    Key,
    NestedKind,
    Progress,
    RowQuery,
    RowScope,
    SourceRow,
    SourceView,
)
from gitexport.model.snapshot import Commit
from gitexport.store.trees import FILE_MODE, ID_BYTES

_TOLD_EVERY = 500
_ENTRY = FILE_MODE + b" %s\0"
# What an entry with an empty name would take, so that no two begin in the same stretch.
_SHORTEST_ENTRY = len(FILE_MODE) + 2 + ID_BYTES


@dataclass(frozen=True, slots=True)
class LiveSide:
    """The database as one side of a comparison, the target unless `is_base`.

    What differs is kept in `spool`, so that the view is needed only once.
    """

    view: SourceView
    spool: Spool
    progress: Progress
    is_base: bool = False


def compare_database(
    history: StoredHistory, commit: Commit, live: LiveSide, selection: Selection
) -> Comparison:
    """Compares a commit with the database; reads all rows of the entities that are meant.

    Raises:
        UsageError: The selection names what neither side has.
        ConfigError: The configuration does not fit the database.
        SourceError: The database cannot be read.
        CorruptRepositoryError: An object is missing or damaged.
    """
    tree = history.at(bytes.fromhex(commit.tree_id))
    # Neither flags nor an outbox are needed, and entities may not be tracked yet.
    entities = [
        entity._replace(tracking=Tracking.COMPARE)
        for entity in history.publication.entities
        if selection.means_entity(_names(entity))
    ]
    rows = sum(live.view.count(entity, RowScope.ALL) for entity in entities)
    live.progress.stage("reading rows", rows)
    walks = [
        EntityWalk(
            _read(tree, entity, live), _names(entity), partial(live.spool.changes, entity.name)
        )
        for entity in entities
    ]
    _require_meant(history, tree, walks, selection)
    stored, database = ComparedSide(commit.commit_id, commit.snapshot), ComparedSide()
    readers: tuple[BlobReader, BlobReader] = (history.repository, live.spool)
    if not live.is_base:
        walking = partial(walk_documents, walks, readers, selection)
        return Comparison(stored, database, walking, readers)
    walks = [_turned(walk) for walk in walks]
    readers = (live.spool, history.repository)
    return Comparison(database, stored, partial(walk_documents, walks, readers, selection), readers)


def _require_meant(
    history: StoredHistory, tree: StoredTree, walks: Sequence[EntityWalk], selection: Selection
) -> None:
    """Refuses addresses and fields that neither side has; the database's rows were read."""
    entities = [(walk.names, walk.entity) for walk in walks]
    in_rows = [
        address
        for address in selection.only
        for walk in walks
        if address.entity in walk.names
        and any(change.key and address.matches(change.key) for change in walk.walk())
    ]
    left = tuple(replace(each, parts=None) if each in in_rows else each for each in selection.only)
    require_meant(history, (tree, tree), entities, replace(selection, only=left))


def _names(entity: Entity) -> tuple[str, ...]:
    return (entity.name, *([entity.renamed_from] if entity.renamed_from else []))


def _turned(walk: EntityWalk) -> EntityWalk:
    """Exchanges the sides of an entity's changes."""
    pair = EntityPair(walk.entity.new, walk.entity.old, walk.entity.label)
    return EntityWalk(pair, walk.names, lambda: map(_turned_change, walk.walk()))


def _turned_change(change: DocumentChange) -> DocumentChange:
    kinds = {ChangeKind.ADDED: ChangeKind.DELETED, ChangeKind.DELETED: ChangeKind.ADDED}
    return replace(
        change,
        kind=kinds.get(change.kind, change.kind),
        path=change.old_path or change.path,
        old_path=change.path if change.old_path else None,
        old_blob=change.new_blob,
        new_blob=change.old_blob,
    )


def _read(tree: StoredTree, entity: Entity, live: LiveSide) -> EntityPair:
    stored = tree.entity(entity.name)
    pair = EntityPair(stored, _live(entity, stored, live.view), entity.label)
    _EntityReader(tree, pair, live.spool).read(live.view, entity, live.progress)
    return pair


def _live(entity: Entity, stored: StoredEntity | None, view: SourceView) -> StoredEntity:
    """Describes an entity as the database has it, in the commit's layout where that fits."""
    relation = view.relation(entity)
    columns = view.columns(entity)
    published = relation._replace(
        columns=tuple(column for column in relation.columns if column.name in columns)
    )
    manifest = EntityManifest.initial(entity) if stored is None else stored.manifest
    shard = Shard.parse(manifest.shard)
    try:
        laid_out = entity._replace(directory=manifest.directory, shard=shard)
        paths = path_function(laid_out, relation)
    except ConfigError:
        # The key's type has changed; names of files are the same all the same.
        manifest, paths = EntityManifest.initial(entity), path_function(entity, relation)
    return StoredEntity(entity.name, manifest, entity.key, published, paths)


class _EntityReader:
    """Reads the rows of one entity and keeps what differs from its documents."""

    def __init__(self, tree: StoredTree, pair: EntityPair, spool: Spool) -> None:
        assert pair.new is not None  # noqa: S101 - the database has every configured entity
        self._tree = tree
        self._stored = pair.old
        self._live = pair.new
        self._spool = spool
        self._is_moved = pair.old is not None and (
            pair.old.manifest.directory != pair.new.manifest.directory
            or pair.old.manifest.shard != pair.new.manifest.shard
        )
        # One bit for each entry of a directory, set by the row that it is of.
        self._seen: dict[bytes, bytearray] = {}

    def read(self, view: SourceView, entity: Entity, progress: Progress) -> None:
        """Reads all rows; the query is read to its end, so that the view stays usable."""
        nested = view.nested(entity)
        rows = 0
        for row in view.rows(entity, RowQuery(RowScope.ALL)):
            rows += 1
            self._compare(entity, row.key, *_document(row, nested))
            if not rows % _TOLD_EVERY:
                progress.advance(_TOLD_EVERY)
        progress.advance(rows % _TOLD_EVERY)
        for change in self._departed():
            self._spool.add(change, None)

    def _compare(self, entity: Entity, key: Key, content: bytes | None, reason: str | None) -> None:
        directory, name = self._live.paths.path(key)
        path = (directory + b"/" + name).decode()
        home = directory
        if self._is_moved and self._stored is not None:
            home = self._stored.paths.directory_of(name) or directory
        old = None if self._stored is None else self._old(home, name)
        new = None if content is None else blob_id(content)
        if old is not None and self._mark(home, old.at):
            raise key_not_unique(entity, path)
        if old is not None and old.blob == new:
            return
        change = DocumentChange(
            entity=entity.name,
            key=key if reason is None else shown_key(key),
            kind=ChangeKind.ADDED if old is None else ChangeKind.MODIFIED,
            path=path,
            old_path=None if home == directory else (home + b"/" + name).decode(),
            old_blob=None if old is None else old.blob.hex(),
            new_blob=None if new is None else new.hex(),
            reason=reason,
        )
        if not self._spool.add(change, content):
            raise key_not_unique(entity, path)

    def _old(self, directory: bytes, name: bytes) -> _Entry | None:
        """Finds a document in the commit."""
        raw = self._tree.reader.raw(directory)
        # A match inside of an id would be as unlikely as a collision of ids.
        head = _ENTRY % name
        at = raw.find(head)
        if at < 0:
            return None
        start = at + len(head)
        return _Entry(at, raw[start : start + ID_BYTES])

    def _mark(self, directory: bytes, at: int) -> bool:
        """Marks an entry as having a row; tells whether it had one already."""
        marks = self._seen.get(directory)
        if marks is None:
            entries = len(self._tree.reader.raw(directory)) // _SHORTEST_ENTRY
            marks = self._seen[directory] = bytearray(entries // 8 + 1)
        place, bit = divmod(at // _SHORTEST_ENTRY, 8)
        was_marked = bool(marks[place] >> bit & 1)
        marks[place] |= 1 << bit
        return was_marked

    def _departed(self) -> Iterator[DocumentChange]:
        """Yields the documents that no row accounts for."""
        if self._stored is None:
            return
        paths = self._stored.paths
        for directory, names in self._tree.reader.walk(self._stored.manifest.directory.encode()):
            at = 0
            for name, entry in names.items():
                here = at
                at += len(entry.mode) + len(name) + len(entry.object_id) + 2
                if not entry.is_file or paths.directory_of(name) != directory:
                    continue
                if self._mark(directory, here):
                    continue
                path = directory + b"/" + name
                key = paths.parse(path)
                yield DocumentChange(
                    entity=self._live.name,
                    key=key if isinstance(key, tuple) else None,
                    kind=ChangeKind.DELETED,
                    path=path.decode(),
                    old_blob=entry.object_id.hex(),
                )
            self._tree.reader.forget(directory)


class _Entry(NamedTuple):
    """A document's entry in a directory: where it begins, and the blob."""

    at: int
    blob: bytes


def _document(row: SourceRow, nested: Sequence[NestedKind]) -> tuple[bytes | None, str | None]:
    """Makes a row's document, or says why there is none."""
    if row.text is None:
        if row.problem is not None:
            return None, row.problem.sentence
        return None, f"the row has {row.size:,} bytes, more than can be exported"
    try:
        return assemble(row.text, nested), None
    except UnsupportedValueError as error:
        return None, error.message if error.where is None else f"{error.where}: {error.message}"

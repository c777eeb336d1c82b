"""Refuses selections that mean nothing, and names what is nearest to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from gitexport.compare.changed_document import ChangedDocument, EntityPair
from gitexport.compare.nearest import key_misfit, no_document, no_entity, require_key
from gitexport.compare.selection import Selection
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import UsageError
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.pointer import parse_pointer

Trees = tuple[StoredTree, StoredTree]
Named = tuple[tuple[str, ...], EntityPair]
"""An entity with the names that it has or had."""


def require_meant(
    history: StoredHistory, trees: Trees, entities: Sequence[Named], selection: Selection
) -> None:
    """Checks that every address names something on one of the sides, and every field a column.

    Raises:
        UsageError: One does not; the hint names the nearest.
    """
    for address in selection.only:
        found = [pair for names, pair in entities if address.entity in names]
        if not found:
            raise no_entity(history, trees[1], address.entity)
        if address.pointer:
            _require_column(address.pointer, found, str(address))
        if address.parts is not None:
            _require_document(history, trees, found[0], address)
    pairs = [pair for names, pair in entities if selection.means_entity(names)]
    for pointer in (*selection.ignore, *(test.pointer for test in selection.where)):
        _require_column(pointer, pairs, pointer)


def _require_column(pointer: str, pairs: Sequence[EntityPair], where: str) -> None:
    path = parse_pointer(pointer)
    stored = [side for pair in pairs for side in (pair.old, pair.new) if side is not None]
    known = sorted({column.name for entity in stored for column in entity.relation.columns})
    if not path or path[0] in known or not known:
        return
    message = f"there is no field '{path[0]}'"
    near = get_close_matches(path[0], known, n=3)
    hint = f"did you mean: {', '.join(near)}" if near else f"fields: {', '.join(known[:10])}"
    raise UsageError(message, where=where, hint=hint)


def _require_document(
    history: StoredHistory, trees: Trees, pair: EntityPair, address: Address
) -> None:
    sides = [(tree, side) for tree, side in zip(trees, (pair.old, pair.new), strict=True) if side]
    tree, entity = sides[-1]
    if address.key is None:
        if any(address.matches(key) for side in sides for key in _keys(history, *side)):
            return
        if all(len(address.parts or ()) != len(side.key) for _tree, side in sides):
            raise key_misfit(entity, address)
        message = f"'{address}' matches no document on either side"
        hint = f"see 'gitexport compare … --only {entity.name}'"
        raise UsageError(message, where=str(address), hint=hint)
    key = require_key(entity, address)
    for other, side in sides:
        if len(side.key) != len(key):
            continue
        directory, name = side.paths.path(key)
        if other.blob(directory + b"/" + name) is not None:
            return
    raise no_document(tree, entity, address, "either snapshot")


def _keys(
    history: StoredHistory, tree: StoredTree, entity: StoredEntity
) -> Iterator[tuple[str, ...]]:
    pair, readers = EntityPair(None, entity), (history.repository, history.repository)
    for directory, names in tree.reader.walk(entity.manifest.directory.encode()):
        for name, entry in names.items():
            path = directory + b"/" + name
            key = entity.paths.parse(path)
            if isinstance(key, tuple):
                yield key
            elif key is not None and entry.is_file:
                # The name of its file holds only a part of the key.
                blob = entry.object_id.hex()
                change = DocumentChange(
                    entity.name, None, ChangeKind.ADDED, path.decode(), new_blob=blob
                )
                yield from ChangedDocument(change, pair, readers).addressed
        tree.reader.forget(directory)

"""Walks the entities of a comparison: renames found, selections applied, fields compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gitexport.compare.changed_document import BlobReader, ChangedDocument, EntityPair
from gitexport.compare.renames import Walk, with_renames
from gitexport.compare.selection import Selection
from gitexport.model.pointer import parse_pointer


@dataclass(frozen=True, slots=True)
class EntityWalk:
    """How to walk the changes of one entity. `names` are those it has or had."""

    entity: EntityPair
    names: tuple[str, ...]
    walk: Walk


def walk_documents(
    walks: Collection[EntityWalk], readers: tuple[BlobReader, BlobReader], selection: Selection
) -> Iterator[ChangedDocument]:
    """Yields the documents that are meant, settled, entity by entity."""
    ignored = map(parse_pointer, selection.ignore)
    columns = [path[0] for path in ignored if len(path) == 1]
    for entity_walk in walks:
        names = entity_walk.names
        if not selection.means_entity(names):
            continue
        for change in with_renames(entity_walk.walk, entity_walk.entity, readers, columns):
            document = ChangedDocument(change, entity_walk.entity, readers)
            if selection.means_key(document, names) and selection.settle(document, names):
                yield document

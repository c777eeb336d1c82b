"""By which key the documents of a commit are named, and what a document says of its key."""

from __future__ import annotations

from contextlib import suppress

from gitexport.canonical.document_key import key_parts
from gitexport.canonical.value import JsonValue, loads
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree, possible_keys
from gitexport.errors import ConfigError, UnsupportedValueError
from gitexport.model.ports import Key
from gitexport.store.trees import FILE_MODE


def by_own_key(history: StoredHistory, tree: StoredTree, entity: StoredEntity) -> StoredEntity:
    """Describes an entity by the key that names its documents, which may not be today's.

    Gives it as it is where no known key names them.
    """
    for key in possible_keys(history.publication, entity.name, entity.relation):
        with suppress(ConfigError):
            known = StoredEntity.with_key(entity.name, entity.manifest, key, entity.relation)
            if names_one(history, tree, known):
                return known
    return entity


def is_named_otherwise(history: StoredHistory, tree: StoredTree, entity: StoredEntity) -> bool:
    """Tells whether documents are named by another key than today's, whose columns they hold.

    A column that a commit does not have yet is a renamed one, perhaps: an export will tell.
    """
    today = possible_keys(history.publication, entity.name, entity.relation)[0]
    is_known = all(entity.relation.column(name) for name in today)
    return is_known and by_own_key(history, tree, entity).key != today


def names_one(history: StoredHistory, tree: StoredTree, entity: StoredEntity) -> bool:
    """Tells whether the entity's key names the first document that can have its name from it."""
    for directory, names in tree.reader.walk(entity.manifest.directory.encode()):
        for name, entry in names.items():
            key = entity.paths.parse(directory + b"/" + name)
            if key is None or entry.mode != FILE_MODE:
                continue
            if not isinstance(key, tuple):
                return True
            content = history.repository.read_blob(entry.object_id)
            return has_key(content, entity, key) is not False
        tree.reader.forget(directory)
    return False


def has_key(document: bytes, entity: StoredEntity, key: Key) -> bool | None:
    """Tells whether a document is that of a key; None where its values do not settle the text."""
    value = object_of(document)
    if value is None or any(value.get(name) is None for name in entity.key):
        return False
    parts = key_parts(value, entity.relation, entity.key)
    return None if None in parts else parts == key


def key_of(document: bytes, entity: StoredEntity) -> Key | None:
    """Reads a key from a document; None where its text is not that of the value."""
    value = object_of(document)
    if value is None:
        return None
    found: list[str] = []
    for name, part in zip(entity.key, key_parts(value, entity.relation, entity.key), strict=True):
        # What stands in a document as text is nearly always the text of the value.
        told = value.get(name) if part is None else part
        if isinstance(told, bool) or not isinstance(told, (int, str)):
            return None
        found.append(str(told))
    return tuple(found)


def object_of(document: bytes) -> dict[str, JsonValue] | None:
    """Reads a document; None where it is no JSON object."""
    try:
        value = loads(document)
    except UnsupportedValueError:
        return None
    return value if isinstance(value, dict) else None

"""Names what is nearest to an entity or document that does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice

from gitexport.canonical.shards import PathFunction
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import UsageError
from gitexport.model.address import Address, format_address
from gitexport.model.ports import Key

_SHOWN = 3
_PROBED = 200
_MOST_NAMES = 2_000


def require_entity(history: StoredHistory, tree: StoredTree, name: str) -> StoredEntity:
    """Finds an entity in a commit.

    Raises:
        UsageError: It has no such entity; the hint names the nearest ones.
    """
    found = tree.entity(name)
    if found is not None:
        return found
    raise no_entity(history, tree, name)


def no_entity(history: StoredHistory, tree: StoredTree, name: str) -> UsageError:
    """Says that there is no such entity."""
    configured = [entity.name for entity in history.publication.entities]
    known = sorted({*tree.manifest.entities, *configured})
    near = get_close_matches(name, known, n=_SHOWN)
    if name in configured:
        message = f"no snapshot holds the entity '{name}' yet"
        return UsageError(message, where=name, hint="run 'gitexport export'")
    message = f"there is no entity '{name}'"
    hint = f"did you mean: {', '.join(near)}" if near else f"entities: {', '.join(known) or 'none'}"
    return UsageError(message, where=name, hint=hint)


def require_key(entity: StoredEntity, address: Address) -> Key:
    """Gives the key of an address that names one document.

    Raises:
        UsageError: It names none or many, or its key does not fit the entity's.
    """
    key = address.key
    if key is None:
        message = f"'{address}' does not name one document"
        hint = f"name one by its key, as in {entity.name}:42"
        raise UsageError(message, where=str(address), hint=hint)
    try:
        entity.paths.path(key)
    except ValueError as error:
        raise key_misfit(entity, address) from error
    return key


def key_misfit(entity: StoredEntity, address: Address) -> UsageError:
    """Says that an address has other parts than the entity's key."""
    columns = ", ".join(entity.key)
    message = f"'{address}' does not fit the key of '{entity.name}' ({columns})"
    hint = "key parts are joined with commas; a comma inside of one is written \\,"
    return UsageError(message, where=str(address), hint=hint)


def no_document(tree: StoredTree, entity: StoredEntity, address: Address, where: str) -> UsageError:
    """Says that a commit has no such document, and names those next to it."""
    key = require_key(entity, address)
    near = [format_address(entity.name, other) for other in _near(tree, entity.paths, key)]
    message = f"there is no document '{format_address(entity.name, key)}' in {where}"
    hint = f"nearest: {'  '.join(near)}" if near else f"'{entity.name}' has no documents there"
    return UsageError(message, where=str(address), hint=hint)


def _near(tree: StoredTree, paths: PathFunction, key: Key) -> list[Key]:
    found = list(islice(_neighbours(tree, paths, key), _SHOWN))
    if found:
        return found
    directory, name = paths.path(key)
    names = [other.decode() for other in tree.reader.tree(directory)][:_MOST_NAMES]
    close = get_close_matches(name.decode(), names, n=_SHOWN, cutoff=0.3)
    keys = [paths.parse(directory + b"/" + other.encode()) for other in close]
    return [other for other in keys if isinstance(other, tuple)] or _first(tree, paths, directory)


def _neighbours(tree: StoredTree, paths: PathFunction, key: Key) -> Iterator[Key]:
    """Looks for numbers close to the last part of a key."""
    try:
        number = int(key[-1])
    except ValueError:
        return
    for distance in range(1, _PROBED):
        for other in (number - distance, number + distance):
            near = (*key[:-1], str(other))
            try:
                directory, name = paths.path(near)
            except ValueError:
                return
            if tree.blob(directory + b"/" + name) is not None:
                yield near


def _first(tree: StoredTree, paths: PathFunction, directory: bytes) -> list[Key]:
    """Gives some documents of the entity, where none has a similar name."""
    top = directory
    for _level in range(paths.leaf_depth):
        top = top.rpartition(b"/")[0]
    keys = (
        paths.parse(place + b"/" + name)
        for place, names in tree.reader.walk(top)
        for name, entry in names.items()
        if not entry.is_tree
    )
    return list(islice((key for key in keys if isinstance(key, tuple)), _SHOWN))

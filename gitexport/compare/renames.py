"""Documents whose key changed: one went, one came, and all but the key is the same."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import islice

from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.compare.changed_document import BlobReader, ChangedDocument, EntityPair
from gitexport.model.changeset import Absent, ChangeKind, DocumentChange

MOST_CHANGES = 40_000
"""Where more documents of an entity differ, none is taken for a renamed one."""

Walk = Callable[[], Iterator[DocumentChange]]
"""Walks the changes of one entity, again each time."""


def with_renames(
    walk: Walk, entity: EntityPair, readers: Sequence[BlobReader], ignore: Sequence[str] = ()
) -> Iterator[DocumentChange]:
    """Yields the changes of one entity; a pair that differs in its key alone as `renamed`.

    The change stands where the new document does. Differences in the columns of `ignore` do
    not count. Documents that hold nothing but their key are never paired, those that are
    alike in the order of their paths.

    Raises:
        CorruptRepositoryError: An object is missing or damaged.
    """
    changes = list(islice(walk(), MOST_CHANGES + 1))
    if len(changes) > MOST_CHANGES:
        changes.clear()
        yield from walk()
        return
    pairs = _pairs(changes, entity, readers, frozenset(ignore))
    departed = {change.path for change in pairs.values()}
    for change in changes:
        old = pairs.get(change.path) if change.kind is ChangeKind.ADDED else None
        if old is not None:
            yield replace(
                change,
                kind=ChangeKind.RENAMED,
                old_path=old.path,
                old_key=old.key,
                old_blob=old.old_blob,
            )
        elif change.kind is not ChangeKind.DELETED or change.path not in departed:
            yield change


def _pairs(
    changes: Sequence[DocumentChange],
    entity: EntityPair,
    readers: Sequence[BlobReader],
    ignore: frozenset[str],
) -> dict[str, DocumentChange]:
    """Finds the old document of each renamed one, by the new path."""
    came = [change for change in changes if change.kind is ChangeKind.ADDED]
    went = [change for change in changes if change.kind is ChangeKind.DELETED]
    if entity.old is None or entity.new is None or not came or not went:
        return {}
    gone: dict[bytes, deque[DocumentChange]] = defaultdict(deque)
    for change in went:
        value = ChangedDocument(change, entity, readers).old_value
        if rest := _rest(value, {*entity.old.key, *ignore}):
            gone[rest].append(change)
    pairs = {}
    for change in came:
        value = ChangedDocument(change, entity, readers).new_value
        rest = _rest(value, {*entity.new.key, *ignore})
        if rest and gone.get(rest):
            pairs[change.path] = gone[rest].popleft()
    return pairs


def _rest(document: JsonValue | Absent, left_out: set[str]) -> bytes | None:
    """Gives the digest of a document without some members; None where nothing is left."""
    if not isinstance(document, dict):
        return None
    rest = {name: value for name, value in document.items() if name not in left_out}
    return sha256(canonical_value(rest)).digest() if rest else None

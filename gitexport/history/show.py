"""What one snapshot holds: one document, or the documents that it changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

from gitexport.canonical.value import JsonValue, canonical_value, loads
from gitexport.compare.changes import document_changes, with_fields
from gitexport.compare.nearest import no_document, require_entity, require_key
from gitexport.compare.stored import StoredHistory
from gitexport.errors import UsageError
from gitexport.model.address import Address
from gitexport.model.changeset import ABSENT, DocumentChange
from gitexport.model.pointer import get, parse_pointer
from gitexport.model.ports import Key
from gitexport.model.snapshot import Commit


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """One document of a snapshot, or the part of it that a pointer names.

    `content` are the bytes of the file, or of the part in canonical form.
    """

    entity: str
    key: Key
    pointer: str | None
    path: str
    content: bytes
    blob: str


def show_document(history: StoredHistory, commit: Commit, address: Address) -> ShownDocument:
    """Reads one document of a commit.

    Raises:
        UsageError: There is no such entity, document or field; the hint names the nearest.
    """
    tree = history.at(bytes.fromhex(commit.tree_id))
    entity = require_entity(history, tree, address.entity)
    key = require_key(entity, address)
    path = b"/".join(entity.paths.path(key))
    blob = tree.blob(path)
    if blob is None:
        raise no_document(tree, entity, address, f"'{commit.snapshot or commit.commit_id}'")
    content = history.repository.read_blob(blob)
    if address.pointer:
        content = canonical_value(part_of(loads(content), address))
    return ShownDocument(entity.name, key, address.pointer, path.decode(), content, blob.hex())


def show_changes(
    history: StoredHistory, commit: Commit, address: Address, *, with_values: bool = False
) -> Iterator[DocumentChange]:
    """Yields the documents of an address that a commit changed, with fields if asked for.

    Raises:
        UsageError: Neither the commit nor its parent has such an entity.
    """
    tree = history.at(bytes.fromhex(commit.tree_id))
    parent = history.repository.tree_of(commit.parents[0]) if commit.parents else None
    if history.at(parent).entity(address.entity) is None:
        require_entity(history, tree, address.entity)
    for change in document_changes(history, commit, address):
        yield with_fields(history, change, address) if with_values else change


def part_of(value: JsonValue, address: Address) -> JsonValue:
    """Gives the part of a document that an address's pointer names.

    Raises:
        UsageError: There is no such field; the hint names the nearest.
    """
    part: object = value
    for name in parse_pointer(address.pointer or ""):
        inner = get(part, (name,))
        if inner is ABSENT:
            raise _no_field(part, name, address)
        part = inner
    return cast("JsonValue", part)


def _no_field(part: object, name: str, address: Address) -> UsageError:
    message = f"there is no field '{name}' at '{address}'"
    if isinstance(part, dict):
        near = get_close_matches(name, part, n=3) or sorted(part)[:5]
        hint = f"nearest: {', '.join(near)}"
    elif isinstance(part, list):
        hint = f"the array there has {len(part)} elements, counted from 0"
    else:
        hint = "the value there is neither an object nor an array"
    return UsageError(message, where=str(address), hint=hint)

"""One document that differs, read when it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, cast

from gitexport.canonical.value import JsonValue, dumps_line
from gitexport.compare.documents import MOST_BYTES, read_document, value_changes
from gitexport.compare.stored import StoredEntity
from gitexport.errors import UnsupportedValueError
from gitexport.model.changeset import ABSENT, Absent, ChangeKind, DocumentChange
from gitexport.model.ports import Key

_INTEGERS = frozenset({"smallint", "integer", "bigint"})


class BlobReader(Protocol):
    """Where the bytes of one side's documents come from, by their 20-byte blob ids."""

    def read_blob(self, blob_id: bytes) -> bytes:
        """Gives the bytes.

        Raises:
            CorruptRepositoryError: They are missing or damaged.
        """

    def blob_size(self, blob_id: bytes) -> int:
        """Gives their number, without reading them."""


@dataclass(frozen=True, slots=True)
class EntityPair:
    """An entity as two sides hold it, None on a side that does not have it.

    `label` is the column that names a document for people.
    """

    old: StoredEntity | None
    new: StoredEntity | None
    label: str | None = None

    @property
    def name(self) -> str:
        """The newer name."""
        entity = self.new or self.old
        return "" if entity is None else entity.name


class ChangedDocument:
    """One document that differs between two sides.

    `settle` completes the change, which until then is what the trees say.
    """

    def __init__(
        self, change: DocumentChange, entity: EntityPair, readers: Sequence[BlobReader]
    ) -> None:
        self.change = change
        self.entity = entity
        self._readers = readers

    def settle(self) -> DocumentChange:
        """Compares the fields, unless the change has a reason not to.

        A modified document without differing fields was only rewritten. Where one side cannot
        be read or is beyond the limits, the change gets a reason and no fields.

        Raises:
            CorruptRepositoryError: An object is missing or damaged.
        """
        change = self.change
        if change.reason is not None or change.old_blob == change.new_blob:
            return change
        reasons = [value for value in (self._old, self._new) if isinstance(value, _Unread)]
        if reasons:
            self.change = replace(change, reason=reasons[0].reason)
            return self.change
        fields = tuple(value_changes(self._old, self._new))  # type: ignore[arg-type]
        kind = change.kind
        if kind is ChangeKind.MODIFIED and not fields:
            kind = ChangeKind.REWRITTEN
        self.change = replace(change, kind=kind, fields=fields)
        return self.change

    @property
    def old(self) -> bytes | None:
        """The base's bytes; None where it has no such document."""
        blob = self.change.old_blob
        return None if blob is None else self._readers[0].read_blob(bytes.fromhex(blob))

    @property
    def new(self) -> bytes | None:
        """The target's bytes; None where it has no such document."""
        blob = self.change.new_blob
        return None if blob is None else self._readers[1].read_blob(bytes.fromhex(blob))

    @property
    def old_value(self) -> JsonValue | Absent:
        """The base's document, exactly read; absent where it is not there or cannot be read."""
        return ABSENT if isinstance(self._old, _Unread) else self._old

    @property
    def new_value(self) -> JsonValue | Absent:
        """The target's document, exactly read; absent where it is not there or cannot be read."""
        return ABSENT if isinstance(self._new, _Unread) else self._new

    @property
    def key(self) -> list[JsonValue] | None:
        """The key as the document has it, numbers as numbers; of the base where deleted.

        None where only the document would tell and it cannot be read.
        """
        if self.change.kind is ChangeKind.DELETED:
            return _key(self.old_value, self.entity.old, self.change.key)
        return _key(self.new_value, self.entity.new, self.change.key)

    @property
    def addressed(self) -> list[Key]:
        """The keys by which the document can be named: the target's, and one it had before.

        Where the file's name holds only a part of the key, the document tells it.
        """
        keys = [key for key in (self.change.key, self.change.old_key) if key is not None]
        values = self.key if self.change.key is None else None
        return keys if values is None else [tuple(map(_text, values)), *keys]

    @property
    def old_key(self) -> list[JsonValue] | None:
        """The base's key of a document whose key changed, else None."""
        if self.change.old_key is None:
            return None
        return _key(self.old_value, self.entity.old, self.change.old_key)

    @property
    def label(self) -> JsonValue:
        """What the label's column holds, in the base where deleted; None without a label."""
        is_deleted = self.change.kind is ChangeKind.DELETED
        value = self.old_value if is_deleted else self.new_value
        if self.entity.label is None or not isinstance(value, dict):
            return None
        return cast("JsonValue", value.get(self.entity.label))

    @cached_property
    def _old(self) -> JsonValue | Absent | _Unread:
        return _read(self.change.old_blob, self._readers[0], "base")

    @cached_property
    def _new(self) -> JsonValue | Absent | _Unread:
        return _read(self.change.new_blob, self._readers[1], "target")


@dataclass(frozen=True, slots=True)
class _Unread:
    """Why a document was not read."""

    reason: str


def _read(blob: str | None, reader: BlobReader, side: str) -> JsonValue | Absent | _Unread:
    if blob is None:
        return ABSENT
    blob_id = bytes.fromhex(blob)
    size = reader.blob_size(blob_id)
    if size > MOST_BYTES:
        return _Unread(f"the {side}'s has {size:,} bytes, more than {MOST_BYTES:,}")
    try:
        return read_document(reader.read_blob(blob_id))
    except UnsupportedValueError as error:
        return _Unread(f"the {side}'s {error.message}")


def _key(
    document: JsonValue | Absent, entity: StoredEntity | None, key: Key | None
) -> list[JsonValue] | None:
    columns = () if entity is None else entity.key
    if isinstance(document, dict) and columns and all(name in document for name in columns):
        return [document[name] for name in columns]
    if key is None:
        return None
    integers = [_is_integer(entity, name) for name in columns] or [False] * len(key)
    return [int(text) if is_int else text for text, is_int in zip(key, integers, strict=False)]


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else dumps_line(value).decode().rstrip("\n")


def _is_integer(entity: StoredEntity | None, name: str) -> bool:
    column = None if entity is None else entity.relation.column(name)
    return column is not None and column.type_name in _INTEGERS

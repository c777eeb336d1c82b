"""What both sides changed since a base, merged field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from gitexport.canonical.value import JsonValue, canonical_value, loads
from gitexport.model.absent import ABSENT
from gitexport.model.field_merge import merge_fields
from gitexport.model.ports import Key
from gitexport.model.recognition import NativeDocument
from gitexport.transfer.import_report import MergeConflict


@dataclass(slots=True)
class MergedDocuments:
    """What is left to write after a merge: documents and deletions by the keys of rows.

    `settled` counts documents of which nothing is left to write.
    """

    documents: list[tuple[Key, bytes]] = field(default_factory=list)
    deletions: list[Key] = field(default_factory=list)
    conflicts: list[MergeConflict] = field(default_factory=list)
    settled: int = 0


def merge_documents(
    entity: str,
    natives: Iterable[NativeDocument],
    current: Mapping[Key, bytes],
    columns: Sequence[str],
) -> MergedDocuments:
    """Merges changed documents into the rows that are there.

    `current` are the documents of rows now, by their keys. Only members that are among
    `columns` count.

    Raises:
        UnsupportedValueError: A document cannot be read exactly.
    """
    known = frozenset(columns)
    merged = MergedDocuments()
    for native in natives:
        ours = _value(current.get(native.key), known)
        result = merge_fields(_value(native.base, known), ours, _value(native.document, known))
        if result.conflicts:
            conflict = MergeConflict(entity, native.foreign_key, native.key, result.conflicts)
            merged.conflicts.append(conflict)
        elif result.value is ABSENT:
            merged.deletions += [native.key] if ours is not ABSENT else []
            merged.settled += ours is ABSENT
        else:
            document = canonical_value(cast("JsonValue", result.value))
            merged.documents.append((native.key, document))
    return merged


def _value(document: bytes | None, columns: frozenset[str]) -> object:
    if document is None:
        return ABSENT
    value = loads(document)
    if not isinstance(value, dict):
        return value
    return {name: member for name, member in value.items() if name in columns}

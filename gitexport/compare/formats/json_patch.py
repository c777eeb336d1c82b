"""Writes a comparison as a patch file: for each document, operations of JSON Patch (RFC 6902).

One document stands on a line, and one at a time is held.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitexport.canonical.check import is_canonical
from gitexport.canonical.value import JsonValue, loads
from gitexport.compare.changed_document import ChangedDocument
from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.members import side_members, to_text
from gitexport.compare.patch import patch_operations
from gitexport.compare.patch_file import PATCH_FORMAT
from gitexport.errors import UnsupportedValueError
from gitexport.model.changeset import ABSENT, Absent, ChangeKind, FieldChange

_INSIDE = frozenset({ChangeKind.MODIFIED, ChangeKind.REWRITTEN})
_NOT_CANONICAL = "only bytes differ, and those of the target are not canonical"


def write(comparison: Comparison, out: Write) -> None:
    """Writes the patch that turns the base into the target.

    A changed key is a removal and an addition. Documents that only moved are left out without
    a word, as the layout is the repository's own; those that cannot be held are named in
    `left_out`, each with its reason.
    """
    sides = [to_text(side_members(side)) for side in (comparison.base, comparison.target)]
    out(f'{{"format":"{PATCH_FORMAT}","base":{sides[0]},"target":{sides[1]},"documents":[')
    left_out: list[str] = []
    separator = "\n"
    for document in comparison.changes():
        try:
            entries = _entries(document)
        except UnsupportedValueError as error:
            left_out.append(_left_out(document, error.message))
            continue
        for entry in entries:
            out(separator + entry)
            separator = ",\n"
    out("\n]" if separator == ",\n" else "]")
    out(f',"left_out":[{",".join(left_out)}]}}\n')


def _entries(document: ChangedDocument) -> list[str]:
    """Writes the entries of one document.

    Raises:
        UnsupportedValueError: A patch cannot hold the change; the message says why.
    """
    change = document.change
    if change.kind is ChangeKind.RENAMED and change.old_key is None:
        return []
    if change.kind is ChangeKind.REWRITTEN and not is_canonical(document.new or b""):
        raise UnsupportedValueError(_NOT_CANONICAL)
    if change.kind in _INSIDE and change.reason is None:
        return [_entry(document, change.fields)]
    if change.reason is None:
        old, new = document.old_value, document.new_value
    else:
        # Beyond the limits of a comparison, and still a document.
        old, new = _value(document.old), _value(document.new)
    if change.old_key is None:
        return [_entry(document, [FieldChange("", old, new)])]
    old_path = change.old_path or change.path
    removal = [FieldChange("", old, ABSENT)]
    removed = _named(change.entity, document.old_key, old_path, removal)
    return [removed, _entry(document, [FieldChange("", ABSENT, new)])]


def _entry(document: ChangedDocument, changes: Sequence[FieldChange]) -> str:
    return _named(document.change.entity, document.key, document.change.path, changes)


def _named(
    entity: str, key: list[JsonValue] | None, path: str, changes: Sequence[FieldChange]
) -> str:
    members = {"entity": entity, "key": key, "path": path, "patch": patch_operations(changes)}
    return to_text(members)


def _left_out(document: ChangedDocument, reason: str) -> str:
    change = document.change
    members = {"entity": change.entity, "key": document.key, "path": change.path}
    return to_text({**members, "reason": reason})


def _value(data: bytes | None) -> JsonValue | Absent:
    return ABSENT if data is None else loads(data)

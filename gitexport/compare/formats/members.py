"""Changes as the members of JSON objects; a side on which something is absent has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import cast

from gitexport.canonical.value import JsonValue, dumps_line
from gitexport.compare.changed_document import ChangedDocument
from gitexport.model.changeset import (
    ABSENT,
    ChangeCounts,
    ChangedFile,
    ChangeKind,
    ComparedSide,
    FieldChange,
)

FORMAT_NAME = "gitexport.compare/v1"


def side_members(side: ComparedSide) -> dict[str, object]:
    """Gives one side; of the live database both members are null."""
    return {"name": side.name, "snapshot": side.snapshot, "commit": side.commit}


def name_members(document: ChangedDocument) -> dict[str, object]:
    """Names one document and how it differs."""
    change = document.change
    members: dict[str, object] = {
        "entity": change.entity,
        "key": document.key,
        "label": document.label,
        "kind": change.kind.value,
        "path": change.path,
    }
    if change.old_path is not None:
        members["old_path"] = change.old_path
    if change.kind is ChangeKind.RENAMED:
        members["old_key"] = document.old_key
    return members


def change_members(document: ChangedDocument) -> dict[str, object]:
    """Gives one document's change.

    Modified documents have `fields`, added and deleted ones the `document`, renamed ones
    `old_key`. Where a document could not be compared, these are null, and `reason` says why.
    """
    change, members = document.change, name_members(document)
    if change.reason is not None:
        return members | {"fields": None, "reason": change.reason}
    if change.kind is ChangeKind.MODIFIED:
        members["fields"] = fields_members(change.fields)
    elif change.kind is ChangeKind.ADDED:
        members["document"] = document.new_value
    elif change.kind is ChangeKind.DELETED:
        members["document"] = document.old_value
    return members


def fields_members(fields: Sequence[FieldChange]) -> list[dict[str, object]]:
    """Gives field changes; null is a value, an absent field has no member."""
    return [
        {"pointer": field.pointer}
        | ({} if field.old is ABSENT else {"old": field.old})
        | ({} if field.new is ABSENT else {"new": field.new})
        for field in fields
    ]


def file_members(file: ChangedFile) -> dict[str, object]:
    """Gives one file that is no entity's document."""
    return {"path": file.path, "role": file.role.value, "kind": file.kind.value}


def counts_members(counts: ChangeCounts) -> dict[str, int]:
    """Gives counts by kind."""
    return asdict(counts)


def to_text(value: object) -> str:
    """Writes a value on one line, members in the order in which they are."""
    return dumps_line(cast("JsonValue", value), is_sorted=False).decode().rstrip("\n")

"""Documents and fields that changed, as lines for people and as JSON members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitexport.cli.render.differing import field_text
from gitexport.model.address import format_address
from gitexport.model.changeset import ABSENT, ChangeKind, DocumentChange, FieldChange

SHOWN_DOCUMENTS = 20
"""How many documents of one snapshot `log -p` shows."""

STYLES = {
    ChangeKind.ADDED: "green",
    ChangeKind.DELETED: "red",
    ChangeKind.MODIFIED: "yellow",
    ChangeKind.RENAMED: "cyan",
    ChangeKind.REWRITTEN: "dim",
}
"""How rich shows each kind."""


def change_lines(change: DocumentChange, indent: str = "") -> Iterator[tuple[str, str]]:
    """Yields a document's line and those of its fields, each with its style.

    The fields of added and deleted documents are those of the document; they are left out.
    """
    name = change.path if change.key is None else format_address(change.entity, change.key)
    moved = f"  (from {change.old_path})" if change.old_path else ""
    yield f"{indent}{change.kind.mark} {name}{moved}", STYLES[change.kind]
    if change.reason is not None:
        yield f"{indent}    not compared: {change.reason}", "yellow"
    elif change.kind is ChangeKind.MODIFIED:
        for field in change.fields:
            yield field_line(field, indent + "    ")


def field_line(field: FieldChange, indent: str = "") -> tuple[str, str]:
    """Writes one field's line, with its style."""
    if field.old is ABSENT:
        return indent + field_text(field), "green"
    if field.new is ABSENT:
        return indent + field_text(field), "red"
    return indent + field_text(field), "yellow"


def change_members(change: DocumentChange) -> dict[str, object]:
    """Gives a document's change for JSON."""
    members: dict[str, object] = {
        "entity": change.entity,
        "key": change.key,
        "kind": change.kind,
        "path": change.path,
    }
    if change.old_path is not None:
        members["old_path"] = change.old_path
    members |= {"old_blob": change.old_blob, "new_blob": change.new_blob}
    if change.reason is not None:
        members |= {"fields": None, "reason": change.reason}
    elif change.kind is ChangeKind.MODIFIED:
        members["fields"] = field_members(change.fields)
    return members


def field_members(fields: Sequence[FieldChange]) -> list[dict[str, object]]:
    """Gives field changes for JSON; a side on which a field is absent has no member."""
    from gitexport.compare.formats.members import fields_members

    return fields_members(fields)

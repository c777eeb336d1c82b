"""Merges two changes of one document into a canonical document, as `git merge` asks for it.

A field that both sides changed differently keeps our value. The document then says so in one
member of its own, `CONFLICTS`: a list of `pointer`, `base`, `ours` and `theirs`, where a side
that has no such field is left out. The member's name is longer than the name of any column can
be (63 bytes), so it is never one by accident. Whoever merges sets the fields and removes the
member; no hook lets it pass.

The manifest counts documents. Where both sides counted on from the base, both differences add
up: two sides that add one document each made two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from gitexport.canonical.value import JsonValue, canonical_value, loads
from gitexport.errors import UnsupportedValueError
from gitexport.model.changeset import ABSENT
from gitexport.model.field_merge import FieldConflict, merge_fields
from gitexport.model.pointer import format_pointer, get, put

CONFLICTS: Final = (
    "<<<<<<< gitexport: both sides changed these fields; set each, then remove this member"
)
_COUNTED = ("bytes", "count")
_ENTITIES = "entities"


@dataclass(frozen=True, slots=True)
class MergedDocument:
    """A canonical document, and the fields for which somebody has to choose."""

    content: bytes
    conflicts: tuple[FieldConflict, ...]


def merge_documents(
    base: bytes | None, ours: bytes, theirs: bytes, *, is_manifest: bool = False
) -> MergedDocument:
    """Merges the documents field by field; None is a base that does not exist.

    Raises:
        UnsupportedValueError: One of them is not JSON, or cannot be held exactly.
    """
    sides = (ABSENT if base is None else loads(base), loads(ours), loads(theirs))
    added_up = _added_up(*sides) if is_manifest else {}
    merged = merge_fields(*sides)
    value = merged.value
    for path, number in added_up.items():
        value = put(value, path, number)
    decided = set(map(format_pointer, added_up))
    conflicts = tuple(conflict for conflict in merged.conflicts if conflict.pointer not in decided)
    if conflicts:
        value = _marked(value, conflicts)
    try:
        return MergedDocument(canonical_value(cast("JsonValue", value)), conflicts)
    except ValueError as error:
        message = "a string holds half of a surrogate pair"
        raise UnsupportedValueError(message) from error


def unresolved(value: object) -> bool:
    """Tells whether a document holds fields for which nobody has chosen yet."""
    return isinstance(value, dict) and CONFLICTS in value


def _marked(value: object, conflicts: tuple[FieldConflict, ...]) -> dict[str, object]:
    # What is no object, as a list made by a query, gives its place to what it could be.
    members = value if isinstance(value, dict) else {}
    before = members.get(CONFLICTS)
    told = [*(before if isinstance(before, list) else []), *map(_told, conflicts)]
    return {**members, CONFLICTS: told}


def _told(conflict: FieldConflict) -> dict[str, object]:
    sides = {"base": conflict.base, "ours": conflict.ours, "theirs": conflict.theirs}
    return {
        "pointer": conflict.pointer,
        **{name: value for name, value in sides.items() if value is not ABSENT},
    }


def _added_up(base: object, ours: object, theirs: object) -> dict[tuple[str, ...], int]:
    """Gives the counts of a manifest that all three sides have, with both differences."""
    entities = get(ours, (_ENTITIES,))
    found: dict[tuple[str, ...], int] = {}
    for name in entities if isinstance(entities, dict) else ():
        for counted in _COUNTED:
            path = (_ENTITIES, str(name), counted)
            numbers = [get(side, path) for side in (base, ours, theirs)]
            if all(type(number) is int for number in numbers):
                before, one, other = cast("list[int]", numbers)
                found[path] = one + other - before
    return found
